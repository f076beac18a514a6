"""Programs under a wall clock that is set while they run: `fieldkit.bench.stepped`."""

import subprocess
import sys
from pathlib import Path

from fieldkit.bench.stepped import LOOK_S, SteppedClock, set_clock

PROGRAM = """\
import sys, time
before = time.monotonic()
for line in sys.stdin:
    time.sleep(0.3)
    print(time.time_ns() // 10**9 - int(line), int(time.time()) - int(line), time.monotonic() - before < 60, flush=True)
"""


def test_only_the_wall_clock_is_moved(tmp_path: Path) -> None:
    """Set by hours while it runs, a program's wall clock is wrong by as much; its steady clock goes on."""
    import time

    (tmp_path / "program.py").write_text(PROGRAM)
    clock = tmp_path / "program.clock"
    set_clock(clock, 0)
    command = [sys.executable, "-m", "fieldkit.bench.stepped", str(clock), "program"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:  # type: ignore[call-overload]
        for offset_s in (0, 7200, -7200):
            set_clock(clock, offset_s)
            process.stdin.write(f"{int(time.time())}\n")
            ahead_s, also_s, steady = process.stdout.readline().split()
            assert 0 <= int(ahead_s) - offset_s < 30
            assert 0 <= int(also_s) - offset_s < 30
            assert steady == "True"
        process.stdin.close()


def test_the_file_is_looked_at_now_and_then(tmp_path: Path) -> None:
    """Not at every question: a program asks for the time thousands of times a second."""
    clock, steady = tmp_path / "c.clock", [5.0]
    set_clock(clock, 10)
    stepped = SteppedClock(clock, lambda: 1_000_000_000, lambda: steady[0])
    assert stepped.time() == 11.0
    set_clock(clock, -0.5)
    assert stepped.time() == 11.0
    steady[0] += LOOK_S
    assert stepped.time() == 0.5
