"""What boxes told besides legs and registrations: states, voice quality, how REGISTERs fare.

Times are Unix milliseconds, UTC; `seq` is the number that the box gave the event.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """An event package (as-feature-event, dialog-info, message-summary) told a new state."""

    at_ms: int
    extension: str  # as named there: an extension, or a feature code's hint such as *46101
    state: str  # dnd_on, dnd_off, forward_on, forward_off, login, logout, ready, not_ready, after_call, busy, idle,
    # messages
    count: int = 0  # new messages in the mailbox
    reason: str = ""  # of not_ready
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Voice:
    """How a call sounded, by the phone's own report (RFC 6035); None where it did not say."""

    at_ms: int
    extension: str
    call_key: str  # hex, as in legs
    mos_lq: int | None = None  # hundredths, 100 to 500: listening
    mos_cq: int | None = None  # conversing
    loss: int | None = None  # hundredths of a percent of the packets
    delay_ms: int | None = None  # round trip
    jitter_ms: int | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Registers:
    """REGISTERs of an extension, or of the PBX at its carrier, that ended from `from_ms` to `until_ms`."""

    from_ms: int
    until_ms: int
    role: str
    extension: str  # "": all those beyond the box's bound
    attempts: int
    failed: int
    code: int = 0  # final status of the last that failed; 0: never answered
    delays_ms: tuple[int, ...] = ()  # of those that succeeded, the first sixty
    seq: int = 0


@dataclass(frozen=True, slots=True)
class BoxHealth:
    """What a box said of itself once a minute: counters since its program started."""

    box: str
    epoch: int
    at_ms: int  # by the box's clock
    received_ms: int  # by the sink's
    counters: Mapping[str, int]
