"""A day in a minute: calls through the complete core at the times they would have had, and what memory does.

    python -m fieldkit.bench.soak CALLS

Prints legs, and the resident set in KiB after a quarter of the day and at its end.
"""

import sys
from pathlib import Path

from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.bench.generator import BEGINNING, ENDING, PBX, make_frame, make_message

DAY_MS = 86_400_000
ETHERNET = 1
OVERLAP = 10  # a call ends when so many others have begun


def resident_kib() -> int:
    """Of this process, now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def hear_day(calls: int) -> tuple[int, int, int]:
    """(Legs, KiB after a quarter, KiB at the end) of a day with so many calls."""
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,)))
    legs = quarter_kib = 0
    for number in range(calls + OVERLAP):
        now_ms = number * DAY_MS // calls
        if number == calls // 4:
            quarter_kib = resident_kib()
        for ended, steps in ((number, BEGINNING), (number - OVERLAP, ENDING)):
            for step in steps if 0 <= ended < calls else ():
                frame = make_frame(make_message(step, ended, f"44770{ended:07d}"), ended, forward=step[0])
                monitor.receive_frame(frame, now_ms, ETHERNET, len(frame))
        while (event := monitor.next_event()) is not None:
            legs += isinstance(event, LegEnded)
    monitor.handle_deadline(DAY_MS * 2)
    while (event := monitor.next_event()) is not None:
        legs += isinstance(event, LegEnded)
    return legs, quarter_kib, resident_kib()


if __name__ == "__main__":
    print(*hear_day(int(sys.argv[1])))
