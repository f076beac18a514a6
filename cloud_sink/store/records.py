"""What goes into the store besides legs and contacts, and what comes out. Times are Unix milliseconds, UTC."""

from dataclasses import dataclass, field

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import Leg


@dataclass(frozen=True, slots=True)
class Registration:
    """An extension's (or the trunk's) registration came or went."""

    seq: int
    at_ms: int
    role: str
    extension: str
    registered: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """A box saw nothing, or lost `count` events, from `from_ms` to `until_ms`."""

    box: str
    from_ms: int
    until_ms: int
    reason: str
    count: int
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """Counters of a box since its start, by name."""

    seq: int
    at_ms: int
    counters: dict[str, int]


@dataclass(frozen=True, slots=True)
class Junk:
    """Something received that cannot be used, and why."""

    topic: str
    reason: str
    payload: bytes


@dataclass(slots=True)
class BatchArrived:
    """The events `first` to `last` of one box's epoch; those that are junk count as arrived, they never get better."""

    box: str
    office: str
    epoch: int
    first: int
    last: int
    clock: int
    received_ms: int
    legs: list[Leg] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    registers: list[Registers] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    health: list[Health] = field(default_factory=list)
    junk: list[Junk] = field(default_factory=list)
    again: bool = False  # out of the quarantine: its numbers count as received already, its events are not stored yet


@dataclass(frozen=True, slots=True)
class StateArrived:
    """A box's birth or death. `first` is the oldest seq its spool still holds: what is older will never come."""

    box: str
    office: str
    received_ms: int
    connection: int
    online: bool
    epoch: int
    first: int
    clock_ok: bool
    version: str
    tenant: str
    boot: str
    kept: int = 0  # the oldest seq it could still send again; 0: it does not say, so `first`
    kept_ms: int = 0  # Unix ms of that event; 0: it has none, or does not say
    refused: str = ""  # why a board did not take an update, or undid it


Arrival = BatchArrived | StateArrived | Junk


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Everything of `box` in `epoch` up to `seq` is committed."""

    box: str
    epoch: int
    seq: int
    replay_from: int = 0  # the box still has what is missing from here on, and would not send it by itself; 0: nothing
    newest_ms: int = 0  # to a box that counts anew: Unix ms of the newest event it sent before; 0: none, or it does not


@dataclass(frozen=True, slots=True)
class BoxStatus:
    """What is known of a box: `office` is "" where no office lists it."""

    box: str
    office: str
    online: bool
    first_seen_ms: int
    last_seen_ms: int
    last_event_ms: int | None
    epoch: int
    acked: int
    clock_ok: bool
    version: str
    health_ms: int | None
    health: dict[str, int]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One kind of junk: when it came first and last, and how often."""

    topic: str
    reason: str
    payload: bytes
    first_seen_ms: int
    last_seen_ms: int
    times: int


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One row of an imported file: what an import says about a `part` replaces all that was stored about it."""

    at_ms: int  # since when it holds, or when it happened; 0: always
    until_ms: int  # until when it holds; the same as `at_ms` where it happened at one moment
    part: str
    key: str  # tells rows of one part and moment apart
    number: str  # the telephone number it is about, as contacts carry it; "" where none
    values: dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did, in parts (an agent's day, a customer, a call)."""

    new: int
    changed: int
    same: int


@dataclass(frozen=True, slots=True)
class ImportOrigin:
    """Where an import came from: when, out of which file, by whom."""

    at_ms: int
    source: str  # the file's name, without its folder
    by: str  # a user's name, or what stands for one


@dataclass(frozen=True, slots=True)
class ImportRun:
    """One import of the past: what it did, and whether it was or can be taken back."""

    run: str  # its name among the office's
    origin: ImportOrigin
    kind: str
    how: str  # write | remove
    rows: int
    counts: ImportCounts
    undone_ms: int | None
    undoable: bool  # nothing of its kind came after it, and what was there before is still kept


@dataclass(frozen=True, slots=True)
class ImportStatus:
    """What is stored of one kind: how many rows, and what time they are about; None where they hold always."""

    kind: str
    rows: int
    first_ms: int | None
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class Mailing:
    """How a saved report fares that is mailed."""

    office: str
    report: str
    done_ms: int  # the last moment it was due that needs no mail any more
    due_ms: int  # the moment it was last tried for
    sent_ms: int | None  # when a mail last went out
    attempts: int  # for `due_ms`
    retry_ms: int  # not tried again before; 0: nothing to try
    problem: str  # why the last try failed, "" where it did not
