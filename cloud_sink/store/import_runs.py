"""The history of imports: each one with what it did and, as long as it can be taken back, what it replaced."""

import json
import secrets
import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, select, update

from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new
from cloud_sink.store.imported import Change, Parts, carry_out, change_by
from cloud_sink.store.records import ImportCounts, ImportedRow, ImportOrigin, ImportRun

RUNS_KEPT = 200  # of an office: some years of monthly lists
UNDO_KEPT = 20  # runs of an office that can be taken back: a mistake is noticed soon, and old rows are personal data
MOST_UNDO_BYTES = 8 * 1024 * 1024  # packed; what replaced more is put right by importing the right file
_HEX = 8


class CannotUndo(Exception):
    """An import that cannot be taken back; the text says why."""


def change(
    connection: Connection, office: str, kind: str, rows: Sequence[ImportedRow], how: str, origin: ImportOrigin
) -> Change:
    """Carry out an import ("write" or "remove") and note it."""
    found = change_by(connection, office, kind, rows, how)
    carry_out(connection, found)
    undo = _pack(found) if found.before else None
    counts = found.counts
    table = tables.import_runs
    note = (
        office, origin.at_ms, secrets.token_hex(_HEX), kind, how, origin.source, origin.by, len(rows), counts.new,
        counts.changed, counts.same, None, undo if undo is not None and len(undo) <= MOST_UNDO_BYTES else None,
    )  # fmt: skip
    insert_new(connection, table, [note])
    _trim(connection, office)
    return found


def undo(connection: Connection, office: str, run: str, now_ms: int) -> tuple[ImportRun, Change]:
    """Take one back: its parts get the rows they had before. Raises CannotUndo."""
    known = next((each for each in runs(connection, office) if each.run == run), None)
    if known is None:
        raise CannotUndo("there is no such import any more")
    if known.undone_ms is not None:
        raise CannotUndo("it was taken back already")
    if not known.undoable:
        raise CannotUndo(
            "it changed nothing, or a later import of its kind did, or what it replaced is not kept any more: "
            "import the right file instead"
        )
    table = tables.import_runs
    this = and_(table.c.office_id == office, table.c.run == run)
    found = _unpack(connection.execute(select(table.c.undo).where(this)).scalar_one())
    back = found.reversed()
    carry_out(connection, back)
    connection.execute(update(table).where(this).values(undone=now_ms, undo=None))
    return known, back


def runs(connection: Connection, office: str) -> list[ImportRun]:
    """Every import that is remembered, the latest first."""
    table = tables.import_runs
    columns = [column for column in table.c if column.name != "undo"]
    kept = table.c.undo.is_not(None).label("kept")
    rows = connection.execute(
        select(*columns, kept).where(table.c.office_id == office).order_by(table.c["at"].desc(), table.c.run.desc())
    ).all()
    found = []
    later: set[str] = set()  # kinds that a later run changed
    for row in rows:
        changes = row.undone is None and bool(row.new or row.changed)
        found.append(_run_of(row, undoable=changes and bool(row.kept) and row.kind not in later))
        if changes:
            later.add(row.kind)
    return found


def drop_undo(connection: Connection, office: str) -> None:
    """Forget what imports replaced: it may hold what was to be forgotten."""
    table = tables.import_runs
    connection.execute(update(table).where(table.c.office_id == office).values(undo=None))


def _run_of(row: Any, *, undoable: bool) -> ImportRun:
    counts = ImportCounts(row.new, row.changed, row.same)
    origin = ImportOrigin(row.at, row.source, row.author)
    return ImportRun(row.run, origin, row.kind, row.how, row.rows, counts, row.undone, undoable)


def _trim(connection: Connection, office: str) -> None:
    """Keep the latest runs, and of the latest of them what they replaced."""
    table = tables.import_runs
    of_office = table.c.office_id == office
    times = connection.execute(select(table.c["at"]).where(of_office).order_by(table.c["at"].desc())).scalars().all()
    if len(times) > UNDO_KEPT:
        connection.execute(update(table).where(of_office, table.c["at"] <= times[UNDO_KEPT]).values(undo=None))
    if len(times) > RUNS_KEPT:
        connection.execute(delete(table).where(of_office, table.c["at"] <= times[RUNS_KEPT]))


def _pack(found: Change) -> bytes:
    rows = [{part: sorted(rows) for part, rows in parts.items()} for parts in (found.before, found.after)]
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode())


def _unpack(packed: bytes) -> Change:
    before, after = (_parts(each) for each in json.loads(zlib.decompress(packed)))
    return Change(before, after, 0)


def _parts(rows: dict[str, list[list[Any]]]) -> Parts:
    return {part: {tuple(row) for row in found} for part, found in rows.items()}
