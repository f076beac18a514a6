"""Rows into records: every cell read, every row and the rows together checked, all mistakes told at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cloud_sink.imports.columns import BadCell, Column, Context, Value, Written
from cloud_sink.imports.errors import BadFile, Problem
from cloud_sink.imports.kinds import Kind, Values
from cloud_sink.imports.reading import NumberedRow, read_rows
from cloud_sink.store.records import ImportedRow

MOST_PROBLEMS = 1000  # of one file: a file of another kind is wrong in every cell


@dataclass(frozen=True, slots=True)
class Checked:
    """A record and the row it came from."""

    row: int
    record: ImportedRow


def read_records(content: bytes, name: str, kind: Kind, context: Context) -> list[Checked]:
    """All records of a file, in its order. Raises BadFile with every problem: then nothing of it may be stored."""
    found: list[Checked] = []
    problems: list[Problem] = []
    for row in read_rows(content, name, kind):
        values = _read_row(row, kind, context, problems)
        if values is not None:
            found.append(Checked(row.number, kind.record(values, context.time_zone)))
        if len(problems) >= MOST_PROBLEMS:
            break
    problems += _twice(found)
    problems += _overlapping(found, kind.exclusive) if kind.exclusive else []
    if problems:
        raise BadFile(name, problems)
    return found


def _read_row(row: NumberedRow, kind: Kind, context: Context, problems: list[Problem]) -> Values | None:
    """One row's values; None where any cell, or the row, is wrong."""
    before = len(problems)
    values = {column.name: _read_cell(row, column, context, problems) for column in kind.columns}
    if len(problems) > before:
        return None
    wrong = kind.problem(values)
    if wrong is not None:
        problems.append(Problem(row.number, *wrong))
        return None
    return values


def _read_cell(row: NumberedRow, column: Column, context: Context, problems: list[Problem]) -> Value:
    """One value; an empty cell is the column's default."""
    cell: Written = row.cells.get(column.name)
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        if column.required:
            problems.append(Problem(row.number, column.name, f"is empty: {column.says}, such as {column.example}"))
        return column.default
    try:
        return column.read(cell, context)
    except BadCell as error:
        problems.append(Problem(row.number, column.name, str(error)))
        return None


def _twice(found: Sequence[Checked]) -> Iterable[Problem]:
    """Rows that say something else about the same."""
    rows: dict[tuple[str, int, str], Checked] = {}
    for checked in found:
        record = checked.record
        first = rows.setdefault((record.part, record.at_ms, record.key), checked)
        if first.record.values != record.values:
            yield Problem(checked.row, "", f"says something else about the same as row {first.row}: keep one of them")


def _overlapping(found: Sequence[Checked], column: str) -> Iterable[Problem]:
    """Rows of one agent or extension that reach into each other; an open end reaches to the next row."""
    groups: dict[Value, list[Checked]] = {}
    for checked in found:
        groups.setdefault(checked.record.values[column], []).append(checked)
    for group in groups.values():
        group.sort(key=lambda checked: (checked.record.at_ms, checked.row))
        for earlier, later in pairwise(group):
            same = earlier.record == later.record
            if not same and _is_bounded(earlier) and later.record.at_ms < earlier.record.until_ms:
                who = earlier.record.values[column]
                yield Problem(later.row, column, f'"{who}" overlaps row {earlier.row}: one must end before the other')


def _is_bounded(checked: Checked) -> bool:
    """Whether the row says when it ends."""
    return (
        checked.record.values.get("until", checked.record.values.get("end", checked.record.values.get("left")))
        is not None
    )
