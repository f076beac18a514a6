"""How events are written: topics, the batch envelope, and one table of fields for each kind of event.

Arrays in, arrays out: a host turns them into bytes with msgpack. Positions are fixed for a schema version; an encoder
leaves out trailing fields that have their default, a decoder ignores trailing fields that it does not know, so either
side may be the newer one. What cannot be read is reported with its reason and never raises past its own event.

    batch  = [version, epoch, seq0, t0_ms, clock, [event, ...]]     event n of the list has sequence number seq0 + n
    event  = [kind, dt_ms, field, field, ...]                       dt_ms counts from t0_ms, Unix milliseconds, UTC
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.core.events import Event

SCHEMA_VERSION = 1
CLOCK_UNKNOWN = 0  # wall time was never synchronised when the batch was sent
CLOCK_SYNCHRONISED = 1

KIND_LEG = 1
KIND_REGISTRATION = 2
KIND_GAP = 3
KIND_HEALTH = 4
KIND_STATE = 5
KIND_VOICE = 6
KIND_REGISTERS = 7

MAX_TEXT = 128  # a longer number, name or reason is no number
MAX_EVENTS = 1000  # a batch closes at 50; anything near this is not ours
MAX_INTEGER = 1 << 53  # milliseconds and counters stay below it, so that every reader keeps them exact

CHANNELS = ("ev", "live", "state", "ack", "cmd")
_BOX_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


class WireError(Exception):
    """A batch that cannot be read as a whole; the text says why."""


class UnknownVersion(WireError):
    """Written by a newer box: kept in quarantine until the sink is updated."""


class MalformedBatch(WireError):
    """Not an envelope at all."""


class MalformedEvent(WireError):
    """One event of a readable batch is wrong; the others are fine."""


# --- topics --------------------------------------------------------------------------------------------------------


def is_box_id(box: str) -> bool:
    """True for `[a-z0-9-]{1,32}`: anything else could leave its own topic (a certificate named `off-a/ev`)."""
    if not 1 <= len(box) <= 32:
        return False
    for character in box:
        if character not in _BOX_CHARACTERS:
            return False
    return True


def topic(box: str, channel: str) -> str:
    """The topic of one box's channel: `rt/1/<box>/ev`."""
    return "rt/1/" + box + "/" + channel


SINK_STATE_TOPIC = "rt/1/sink/state"


def parse_topic(name: str) -> tuple[str, str] | None:
    """(box, channel), or None where the topic is not one of ours."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "rt" or parts[1] != "1" or parts[3] not in CHANNELS or not is_box_id(parts[2]):
        return None
    return parts[2], parts[3]


# --- the fields of each kind ---------------------------------------------------------------------------------------
# (attribute, type, default). Types: int, text, bytes; "int?" may be nil; "since?" is a time written as the
# milliseconds after the event's own time, nil where it did not happen.

_LEG_FIELDS = (
    ("call_key", "bytes", b""),
    ("_flags", "int", 0),
    ("extension", "text", ""),
    ("caller", "text", ""),
    ("callee", "text", ""),
    ("end_ms", "since?", None),
    ("ring_ms", "since?", None),
    ("answer_ms", "since?", None),
    ("final_code", "int", 0),
    ("bye_response_ms", "int?", None),
    ("reason_q850", "int?", None),
    ("reason_sip", "int", 0),
    ("hold_ms", "int", 0),
    ("holds", "int", 0),
    ("retransmissions", "int", 0),
    ("connected", "text", ""),
    ("refer_to", "text", ""),
    ("replaces_key", "bytes", b""),
    ("diverted_by", "text", ""),
    ("session_key", "bytes", b""),
    ("digits", "text", ""),
    ("bye_code", "int", 0),
    ("hold_at_end_ms", "int", 0),
    ("digit_after_ms", "int", 0),
)
_REGISTRATION_FIELDS = (("role", "text", ""), ("extension", "text", ""), ("registered", "int", 0))
_STATE_FIELDS = (("_flags", "int", 0), ("extension", "text", ""), ("count", "int", 0), ("reason", "text", ""))
_VOICE_FIELDS = (
    ("call_key", "bytes", b""),
    ("extension", "text", ""),
    ("mos_lq", "int?", None),
    ("mos_cq", "int?", None),
    ("loss", "int?", None),
    ("delay_ms", "int?", None),
    ("jitter_ms", "int?", None),
)
_REGISTERS_FIELDS = (
    ("until_ms", "since?", None),
    ("role", "text", ""),
    ("extension", "text", ""),
    ("attempts", "int", 0),
    ("failed", "int", 0),
    ("code", "int", 0),
    ("delays", "bytes", b""),
)
_GAP_FIELDS = (("until_ms", "since?", None), ("reason", "text", ""), ("count", "int", 0))


def _pack_flags(leg: LegEnded) -> int:
    return (
        ROLES.index(leg.role)
        | DIRECTIONS.index(leg.direction) << 2
        | ENDERS.index(leg.ended_by) << 4
        | TRANSFERS.index(leg.transfer) << 6
        | TRANSPORTS.index(leg.transport) << 8
        | int(leg.cancelled) << 11
        | int(leg.partial) << 12
    )


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


# --- values --------------------------------------------------------------------------------------------------------


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


def _encode_fields(event: object, fields: tuple[tuple[str, str, object], ...], at_ms: int, flags: int) -> list[object]:
    """The field values in order, trailing defaults left out."""
    values: list[object] = []
    needed = 0
    for name, kind, default in fields:
        value = flags if name == "_flags" else getattr(event, name)
        if value != default:
            needed = len(values) + 1
        values.append(value - at_ms if kind == "since?" and value is not None else value)
    return values[:needed]


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


# --- one event -----------------------------------------------------------------------------------------------------


def encode_event(event: "Event") -> tuple[int, list[object]]:
    """(its time, [kind, field, ...]): the time stays apart until the batch that carries it is known."""
    if isinstance(event, LegEnded):
        return event.invite_ms, [KIND_LEG] + _encode_fields(event, _LEG_FIELDS, event.invite_ms, _pack_flags(event))
    if isinstance(event, RegistrationChanged):
        body: list[object] = [event.role, event.extension, int(event.registered)]
        return event.at_ms, [KIND_REGISTRATION] + body
    if isinstance(event, StateTold):
        return event.at_ms, [KIND_STATE] + _encode_fields(event, _STATE_FIELDS, event.at_ms, TOLD.index(event.state))
    if isinstance(event, VoiceReported):
        return event.at_ms, [KIND_VOICE] + _encode_fields(event, _VOICE_FIELDS, event.at_ms, 0)
    if isinstance(event, RegistersCounted):
        return event.from_ms, [KIND_REGISTERS] + _encode_fields(event, _REGISTERS_FIELDS, event.from_ms, 0)
    if isinstance(event, GapObserved):
        return event.from_ms, [KIND_GAP] + _encode_fields(event, _GAP_FIELDS, event.from_ms, 0)
    return event.at_ms, [KIND_HEALTH, event.counters]


def decode_event(kind: int, at_ms: int, values: list[object]) -> "Event | None":
    """The event of `[kind, *values]` at `at_ms`; None for a kind that is not known here. Raises MalformedEvent."""
    if kind == KIND_LEG:
        leg = LegEnded(at_ms, b"")
        _unpack_flags(leg, _decode_fields(leg, _LEG_FIELDS, values, at_ms))
        return leg
    if kind == KIND_REGISTRATION:
        return _decode_registration(at_ms, values)
    if kind == KIND_STATE:
        return _decode_state(at_ms, values)
    if kind == KIND_VOICE:
        report = VoiceReported(at_ms, "", b"")
        _decode_fields(report, _VOICE_FIELDS, values, at_ms)
        return report
    if kind == KIND_REGISTERS:
        return _decode_registers(at_ms, values)
    if kind == KIND_GAP:
        gap = GapObserved(at_ms, at_ms, "", 0)
        _decode_fields(gap, _GAP_FIELDS, values, at_ms)
        if gap.until_ms is None:
            gap.until_ms = at_ms
        return gap
    if kind == KIND_HEALTH:
        return HealthReported(at_ms, _counters(values))
    return None


def _decode_state(at_ms: int, values: list[object]) -> StateTold:
    told = StateTold(at_ms, "", "", 0, "")
    state = _decode_fields(told, _STATE_FIELDS, values, at_ms)
    if not 0 < state < len(TOLD):
        raise MalformedEvent("an unknown state was told")
    told.state = TOLD[state]
    return told


def _decode_registers(at_ms: int, values: list[object]) -> RegistersCounted:
    count = RegistersCounted(at_ms, "", "")
    _decode_fields(count, _REGISTERS_FIELDS, values, at_ms)
    if count.until_ms is None:
        count.until_ms = at_ms
    if count.role not in ROLES or len(count.delays) % 2 or not 0 <= count.failed <= count.attempts:
        raise MalformedEvent("registers name an unknown role, or half a delay, or more failures than attempts")
    return count


def _decode_registration(at_ms: int, values: list[object]) -> RegistrationChanged:
    change = RegistrationChanged(at_ms, "", "", False)
    _decode_fields(change, _REGISTRATION_FIELDS, values, at_ms)
    if change.role not in ROLES:
        raise MalformedEvent("registration names an unknown role")
    change.registered = bool(change.registered)
    return change


def _counters(values: list[object]) -> dict[str, int]:
    counters = values[0] if values else {}
    if not isinstance(counters, dict) or len(counters) > MAX_TEXT:
        raise MalformedEvent("health carries no table of counters")
    return {_text(name, "counter name"): _integer(count, "counter") for name, count in counters.items()}


# --- a batch -------------------------------------------------------------------------------------------------------


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


def encode_batch(epoch: int, seq0: int, clock: int, rows: list[tuple[int, list[object]]]) -> list[object]:
    """The envelope of consecutive rows `(at_ms, [kind, field, ...])` as `encode_event` made them, at least one."""
    t0_ms = min([at_ms for at_ms, _ in rows])
    events = [[body[0], at_ms - t0_ms] + body[1:] for at_ms, body in rows]
    return [SCHEMA_VERSION, epoch, seq0, t0_ms, clock, events]


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


# --- progress of legs, for wallboards: one message each, never kept -------------------------------------------------
# An array of: version, phase, t_ms, call_key, then the texts below.

PHASES = ("calling", "ringing", "talking", "ended")
_PROGRESS_TEXTS = ("role", "direction", "extension", "caller", "callee")


def encode_progress(leg: LegEnded, phase: int, at_ms: int) -> list[object]:
    """The array for a leg that has reached a phase (index of PHASES) at Unix milliseconds `at_ms`."""
    return [SCHEMA_VERSION, phase, at_ms, leg.call_key] + [getattr(leg, name) for name in _PROGRESS_TEXTS]


def decode_progress(array: object) -> tuple[LegEnded, int, int]:
    """A leg with what is known of it, its phase and its time. Raises WireError."""
    if not isinstance(array, list) or len(array) < 4 + len(_PROGRESS_TEXTS):
        raise MalformedBatch("not a progress array")
    if array[0] != SCHEMA_VERSION:
        raise UnknownVersion("unknown schema version " + str(array[0]))
    phase, at_ms = _integer(array[1], "phase"), _integer(array[2], "time")
    if not 0 <= phase < len(PHASES) or not isinstance(array[3], bytes) or len(array[3]) > 16:
        raise MalformedBatch("unknown phase, or no key of a call")
    leg = LegEnded(at_ms, array[3])
    for index, name in enumerate(_PROGRESS_TEXTS):
        text = array[4 + index]
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise MalformedBatch(name + " is no short text")
        setattr(leg, name, text)
    return leg, phase, at_ms
