"""How far something is: `collector.progress`."""

import io

from collector.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        """Pretend that somebody looks."""
        return True


def run(stream, *, tenths, step_s):
    """A hundred steps from 0 to 1."""
    now = [0.0]
    progress = ProgressLine("reading", stream, tenths=tenths, monotonic=lambda: now[0])
    for n in range(101):
        now[0] += step_s
        progress(n / 100)
    return stream.getvalue()


def test_a_terminal_sees_one_growing_line_after_two_seconds():
    """Drawn over itself, ended with a line feed."""
    text = run(Terminal(), tenths=False, step_s=0.1)
    assert text.startswith("\rreading [#")
    assert text.endswith("] 100 %\n")
    assert text.count("\n") == 1


def test_what_is_done_within_two_seconds_draws_nothing():
    """No flicker for short work."""
    assert run(Terminal(), tenths=False, step_s=0.01) == ""


def test_a_file_sees_a_line_per_tenth_if_asked_for():
    """Eleven lines, or none."""
    assert [f"reading: {n * 10} %" for n in range(11)] == run(io.StringIO(), tenths=True, step_s=0).splitlines()
    assert run(io.StringIO(), tenths=False, step_s=1) == ""
