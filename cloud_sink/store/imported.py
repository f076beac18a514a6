"""Rows of imported files in the store: written by part, read by kind and time."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, select, true

from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new
from cloud_sink.store.records import ImportCounts, ImportedRow, ImportStatus

TOGETHER = 500  # parts asked for in one statement: below every database's bound on parameters

_Parts = dict[str, set[tuple[Any, ...]]]


def write(connection: Connection, office: str, kind: str, rows: Sequence[ImportedRow]) -> ImportCounts:
    """Make `rows` all that is stored about their parts; what is stored already stays untouched."""
    wanted: _Parts = {}
    for row in rows:
        wanted.setdefault(row.part, set()).add(_values(office, kind, row))
    stored = _stored_parts(connection, office, kind, wanted)
    new = [part for part in wanted if part not in stored]
    changed = [part for part, found in stored.items() if found != wanted[part]]
    _delete(connection, [values for part in changed for values in stored[part] - wanted[part]])
    added = [values for part in (*new, *changed) for values in wanted[part] - stored.get(part, set())]
    insert_new(connection, tables.imports, added)
    return ImportCounts(len(new), len(changed), len(wanted) - len(new) - len(changed))


def remove(connection: Connection, office: str, kind: str, rows: Sequence[ImportedRow]) -> ImportCounts:
    """Delete all that is stored about the parts of `rows`; the count of `changed` says how many there were."""
    parts = {row.part for row in rows}
    stored = _stored_parts(connection, office, kind, parts)
    _delete(connection, {values for found in stored.values() for values in found})
    return ImportCounts(0, len(stored), len(parts) - len(stored))


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


def row_of(row: Row[Any]) -> ImportedRow:
    """Return the imported row of a row of the table."""
    return ImportedRow(row.at, row.until, row.part, row.key, row.number, json.loads(row.fields))


def _stored_parts(connection: Connection, office: str, kind: str, parts: Iterable[str]) -> _Parts:
    """Rows stored of each part that is there."""
    table = tables.imports
    of_kind = and_(table.c.office_id == office, table.c.kind == kind)
    found: _Parts = {}
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
