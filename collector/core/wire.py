"""How events are written: topics, the batch envelope, and one table of fields for each kind of event.

Arrays out: a host turns them into bytes with msgpack. Positions are fixed for a schema version; an encoder leaves out
trailing fields that have their default. `wire_reader` reads them again.

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
MAX_INTEGER = 1 << 53  # milliseconds and counters stay below it, so that every reader keeps them exact

CHANNELS = ("ev", "live", "state", "ack", "cmd")
_BOX_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


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

LEG_FIELDS = (
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
REGISTRATION_FIELDS = (("role", "text", ""), ("extension", "text", ""), ("registered", "int", 0))
STATE_FIELDS = (("_flags", "int", 0), ("extension", "text", ""), ("count", "int", 0), ("reason", "text", ""))
VOICE_FIELDS = (
    ("call_key", "bytes", b""),
    ("extension", "text", ""),
    ("mos_lq", "int?", None),
    ("mos_cq", "int?", None),
    ("loss", "int?", None),
    ("delay_ms", "int?", None),
    ("jitter_ms", "int?", None),
)
REGISTERS_FIELDS = (
    ("until_ms", "since?", None),
    ("role", "text", ""),
    ("extension", "text", ""),
    ("attempts", "int", 0),
    ("failed", "int", 0),
    ("code", "int", 0),
    ("delays", "bytes", b""),
)
GAP_FIELDS = (("until_ms", "since?", None), ("reason", "text", ""), ("count", "int", 0))


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


# --- one event -----------------------------------------------------------------------------------------------------


def encode_event(event: "Event") -> tuple[int, list[object]]:
    """(its time, [kind, field, ...]): the time stays apart until the batch that carries it is known."""
    if isinstance(event, LegEnded):
        return event.invite_ms, [KIND_LEG] + _encode_fields(event, LEG_FIELDS, event.invite_ms, _pack_flags(event))
    if isinstance(event, RegistrationChanged):
        body: list[object] = [event.role, event.extension, int(event.registered)]
        return event.at_ms, [KIND_REGISTRATION] + body
    if isinstance(event, StateTold):
        return event.at_ms, [KIND_STATE] + _encode_fields(event, STATE_FIELDS, event.at_ms, TOLD.index(event.state))
    if isinstance(event, VoiceReported):
        return event.at_ms, [KIND_VOICE] + _encode_fields(event, VOICE_FIELDS, event.at_ms, 0)
    if isinstance(event, RegistersCounted):
        return event.from_ms, [KIND_REGISTERS] + _encode_fields(event, REGISTERS_FIELDS, event.from_ms, 0)
    if isinstance(event, GapObserved):
        return event.from_ms, [KIND_GAP] + _encode_fields(event, GAP_FIELDS, event.from_ms, 0)
    return event.at_ms, [KIND_HEALTH, event.counters]


# --- a batch -------------------------------------------------------------------------------------------------------


def encode_batch(epoch: int, seq0: int, clock: int, rows: list[tuple[int, list[object]]]) -> list[object]:
    """The envelope of consecutive rows `(at_ms, [kind, field, ...])` as `encode_event` made them, at least one."""
    t0_ms = min([at_ms for at_ms, _ in rows])
    events = [[body[0], at_ms - t0_ms] + body[1:] for at_ms, body in rows]
    return [SCHEMA_VERSION, epoch, seq0, t0_ms, clock, events]


# --- progress of legs, for wallboards: one message each, never kept -------------------------------------------------
# An array of: version, phase, t_ms, call_key, then the texts below.

PHASES = ("calling", "ringing", "talking", "ended")
PROGRESS_TEXTS = ("role", "direction", "extension", "caller", "callee")


def encode_progress(leg: LegEnded, phase: int, at_ms: int) -> list[object]:
    """The array for a leg that has reached a phase (index of PHASES) at Unix milliseconds `at_ms`."""
    return [SCHEMA_VERSION, phase, at_ms, leg.call_key] + [getattr(leg, name) for name in PROGRESS_TEXTS]
