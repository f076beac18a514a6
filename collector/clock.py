"""Whether the wall clock can be believed, and how far it has been set since the machine started.

A box without a battery boots in 1970 and learns the time minutes later. What it sees until then is kept with the offset
between the wall clock and the steady one, under this boot's name: once the wall clock is right, the difference of the
two offsets puts it in its place, even if the collector was started again in between.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from collector.supervisor import clock_is_synchronised

BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
FIRST_SANE_YEAR = 2020
# so long after the machine's start events wait for a clock that nobody has confirmed: one that a battery or a file set
# is probably near; one in 1970 is wrong for certain, and NTP needs a network that may come up late
PATIENCE_S, PATIENCE_1970_S = 120.0, 3600.0
_ASK_AGAIN_S = 1.0


def _boot_name() -> str:
    return BOOT_FILE.read_text().strip()[:8] if BOOT_FILE.exists() else f"{time.time_ns():x}"


def _steady_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class WallClock:
    """The clock of this machine; `steady_ns` counts from its start, sleep included."""

    def __init__(
        self,
        *,
        boot: str | None = None,
        is_synchronised: Callable[[], bool] = clock_is_synchronised,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = _steady_ns,
    ) -> None:
        self.boot = _boot_name() if boot is None else boot
        self._is_synchronised = is_synchronised
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._asked_ns: int | None = None
        self._synchronised = False

    def synchronised(self) -> bool:
        """True once the wall clock is known to be right; asks again every second until it is."""
        now_ns = self._steady_ns()
        if not self._synchronised and (self._asked_ns is None or now_ns - self._asked_ns >= _ASK_AGAIN_S * 1e9):
            self._asked_ns = now_ns
            self._synchronised = self._is_synchronised()
        return self._synchronised

    def offset_ms(self) -> int:
        """Wall clock minus steady clock: changes when the wall clock is set, and only then."""
        return (self._wall_ns() - self._steady_ns()) // 1_000_000

    def is_worth_waiting_for(self) -> bool:
        """True while events should wait for it to be set."""
        if self.synchronised():
            return False
        year = datetime.fromtimestamp(self._wall_ns() // 1_000_000_000, UTC).year
        patience_s = PATIENCE_S if year >= FIRST_SANE_YEAR else PATIENCE_1970_S
        return self._steady_ns() < patience_s * 1e9
