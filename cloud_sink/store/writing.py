"""One transaction of ingest: what arrived goes in once, its contacts are stitched, the acknowledgement moves.

Deduplication goes by sequence number (`received`), not by the rows' keys: an event sent again may carry a corrected
wall time, and would then have another key.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, delete, insert, select, update

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new
from cloud_sink.store.junk import Quarantine
from cloud_sink.store.marking import ClosedDays
from cloud_sink.store.ranges import SequenceRanges, TooManyHoles
from cloud_sink.store.records import Acknowledgement, Arrival, BatchArrived, Gap, Junk, StateArrived
from cloud_sink.store.restitch import restitch, restitch_messages, restitch_trunk, trunk_seen_since
from cloud_sink.store.rows import leg_row, registers_values, voice_values

HEALTH_HISTORY_MS = 14 * 24 * 3600 * 1000  # two weeks of one report a minute: 20,160 rows a box
EVENTS_GONE = "events_gone"  # reason of the gap that the sink notes where numbers are missing for good
SPOOL_LOSSES = ("spool_full", "spool_aged")  # gaps by which a box itself tells of such numbers
_STATES = ("registrations", "told")  # what they say holds until another is said
_NEW_BOX = {
    "office_id": "", "first_event": None, "last_event": None, "online": False, "connection": -1, "epoch": 0, "acked": 0,
    "clock_ok": False, "version": "", "tenant": "", "boot": "", "trunk_since": None, "health_at": None, "health": "{}",
}  # fmt: skip


class IngestTransaction:
    """Takes arrivals in order; `finish` writes what they add up to. Lives inside one database transaction."""

    def __init__(self, connection: Connection, plans: Mapping[str, OfficePlan], now_ms: int) -> None:
        self._connection = connection
        self._plans = plans
        self._ranges: dict[tuple[str, int], SequenceRanges] = {}
        self._stored_ranges: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self._boxes: dict[str, dict[str, Any]] = {}
        self._stored_boxes: set[str] = set()
        self._answers: set[tuple[str, int]] = set()
        self._replays: dict[tuple[str, int], int] = {}
        self._newest_before: dict[tuple[str, int], int] = {}  # newest event of a box whose birth says another epoch
        self._rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._legs: dict[str, list[Leg]] = defaultdict(list)
        self._messages: dict[str, list[Told]] = defaultdict(list)
        self._trunk_moved: set[str] = set()  # offices whose first trunk leg came only now
        self._told_losses: list[tuple[BatchArrived, Gap]] = []
        self._quarantine = Quarantine(connection)
        self._closed = ClosedDays(connection, plans, now_ms)

    def take(self, arrival: Arrival, now_ms: int) -> None:
        """Take one arrival into this transaction."""
        if isinstance(arrival, Junk):
            self._quarantine.add(arrival, now_ms)
        elif isinstance(arrival, StateArrived):
            self._take_state(arrival)
        else:
            self._take_batch(arrival)

    def finish(self) -> list[Acknowledgement]:
        """Write everything and return what may be acknowledged once the transaction is committed."""
        for name, rows in self._rows.items():
            insert_new(self._connection, tables.metadata.tables[name], rows)
        for batch, gap in self._told_losses:
            self._count_once(batch, gap)
        for key, ranges in self._ranges.items():
            self._write_ranges(key, ranges)
        answers = [
            Acknowledgement(
                box,
                epoch,
                self._acked(box, epoch),
                self._replays.get((box, epoch), 0),
                self._newest_before.get((box, epoch), 0),
            )
            for box, epoch in sorted(self._answers)
        ]
        since = {office: trunk_seen_since(self._connection, office) for office in self._trunk_moved}
        for box, values in self._boxes.items():
            self._write_box(box, values)
        self._restitch(since)
        self._closed.write()
        self._quarantine.trim()
        return answers

    def _restitch(self, trunk_before: Mapping[str, int | None]) -> None:
        """Make contacts anew where anything came."""
        for office, legs in self._legs.items():
            restitch(self._connection, self._plans.get(office) or OfficePlan(office), legs, self._closed)
        for office, told in self._messages.items():
            restitch_messages(self._connection, self._plans.get(office) or OfficePlan(office), told, self._closed)
        for office, before in trunk_before.items():
            restitch_trunk(self._connection, self._plans.get(office) or OfficePlan(office), before, self._closed)

    def _take_state(self, state: StateArrived) -> None:
        box = self._seen(state.box, state.office, state.received_ms)
        if not state.online:
            if state.connection >= box["connection"]:  # an old connection's last will says nothing about the new one
                box["online"] = False
            return
        if state.epoch != box["epoch"] and box["last_event"] is not None:
            self._newest_before[state.box, state.epoch] = box["last_event"]
        for name in ("connection", "epoch", "clock_ok", "version", "tenant", "boot"):
            box[name] = getattr(state, name)
        box["online"] = True
        if state.office:
            if state.first > 1:
                self._take_floor(state)
            self._answers.add((state.box, state.epoch))

    def _take_floor(self, state: StateArrived) -> None:
        """What is older than the box's first event will not come, unless this database lost it and the box kept it."""
        ranges = self._load_ranges(state.box, state.epoch)
        missing, kept = ranges.contiguous() + 1, state.kept or state.first
        floor = state.first
        if missing < state.first and kept < state.first:  # restored from a backup
            self._replays[state.box, state.epoch] = max(missing, kept)
            floor = kept
        gone = floor - missing - len(ranges.among(missing, floor - 1))
        if gone > 0:
            self._note_gone(state, missing, gone)
        if floor > 1:
            ranges.add(0, floor - 1)

    def _note_gone(self, state: StateArrived, seq: int, events: int) -> None:
        """Neither the box nor this database has them: a gap from the last that is known to the first to come."""
        begin = self._boxes[state.box]["last_event"]
        if begin is not None:  # else it was not watched before
            until = max(begin, min(state.kept_ms or state.received_ms, state.received_ms))
            key = (state.office, begin, state.box, state.epoch, seq)
            self._rows["gaps"].append((*key, until, EVENTS_GONE, events))
            self._closed.watch_changed(state.office, begin, until)

    def _take_batch(self, batch: BatchArrived) -> None:
        box = self._seen(batch.box, batch.office, batch.received_ms)
        if not batch.office:
            return  # nobody's box: unacknowledged, its events wait in its spool until an office lists it
        if box["connection"] < 0:
            box["epoch"] = batch.epoch  # no birth was seen yet
        ranges = self._load_ranges(batch.box, batch.epoch)
        known = set() if batch.again else ranges.among(batch.first, batch.last)
        try:
            ranges.add(batch.first, batch.last)
        except TooManyHoles as problem:
            self._quarantine.add(Junk(f"rt/1/{batch.box}/ev", str(problem), b""), batch.received_ms)
            return
        self._answers.add((batch.box, batch.epoch))
        self._take_legs(batch, known, box)
        self._take_states(batch, known, box)
        new_gaps = [gap for gap in batch.gaps if gap.seq not in known]
        self._told_losses += [(batch, gap) for gap in new_gaps if gap.reason in SPOOL_LOSSES]
        for junk in batch.junk:
            self._quarantine.add(junk, batch.received_ms)

    def _take_legs(self, batch: BatchArrived, known: set[int], box: dict[str, Any]) -> None:
        new = [leg for leg in batch.legs if leg.seq not in known]
        if not new:
            return
        self._rows["legs"] += [leg_row(leg, batch.clock) for leg in new]
        self._legs[batch.office] += new
        ends = max(leg.t_invite if leg.t_end is None else leg.t_end for leg in new)
        self._note_event(batch.box, min(leg.t_invite for leg in new), ends)
        trunk = [leg.t_invite for leg in new if leg.role == "trunk"]
        if trunk and (not box["trunk_since"] or min(trunk) < box["trunk_since"]):
            self._trunk_moved.add(batch.office)
            box["trunk_since"] = min(trunk)

    def _take_states(self, batch: BatchArrived, known: set[int], box: dict[str, Any]) -> None:
        def take(table: str, start_ms: int, seq: int, *values: object, until_ms: int | None = None) -> None:
            if seq not in known:
                self._rows[table].append((batch.office, start_ms, batch.box, batch.epoch, seq, *values))
                self._note_fact(batch, table, start_ms, start_ms if until_ms is None else until_ms)

        for change in batch.registrations:
            take("registrations", change.at_ms, change.seq, change.role, change.extension, change.registered)
        for told in batch.told:
            take("told", told.at_ms, told.seq, told.extension, told.state, told.count, told.reason)
            if told.state == "messages" and told.seq not in known:
                self._messages[batch.office].append(told)
        for voice in batch.voices:
            take("voice", voice.at_ms, voice.seq, *voice_values(voice))
        for each in batch.registers:
            take("registers", each.from_ms, each.seq, *registers_values(each), until_ms=each.until_ms)
        for gap in batch.gaps:
            take("gaps", gap.from_ms, gap.seq, gap.until_ms, gap.reason, gap.count, until_ms=gap.until_ms)
        for report in batch.health:
            counters = json.dumps(report.counters, separators=(",", ":"))
            take("health", report.at_ms, report.seq, batch.received_ms, counters)
            if report.seq not in known and report.at_ms >= (box["health_at"] or 0):
                box["health_at"], box["health"] = report.at_ms, counters
        if batch.health:
            newest_ms = max(report.at_ms for report in batch.health)  # of a box whose clock may be years ahead
            self._trim_health(batch.office, min(newest_ms, batch.received_ms))

    def _count_once(self, batch: BatchArrived, gap: Gap) -> None:
        """What a box says that it dropped is no more missing than that."""
        table = tables.gaps
        noted = and_(
            table.c.office_id == batch.office, table.c.box == batch.box, table.c.epoch == batch.epoch,
            table.c.reason == EVENTS_GONE, table.c.start <= gap.until_ms, table.c.until >= gap.from_ms,
        )  # fmt: skip
        left = case((table.c.events_lost > gap.count, table.c.events_lost - gap.count), else_=0)
        self._connection.execute(update(table).where(noted).values(events_lost=left))

    def _note_fact(self, batch: BatchArrived, table: str, from_ms: int, until_ms: int) -> None:
        self._note_event(batch.box, from_ms, until_ms)
        if table in _STATES:
            self._closed.state_changed(batch.office, from_ms)
        elif table != "health":
            self._closed.watch_changed(batch.office, from_ms, until_ms)

    def _trim_health(self, office: str, now_ms: int) -> None:
        table = tables.health
        old = and_(table.c.office_id == office, table.c["at"] < now_ms - HEALTH_HISTORY_MS)
        self._connection.execute(delete(table).where(old))

    def _note_event(self, box: str, from_ms: int, until_ms: int) -> None:
        """The box was there from its first event to its last one: what lies between is watched time."""
        values = self._boxes[box]
        first, last = values["first_event"], values["last_event"]
        if last is None or until_ms > last:
            values["last_event"] = until_ms
            self._closed.watch_changed(values["office_id"], from_ms if last is None else last, until_ms)
        if first is None or from_ms < first:
            values["first_event"] = from_ms
            self._closed.watch_changed(values["office_id"], from_ms, until_ms if first is None else first)

    def _seen(self, box: str, office: str, now_ms: int) -> dict[str, Any]:
        if box not in self._boxes:
            table = tables.boxes
            row = self._connection.execute(select(table).where(table.c.box == box).with_for_update()).one_or_none()
            if row is None:
                self._boxes[box] = {"box": box, "first_seen": now_ms, **_NEW_BOX}
            else:
                self._boxes[box] = dict(row._mapping)
                self._stored_boxes.add(box)
        if self._boxes[box]["office_id"] != office:  # moved: what it saw before was another office's time
            self._boxes[box].update(first_event=None, last_event=None)
        self._boxes[box].update(office_id=office, last_seen=now_ms)
        return self._boxes[box]

    def _write_box(self, box: str, values: dict[str, Any]) -> None:
        values["acked"] = self._acked(box, values["epoch"]) if values["office_id"] else values["acked"]
        table = tables.boxes
        known = box in self._stored_boxes
        self._connection.execute(update(table).where(table.c.box == box) if known else insert(table), values)

    def _acked(self, box: str, epoch: int) -> int:
        return self._load_ranges(box, epoch).contiguous()

    def _load_ranges(self, box: str, epoch: int) -> SequenceRanges:
        key = (box, epoch)
        if key not in self._ranges:
            table = tables.received
            found = select(table.c.first, table.c.last).where(table.c.box == box, table.c.epoch == epoch)
            rows = [(row.first, row.last) for row in self._connection.execute(found.order_by(table.c.first))]
            self._stored_ranges[key] = rows
            self._ranges[key] = SequenceRanges(rows)
        return self._ranges[key]

    def _write_ranges(self, key: tuple[str, int], ranges: SequenceRanges) -> None:
        box, epoch = key
        before, after = dict(self._stored_ranges[key]), dict(ranges.ranges())
        table = tables.received
        this = and_(table.c.box == box, table.c.epoch == epoch)
        for first in before.keys() - after.keys():
            self._connection.execute(delete(table).where(this, table.c.first == first))
        insert_new(
            self._connection, table, [(box, epoch, first, after[first]) for first in after.keys() - before.keys()]
        )
        for first in before.keys() & after.keys():
            if before[first] != after[first]:
                self._connection.execute(update(table).where(this, table.c.first == first).values(last=after[first]))


def ingest(
    connection: Connection, arrivals: Sequence[Arrival], plans: Mapping[str, OfficePlan], now_ms: int
) -> list[Acknowledgement]:
    """Write arrivals within the connection's transaction; the answers are true once it is committed."""
    transaction = IngestTransaction(connection, plans, now_ms)
    for arrival in arrivals:
        transaction.take(arrival, now_ms)
    return transaction.finish()
