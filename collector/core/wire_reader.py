"""How events that `wire` wrote are read again.

Arrays in, as msgpack unpacks them. A decoder ignores trailing fields that it does not know, so either side may be the
newer one; what cannot be read is reported with its reason and never raises past its own event. A board does without.
"""

from collector.core.events import (
    DIRECTIONS,
    ENDERS,
    ROLES,
    TOLD,
    TRANSFERS,
    TRANSPORTS,
    GapObserved,
    HealthReported,
    LegEnded,
    RegistersCounted,
    RegistrationChanged,
    StateTold,
    VoiceReported,
)
from collector.core.wire import (
    GAP_FIELDS,
    KIND_GAP,
    KIND_HEALTH,
    KIND_LEG,
    KIND_REGISTERS,
    KIND_REGISTRATION,
    KIND_STATE,
    KIND_VOICE,
    LEG_FIELDS,
    MAX_INTEGER,
    MAX_TEXT,
    PHASES,
    PROGRESS_TEXTS,
    REGISTERS_FIELDS,
    REGISTRATION_FIELDS,
    SCHEMA_VERSION,
    STATE_FIELDS,
    VOICE_FIELDS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.core.events import Event

MAX_EVENTS = 1000  # a batch closes at 50; anything near this is not ours


class WireError(Exception):
    """A batch that cannot be read as a whole; the text says why."""


class UnknownVersion(WireError):
    """Written by a newer box: kept in quarantine until the sink is updated."""


class MalformedBatch(WireError):
    """Not an envelope at all."""


class MalformedEvent(WireError):
    """One event of a readable batch is wrong; the others are fine."""


# --- values ----------------------------------------------------------------------------------------------------------


def _integer(value: object, name: str) -> int:
    if type(value) is not int or not -MAX_INTEGER < value < MAX_INTEGER:  # nor a bool, which is an int of its own type
        raise MalformedEvent(name + " is not an integer in range")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise MalformedEvent(name + " is not a short text")
    return value


def _bytes(value: object, name: str) -> bytes:
    if not isinstance(value, bytes) or len(value) > MAX_TEXT:
        raise MalformedEvent(name + " is not a short byte string")
    return value


def _decode_value(kind: str, value: object, name: str, at_ms: int) -> object:
    if kind == "text":
        return _text(value, name)
    if kind == "bytes":
        return _bytes(value, name)
    if value is None and kind != "int":
        return None
    number = _integer(value, name)
    return number + at_ms if kind == "since?" else number


def _decode_fields(event: object, fields: tuple[tuple[str, str, object], ...], values: list[object], at_ms: int) -> int:
    """Sets what the array holds; the rest stays as the event begins. Returns the flags (0 where there are none)."""
    flags = 0
    for (name, kind, _), value in zip(fields, values):  # noqa: B905 - whichever is shorter; MicroPython has no strict
        decoded = _decode_value(kind, value, name, at_ms)
        if name == "_flags":
            flags = _integer(decoded, name)
        else:
            setattr(event, name, decoded)
    return flags


# --- one event -------------------------------------------------------------------------------------------------------


def _unpack_flags(leg: LegEnded, flags: int) -> None:
    if flags >> 13:
        raise MalformedEvent("leg flags out of range")
    try:
        leg.role = ROLES[flags & 3]
        leg.direction = DIRECTIONS[flags >> 2 & 3]
        leg.ended_by = ENDERS[flags >> 4 & 3]
        leg.transfer = TRANSFERS[flags >> 6 & 3]
        leg.transport = TRANSPORTS[flags >> 8 & 7]
    except IndexError:
        raise MalformedEvent("leg flags name an unknown role, ending, transfer or transport") from None
    leg.cancelled = bool(flags >> 11 & 1)
    leg.partial = bool(flags >> 12 & 1)


def decode_event(kind: int, at_ms: int, values: list[object]) -> "Event | None":
    """The event of `[kind, *values]` at `at_ms`; None for a kind that is not known here. Raises MalformedEvent."""
    if kind == KIND_LEG:
        leg = LegEnded(at_ms, b"")
        _unpack_flags(leg, _decode_fields(leg, LEG_FIELDS, values, at_ms))
        return leg
    if kind == KIND_REGISTRATION:
        return _decode_registration(at_ms, values)
    if kind == KIND_STATE:
        return _decode_state(at_ms, values)
    if kind == KIND_VOICE:
        report = VoiceReported(at_ms, "", b"")
        _decode_fields(report, VOICE_FIELDS, values, at_ms)
        return report
    if kind == KIND_REGISTERS:
        return _decode_registers(at_ms, values)
    if kind == KIND_GAP:
        gap = GapObserved(at_ms, at_ms, "", 0)
        _decode_fields(gap, GAP_FIELDS, values, at_ms)
        if gap.until_ms is None:
            gap.until_ms = at_ms
        return gap
    if kind == KIND_HEALTH:
        return HealthReported(at_ms, _counters(values))
    return None


def _decode_state(at_ms: int, values: list[object]) -> StateTold:
    told = StateTold(at_ms, "", "", 0, "")
    state = _decode_fields(told, STATE_FIELDS, values, at_ms)
    if not 0 < state < len(TOLD):
        raise MalformedEvent("an unknown state was told")
    told.state = TOLD[state]
    return told


def _decode_registers(at_ms: int, values: list[object]) -> RegistersCounted:
    count = RegistersCounted(at_ms, "", "")
    _decode_fields(count, REGISTERS_FIELDS, values, at_ms)
    if count.until_ms is None:
        count.until_ms = at_ms
    if count.role not in ROLES or len(count.delays) % 2 or not 0 <= count.failed <= count.attempts:
        raise MalformedEvent("registers name an unknown role, or half a delay, or more failures than attempts")
    return count


def _decode_registration(at_ms: int, values: list[object]) -> RegistrationChanged:
    change = RegistrationChanged(at_ms, "", "", False)
    _decode_fields(change, REGISTRATION_FIELDS, values, at_ms)
    if change.role not in ROLES:
        raise MalformedEvent("registration names an unknown role")
    change.registered = bool(change.registered)
    return change


def _counters(values: list[object]) -> dict[str, int]:
    counters = values[0] if values else {}
    if not isinstance(counters, dict) or len(counters) > MAX_TEXT:
        raise MalformedEvent("health carries no table of counters")
    return {_text(name, "counter name"): _integer(count, "counter") for name, count in counters.items()}


# --- a batch ---------------------------------------------------------------------------------------------------------


class Item:
    """One event of a batch. `event` is None where `error` says what was wrong with it; `raw` is what was received."""

    __slots__ = ("error", "event", "raw", "seq")

    def __init__(
        self,
        seq: int,
        event: "Event | None",
        error: str,
        raw: object,
    ) -> None:
        self.seq = seq
        self.event = event
        self.error = error
        self.raw = raw


class Batch:
    """A decoded envelope: who counted (epoch, seq0), whether its clock was right, and its events."""

    __slots__ = ("clock", "epoch", "items", "seq0", "version")

    def __init__(self, version: int, epoch: int, seq0: int, clock: int, items: list[Item]) -> None:
        self.version = version
        self.epoch = epoch
        self.seq0 = seq0
        self.clock = clock
        self.items = items


def decode_batch(array: object) -> Batch:
    """The batch of an unpacked payload; single bad events are marked. Raises UnknownVersion or MalformedBatch."""
    if not isinstance(array, list) or len(array) < 6:
        raise MalformedBatch("not an array of six")
    if array[0] != SCHEMA_VERSION or isinstance(array[0], bool):
        raise UnknownVersion("schema version " + repr(array[0])[:20] + ", this sink reads " + str(SCHEMA_VERSION))
    try:
        epoch, seq0, t0_ms, clock = [_integer(value, "envelope") for value in array[1:5]]
    except MalformedEvent:
        raise MalformedBatch("epoch, sequence number, time and clock must be integers") from None
    events = array[5]
    if not isinstance(events, list) or len(events) > MAX_EVENTS or epoch < 0 or epoch >> 32 or seq0 < 0:
        raise MalformedBatch("no list of events, or epoch or sequence number out of range")
    items = [_decode_item(seq0 + offset, raw, t0_ms) for offset, raw in enumerate(events)]
    return Batch(SCHEMA_VERSION, epoch, seq0, clock, items)


def _decode_item(seq: int, raw: object, t0_ms: int) -> Item:
    if not isinstance(raw, list) or len(raw) < 2:
        return Item(seq, None, "not an event array", raw)
    try:
        kind = _integer(raw[0], "kind")
        event = decode_event(kind, t0_ms + _integer(raw[1], "time"), raw[2:])
    except MalformedEvent as problem:
        return Item(seq, None, str(problem), raw)
    return Item(seq, event, "" if event is not None else "unknown kind of event " + str(kind), raw)


# --- progress of legs ------------------------------------------------------------------------------------------------


def decode_progress(array: object) -> tuple[LegEnded, int, int]:
    """A leg with what is known of it, its phase and its time. Raises WireError."""
    if not isinstance(array, list) or len(array) < 4 + len(PROGRESS_TEXTS):
        raise MalformedBatch("not a progress array")
    if array[0] != SCHEMA_VERSION:
        raise UnknownVersion("unknown schema version " + str(array[0]))
    phase, at_ms = _integer(array[1], "phase"), _integer(array[2], "time")
    if not 0 <= phase < len(PHASES) or not isinstance(array[3], bytes) or len(array[3]) > 16:
        raise MalformedBatch("unknown phase, or no key of a call")
    leg = LegEnded(at_ms, array[3])
    for index, name in enumerate(PROGRESS_TEXTS):
        text = array[4 + index]
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise MalformedBatch(name + " is no short text")
        setattr(leg, name, text)
    return leg, phase, at_ms
