"""Rows as a table for people, or as JSON lines, JSON or CSV for programs."""

import csv
import json
from collections.abc import Mapping, Sequence
from typing import TextIO

FORMATS = ("table", "jsonl", "json", "csv")
NUMBERS = (int, float)

Row = Mapping[str, object]


def print_rows(rows: Sequence[Row], form: str, stream: TextIO, table: Sequence[Row] | None = None) -> None:
    """Write rows in a form of `FORMATS`; `table` replaces them where a person reads."""
    if form == "jsonl":
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    elif form == "json":
        print_json(rows, stream)
    elif form == "csv":
        _print_csv(rows, stream)
    else:
        _print_table(rows if table is None else table, stream)


def print_json(document: object, stream: TextIO) -> None:
    """One JSON document, indented."""
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _print_csv(rows: Sequence[Row], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow(" ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in row.values())


def _print_table(rows: Sequence[Row], stream: TextIO) -> None:
    if not rows:
        stream.write("nothing to show\n")
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [any(isinstance(row[title], NUMBERS) for row in rows) for title in rows[0]]
    for line in cells:
        padded = (
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, right, strict=True)
        )
        stream.write("  ".join(padded).rstrip() + "\n")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
