"""Events of a box that does not know the time yet: `collector.adapters.mqtt` and `spool` with the test's own clock."""

import contextlib

import msgpack
import pytest

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.clock import PATIENCE_1970_S, WallClock
from collector.core import wire, wire_reader
from collector.core.events import LegEnded

NS = 1_000_000_000
RIGHT_S = 1_795_000_000


class Machine:
    """A machine's clocks; the wall clock stands where it was set."""

    steady_s = 300.0  # since it was switched on
    wall_ahead_s = 0.0  # so it says 1970
    synchronised = False

    def clock(self, boot="boot-1"):
        """As after a start of the collector."""
        return WallClock(
            boot=boot,
            is_synchronised=lambda: self.synchronised,
            wall_ns=lambda: int((self.steady_s + self.wall_ahead_s) * NS),
            steady_ns=lambda: int(self.steady_s * NS),
        )

    def pass_s(self, seconds):
        """Time goes by."""
        self.steady_s += seconds

    def set_right(self):
        """NTP steps the clock."""
        self.wall_ahead_s = RIGHT_S
        self.synchronised = True
        self.pass_s(1.1)

    def wall_ms(self):
        """What the wall clock says."""
        return round((self.steady_s + self.wall_ahead_s) * 1000)


def call(machine, talk_ms=61_234):
    """A call that ends now by this machine's wall clock."""
    end_ms = machine.wall_ms()
    leg = LegEnded(end_ms - talk_ms - 4000, b"12345678")
    leg.answer_ms, leg.end_ms = end_ms - talk_ms, end_ms
    return leg


@pytest.fixture
def rig(tmp_path, broker, make_sink):
    """A sink that acknowledges, and publishers on one spool."""
    with contextlib.ExitStack() as stack:

        class Rig:
            sink = make_sink(broker.port)
            spool = stack.enter_context(contextlib.closing(Spool(str(tmp_path / "spool.db"))))
            machine = Machine()

            def publisher(self, boot="boot-1"):
                identity = Identity("office-1", "london", "demo", "1.2.3")
                publisher = MqttPublisher(
                    self.spool, Broker("127.0.0.1", broker.port), identity, clock=self.machine.clock(boot)
                )
                stack.callback(lambda: publisher._connection and publisher._connection.abandon())
                return publisher

            def batches(self):
                return [wire_reader.decode_batch(msgpack.unpackb(payload)) for payload in self.sink.batches]

        yield Rig()


def pump(publisher, condition, rounds=200):
    """Let it work until it comes true; says whether it did."""
    for _ in range(rounds):
        if condition():
            return True
        publisher.pump(0.02)
    return condition()


def test_a_box_that_boots_in_1970_sends_right_times_once_it_knows_them(rig):
    """Calls before NTP wait in the spool, then go with their wall time; durations are the packets', to the ms."""
    publisher = rig.publisher()
    pump(publisher, lambda: rig.sink.states)
    assert rig.sink.states[-1]["clock_ok"] is False
    for _ in range(3):
        publisher.write([call(rig.machine)])
        rig.machine.pass_s(60)
    assert not pump(publisher, lambda: rig.sink.batches, rounds=20)
    ends = [300_000 + 60_000 * n for n in range(3)]  # by the steady clock, ms
    rig.machine.set_right()
    publisher.write([call(rig.machine)])
    assert pump(publisher, lambda: publisher.undelivered() == 0)
    legs = [item.event for batch in rig.batches() for item in batch.items]
    assert [RIGHT_S * 1000 + end for end in ends] == [leg.end_ms for leg in legs[:3]]
    assert {61_234} == {leg.end_ms - leg.answer_ms for leg in legs}
    assert {wire.CLOCK_SYNCHRONISED} == {batch.clock for batch in rig.batches()}
    assert sorted(leg.end_ms for leg in legs) == [leg.end_ms for leg in legs]
    rig.sink.wait_until(lambda: rig.sink.states[-1]["clock_ok"] is True)


def test_a_box_that_never_learns_the_time_sends_flagged_after_a_bounded_wait(rig):
    """An hour in 1970; a call is counted all the same."""
    publisher = rig.publisher()
    publisher.write([call(rig.machine)])
    assert not pump(publisher, lambda: rig.sink.batches, rounds=20)
    rig.machine.pass_s(PATIENCE_1970_S)
    assert pump(publisher, lambda: publisher.undelivered() == 0)
    assert [wire.CLOCK_UNKNOWN] == [batch.clock for batch in rig.batches()]


def test_a_collector_started_again_still_corrects_what_this_boot_saw(rig):
    """The steady clock goes on over a restart of the process; only a reboot breaks the tie."""
    rig.publisher().write([call(rig.machine)])
    end_ms = rig.machine.wall_ms()
    rig.machine.pass_s(10)
    again = rig.publisher()
    rig.machine.set_right()
    assert pump(again, lambda: again.undelivered() == 0)
    (batch,) = rig.batches()
    assert (RIGHT_S * 1000 + end_ms, wire.CLOCK_SYNCHRONISED) == (batch.items[0].event.end_ms, batch.clock)


def test_what_an_earlier_boot_saw_without_a_clock_goes_out_flagged_at_once(rig):
    """Nobody can tell any more when it was; what comes after it is not held up, and not flagged."""
    rig.publisher("boot-0").write([call(rig.machine)])
    rig.machine.set_right()
    publisher = rig.publisher("boot-1")
    pump(publisher, lambda: rig.sink.states)
    publisher.write([call(rig.machine)])
    assert pump(publisher, lambda: publisher.undelivered() == 0)
    assert [(1, wire.CLOCK_UNKNOWN), (2, wire.CLOCK_SYNCHRONISED)] == [
        (batch.items[0].seq, batch.clock) for batch in rig.batches()
    ]
