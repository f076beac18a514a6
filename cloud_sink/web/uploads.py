"""Files that visitors send: bounded before anything is read, and kept until they are confirmed."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile

from cloud_sink.question import BadQuestion

MOST_BYTES = 16 * 1024 * 1024  # of one file: a year's schedules of 400 agents; larger ones go by `ringtap-sink import`
FORM_BYTES = 64 * 1024  # around the file: names, boundaries
MOST_WAITING = 8  # files checked and not confirmed: the oldest goes first
KEPT_MS = 30 * 60 * 1000  # to look at what a file would change
LONGEST_NAME = 100
FIELDS = 8  # of a form


class TooMuch(Exception):
    """A request that is larger than anybody needs, or does not say how large it is; `status` of HTTP."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upload:
    """One file, for an office and a kind of import."""

    office: str
    kind: str
    name: str
    content: bytes


@dataclass(slots=True)
class Uploads:
    """Files that wait to be confirmed, in memory: a restart forgets them, and the visitor sends his again."""

    now_ms: Callable[[], int]
    _waiting: OrderedDict[str, tuple[int, Upload]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, upload: Upload) -> str:
        """Keep a file; returns the key to ask for it."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._waiting[key] = (self.now_ms(), upload)
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
        return key

    def take(self, key: str, office: str) -> Upload | None:
        """Hand a file out, once and for its own office; None where it is not kept any more."""
        with self._lock:
            found = self._waiting.get(key)
            if found is None or found[1].office != office:
                return None
            del self._waiting[key]
        at_ms, upload = found
        return upload if self.now_ms() - at_ms <= KEPT_MS else None


def check_length(request: Request) -> None:
    """Raise TooMuch before anything is read of a body that is too long, or does not say how long it is."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise TooMuch(411, "the request does not say how long it is")
    if int(length) > MOST_BYTES + FORM_BYTES:
        raise TooMuch(
            413, f"the file is larger than {MOST_BYTES >> 20} MB: cut it, or import it with `ringtap-sink import`"
        )


async def read_form(request: Request) -> dict[str, str | UploadFile]:
    """The fields of a form. Raises TooMuch."""
    check_length(request)
    return dict(await request.form(max_files=1, max_fields=FIELDS, max_part_size=FORM_BYTES))


async def read_upload(form: dict[str, str | UploadFile], office: str, kind: str) -> Upload:
    """The file of a form. Raises BadQuestion where none was chosen."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadQuestion("choose a file first")
    content = await file.read()
    return Upload(office, kind, shown_name(file.filename), content)


def shown_name(name: str) -> str:
    """A file's name without its folder, fit to be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:LONGEST_NAME] or "file"
