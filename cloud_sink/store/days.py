"""Closed office-days: their rows, which of them are out of date, and how far each office has been computed.

Whoever computes a day reads its marks first and writes its row later: a mark that came in between stays, and the day
is computed once more.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, or_, select, update

from cloud_sink.kpi.fleet import COUNTED, OfficeCounts, Watched
from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new

MERGED_OFFICES = 2_048  # whose merged histograms are remembered: 10 kB each
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
    waits: Mapping[int, int]  # histogram of the answered


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
    rows = connection.execute(_FLEET, {"from_day": from_day, "until_day": until_day}).all()
    return [
        FleetRow(
            office, days, OfficeCounts(*map(int, counts)), Watched(int(watched), int(length)), _merged_waits(histograms)
        )
        for office, days, *counts, watched, length, histograms in rows
    ]


def _fleet_statement() -> Select[Any]:
    """Of every office the days that may be believed: computed and not marked since, or all there is.

    It looks the days of each office up: what it costs does not grow with the days before and after.
    """
    days, roll, dirty = tables.office_days, tables.rollups, tables.dirty_days
    asked = and_(days.c.day >= bindparam("from_day"), days.c.day <= bindparam("until_day"))
    same = and_(dirty.c.office_id == days.c.office_id, dirty.c.day == days.c.day)
    marked = select(dirty.c.day).where(same).correlate(days).exists()
    computed = and_(days.c.day >= roll.c.first_day, days.c.day <= roll.c.rolled_until, ~marked)
    return (
        select(
            days.c.office_id,
            func.count(),
            *(func.sum(days.c[name]) for name in COUNTED),
            func.sum(days.c.watched_ms),
            func.sum(days.c.until - days.c.start),
            func.aggregate_strings(days.c.waits_histogram, ","),
        )
        .select_from(roll.join(days, and_(days.c.office_id == roll.c.office_id, asked)))
        .where(or_(days.c.day < roll.c.kept_from, computed))
        .group_by(days.c.office_id)
    )


_FLEET = _fleet_statement()


@lru_cache(MERGED_OFFICES)
def _merged_waits(histograms: str) -> Mapping[int, int]:
    """Put JSON objects with commas between them together; closed days rarely change, so it is often the same text."""
    total: dict[str, int] = {}
    for histogram in json.loads(f"[{histograms}]"):
        for number, times in histogram.items():
            total[number] = total.get(number, 0) + times
    return {int(number): times for number, times in total.items()}
