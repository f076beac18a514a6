"""Contacts from legs, kept right: a new leg stitches its island again, and nothing else.

An island is a time range that no contact crosses. The table `islands` holds those of each office: the range to load
is found without guessing how long the longest call may be.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, bindparam, delete, func, select

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.logged import lay_over
from cloud_sink.contacts.mailbox import LONGEST_MESSAGE_MS, LONGEST_RING_MS, credit_messages, new_messages
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.contacts.stitch import islands, stitch
from cloud_sink.store import reading, tables
from cloud_sink.store.days import restart_rollup
from cloud_sink.store.engine import insert_new
from cloud_sink.store.logged import merged_spans, visit_spans, visits_within, with_visits
from cloud_sink.store.marking import ClosedDays
from cloud_sink.store.rows import contact_row, legs_of, outcome_row

REBUILD_LEGS = 5_000  # legs looked at together: a few megabytes
Row = tuple[Any, ...]

NEAR_MS = 30 * 60 * 1000  # the islands within half an hour cost less to stitch again than to ask for one by one
_TIME_COLUMN = {"contacts": "t_offer", "leg_outcomes": "start", "islands": "start"}


def restitch_messages(connection: Connection, plan: OfficePlan, words: Sequence[Told], closed: ClosedDays) -> None:
    """Stitch again what may have left the messages that mailboxes told of (stored already)."""
    for each in words:
        span = widened(connection, plan, each.at_ms - LONGEST_MESSAGE_MS, each.at_ms)
        _, changed = stitch_range(connection, plan, *span)
        if changed:
            closed.call_changed(plan.office, *changed)


def _messages(connection: Connection, office: str, start: int, until: int) -> dict[str, int]:
    """The messages that calls of a range may have left, credited to their legs."""
    table, last = tables.told, until + LONGEST_RING_MS + LONGEST_MESSAGE_MS
    inside = and_(table.c.office_id == office, table.c.at >= start, table.c.at < last, table.c.state == "messages")
    if connection.execute(select(table.c.at).where(inside).limit(1)).first() is None:
        return {}  # nearly always
    new = [each for each in new_messages(reading.told(connection, office, start, last)) if each.at_ms >= start]
    if not new:
        return {}
    since = min(each.at_ms for each in new) - LONGEST_MESSAGE_MS - LONGEST_RING_MS
    rows = connection.execute(_within(tables.legs, "start", office, since, new[-1].at_ms)).fetchall()
    return credit_messages(new, legs_of(rows))


def restitch(connection: Connection, plan: OfficePlan, new_legs: Sequence[Leg], closed: ClosedDays) -> None:
    """Stitch again what the new legs (stored already) touch; legs that are near each other together."""
    for start, until in islands(new_legs, max(plan.gap_ms, NEAR_MS)):
        _, changed = stitch_range(connection, plan, *widened(connection, plan, start, until))
        if changed:
            closed.call_changed(plan.office, *changed)


def stitch_range(
    connection: Connection, plan: OfficePlan, start: int, until: int
) -> tuple[int, tuple[int, int] | None]:
    """Replace contacts, outcomes and islands of a range that no contact crosses.

    Returns the number of contacts, and between which times anything is different from before. Each island is stitched
    by itself: the result does not depend on which islands are stitched together.
    """
    legs = legs_of(connection.execute(_within(tables.legs, "start", plan.office, start, until)).fetchall())
    trunk_since = _trunk_since(connection, plan.office)
    messages = _messages(connection, plan.office, start, until)
    ranges = islands(legs, plan.gap_ms)
    contacts: list[Contact] = []
    outcomes: list[tuple[Leg, str, str]] = []
    for (_, last), island in zip(ranges, _by_island(legs, ranges), strict=True):
        stitched = stitch(island, plan, sees_trunk=trunk_since is not None and trunk_since <= last, messages=messages)
        contacts += stitched.contacts
        outcomes += [(leg, stitched.contact_of[leg.leg_id], stitched.outcomes[leg.leg_id]) for leg in island]
    logged = visits_within(connection, plan.office, start, until, trunk_since)
    contacts, taken = lay_over(contacts, logged, plan) if logged else (contacts, {})
    replace = partial(_replace, connection, plan.office, start, until)
    told = [outcome_row(leg, taken.get(contact_id, contact_id), word) for leg, contact_id, word in outcomes]
    times = replace(tables.contacts, list(map(contact_row, contacts))) | replace(tables.leg_outcomes, told)
    replace(tables.islands, [(plan.office, first, last) for first, last in ranges])
    return len(contacts), (min(times), max(times)) if times else None


def _by_island(legs: Sequence[Leg], ranges: Sequence[tuple[int, int]]) -> Iterator[Sequence[Leg]]:
    """Cut legs in order of their start into the islands they make."""
    starts = [leg.t_invite for leg in legs]
    for first, last in ranges:
        yield legs[bisect_left(starts, first) : bisect_right(starts, last)]


def rebuild(connection: Connection, plan: OfficePlan, progress: Callable[[int, int], None]) -> int:
    """Stitch all legs of an office again, island by island; returns the number of contacts.

    Memory holds some thousand legs and one island, never all legs.
    """
    for table in (tables.contacts, tables.leg_outcomes, tables.islands):
        connection.execute(delete(table).where(table.c.office_id == plan.office))
    total = _count(connection, tables.legs, plan.office)
    done = 0
    for start, until, count in _stored_islands(connection, plan):
        stitch_range(connection, plan, start, until)
        done += count
        progress(done, total)
    for start, until in visit_spans(connection, plan.office):
        stitch_range(connection, plan, *widened(connection, plan, start, until))
    restart_rollup(connection, plan.office)
    return _count(connection, tables.contacts, plan.office)


def restitch_visits(connection: Connection, plan: OfficePlan, spans: Sequence[tuple[int, int]], now_ms: int) -> None:
    """Stitch again what imported visits of queues (stored or removed already) touch."""
    closed = ClosedDays(connection, {plan.office: plan}, now_ms)
    for start, until in merged_spans(spans, NEAR_MS):
        _, changed = stitch_range(connection, plan, *widened(connection, plan, start, until))
        if changed:
            closed.call_changed(plan.office, *changed)
    closed.write()


def _count(connection: Connection, table: Table, office: str) -> int:
    found = select(func.count()).select_from(table).where(table.c.office_id == office)
    return int(connection.execute(found).scalar_one())


def _stored_islands(connection: Connection, plan: OfficePlan) -> Iterator[tuple[int, int, int]]:
    """Yield (start, until, legs in it) of every island of the stored legs."""
    found = select(tables.legs).where(tables.legs.c.office_id == plan.office).order_by(tables.legs.c.start)
    held: list[Leg] = []
    for rows in connection.execute(found, execution_options={"yield_per": REBUILD_LEGS}).partitions():
        held += legs_of(rows)
        ranges = islands(held, plan.gap_ms)
        complete_until = ranges[-1][0]  # the last island may go on in the rows to come
        yield from _counted(ranges[:-1], held)
        held = [leg for leg in held if leg.t_invite >= complete_until]
    if held:
        yield from _counted(islands(held, plan.gap_ms), held)


def _counted(ranges: Sequence[tuple[int, int]], legs: Sequence[Leg]) -> Iterator[tuple[int, int, int]]:
    for (start, until), island in zip(ranges, _by_island(legs, ranges), strict=True):
        yield start, until, len(island)


def _trunk_since(connection: Connection, office: str) -> int | None:
    """Return since when the office's boxes see trunk legs: from then on a caller is known by his."""
    table = tables.boxes
    since = connection.execute(select(func.min(table.c.trunk_since)).where(table.c.office_id == office)).scalar()
    return None if since is None else int(since)


def widened(connection: Connection, plan: OfficePlan, start: int, until: int) -> tuple[int, int]:
    """Return the range together with the islands and the imported visits that lie within the gap of it, and so on."""
    while True:
        islanded = _with_islands(connection, plan, start, until)
        wider = with_visits(connection, plan.office, *islanded, plan.gap_ms)
        if wider == islanded:
            return wider
        start, until = wider


def _with_islands(connection: Connection, plan: OfficePlan, start: int, until: int) -> tuple[int, int]:
    """Return the range together with the stored islands that lie within the gap of it.

    Islands are apart from each other, so of those that begin before the range only the last can reach into it.
    """
    table = tables.islands
    low, high = start - plan.gap_ms, until + plan.gap_ms
    last_before = select(func.max(table.c.start)).where(table.c.office_id == plan.office, table.c.start <= low)
    row = connection.execute(
        select(func.min(table.c.start), func.max(table.c.until)).where(
            table.c.office_id == plan.office,
            table.c.start >= func.coalesce(last_before.scalar_subquery(), low),
            table.c.start <= high,
            table.c.until >= low,
        )
    ).one()
    return (start, until) if row[0] is None else (min(start, row[0]), max(until, row[1]))


def _within(table: Table, time: str, office: str, start: int, until: int) -> Any:
    return _of_range(table.name, time).params(office=office, start=start, until=until)


@cache
def _of_range(name: str, time: str) -> Select[Any]:
    """The statement of a table, built once: that costs more than running it."""
    table = tables.metadata.tables[name]
    column = table.c[time]
    asked = (table.c.office_id == bindparam("office"), column >= bindparam("start"), column <= bindparam("until"))
    return select(table).where(*asked).order_by(column)


def _replace(
    connection: Connection, office: str, start: int, until: int, table: Table, rows: Sequence[Row]
) -> set[int]:
    """Make `rows` the table's rows of the range, writing only what differs: of a long island that is a few rows.

    Returns the times of what differed.
    """
    found = connection.execute(_within(table, _TIME_COLUMN[table.name], office, start, until))
    before, after = {tuple(row) for row in found}, set(rows)
    gone, new = before - after, [row for row in rows if row not in before]
    _delete(connection, table, gone)
    insert_new(connection, table, new)
    place = table.columns.keys().index(_TIME_COLUMN[table.name])
    return {row[place] for row in (*gone, *new)}


def _delete(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    keys = [column.name for column in table.primary_key.columns]
    places = [table.columns.keys().index(key) for key in keys]
    values = [{f"key_{key}": row[place] for key, place in zip(keys, places, strict=True)} for row in rows]
    if values:
        same = and_(*(table.c[key] == bindparam(f"key_{key}") for key in keys))
        connection.execute(delete(table).where(same), values)
