"""Data that is kept for so long and no longer: deleted a day at a time, so that nobody waits for it.

Calls go only once the day's row has been computed and settled: what was counted stays.
"""

from dataclasses import replace

from sqlalchemy import Connection, and_, delete, func, select

from cloud_sink.store import tables
from cloud_sink.store.days import rollup, write_rollup
from cloud_sink.store.logged import QUEUE_LOG

CALL_TABLES = {  # table -> the column of its time
    "contacts": "t_offer", "legs": "start", "leg_outcomes": "start", "islands": "start", "registrations": "at",
    "told": "at", "registers": "start", "voice": "at",
}  # fmt: skip


def trim_calls(connection: Connection, office: str, kept_from: int, midnight_ms: int) -> int:
    """Delete an office's calls of the days before `kept_from`, which begins at midnight; returns how many rows.

    A call across midnight stays with all its legs until the day after goes. What the phones last said is kept.
    """
    reached = rollup(connection, office)
    if reached is None:
        return 0
    cut_ms = _start_of_island(connection, office, midnight_ms)
    write_rollup(connection, replace(reached, kept_from=kept_from, first_day=max(reached.first_day, kept_from)))
    deleted = 0
    for name, time in CALL_TABLES.items():
        table = tables.metadata.tables[name]
        old = and_(table.c.office_id == office, table.c[time] < cut_ms)
        if name in ("registrations", "told"):
            names = [table.c.extension, *([table.c.state] if "state" in table.c else [])]
            inner = table.alias()
            later = and_(inner.c.office_id == table.c.office_id, *(inner.c[c.name] == c for c in names))
            newest = select(func.max(inner.c[time])).where(later, inner.c[time] < cut_ms).scalar_subquery()
            old = and_(old, table.c[time] < newest)
        deleted += int(connection.execute(delete(table).where(old)).rowcount)
    return deleted + _trim_visits(connection, office, cut_ms)


def _trim_visits(connection: Connection, office: str, before_ms: int) -> int:
    """An imported queue log tells of calls, and goes with them."""
    table = tables.imports
    old = and_(table.c.office_id == office, table.c.kind == QUEUE_LOG, table.c["at"] < before_ms)
    return int(connection.execute(delete(table).where(old)).rowcount)


def trim_imports(connection: Connection, office: str, before_ms: int) -> int:
    """Delete imported rows that hold no more since then, and what is known of imports made before; returns how many."""
    rows, runs = tables.imports, tables.import_runs
    over = and_(rows.c.office_id == office, rows.c.kind != QUEUE_LOG, rows.c.until < before_ms)
    made = and_(runs.c.office_id == office, runs.c["at"] < before_ms)
    return sum(
        int(connection.execute(delete(table).where(old)).rowcount) for table, old in ((rows, over), (runs, made))
    )


def trim_health(connection: Connection, office: str, health_before_ms: int) -> int:
    """Delete an office's old health reports."""
    table = tables.health
    old = and_(table.c.office_id == office, table.c["at"] < health_before_ms)
    return int(connection.execute(delete(table).where(old)).rowcount)


def trim_quarantine(connection: Connection, before_ms: int) -> int:
    """Delete what was not received again since."""
    table = tables.quarantine
    return int(connection.execute(delete(table).where(table.c.last_seen < before_ms)).rowcount)


def _start_of_island(connection: Connection, office: str, at_ms: int) -> int:
    """The start of the island that a moment lies in; the moment itself where it lies in none."""
    table = tables.islands
    around = and_(table.c.office_id == office, table.c.start < at_ms, table.c.until >= at_ms)
    start = connection.execute(select(func.min(table.c.start)).where(around)).scalar()
    return at_ms if start is None else int(start)
