"""Time that no clock step bends: `collector.timeline`."""

import pytest

from collector.timeline import Timeline

START_NS = 1_795_000_000_000_000_000
SECOND = 1_000_000_000


class Clocks:
    """A wall clock that can be set, and a steady one."""

    def __init__(self):
        self.wall_ns = START_NS
        self.steady_ns = 5 * SECOND

    def pass_time(self, seconds):
        """Both go on."""
        self.wall_ns += int(seconds * SECOND)
        self.steady_ns += int(seconds * SECOND)


@pytest.fixture
def clocks():
    """A minute after the timeline began."""
    return Clocks()


@pytest.fixture
def timeline(clocks):
    """A timeline of these clocks."""
    return Timeline(lambda: clocks.wall_ns, lambda: clocks.steady_ns)


@pytest.mark.parametrize("step_s", [0, 3600, -3600, 50 * 365 * 86400])
def test_timeline_goes_on_through_a_clock_step(clocks, timeline, step_s):
    """The wall clock is set by years: the timeline counts the ten seconds that passed, and knows by how much."""
    clocks.pass_time(4)
    clocks.wall_ns += step_s * SECOND
    clocks.pass_time(6)
    assert START_NS // 1_000_000 + 10_000 == timeline.now_ms()
    assert step_s * 1000 == timeline.wall_ahead_ms()


def test_stamp_is_placed_by_its_age(clocks, timeline):
    """A packet stamped a quarter of a second ago belongs there, also after the clock was set before it was stamped."""
    clocks.wall_ns += 86400 * SECOND
    clocks.pass_time(10)
    place = timeline.placer()
    assert START_NS + 10 * SECOND - SECOND // 4 == place(clocks.wall_ns - SECOND // 4)


@pytest.mark.parametrize(("stamp_s", "expected_s"), [(-86400, 10), (86400, 20)])
def test_stamp_of_before_the_step_is_held_near_the_present(clocks, timeline, stamp_s, expected_s):
    """The clock was set between stamp and reading: the packet is neither in the future nor more than 10 s old."""
    clocks.pass_time(20)
    assert START_NS + expected_s * SECOND == timeline.placer()(clocks.wall_ns + stamp_s * SECOND)


def test_timeline_never_goes_back(timeline):
    """A packet of another source that was heard a little earlier is held."""
    assert [7, 7, 9] == [timeline.advance(at_ms) for at_ms in (7, 5, 9)]


def test_sleep_is_told_once_and_clocks_that_are_read_apart_are_none():
    """A suspended hour is an hour, and told once; a few milliseconds between two readings do not count."""
    steady_s, awake_s = [50.0], [50.0]
    timeline = Timeline(lambda: START_NS, lambda: int(steady_s[0] * SECOND), lambda: int(awake_s[0] * SECOND))
    steady_s[0] += 10.9
    awake_s[0] += 10
    assert 0 == timeline.slept_ms()
    steady_s[0] += 3600
    assert 3_600_900 == timeline.slept_ms()
    assert 0 == timeline.slept_ms()
