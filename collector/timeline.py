"""The timeline of everything heard live: Unix milliseconds that no clock step can bend.

Its zero is what the wall clock said when the box began to listen; from then on the steady clock alone moves it. The
kernel stamps packets with the wall clock, so each stamp is placed by its age. How far the wall clock has been set since
is known at any time (`wall_ahead_ms`): events leave the box with it added.
"""

import time
from collections.abc import Callable

from collector.core.events import LegEnded
from collector.ports import Event

MAX_AGE_NS = 10_000_000_000  # a packet that seems to have waited longer was stamped before the clock was set
MIN_SLEEP_NS = 1_000_000_000  # two clocks are not read in the same moment
NS = 1_000_000


def _steady_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Timeline:
    """Places kernel stamps (wall clock, ns) on a timeline in ms that never goes back.

    `steady_ns` counts while the machine sleeps, `awake_ns` does not.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = _steady_ns,
        awake_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._awake_ns = awake_ns
        self._asleep_ns = steady_ns() - awake_ns()
        self._zero_ns = wall_ns() - steady_ns()
        self._latest_ms = 0

    def now_ms(self) -> int:
        """The timeline's present."""
        return (self._steady_ns() + self._zero_ns) // NS

    def wall_ahead_ms(self) -> int:
        """How far the wall clock was set since the timeline began; negative: set back."""
        ahead_ns = self._wall_ns() - self._steady_ns() - self._zero_ns
        return (ahead_ns + NS // 2) // NS

    def slept_ms(self) -> int:
        """How long the machine was asleep (suspended) since the last time it was asked; less than a second is none."""
        asleep_ns = self._steady_ns() - self._awake_ns()
        slept_ns = asleep_ns - self._asleep_ns
        if slept_ns < MIN_SLEEP_NS:
            return 0
        self._asleep_ns = asleep_ns
        return slept_ns // NS

    def placer(self) -> Callable[[int], int]:
        """A function from a stamp (ns) to the timeline (ns), good for the packets that are being read just now."""
        now_ns = self._steady_ns() + self._zero_ns
        ahead_ns = self._wall_ns() - now_ns

        def place(stamp_ns: int) -> int:
            return min(max(stamp_ns - ahead_ns, now_ns - MAX_AGE_NS), now_ns)

        return place

    def advance(self, at_ms: int) -> int:
        """The timeline at a packet placed there: held where another source is already further."""
        self._latest_ms = max(self._latest_ms, at_ms)
        return self._latest_ms


_TIMES_OF_LEGS = ("invite_ms", "ring_ms", "answer_ms", "end_ms")
_TIMES_OF_OTHERS = ("at_ms", "from_ms", "until_ms")


def shift_event(event: Event, by_ms: int) -> None:
    """Move an event's times; durations stay what they are."""
    if not by_ms:
        return
    for name in _TIMES_OF_LEGS if isinstance(event, LegEnded) else _TIMES_OF_OTHERS:
        at_ms = getattr(event, name, None)
        if at_ms is not None:
            setattr(event, name, at_ms + by_ms)
