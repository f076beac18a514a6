"""Rows of imported files in the store: written by part, read by kind and time."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, select, true

from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new
from cloud_sink.store.records import ImportCounts, ImportedRow, ImportStatus

TOGETHER = 500  # parts asked for in one statement: below every database's bound on parameters

Parts = dict[str, set[tuple[Any, ...]]]  # part -> its rows, of all columns


@dataclass(frozen=True, slots=True)
class Change:
    """What a file changes: parts and the rows they are to have, beside those they have now."""

    before: Parts  # a part that is new has none
    after: Parts  # a part that is removed has none
    same: int  # parts that stay as they are

    @property
    def counts(self) -> ImportCounts:
        """How many parts; what is removed counts as changed."""
        new = sum(not rows for rows in self.before.values())
        return ImportCounts(new, len(self.before) - new, self.same)

    def reversed(self) -> "Change":
        """What takes it back."""
        return Change(self.after, self.before, 0)

    def rows(self) -> list[tuple[list[ImportedRow], list[ImportedRow]]]:
        """The rows of each part now and then, in the order of the parts."""
        return [(_imported(self.before[part]), _imported(self.after[part])) for part in sorted(self.before)]

    def spans(self, *, of_key: str = "", but_key: str = "") -> list[tuple[int, int]]:
        """From when until when each row holds that comes or goes; of rows with one key only, or without one."""
        at, until, key = (list(tables.imports.c.keys()).index(name) for name in ("at", "until", "key"))
        rows = [row for parts in (self.before, self.after) for found in parts.values() for row in found]
        return [(row[at], row[until]) for row in rows if row[key] != but_key and of_key in ("", row[key])]


def change_by(connection: Connection, office: str, kind: str, rows: Sequence[ImportedRow], how: str) -> Change:
    """What it changes to make `rows` all that is stored about their parts ("write"), or to "remove" these parts."""
    wanted: Parts = {}
    for row in rows:
        wanted.setdefault(row.part, set()).update([_values(office, kind, row)] if how == "write" else [])
    stored = _stored_parts(connection, office, kind, wanted)
    touched = [part for part in wanted if wanted[part] != stored.get(part, set())]
    before = {part: stored.get(part, set()) for part in touched}
    return Change(before, {part: wanted[part] for part in touched}, len(wanted) - len(touched))


def carry_out(connection: Connection, change: Change) -> None:
    """Delete and insert; rows that stay are not touched."""
    before, after = change.before, change.after
    _delete(connection, [row for part, rows in before.items() for row in rows - after[part]])
    insert_new(connection, tables.imports, [row for part, rows in after.items() for row in rows - before[part]])


def read(
    connection: Connection, office: str, kind: str, from_ms: int, until_ms: int, longest_ms: int | None, key: str | None
) -> list[ImportedRow]:
    """Return the rows that hold at some moment of [from, until), in order; none of them holds for over `longest`."""
    table = tables.imports
    of_kind = and_(table.c.office_id == office, table.c.kind == kind)
    held = and_(table.c["at"] < until_ms, table.c.until >= from_ms)
    bound = table.c["at"] >= (0 if longest_ms is None else from_ms - longest_ms)
    keyed = true() if key is None else table.c.key == key
    found = select(table).where(of_kind, held, bound, keyed).order_by(table.c["at"], table.c.part, table.c.key)
    return [row_of(row) for row in connection.execute(found)]


def read_parts(connection: Connection, office: str, kind: str, parts: Sequence[str]) -> list[ImportedRow]:
    """Return the rows of some parts, by part and in order."""
    table = tables.imports
    of_kind = and_(table.c.office_id == office, table.c.kind == kind)
    found: list[ImportedRow] = []
    for some in _batches(parts):
        rows = select(table).where(of_kind, table.c.part.in_(some)).order_by(table.c.part, table.c["at"], table.c.key)
        found += [row_of(row) for row in connection.execute(rows)]
    return found


def offices(connection: Connection) -> set[str]:
    """Return the offices that anything was imported for."""
    return set(connection.execute(select(tables.imports.c.office_id).distinct()).scalars())


def status(connection: Connection, office: str) -> list[ImportStatus]:
    """Return what is stored of each kind."""
    table = tables.imports
    timed = func.nullif(table.c["at"], 0)
    found = (
        select(table.c.kind, func.count().label("rows"), func.min(timed).label("first"), func.max(timed).label("last"))
        .where(table.c.office_id == office)
        .group_by(table.c.kind)
        .order_by(table.c.kind)
    )
    return [ImportStatus(row.kind, row.rows, row.first, row.last) for row in connection.execute(found)]


def _values(office: str, kind: str, row: ImportedRow) -> tuple[Any, ...]:
    fields = json.dumps(row.values, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return office, kind, row.at_ms, row.part, row.key, row.until_ms, row.number, fields


def _imported(rows: Iterable[tuple[Any, ...]]) -> list[ImportedRow]:
    """Rows of the table as imported rows, in order."""
    names = list(tables.imports.c.keys())
    found = (dict(zip(names, row, strict=True)) for row in sorted(rows))
    return [
        ImportedRow(row["at"], row["until"], row["part"], row["key"], row["number"], json.loads(row["fields"]))
        for row in found
    ]


def row_of(row: Row[Any]) -> ImportedRow:
    """Return the imported row of a row of the table."""
    return ImportedRow(row.at, row.until, row.part, row.key, row.number, json.loads(row.fields))


def _stored_parts(connection: Connection, office: str, kind: str, parts: Iterable[str]) -> Parts:
    """Rows stored of each part that is there."""
    table = tables.imports
    of_kind = and_(table.c.office_id == office, table.c.kind == kind)
    found: Parts = {}
    for some in _batches(parts):
        for row in connection.execute(select(table).where(of_kind, table.c.part.in_(some))):
            found.setdefault(row.part, set()).add(tuple(row))
    return found


def _batches(parts: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(parts)
    while some := list(islice(rest, TOGETHER)):
        yield some


def _delete(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    table = tables.imports
    names = ("office_id", "kind", "at", "part", "key")
    keys = [{f"key_{name}": value for name, value in zip(names, row, strict=False)} for row in rows]
    if keys:
        connection.execute(
            delete(table).where(and_(*(table.c[name] == bindparam(f"key_{name}") for name in names))), keys
        )
