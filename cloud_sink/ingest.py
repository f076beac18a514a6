"""From MQTT messages to stored events and back to acknowledgements: the only file of the sink that knows the wire.

The topic says which box speaks, the configuration says which office that box belongs to; what the payload claims about
either is never believed. What cannot be used goes into quarantine with its reason and never stops the line.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgpack
from sqlalchemy.exc import OperationalError

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.quota import Quota
from cloud_sink.store import (
    Acknowledgement,
    Arrival,
    BatchArrived,
    Gap,
    Health,
    Junk,
    Quarantined,
    Registration,
    StateArrived,
    Store,
)
from cloud_sink.store.rows import leg_id
from cloud_sink.trust import Renewals
from cloud_sink.updates import Updates
from collector.core import wire, wire_reader
from collector.core.events import (
    GapObserved,
    HealthReported,
    LegEnded,
    RegistersCounted,
    RegistrationChanged,
    StateTold,
    VoiceReported,
)

SUBSCRIPTIONS = ("rt/1/+/ev", "rt/1/+/state", "rt/1/+/live")
SINK_STATE_TOPIC = wire.SINK_STATE_TOPIC

MAX_PAYLOAD = 64 * 1024  # a batch closes at 8 KiB
MAX_SPAN_MS = 7 * 24 * 3600 * 1000  # no call lasts a week; one that claims to would bridge every contact in between
MAX_TIME_MS = 4_102_444_800_000  # the year 2100: a clock beyond it is broken
MAX_SMALL = (1 << 31) - 1  # the database's small integers

_log = logging.getLogger(__name__)

Message = tuple[str, bytes]  # topic, payload


def sink_state(*, online: bool) -> bytes:
    """Return the payload of the sink's own state topic."""
    return bytes(msgpack.packb({"online": online}))


def acknowledgement_message(acknowledgement: Acknowledgement) -> Message:
    """Return topic and payload that tell a box what is committed."""
    content = [acknowledgement.epoch, acknowledgement.seq]
    if acknowledgement.newest_ms:  # it has started: what it had in memory only went with it, if its power was cut
        content.append(acknowledgement.newest_ms)
    return wire.topic(acknowledgement.box, "ack"), bytes(msgpack.packb(content))


def replay_message(acknowledgement: Acknowledgement) -> Message:
    """Return the command that asks a box for what this database lost."""
    command = ["replay-from", acknowledgement.epoch, acknowledgement.replay_from]
    return wire.topic(acknowledgement.box, "cmd"), bytes(msgpack.packb(command))


def renewal_message(box: str, certificate: str) -> Message:
    """Return the command that hands a box its next certificate and, locked, the key to it."""
    return wire.topic(box, "cmd"), bytes(msgpack.packb(["rotate-key", certificate]))


class Ingest:
    """Decodes messages and writes them, one transaction for a handful of them."""

    def __init__(
        self,
        store: Store,
        plans: Mapping[str, OfficePlan],
        office_of_box: Callable[[str], str],
        quota: Quota | None = None,
        renewals: Renewals | None = None,
        updates: Updates | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._office_of_box = office_of_box
        self._quota = quota or Quota()
        self._renewals = renewals or Renewals("")
        self._updates = updates or Updates("")

    def receive_messages(self, messages: Sequence[Message], now_ms: int) -> list[Message]:
        """Store what the messages carry; returns the acknowledgements to publish, all of it committed.

        Raises OperationalError where the database cannot be used now: nothing is stored, try again.
        """
        arrivals = [decode_message(topic, payload, self._office_of_box, now_ms) for topic, payload in messages]
        welcome = [arrival for arrival in arrivals if arrival is not None and self._is_welcome(arrival, now_ms)]
        answers = self._store_together(welcome, now_ms)
        newest = {(answer.box, answer.epoch): answer for answer in answers}
        replays = [replay_message(answer) for answer in newest.values() if answer.replay_from]
        acknowledgements = [acknowledgement_message(answer) for answer in newest.values()]
        return [*acknowledgements, *replays, *self._renew(welcome, now_ms), *self._update(welcome)]

    def _renew(self, arrivals: Sequence[Arrival], now_ms: int) -> Iterator[Message]:
        """Boxes say in their health reports how long their certificate lasts."""
        for arrival in arrivals:
            if isinstance(arrival, BatchArrived) and arrival.office:
                for report in arrival.health[-1:]:
                    left = report.counters.get("certificate_days")
                    offer = None if left is None else self._renewals.offer(arrival.box, left, now_ms)
                    if offer is not None:
                        yield renewal_message(arrival.box, offer)

    def _update(self, arrivals: Sequence[Arrival]) -> Iterator[Message]:
        """Boards say in their births which version runs."""
        for arrival in arrivals:
            if isinstance(arrival, StateArrived) and arrival.online and arrival.office:
                if arrival.refused:
                    _log.warning("box %s did not take an update: %r", arrival.box, arrival.refused)
                for command in self._updates.offer(arrival.box, arrival.version):
                    yield wire.topic(arrival.box, "cmd"), bytes(msgpack.packb(command))

    def receive_again(self, rows: Sequence[Quarantined], now_ms: int) -> int:
        """Take what lies in quarantine once more; returns how many rows are of use now, which are gone from there."""
        taken = 0
        for row in rows:
            arrival = decode_message(row.topic, row.payload, self._office_of_box, now_ms)
            if isinstance(arrival, BatchArrived) and arrival.office and not arrival.junk:
                arrival.again = True
                self._store.ingest([arrival], self._plans, now_ms)
                self._store.forget_quarantined(row)
                taken += 1
        return taken

    def _is_welcome(self, arrival: Arrival, now_ms: int) -> bool:
        if isinstance(arrival, Junk):
            return True  # the quarantine has bounds of its own
        events = arrival.last - arrival.first + 1 if isinstance(arrival, BatchArrived) else 1
        return self._quota.take(arrival.box, events, now_ms)

    def _store_together(self, arrivals: Sequence[Arrival], now_ms: int) -> list[Acknowledgement]:
        try:
            return self._store.ingest(arrivals, self._plans, now_ms)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that hits a fault must not stop everybody's line
            if len(arrivals) > 1:
                return [answer for arrival in arrivals for answer in self._store_together([arrival], now_ms)]
            return self._store.ingest([_refused(arrival, error) for arrival in arrivals], self._plans, now_ms)


def _refused(arrival: Arrival, error: Exception) -> Junk:
    """Return an arrival that could not be stored as junk: not acknowledged, so a mended sink gets it again."""
    _log.error("not stored, kept in quarantine: %s: %s", type(error).__name__, error)
    where = arrival.topic if isinstance(arrival, Junk) else wire.topic(arrival.box, "ev")
    reason = f"cannot be stored: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return Junk(where, reason, repr(arrival).encode("utf-8", "replace"))


def decode_message(topic: str, payload: bytes, office_of_box: Callable[[str], str], now_ms: int) -> Arrival | None:
    """Return what a message says; None where it says nothing (a retained message taken back)."""
    if topic == SINK_STATE_TOPIC:
        return None  # our own word, or another sink's
    parsed = wire.parse_topic(topic)
    if parsed is None or parsed[1] not in ("ev", "state"):
        return Junk(topic, "not a topic of a box", payload)
    if not payload:
        return None
    box, channel = parsed
    try:
        content = unpack(payload)
        if channel == "state":
            return decode_state(box, office_of_box(box), content, now_ms)
        return _batch(topic, box, office_of_box(box), content, now_ms)
    except (ValueError, wire_reader.WireError) as error:
        return Junk(topic, str(error), payload)


def unpack(payload: bytes) -> object:
    """Return what a payload holds. Raises ValueError with the reason where that cannot be told."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"longer than {MAX_PAYLOAD} bytes")
    try:
        return msgpack.unpackb(payload, raw=False, strict_map_key=True)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise ValueError(f"not MessagePack: {str(error) or type(error).__name__}") from error


# --- a box's state -----------------------------------------------------------------------------------------------


def decode_state(box: str, office: str, content: object, now_ms: int) -> StateArrived:
    """Return what a box says of itself. Raises ValueError with the reason where it is no state."""
    if not isinstance(content, dict):
        raise ValueError("state is not a map")  # noqa: TRY004 - one error for everything wrong with a payload
    online = content.get("online")
    if not isinstance(online, bool):
        raise ValueError("state does not say whether it is online")  # noqa: TRY004
    return StateArrived(
        box=box,
        office=office,
        received_ms=now_ms,
        connection=_number(content, "connection", wire.MAX_INTEGER),
        online=online,
        epoch=_number(content, "epoch", 1 << 32),
        first=_number(content, "first", wire.MAX_INTEGER),
        clock_ok=content.get("clock_ok") is True,
        version=_word(content, "version"),
        tenant=_word(content, "tenant"),
        boot=_word(content, "boot"),
        kept=_number(content, "kept", wire.MAX_INTEGER),
        kept_ms=_number(content, "kept_ms", MAX_TIME_MS),
        refused=str(content.get("update") or "")[: wire.MAX_TEXT],
    )


def _number(content: dict[Any, Any], key: str, limit: int) -> int:
    value = content.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < limit:
        raise ValueError(f"state: {key} is not a number in range")
    return value


def _word(content: dict[Any, Any], key: str) -> str:
    value = content.get(key, "")
    if not isinstance(value, str) or len(value) > wire.MAX_TEXT or "\0" in value:
        raise ValueError(f"state: {key} is not a short text")
    return value


# --- a batch of events -------------------------------------------------------------------------------------------


def _batch(topic: str, box: str, office: str, content: object, now_ms: int) -> BatchArrived | None:
    batch = wire_reader.decode_batch(content)
    if not batch.items or not isinstance(content, list):
        return None
    first, last = batch.items[0].seq, batch.items[-1].seq
    arrived = BatchArrived(box, office, batch.epoch, first, last, batch.clock, now_ms)
    for item in batch.items:
        try:
            _take_item(arrived, item)
        except ValueError as error:
            envelope = [*content[:2], item.seq, *content[3:5], [item.raw]]  # a batch of its own: it can be tried again
            arrived.junk.append(Junk(topic, str(error), bytes(msgpack.packb(envelope, default=repr))))
    return arrived


def _take_item(batch: BatchArrived, item: wire_reader.Item) -> None:
    """Add one event to what arrived. Raises ValueError with the reason where it is of no use."""
    event = item.event
    if event is None:
        raise ValueError(item.error)
    if isinstance(event, LegEnded):
        _check_leg(event)
        batch.legs.append(_leg(batch, item.seq, event))
    elif isinstance(event, RegistrationChanged):
        _check_time(event.at_ms)
        _check_texts(event.extension)
        batch.registrations.append(Registration(item.seq, event.at_ms, event.role, event.extension, event.registered))
    elif isinstance(event, StateTold):
        batch.told.append(_told(item.seq, event))
    elif isinstance(event, VoiceReported):
        batch.voices.append(_voice(item.seq, event))
    elif isinstance(event, RegistersCounted):
        batch.registers.append(_registers(item.seq, event))
    elif isinstance(event, GapObserved):
        _check_span(event.from_ms, event.until_ms)
        _check_texts(event.reason)
        batch.gaps.append(Gap(batch.box, event.from_ms, event.until_ms, event.reason, event.count, item.seq))
    elif isinstance(event, HealthReported):
        _check_time(event.at_ms)
        batch.health.append(Health(item.seq, event.at_ms, event.counters))


def _check_time(time_ms: int) -> None:
    if not 0 <= time_ms <= MAX_TIME_MS:
        raise ValueError("its time is before 1970 or after 2100")


def _check_span(from_ms: int, until_ms: int) -> None:
    _check_time(from_ms)
    _check_time(until_ms)
    if until_ms < from_ms:
        raise ValueError("it ends before it begins")


def _check_texts(*texts: str) -> None:
    if any("\0" in text for text in texts):
        raise ValueError("a text holds a zero character")


def _check_numbers(*numbers: int | None) -> None:
    if not all(0 <= (number or 0) <= MAX_SMALL for number in numbers):
        raise ValueError("a number of the event is out of range")


def _told(seq: int, event: StateTold) -> Told:
    _check_time(event.at_ms)
    _check_texts(event.extension, event.reason)
    _check_numbers(event.count)
    return Told(event.at_ms, event.extension, event.state, event.count, event.reason, seq)


def _voice(seq: int, event: VoiceReported) -> Voice:
    _check_time(event.at_ms)
    _check_texts(event.extension)
    figures = (event.mos_lq, event.mos_cq, event.loss, event.delay_ms, event.jitter_ms)
    _check_numbers(*figures)
    return Voice(event.at_ms, event.extension, event.call_key.hex(), *figures, seq)


def _registers(seq: int, event: RegistersCounted) -> Registers:
    _check_span(event.from_ms, event.until_ms)
    _check_texts(event.extension)
    counts = (event.attempts, event.failed, event.code)
    _check_numbers(*counts)
    delays = tuple(high << 8 | low for high, low in zip(event.delays[::2], event.delays[1::2], strict=True))
    return Registers(event.from_ms, event.until_ms, event.role, event.extension, *counts, delays, seq)


def _check_leg(leg: LegEnded) -> None:
    for time_ms in (leg.ring_ms, leg.answer_ms, leg.end_ms):
        if time_ms is not None:
            _check_span(leg.invite_ms, time_ms)
            if time_ms - leg.invite_ms > MAX_SPAN_MS:
                raise ValueError("the leg lasts longer than a week")
    _check_time(leg.invite_ms)
    numbers = (leg.final_code, leg.reason_sip, leg.hold_ms, leg.holds, leg.retransmissions)
    _check_numbers(*numbers, leg.reason_q850, leg.bye_response_ms, leg.bye_code, leg.hold_at_end_ms, leg.digit_after_ms)
    _check_texts(leg.extension, leg.caller, leg.callee, leg.connected, leg.refer_to, leg.diverted_by, leg.digits)


def _leg(batch: BatchArrived, seq: int, event: LegEnded) -> Leg:
    return Leg(
        leg_id=leg_id(batch.box, batch.epoch, seq),
        office=batch.office,
        box=batch.box,
        epoch=batch.epoch,
        seq=seq,
        call_key=event.call_key.hex(),
        role=event.role,
        direction=event.direction,
        extension=event.extension,
        caller=event.caller,
        callee=event.callee,
        t_invite=event.invite_ms,
        t_ring=event.ring_ms,
        t_answer=event.answer_ms,
        t_end=event.end_ms,
        final_code=event.final_code,
        cancelled=event.cancelled,
        ended_by=event.ended_by,
        reason_sip=event.reason_sip,
        reason_q850=event.reason_q850,
        hold_ms=event.hold_ms,
        holds=event.holds,
        transfer=event.transfer,
        refer_to=event.refer_to,
        replaces_key=event.replaces_key.hex(),
        connected=event.connected,
        diverted_by=event.diverted_by,
        session_key=event.session_key.hex(),
        digits=event.digits,
        transport=event.transport,
        retransmissions=event.retransmissions,
        bye_response_ms=event.bye_response_ms,
        bye_code=event.bye_code,
        hold_at_end_ms=event.hold_at_end_ms,
        digit_after_ms=event.digit_after_ms,
        partial=event.partial,
    )
