"""How the tap fares, once a minute: the core's counters, and what the host knows of itself."""

import contextlib
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from collector.core.counters import Counters
from collector.core.events import HealthReported

PERIOD_MS = 60_000
THERMAL_FILE = Path("/sys/class/thermal/thermal_zone0/temp")  # millidegrees Celsius, on most small boards


class HealthReporter:
    """Tells when a report is due on the timeline, and makes it.

    `undelivered` counts events the sink does not have; `gauges` are what else the host knows.
    """

    def __init__(
        self, counters: Counters, undelivered: Callable[[], int], gauges: Callable[[], dict[str, int]] = dict
    ) -> None:
        self._counters = counters
        self._undelivered = undelivered
        self._gauges = gauges
        self._due_ms: int | None = None

    def report_if_due(self, now_ms: int) -> HealthReported | None:
        """A report, at most one a minute; the first a minute after the first call."""
        if self._due_ms is None:
            self._due_ms = now_ms + PERIOD_MS
        if now_ms < self._due_ms:
            return None
        self._due_ms = now_ms + PERIOD_MS
        return self.report(now_ms)

    def report(self, now_ms: int) -> HealthReported:
        """The state of things now."""
        counted = {**self._counters.as_dict(), **self._gauges()}
        return HealthReported(now_ms, {**counted, **measure_host(), "spool_depth": self._undelivered()})


def measure_host() -> dict[str, int]:
    """cpu_ms and memory_kib of this process, temperature_mc of the board where it has a sensor."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1024 if sys.platform == "darwin" else 1
    gauges = {"cpu_ms": int((usage.ru_utime + usage.ru_stime) * 1000), "memory_kib": usage.ru_maxrss // unit}
    with contextlib.suppress(OSError, ValueError):
        gauges["temperature_mc"] = int(THERMAL_FILE.read_text())
    return gauges
