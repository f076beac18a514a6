"""The wall clock of a box, known or not: `collector.clock`."""

from collector.clock import PATIENCE_1970_S, PATIENCE_S, WallClock

NS = 1_000_000_000
NOW_S = 1_795_000_000  # 2026


class Machine:
    """Both clocks of a machine, as a test wants them. `wall_s` is what somebody set, it runs with the steady one."""

    def __init__(self, wall_s=NOW_S, synchronised=False):
        self.steady_s = 20.0
        self.wall_ahead_s = wall_s - self.steady_s
        self.synchronised = synchronised
        self.asked = 0

    def clock(self):
        """A clock on this machine, as after a start of the collector."""
        return WallClock(
            boot="boot",
            is_synchronised=self._ask,
            wall_ns=lambda: int((self.steady_s + self.wall_ahead_s) * NS),
            steady_ns=lambda: int(self.steady_s * NS),
        )

    def _ask(self):
        self.asked += 1
        return self.synchronised


def test_a_clock_that_ntp_confirmed_is_known_at_once():
    """Nobody waits."""
    clock = Machine(synchronised=True).clock()
    assert clock.synchronised()
    assert not clock.is_worth_waiting_for()


def test_a_battery_backed_clock_is_waited_for_shortly_and_1970_for_long():
    """Two minutes after the machine's start where the year may be right, an hour in 1970; never for ever."""
    for wall_s, patience_s in ((NOW_S, PATIENCE_S), (100, PATIENCE_1970_S)):
        machine = Machine(wall_s)
        clock = machine.clock()
        machine.steady_s = patience_s - 1
        assert clock.is_worth_waiting_for()
        machine.steady_s += 1
        assert not clock.is_worth_waiting_for()
        assert not clock.synchronised()


def test_the_kernel_is_asked_once_a_second_until_it_says_yes():
    """A system call a packet would be too many; once it is right it stays right."""
    machine = Machine()
    clock = machine.clock()
    for _ in range(100):
        machine.steady_s += 0.1
        clock.synchronised()
    assert 10 <= machine.asked <= 11
    machine.synchronised = True
    machine.steady_s += 1.1
    assert clock.synchronised()
    asked = machine.asked
    machine.steady_s += 10
    assert clock.synchronised()
    assert asked == machine.asked


def test_the_offset_changes_only_when_the_clock_is_set():
    """Hours later it is the same; set by two hours it is two hours more, to the millisecond."""
    machine = Machine(100)
    clock = machine.clock()
    before = clock.offset_ms()
    machine.steady_s += 7200
    assert before == clock.offset_ms()
    machine.wall_ahead_s += 7200.25
    assert 7_200_250 == clock.offset_ms() - before


def test_this_machine_answers():
    """Yes or no, without an error; the boot has a name."""
    assert WallClock().synchronised() in {True, False}
    assert WallClock().boot
