"""Contacts from legs, kept right: a new leg stitches its island again, and nothing else.

An island is a time range that no contact crosses. The table `islands` holds those of each office: the range to load
is found without guessing how long the longest call may be.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, Table, and_, bindparam, delete, func, select

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.logged import lay_over
from cloud_sink.contacts.mailbox import LONGEST_MESSAGE_MS, LONGEST_RING_MS, credit_messages, new_messages
from cloud_sink.contacts.records import Leg, OfficePlan, Stitched
from cloud_sink.contacts.stitch import finish, islands, stitch_island
from cloud_sink.store import reading, tables
from cloud_sink.store.days import restart_rollup
from cloud_sink.store.engine import insert_new
from cloud_sink.store.imported import Change
from cloud_sink.store.logged import AGENT_KEY, has_visits, merged_spans, visit_spans, visits_within, with_visits
from cloud_sink.store.marking import STATES_REACH_DAYS, ClosedDays
from cloud_sink.store.rows import contact_row, legs_of, outcome_row

DAY_MS = 86_400_000
REBUILD_LEGS = 5_000  # legs looked at together: a few megabytes
Row = tuple[Any, ...]
Span = tuple[int, int]

NEAR_MS = 30 * 60 * 1000  # the islands within half an hour cost less to stitch again than to ask for one by one
_TIME_COLUMN = {"contacts": "t_offer", "leg_outcomes": "start", "islands": "start"}


class Restitcher:
    """Stitches ranges of an office's stored legs again, within one transaction."""

    def __init__(self, connection: Connection, plan: OfficePlan) -> None:
        self._connection = connection
        self._plan = plan
        self._office = plan.office

    @cached_property
    def _trunk_since(self) -> int | None:
        return trunk_seen_since(self._connection, self._office)

    @cached_property
    def _has_visits(self) -> bool:
        """Whether a queue log was imported at all."""
        return has_visits(self._connection, self._office)

    @cached_property
    def _has_told(self) -> bool:
        """Whether event packages told anything at all."""
        table = tables.told
        found = select(table.c["at"]).where(table.c.office_id == self._office).limit(1)
        return self._connection.execute(found).first() is not None

    def stitch_around(self, start: int, until: int) -> tuple[int, Span | None]:
        """Stitch again what legs, messages or visits of [start, until] touch; returns the same as `stitch_range`."""
        span, _ = self._widened(start, until)
        return self._stitch_range(*span, known=True)

    def stitch_new(self, start: int, until: int) -> tuple[int, Span | None]:
        """The same where only legs were added: beyond islands and visits nothing was stitched before."""
        span, known = self._widened(start, until)
        return self._stitch_range(*span, known=known)

    def stitch_range(self, start: int, until: int) -> tuple[int, Span | None]:
        """Replace contacts, outcomes and islands of a range that no contact crosses.

        Returns the number of contacts, and between which times anything is different from before. Each island is
        stitched by itself: the result does not depend on which islands are stitched together.
        """
        return self._stitch_range(start, until, known=True)

    def _stitch_range(self, start: int, until: int, *, known: bool) -> tuple[int, Span | None]:
        """`known` False: nothing of this range was stitched before."""
        legs = legs_of(self._rows(tables.legs, "start", start, until))
        ranges = islands(legs, self._plan.gap_ms)
        stitched = self._stitch(legs, ranges, self._messages(start, until) if self._has_told else {})
        contacts, taken = stitched.contacts, dict[str, str]()
        if self._has_visits:
            logged = visits_within(self._connection, self._office, start, until, self._trunk_since)
            contacts, taken = lay_over(contacts, logged, self._plan) if logged else (contacts, taken)
        of, words = stitched.contact_of, stitched.outcomes
        told = [
            outcome_row(leg, taken.get(of[leg.leg_id], of[leg.leg_id]) if taken else of[leg.leg_id], words[leg.leg_id])
            for leg in legs
        ]
        span = (start, until) if known else None
        times = self._replace(span, tables.contacts, [contact_row(contact) for contact in contacts])
        times |= self._replace(span, tables.leg_outcomes, told)
        self._replace(span, tables.islands, [(self._office, first, last) for first, last in ranges])
        return len(contacts), (min(times), max(times)) if times else None

    def _stitch(self, legs: Sequence[Leg], ranges: Sequence[Span], messages: dict[str, int]) -> Stitched:
        stitched, since = Stitched([], {}, {}), self._trunk_since
        for (_, last), island in zip(ranges, _by_island(legs, ranges), strict=True):
            stitch_island(island, self._plan, since is not None and since <= last, stitched)
        finish(stitched, messages)
        return stitched

    def _messages(self, start: int, until: int) -> dict[str, int]:
        """The messages that calls of a range may have left, credited to their legs."""
        table, last = tables.told, until + LONGEST_RING_MS + LONGEST_MESSAGE_MS
        inside = (table.c.office_id == self._office, table.c["at"] >= start, table.c["at"] < last)
        found = select(table.c["at"]).where(*inside, table.c.state == "messages").limit(1)
        if self._connection.execute(found).first() is None:
            return {}  # nearly always
        told = reading.told(self._connection, self._office, start, last)
        new = [each for each in new_messages(told) if each.at_ms >= start]
        if not new:
            return {}
        since = min(each.at_ms for each in new) - LONGEST_MESSAGE_MS - LONGEST_RING_MS
        return credit_messages(new, legs_of(self._rows(tables.legs, "start", since, new[-1].at_ms)))

    def _widened(self, start: int, until: int) -> tuple[Span, bool]:
        """The range with the islands and the imported visits that lie within the gap of it, and so on.

        And whether there are any.
        """
        known = False
        while True:
            found = self._with_islands(start, until)
            known = known or found is not None
            wider = found or (start, until)
            if self._has_visits:
                known, wider = True, with_visits(self._connection, self._office, *wider, self._plan.gap_ms)
            if wider == (start, until):
                return wider, known
            start, until = wider

    def _with_islands(self, start: int, until: int) -> Span | None:
        """The range together with the stored islands that lie within the gap of it; None where none does."""
        asked = {"office": self._office, "low": start - self._plan.gap_ms, "high": until + self._plan.gap_ms}
        first, last = self._connection.execute(_near_islands(), asked).one()
        return None if first is None else (min(start, first), max(until, last))

    def _rows(self, table: Table, time: str, start: int, until: int) -> Sequence[Any]:
        asked = {"office": self._office, "start": start, "until": until}
        return self._connection.execute(_of_range(table.name, time), asked).fetchall()

    def _replace(self, span: Span | None, table: Table, rows: Sequence[Row]) -> set[int]:
        """Make `rows` the table's rows of the range, writing only what differs: of a long island that is a few rows.

        Returns the times of what differed. `span` None: the table has no rows there.
        """
        before = {tuple(row) for row in self._rows(table, _TIME_COLUMN[table.name], *span)} if span else set()
        gone, new = (before - set(rows), [row for row in rows if row not in before]) if before else ((), rows)
        _delete(self._connection, table, gone)
        insert_new(self._connection, table, new)
        place = _place_of_time(table.name)
        return {row[place] for row in (*gone, *new)}


def restitch_messages(connection: Connection, plan: OfficePlan, words: Sequence[Told], closed: ClosedDays) -> None:
    """Stitch again what may have left the messages that mailboxes told of (stored already)."""
    times = {at_ms for each in words for at_ms in (each.at_ms, _next_word(connection, plan.office, each))}
    spans = [(at_ms - LONGEST_MESSAGE_MS, at_ms) for at_ms in sorted(times)]
    restitcher = Restitcher(connection, plan)
    _note_changes(plan, (restitcher.stitch_around(*span) for span in spans), closed)


def restitch(connection: Connection, plan: OfficePlan, new_legs: Sequence[Leg], closed: ClosedDays) -> None:
    """Stitch again what the new legs (stored already) touch; legs that are near each other together."""
    restitcher = Restitcher(connection, plan)
    spans = islands(new_legs, max(plan.gap_ms, NEAR_MS))
    _note_changes(plan, (restitcher.stitch_new(*span) for span in spans), closed)


def change_logged(connection: Connection, plan: OfficePlan, change: Change, now_ms: int) -> None:
    """Stitch again what the changed visits of queues touch; days with agents' changed states are counted again."""
    restitcher, closed = Restitcher(connection, plan), ClosedDays(connection, {plan.office: plan}, now_ms)
    visits = merged_spans(change.spans(but_key=AGENT_KEY), NEAR_MS)
    _note_changes(plan, (restitcher.stitch_around(*span) for span in visits), closed)
    for start, until in merged_spans(change.spans(of_key=AGENT_KEY), NEAR_MS):
        closed.watch_changed(plan.office, start, until + STATES_REACH_DAYS * DAY_MS)
    closed.write()


def _next_word(connection: Connection, office: str, word: Told) -> int:
    """When the same mailbox told again: it shows what it had before. Unix ms; the word's own without any."""
    table = tables.told
    same = (table.c.office_id == office, table.c.extension == word.extension, table.c.state == word.state)
    found = select(func.min(table.c["at"])).where(*same, table.c["at"] > word.at_ms)
    return connection.execute(found).scalar() or word.at_ms


def trunk_seen_since(connection: Connection, office: str) -> int | None:
    """Since when the office's boxes see trunk legs, Unix ms: from then on a caller is known by his."""
    table = tables.boxes
    since = select(func.min(table.c.trunk_since)).where(table.c.office_id == office)
    return connection.execute(since).scalar()


def restitch_trunk(connection: Connection, plan: OfficePlan, before: int | None, closed: ClosedDays) -> None:
    """Stitch again what lies between the first trunk leg known now and that known before: its trunk is seen."""
    since = trunk_seen_since(connection, plan.office)
    if since is None or (before is not None and before <= since):
        return
    table = tables.islands
    found = select(table.c.start, table.c.until).where(table.c.office_id == plan.office, table.c.until >= since)
    if before is not None:
        found = found.where(table.c.until < before)
    spans = [(start, until) for start, until in connection.execute(found)]
    spans += [span for span in visit_spans(connection, plan.office) if span[1] >= since]
    _restitch_spans(connection, plan, spans, closed)


def _restitch_spans(connection: Connection, plan: OfficePlan, spans: Iterable[Span], closed: ClosedDays) -> None:
    """Stitch again what some times touch."""
    restitcher = Restitcher(connection, plan)
    _note_changes(plan, (restitcher.stitch_around(*span) for span in merged_spans(spans, NEAR_MS)), closed)


def _note_changes(plan: OfficePlan, stitched: Iterable[tuple[int, Span | None]], closed: ClosedDays) -> None:
    """Note when anything changed."""
    for _, changed in stitched:
        if changed is not None:
            closed.call_changed(plan.office, *changed)


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
    restitcher = Restitcher(connection, plan)
    for start, until, count in _stored_islands(connection, plan):
        restitcher.stitch_range(start, until)
        done += count
        progress(done, total)
    for start, until in visit_spans(connection, plan.office):
        restitcher.stitch_around(start, until)
    restart_rollup(connection, plan.office)
    return _count(connection, tables.contacts, plan.office)


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


def _asked(name: str) -> BindParameter[Any]:
    return bindparam(name)


@cache
def _near_islands() -> Select[Any]:
    """The islands that reach into [low, high].

    They are apart from each other, so of those that begin before it only the last can reach into it.
    """
    table = tables.islands
    office, low, high = (_asked(name) for name in ("office", "low", "high"))
    last_before = select(func.max(table.c.start)).where(table.c.office_id == office, table.c.start <= low)
    return select(func.min(table.c.start), func.max(table.c.until)).where(
        table.c.office_id == office,
        table.c.start >= func.coalesce(last_before.scalar_subquery(), low),
        table.c.start <= high,
        table.c.until >= low,
    )


@cache
def _of_range(name: str, time: str) -> Select[Any]:
    """The statement of a table, built once: that costs more than running it."""
    table = tables.metadata.tables[name]
    column = table.c[time]
    asked = (table.c.office_id == bindparam("office"), column >= bindparam("start"), column <= bindparam("until"))
    return select(table).where(*asked).order_by(column)


@cache
def _place_of_time(name: str) -> int:
    return tables.metadata.tables[name].columns.keys().index(_TIME_COLUMN[name])


def _delete(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    keys = [column.name for column in table.primary_key.columns]
    places = [table.columns.keys().index(key) for key in keys]
    values = [{f"key_{key}": row[place] for key, place in zip(keys, places, strict=True)} for row in rows]
    if values:
        same = and_(*(table.c[key] == bindparam(f"key_{key}") for key in keys))
        connection.execute(delete(table).where(same), values)
