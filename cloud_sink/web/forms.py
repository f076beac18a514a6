"""Small forms: their fields, bounded before anything is read."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

MAX_FORM_BYTES = 8 * 1024  # a name, two passwords and an address, percent-encoded; or a few hundred offices


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in."""

    values: dict[str, list[str]]

    def one(self, name: str) -> str:
        """The field, "" where it was left empty."""
        return self.values.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Every value of a field that may be there several times."""
        return self.values.get(name, [])


async def read_fields(request: Request) -> Form:
    """The fields of a small form; of one that is too large, none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return Form({})
    return Form(parse_qs(body.decode("utf-8", "replace")))


Fields = Annotated[Form, Depends(read_fields)]
