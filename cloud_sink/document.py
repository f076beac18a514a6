"""Tables under a title as people read them, on a page of the browser or on paper (`paper.py`)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.sheets import UNPRINTABLE, Cell, Table

LONGEST_CELL = 200  # characters
NOTHING = "—"
# times, written without their zone: it stands above the tables
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:[+-]\d\d:\d\d|Z)")
NUMBER_TEXT = re.compile(r"[-+]?[\d\s.,:]+( ?(%|s|min|h|points|a day|an hour))?|" + NOTHING)


@dataclass(frozen=True, slots=True)
class Document:
    """Its title, lines of explanation below it, and the tables, each under its name."""

    title: str
    lines: tuple[str, ...]
    tables: Sequence[Table]


def head_text(head: str) -> str:
    """A column's name with blanks, so that it may break into lines."""
    return printable(head.replace("_", " "))


def cell_text(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None or cell == "":
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.2f}".rstrip("0").rstrip(".")
    text = printable(str(cell))
    moment = MOMENT.fullmatch(text)
    return f"{moment[1]} {moment[2]}" if moment else text[:LONGEST_CELL]


def printable(text: str) -> str:
    """Without what no font has."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text).replace("\n", " ")


def are_numbers(rows: Sequence[Sequence[str]]) -> list[bool]:
    """For each column, whether there is nothing but numbers in it: they stand on the right."""
    return [all(NUMBER_TEXT.fullmatch(text) for text in column) for column in zip(*rows, strict=True)]
