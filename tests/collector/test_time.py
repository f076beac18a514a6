"""Calls while the clock is set, slewed or not known, or the machine sleeps: live service, publisher and spool."""

import itertools
import os
import time

import pytest
from builders import PBX, make_invite, make_request, make_response, make_udp_frame, phone

from collector import live
from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.blindness import Lookout
from collector.clock import WallClock
from collector.core import wire, wire_reader
from collector.core.events import GapObserved, LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.live import LiveService
from collector.timeline import Timeline

NS = 1_000_000_000
BOOT_NS = 1_795_000_000_123_456_789  # when the machine was switched on, truly
HOUR_S = 3600
RING_MS, ANSWER_MS = 180, 4_321


class Machine:
    """A machine's clocks. The wall clock is wrong by `error_s`, and gains `drift` seconds a second."""

    def __init__(self, error_s=0.0, synchronised=True, drift=0.0):
        self.steady_ns = 20_123_456_789
        self.slept_ns = 0
        self.error_ns = int(error_s * NS)
        self.synchronised = synchronised
        self._drift = drift

    def wall_ns(self):
        """What the wall clock says."""
        return BOOT_NS + self.steady_ns + self.error_ns + int(self._drift * self.steady_ns)

    def true_ms(self, at_s):
        """The true time so long after the machine was switched on."""
        return (BOOT_NS + round(at_s * NS)) // 1_000_000

    def set_clock(self):
        """NTP steps the clock to where it should be."""
        self.error_ns = 0
        self.synchronised = True

    def sleep(self, seconds):
        """The lid is closed."""
        self.steady_ns += int(seconds * NS)
        self.slept_ns += int(seconds * NS)

    def timeline(self):
        """As the collector has it."""
        return Timeline(self.wall_ns, lambda: self.steady_ns, lambda: self.steady_ns - self.slept_ns)

    def clock(self):
        """As the collector has it."""
        return WallClock(
            boot="boot",
            is_synchronised=lambda: self.synchronised,
            wall_ns=self.wall_ns,
            steady_ns=lambda: self.steady_ns,
        )


class Script:
    """A source that hears what is written at its time: (seconds after boot, frame or what happens to the machine)."""

    name, form = "script", "frame"

    def __init__(self, machine, steps):
        self._machine = machine
        self._steps = sorted(steps, key=lambda step: step[0])
        self.at_end = None
        self._always, pipe = os.pipe()  # something to read at any time: the service never waits
        os.write(pipe, b"x")
        os.close(pipe)

    def receive(self):
        """The next step, once its time has come: that is the next time somebody looks."""
        if not self._steps:
            self.at_end()
            return []
        due_ns = round(self._steps[0][0] * NS)
        if due_ns > self._machine.steady_ns:
            self._machine.steady_ns = due_ns
            return []
        _, what = self._steps.pop(0)
        if callable(what):
            what()
            return []
        return [(self._machine.wall_ns(), what, 1, len(what))]

    def files(self):
        """Always readable."""
        return [self._always]

    def handle_time(self):
        """Nothing to open."""

    def trouble(self):
        """None."""
        return ""

    def counters(self):
        """None that matter."""
        return {"packets": 0}

    def close(self):
        """The end."""
        os.close(self._always)


def call(call_id, at_s, talk_s):
    """A call that begins then: rings after 180 ms, is answered after 4,321 ms, and the caller ends it."""
    invite = make_invite(call_id=call_id)
    bye = make_request("BYE", call_id=call_id, cseq=2, to_tag="b")
    end_s = at_s + ANSWER_MS / 1000 + talk_s
    messages = [
        (at_s, True, invite),
        (at_s + RING_MS / 1000, False, make_response(invite, 180)),
        (at_s + ANSWER_MS / 1000, False, make_response(invite, 200)),
        (at_s + ANSWER_MS / 1000 + 0.002, True, make_request("ACK", call_id=call_id, to_tag="b")),
        (end_s, True, bye),
        (end_s + 0.003, False, make_response(bye, 200)),
    ]
    return [
        (moment, make_udp_frame(message, *((PBX, phone(101)) if forward else (phone(101), PBX))))
        for moment, forward, message in messages
    ]


@pytest.fixture
def hear(tmp_path, monkeypatch):
    """Lets a machine hear a script; returns the events that would leave it, in their order."""
    monkeypatch.setattr(live, "COMMIT_S", 0.0)  # every turn writes and looks: before a step of the clock as after it
    monkeypatch.setattr(live, "LOOK_S", 0.0)

    def run(machine, steps):
        spool = Spool(str(tmp_path / "spool.db"))
        publisher = MqttPublisher(spool, Broker("127.0.0.1", 1), Identity("box", "lab", "", ""), clock=machine.clock())
        monitor = CallMonitor(MonitorSettings(pbx=(PBX,)))
        script, lookout = Script(machine, steps), Lookout(100 * HOUR_S * 1000)
        service = LiveService(monitor, publisher, lambda _event: None, [script], lookout, timeline=machine.timeline())
        script.at_end = service.stop
        service.run()
        assert "" == spool.doubt_after(0), "nothing is in doubt at the end"
        rows = spool.pending(0, 10_000)
        publisher.close()
        batch = wire.encode_batch(1, 1, wire.CLOCK_SYNCHRONISED, [(t_ms, body) for _, t_ms, body in rows])
        return [item.event for item in wire_reader.decode_batch(batch).items]

    return run


def check_legs(events, machine, calls):
    """Every call has its durations to the millisecond, and its true time to the millisecond that rounding may take."""
    legs = {leg.invite_ms: leg for leg in events if isinstance(leg, LegEnded)}
    assert len(calls) == len(legs)
    for (at_s, talk_s), leg in zip(calls, sorted(legs.values(), key=lambda leg: leg.invite_ms), strict=True):
        assert (RING_MS, ANSWER_MS) == (leg.ring_ms - leg.invite_ms, leg.answer_ms - leg.invite_ms)
        assert round(talk_s * 1000) == leg.end_ms - leg.answer_ms
        assert abs(machine.true_ms(at_s) - leg.invite_ms) <= 1
    ends = [leg.end_ms for leg in events if isinstance(leg, LegEnded)]
    assert sorted(ends) == ends, "the order of events is that of what happened"


@pytest.mark.parametrize(
    "error_s",
    [-3 * HOUR_S, 3 * HOUR_S, -0.4567, 1.0, -BOOT_NS / NS],
    ids=["3 h behind", "3 h ahead", "half a second behind", "a second ahead", "1970"],
)
def test_a_clock_that_ntp_sets_during_a_call(hear, error_s):
    """Calls before, across and after the step: durations are the packets', and all times are right in the end."""
    machine = Machine(error_s, synchronised=False)
    calls = [(30.0, 12.345), (50.0, 61.234), (55.5, 3.003), (130.0, 7.089)]
    steps = [step for number, (at_s, talk_s) in enumerate(calls) for step in call(f"c{number}", at_s, talk_s)]
    steps += [(80.0, machine.set_clock)] + [(60.0 + second, lambda: None) for second in range(90)]
    check_legs(hear(machine, steps), machine, calls)


@pytest.mark.parametrize("error_s", [1.0, -1.0], ids=["leap second", "a second left out"])
def test_a_leap_second_during_a_call(hear, error_s):
    """The kernel steps a clock that is right all the time: what ends afterwards has the new time."""
    machine = Machine(error_s, synchronised=True)
    calls = [(30.0, 61.234), (100.0, 5.001)]
    steps = [step for number, (at_s, talk_s) in enumerate(calls) for step in call(f"c{number}", at_s, talk_s)]
    check_legs(hear(machine, [*steps, (60.0, machine.set_clock)]), machine, calls)


def test_a_clock_that_is_slewed_during_a_long_call(hear):
    """500 ppm, the most that NTP does, for an hour: 1.8 s of the wall clock, none of the call's."""
    machine = Machine(drift=500e-6)
    (leg,) = [event for event in hear(machine, call("c", 30.0, HOUR_S)) if isinstance(event, LegEnded)]
    assert (RING_MS, ANSWER_MS) == (leg.ring_ms - leg.invite_ms, leg.answer_ms - leg.invite_ms)
    assert HOUR_S * 1000 == leg.end_ms - leg.answer_ms


def test_a_machine_that_sleeps_during_a_call(hear):
    """The call lasted as long as it lasted, and the time in which nothing was heard is told."""
    machine = Machine()
    steps = call("c", 30.0, 2 * HOUR_S)
    events = hear(machine, [*steps, (60.0, lambda: machine.sleep(HOUR_S)), (60.0 + HOUR_S + 1, lambda: None)])
    check_legs(events, machine, [(30.0, 2.0 * HOUR_S)])
    (gap,) = [event for event in events if isinstance(event, GapObserved) and event.reason == "asleep"]
    assert HOUR_S * 1000 == gap.until_ms - gap.from_ms
    assert abs(machine.true_ms(60.0) - gap.from_ms) <= 1000


class Counted:
    """An event sink that notes when it was asked to write."""

    def __init__(self):
        self.writes = []

    def write(self, events):
        """Each is a commit."""
        self.writes.append((time.monotonic(), len(events)))

    def pump(self, wait_s=0.0):
        """Nothing to send."""

    def undelivered(self):
        """Nothing waits."""
        return 0


def test_a_card_is_written_at_most_once_a_second():
    """Calls end all the time: what they make is gathered, and nothing is written where nothing happened."""
    machine, sink = Machine(), Counted()
    steps = [step for number in range(60) for step in call(f"c{number}", 30.0 + number, 0.5)]
    slowly = [(at_s, slow) for at_s, frame in steps for slow in (frame, lambda: time.sleep(0.01))]
    script = Script(machine, slowly)
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,)))
    service = LiveService(monitor, sink, lambda _event: None, [script], Lookout(900_000), timeline=machine.timeline())
    script.at_end = service.stop
    service.run()
    moments = [moment for moment, _ in sink.writes]
    assert len(moments) >= 3
    assert all(count for _, count in sink.writes)
    while_running = itertools.pairwise(moments[:-1])  # the last one is the end
    assert all(later - earlier >= live.COMMIT_S * 0.99 for earlier, later in while_running)
