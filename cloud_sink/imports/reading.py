"""A file as numbered rows: CSV with commas, semicolons or tabs, or the first sheet of an XLSX workbook."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import openpyxl

from cloud_sink.imports.columns import Column, Written
from cloud_sink.imports.errors import BadFile, Problem
from cloud_sink.imports.kinds import Kind
from cloud_sink.sections import nearest

MOST_BYTES = 64 * 1024 * 1024  # a year's schedules of 500 agents are 20 MB
MOST_UNPACKED = 1024 * 1024 * 1024  # a workbook is packed: what unpacks to more is no list of rows
MOST_ROWS = 500_000
HEADS_WITHIN = 64  # columns looked at
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class NumberedRow:
    """One row as it stands in the file, by column."""

    number: int  # as a spreadsheet counts, the heads are row 1
    cells: dict[str, Written]


def read_rows(content: bytes, name: str, kind: Kind) -> Iterator[NumberedRow]:
    """Yield the rows of a file that are not empty. Raises BadFile where it is no table of that kind."""
    if len(content) > MOST_BYTES:
        raise _bad(name, f"is larger than {MOST_BYTES // 2**20} MB: cut it into several files")
    lines = _sheet_lines(content, name) if content[:2] == b"PK" else _csv_lines(content, name)
    heads: list[Column | None] | None = None
    for row, cells in lines:
        if row > MOST_ROWS:
            raise _bad(name, f"has more than {MOST_ROWS} rows: cut it into several files")
        if all(cell is None or cell == "" for cell in cells):
            continue
        if heads is None:
            heads = _heads(cells, name, kind)
        else:
            yield NumberedRow(row, {head.name: cell for head, cell in zip(heads, cells, strict=False) if head})
    if heads is None:
        raise _bad(name, f"is empty: `ringtap-sink import {kind.name} --template` writes one to fill in")


def _bad(name: str, text: str) -> BadFile:
    return BadFile(name, [Problem(0, "", text)])


def _heads(cells: Iterable[Written], name: str, kind: Kind) -> list[Column | None]:
    """The columns in the file's order; capitals, blanks and the order are free, unknown ones are a mistake."""
    found: list[Column | None] = []
    problems = []
    known = [column.name for column in kind.columns]
    for cell in list(cells)[:HEADS_WITHIN]:
        word = str(cell or "").strip().lower().replace(" ", "_")
        column = kind.column(word)
        if word and column is None:
            hint = nearest(word, known) or f" ({kind.name} has: {', '.join(known)})"
            problems.append(Problem(1, word[:40], f"there is no such column{hint}"))
        if column is not None and column in found:
            problems.append(Problem(1, word, "is there twice"))
        found.append(column)
    problems += [
        Problem(1, column.name, "is missing") for column in kind.columns if column.required and column not in found
    ]
    if problems:
        raise BadFile(name, problems)
    return found


def _csv_lines(content: bytes, name: str) -> Iterator[tuple[int, list[Written]]]:
    """Rows of a CSV file; the delimiter is whichever its first line has most of."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(name, 'is neither XLSX nor text in UTF-8: save it as "CSV UTF-8" or as XLSX') from error
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            yield number, list(cells)
    except csv.Error as error:
        raise _bad(name, f"line {reader.line_num} is no CSV: {error}") from error


def _sheet_lines(content: bytes, name: str) -> Iterator[tuple[int, list[Written]]]:
    """Rows of the first sheet; formulas give the values they had when the file was saved."""
    try:
        _check_size(content, name)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size into the file
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, list(map(_written, cells))
    except BadFile:
        raise
    except Exception as error:  # openpyxl raises whatever the broken part of a file led it to
        raise _bad(name, f"cannot be read as an XLSX workbook: {error}") from error


def _check_size(content: bytes, name: str) -> None:
    """A workbook is packed, and a small one may unpack to anything."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
            raise _bad(name, "unpacks to more than a gigabyte: this is no list of rows")


def _written(cell: object) -> Written:
    """What a cell holds; durations, rich text and the like as text."""
    return cell if cell is None or isinstance(cell, str | int | float | date) else str(cell)
