"""Rows as a table for people, or as JSON lines, JSON or CSV for programs."""

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from textwrap import indent
from typing import TextIO

FORMATS = ("table", "jsonl", "json", "csv")
NUMBERS = (int, float)

Row = Mapping[str, object]


def utc_text(at_ms: float, timespec: str = "milliseconds") -> str:
    """Unix milliseconds as 2026-11-22T06:26:23.684Z; `timespec` as for `datetime.isoformat`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def print_rows(rows: Iterable[Row], form: str, stream: TextIO, table: Iterable[Row] | None = None) -> None:
    """Write rows in a form of `FORMATS` as they come; `table` replaces them where a person reads.

    A table's columns are as wide as its widest cells, so its rows are gone through twice.
    """
    if form == "jsonl":
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    elif form == "json":
        _print_list(rows, stream)
    elif form == "csv":
        _print_csv(rows, stream)
    else:
        _print_table(rows if table is None else table, stream)


def print_json(document: object, stream: TextIO) -> None:
    """One JSON document, indented."""
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _print_list(rows: Iterable[Row], stream: TextIO) -> None:
    """One JSON document, row by row."""
    before = "[\n"
    for row in rows:
        stream.write(before + indent(json.dumps(row, indent=2), "  "))
        before = ",\n"
    stream.write("[]\n" if before == "[\n" else "\n]\n")


def _print_csv(rows: Iterable[Row], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow(" ".join(map(_one_of, cell)) if isinstance(cell, list) else cell for cell in row.values())


def _one_of(value: object) -> str:
    """One of several in a cell; what has parts of its own as JSON."""
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _print_table(rows: Iterable[Row], stream: TextIO) -> None:
    widths: dict[str, int] = {}
    right: set[str] = set()
    for row in rows:
        for title, value in row.items():
            widths[title] = max(widths.get(title, len(title)), len(_cell(value)))
            if isinstance(value, NUMBERS):
                right.add(title)
    if not widths:
        stream.write("nothing to show\n")
        return
    for cells in chain([{title: title for title in widths}], rows):
        padded = (
            text.rjust(widths[title]) if title in right else text.ljust(widths[title])
            for title, text in ((title, _cell(value)) for title, value in cells.items())
        )
        stream.write("  ".join(padded).rstrip() + "\n")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
