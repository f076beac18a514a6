"""Measuring whole processes: `fieldkit.bench.measure`."""

import sys

from fieldkit.bench.measure import describe_machine, run_measured


def test_a_process_is_measured_by_what_it_does() -> None:
    """Its output, its exit status, its CPU time and its memory; not the memory of whoever started it."""
    ballast = bytearray(b"x" * (128 << 20))
    done = run_measured((sys.executable, "-S", "-c", "print(sum(range(2_000_000))); raise SystemExit(3)"))
    assert (3, "1999999000000\n") == (done.exit_code, done.output)
    assert 0 < done.cpu_s < 5
    assert 4 < done.rss_mb < len(ballast) / (1 << 20)


def test_memory_is_the_largest_there_was() -> None:
    """Freed again before the end, it still counts."""
    done = run_measured((sys.executable, "-S", "-c", "a = b'x' * (64 << 20); del a"))
    assert 64 < done.rss_mb < 128


def test_a_process_that_does_not_end_is_killed() -> None:
    """After the time-out; its exit status says so."""
    done = run_measured((sys.executable, "-S", "-c", "import time; time.sleep(60)"), timeout_s=0.5)
    assert (-9, "") == (done.exit_code, done.output)


def test_the_machine_has_a_name() -> None:
    """Figures mean something only beside the machine that made them."""
    assert "cores, CPython" in describe_machine()
