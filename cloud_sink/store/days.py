"""Closed office-days: their rows, which of them are out of date, and how far each office has been computed.

Whoever computes a day reads its marks first and writes its row later: a mark that came in between stays, and the day
is computed once more.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from cloud_sink.kpi.fleet import COUNTED, OfficeCounts, Watched
from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new

NO_DAY = -(1 << 30)  # before any


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """One closed local day of one office, counted."""

    office: str
    day: int  # since 1970-01-01
    start_ms: int
    until_ms: int
    watched_ms: int
    counts: OfficeCounts
    waits: dict[int, int]  # histogram of the answered
    details: bytes  # the whole measurement, packed


@dataclass(frozen=True, slots=True)
class Rollup:
    """How far an office's days have been computed; days are local ones, counted since 1970-01-01."""

    office: str
    plan_key: str
    first_day: int
    rolled_until: int  # days in [first_day, rolled_until] have rows
    settled_until: int  # later calls cannot change what the days until here say
    kept_from: int = NO_DAY  # calls of earlier days were deleted: their rows are all there is


@dataclass(frozen=True, slots=True)
class FleetRow:
    """An office's computed days put together."""

    office: str
    days: int
    counts: OfficeCounts
    watched: Watched


def mark_days(connection: Connection, office: str, days: Sequence[int]) -> None:
    """Say that closed days are out of date."""
    table = tables.dirty_days
    if days:
        these = and_(table.c.office_id == office, table.c.day.in_(days))
        connection.execute(update(table).where(these).values(marks=table.c.marks + 1))
        insert_new(connection, table, [(office, day, 1) for day in days])


def drop_marks(connection: Connection, office: str, marks: Mapping[int, int]) -> None:
    """Take marks away from days that are never computed, unless others came since there were so many."""
    table = tables.dirty_days
    for day, times in marks.items():
        this = and_(table.c.office_id == office, table.c.day == day, table.c.marks == times)
        connection.execute(delete(table).where(this))


def dirty_days(connection: Connection, from_day: int, until_day: int) -> dict[str, dict[int, int]]:
    """Return office -> day -> marks, of days in [from, until]."""
    table = tables.dirty_days
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for row in connection.execute(select(table).where(table.c.day >= from_day, table.c.day <= until_day)):
        found[row.office_id][row.day] = row.marks
    return dict(found)


def rollups(connection: Connection) -> dict[str, Rollup]:
    """Return how far every office has been computed."""
    return {row.office_id: Rollup(*row) for row in connection.execute(select(tables.rollups))}


def rollup(connection: Connection, office: str) -> Rollup | None:
    """Return how far an office has been computed."""
    row = connection.execute(select(tables.rollups).where(tables.rollups.c.office_id == office)).one_or_none()
    return None if row is None else Rollup(*row)


def write_rollup(connection: Connection, reached: Rollup) -> None:
    """Say how far an office has been computed."""
    table = tables.rollups
    connection.execute(delete(table).where(table.c.office_id == reached.office))
    connection.execute(insert(table).values(astuple(reached)))


def restart_rollup(connection: Connection, office: str) -> None:
    """Have every day computed again, but those whose calls are gone."""
    found = rollup(connection, office)
    if found is not None:
        before = max(found.first_day, found.kept_from) - 1
        write_rollup(connection, replace(found, rolled_until=before, settled_until=before))


def write_day(connection: Connection, day: OfficeDay, marks: int) -> None:
    """Replace the row of a day, and take its mark away if no other came since there were so many."""
    for table in (tables.office_days, tables.office_day_details):
        connection.execute(delete(table).where(table.c.office_id == day.office, table.c.day == day.day))
    histogram = json.dumps(day.waits, separators=(",", ":"))
    counts = astuple(day.counts)
    row = (day.office, day.day, day.start_ms, day.until_ms, day.watched_ms, *counts, histogram)
    insert_new(connection, tables.office_days, [row])
    insert_new(connection, tables.office_day_details, [(day.office, day.day, day.details)])
    drop_marks(connection, day.office, {day.day: marks})


def day_details(connection: Connection, office: str, from_day: int, until_day: int) -> dict[int, bytes]:
    """Return the packed measurements of an office's days in [from, until]."""
    table = tables.office_day_details
    within = and_(table.c.office_id == office, table.c.day >= from_day, table.c.day <= until_day)
    rows = connection.execute(select(table.c.day, table.c.content).where(within))
    return {day: bytes(content) for day, content in rows}


def fleet_rows(connection: Connection, from_day: int, until_day: int) -> list[FleetRow]:
    """Put each office's computed days of [from, until] together, those out of date left out."""
    days = tables.office_days
    sums = [func.sum(days.c[name]) for name in COUNTED]
    found = (
        select(
            days.c.office_id, func.count(), *sums,
            func.sum(days.c.watched_ms), func.sum(days.c.until - days.c.start),
        )
        .where(_up_to_date(from_day, until_day))
        .group_by(days.c.office_id)
    )  # fmt: skip
    return [
        FleetRow(row[0], int(row[1]), OfficeCounts(*map(int, row[2:-2])), Watched(int(row[-2]), int(row[-1])))
        for row in connection.execute(found)
    ]


def wait_histograms(connection: Connection, from_day: int, until_day: int) -> dict[str, dict[int, int]]:
    """Put the histograms of the same days together, by office."""
    days = tables.office_days
    found = select(days.c.office_id, days.c.waits_histogram).where(_up_to_date(from_day, until_day), days.c.waits > 0)
    total: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for office, text in connection.execute(found):
        into = total[office]
        for number, times in json.loads(text).items():
            into[int(number)] += times
    return dict(total)


def _up_to_date(from_day: int, until_day: int) -> ColumnElement[bool]:
    """Rows of [from, until] that may be believed: computed and not marked since, or all there is."""
    days, roll, dirty = tables.office_days, tables.rollups, tables.dirty_days
    own = roll.c.office_id == days.c.office_id
    kept = select(roll.c.office_id).where(own, days.c.day < roll.c.kept_from).correlate(days).exists()
    reached = and_(own, days.c.day >= roll.c.first_day, days.c.day <= roll.c.rolled_until)
    computed = select(roll.c.office_id).where(reached).correlate(days).exists()
    same = and_(dirty.c.office_id == days.c.office_id, dirty.c.day == days.c.day)
    marked = select(dirty.c.day).where(same).correlate(days).exists()
    return and_(days.c.day >= from_day, days.c.day <= until_day, or_(kept, and_(computed, ~marked)))
