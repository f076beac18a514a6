"""The places where an adapter can be exchanged for another. Each of them has two or more.

Frames come from files (`adapters.pcapfile`: one recording, or several in time order). Events go to a broker through
a spool on disk (`adapters.mqtt`), or to standard output (`adapters.jsonl`). `EventStore` stands between two adapters
that may not import each other: what the publisher (`adapters.mqtt`) needs of the spool (`adapters.spool`).
Packets heard live come from interfaces (`adapters.afpacket`), routers (`adapters.tzsp_listener`) and PBXs
(`adapters.hep_listener`), any number at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from collector.core.events import (
    GapObserved,
    HealthReported,
    LegEnded,
    RegistersCounted,
    RegistrationChanged,
    StateTold,
    VoiceReported,
)

Event: TypeAlias = (
    LegEnded | RegistrationChanged | StateTold | VoiceReported | RegistersCounted | GapObserved | HealthReported
)
Frame: TypeAlias = tuple[bytes, int, int, int]  # data, Unix milliseconds (non-decreasing), link type, original length
Packet: TypeAlias = tuple[int, bytes, int, int]  # kernel's stamp (wall clock, ns), data, link type, original length
Row: TypeAlias = tuple[int, int, list[object]]  # seq, Unix milliseconds, the event's array (`core.wire`)


class FrameSource(Protocol):
    """Where frames come from."""

    @property
    def problems(self) -> list[str]:
        """What could not be read so far, one line each."""
        ...

    def batches(self) -> Iterator[Sequence[Frame]]:
        """Each frame once, in order of time, as many at once as there are; none where a source that waits has none."""
        ...

    def progress(self) -> float:
        """Share of the source that has been read, 0 to 1."""
        ...


class LiveSource(Protocol):
    """Where packets are heard as they happen. Nothing here waits, and nothing raises: trouble is told, and tried again.

    `form` says what its packets are: "frame" (link layer), "tzsp" or "hep" (datagrams of these protocols).
    """

    name: str
    form: str

    def handle_time(self) -> None:
        """A second has passed: open what is not open, look after what may have changed."""
        ...

    def files(self) -> Iterable[int]:
        """File descriptors that become readable when there is something to receive."""
        ...

    def receive(self) -> list[Packet]:
        """What has arrived, up to a bound."""
        ...

    def trouble(self) -> str:
        """Why it hears nothing now, and what to do; "" while it can hear."""
        ...

    def counters(self) -> dict[str, int]:
        """Totals since the start; `drops` are packets that the kernel had no room for."""
        ...

    def close(self) -> None:
        """Let go of the sockets."""
        ...


class EventSink(Protocol):
    """Where events go."""

    def write(self, events: Sequence[Event]) -> None:
        """Keep these events; when this returns they survive a power cut (where the sink has a disk)."""
        ...

    def pump(self, wait_s: float = 0.0) -> None:
        """Move along what can be moved now; wait up to `wait_s` for something to do."""
        ...

    def undelivered(self) -> int:
        """How many events have not reached their destination for good."""
        ...

    def close(self) -> None:
        """Say good-bye; nothing undelivered is lost."""
        ...


class EventStore(Protocol):
    """Events kept until the destination has them: numbered without a hole within one epoch."""

    @property
    def epoch(self) -> int:
        """Random 32-bit number of this numbering."""
        ...

    @property
    def first_seq(self) -> int:
        """Number of the oldest event kept; `last_seq + 1` if there is none."""
        ...

    @property
    def last_seq(self) -> int:
        """Number of the newest event ever written in this epoch; 0 if there is none."""
        ...

    def undelivered(self) -> int:
        """How many events the destination does not have, wherever they are kept."""
        ...

    def handle_time(self) -> None:
        """Look after the disk: one that refused may have been mended."""
        ...

    def append(self, rows: Sequence[tuple[int, list[object]]], doubt: str = "") -> None:
        """Keep (Unix milliseconds, array) rows in one transaction; `doubt`: "boot offset" of a clock nobody had set."""
        ...

    def pending(self, after_seq: int, limit: int) -> list[Row]:
        """Up to `limit` rows after `after_seq`, oldest first, all of the same doubt."""
        ...

    def doubt_after(self, after_seq: int) -> str:
        """The doubt of the first row after `after_seq`; "" without one."""
        ...

    def settle(self, boot: str, offset_ms: int) -> None:
        """The clock is right now: move the rows of this boot by as much as it was set, and doubt them no more."""
        ...

    def discard_through(self, epoch: int, seq: int) -> None:
        """Forget what the destination has."""
        ...

    @property
    def kept_seq(self) -> int:
        """Number of the oldest event that is still there, although the destination may have it."""
        ...

    @property
    def kept_ms(self) -> int:
        """When that event was, in Unix milliseconds; 0 without any."""
        ...

    def replay_from(self, epoch: int, seq: int) -> bool:
        """The destination has lost what follows from `seq`: send again what is still there. False: nothing is."""
        ...

    def renew_epoch(self) -> None:
        """Begin another numbering; what is kept is numbered again from 1."""
        ...

    def next_connection(self) -> int:
        """Count a connection to the broker: rises over restarts too."""
        ...

    def close(self) -> None:
        """Leave the file in order."""
        ...
