"""Runs a program under a wall clock that is set meanwhile: python -m fieldkit.bench.stepped FILE MODULE ARGUMENT...

FILE holds by how many seconds the clock is wrong, and may be changed at any time. Only the wall clock is moved, as NTP
or a person moves it: the steady clocks go on. (Kernels have no namespace for the wall clock, and setting the
machine's would disturb everything else on it.)
"""

import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 0.1  # between two looks at the file


class SteppedClock:
    """`time.time` and `time.time_ns`, wrong by what a file says."""

    def __init__(self, file: Path, time_ns: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._file = file
        self._time_ns = time_ns
        self._monotonic = monotonic
        self._offset_ns = 0
        self._look_at = monotonic()

    def time_ns(self) -> int:
        """Nanoseconds since 1970 by the wrong clock."""
        if self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + LOOK_S
            self._offset_ns = int(float(self._file.read_text()) * 1e9)
        return self._time_ns() + self._offset_ns

    def time(self) -> float:
        """Seconds since 1970 by the wrong clock."""
        return self.time_ns() / 1e9


def set_clock(file: Path, offset_s: float) -> None:
    """Set the clock of the program that runs with this file."""
    beside = file.with_suffix(".new")
    beside.write_text(f"{offset_s}\n")
    beside.replace(file)  # whoever reads it meanwhile sees the whole of one or the other


def main() -> None:
    """Exchange the clocks, then be the other program."""
    clock = SteppedClock(Path(sys.argv[1]), time.time_ns, time.monotonic)
    time.time, time.time_ns = clock.time, clock.time_ns
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
