"""The collector's loop: `collector.service`."""

import contextlib
import io
import json
from itertools import pairwise

import pytest

from collector import config
from collector.adapters.jsonl import JsonLines
from collector.adapters.pcapfile import open_captures
from collector.adapters.spool import Spool
from collector.core import wire
from collector.core.monitor import CallMonitor
from collector.service import COMMIT_EVENTS, MAX_AHEAD_EVENTS, Pace, Service


class SpoolOnly:
    """An event sink that ends at the disk: nothing is ever delivered unless `drains`."""

    def __init__(self, spool, *, drains=False):
        self.spool = spool
        self.commits = []
        self.waits = []
        self._drains = drains

    def write(self, events):
        """Spool them."""
        self.commits.append(len(events))
        self.spool.append([wire.encode_event(event) for event in events])

    def pump(self, wait_s=0.0):
        """Deliver everything, or nothing."""
        self.waits.append(wait_s)
        if self._drains:
            self.spool.discard_through(self.spool.epoch, self.spool.last_seq)

    def undelivered(self):
        """What is in the spool."""
        return self.spool.last_seq - self.spool.first_seq + 1

    def close(self):
        """Close the spool."""
        self.spool.close()


class ListSink:
    """An event sink that fills a list."""

    def __init__(self, events):
        self.write = events.extend

    def pump(self, wait_s=0.0):
        """Nothing waits."""

    def undelivered(self):
        """Nothing is left."""
        return 0


@pytest.fixture
def monitor(lab_config):
    """A monitor that knows the lab."""
    return CallMonitor(config.load(str(lab_config)).monitor_settings())


@pytest.fixture
def spool(tmp_path):
    """An empty spool."""
    with contextlib.closing(Spool(str(tmp_path / "spool.db"))) as spool:
        yield spool


def run_lines(monitor, source, **settings):
    """The events of a source, as printed."""
    stream = io.StringIO()
    Service(monitor, JsonLines(stream), lambda _event: None).watch(source, **settings)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_recording_becomes_events_with_one_report_a_minute(monitor, captures):
    """Every leg of the recording, each once, and health about every minute of the recording's own time."""
    lines = run_lines(monitor, open_captures([str(captures / "a-direct.pcap.gz")]))
    legs = [line for line in lines if line["event"] == "leg"]
    health = [line["at_ms"] for line in lines if line["event"] == "health"]
    assert (64, 64) == (len(legs), len({leg["call_key"] for leg in legs}))
    assert all(after - before >= 60_000 for before, after in pairwise(health[:-1]))
    assert 3 <= len(health) <= 5


def test_events_are_committed_in_groups(monitor, spool, captures):
    """A recording read at full speed does not sync the disk for every event."""
    sink = SpoolOnly(spool)
    Service(monitor, sink, lambda _event: None).watch(open_captures([str(captures / "office-day-A.pcap.gz")]))
    assert spool.last_seq > 1200
    assert len(sink.commits) <= spool.last_seq / COMMIT_EVENTS + 10


def test_what_must_not_leave_is_changed_before_it_is_spooled(monitor, spool, captures):
    """`protect` sees every event of the core before anything is written."""

    def hide(event):
        if hasattr(event, "caller"):
            event.caller = "hidden"

    Service(monitor, SpoolOnly(spool), hide).watch(open_captures([str(captures / "a-direct.pcap.gz")]))
    legs = [body for _, _, body in spool.pending(0, 1000) if body[0] == wire.KIND_LEG]
    assert len(legs) == 64
    assert all("hidden" in body for body in legs)


def test_speed_follows_the_packets_times(monitor, captures):
    """At twice the speed, a frame ten seconds on is due after five."""
    now = [100.0]
    pace = Pace(2.0, lambda: now[0])
    assert [0.0, 5.0] == [pace.rest_s(1_000), pace.rest_s(11_000)]
    now[0] += 7
    assert pace.rest_s(11_000) == -2.0
    assert Pace(0.0, lambda: now[0]).rest_s(99) == 0.0
    lines = run_lines(monitor, open_captures([str(captures / "a-direct.pcap.gz")]), speed=100_000.0)
    assert len(lines) > 64


def test_stop_ends_the_watch_and_reports_open_legs(monitor, captures):
    """What was up when the service was told to stop comes out as partial."""
    stream = io.StringIO()
    service = Service(monitor, JsonLines(stream), lambda _event: None)
    service.watch(
        open_captures([str(captures / "c-queue.pcap.gz")]),
        on_progress=lambda _share: monitor.counters.legs_open and service.stop(),
    )
    legs = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "leg"]
    assert 0 < len(legs) < 223
    assert any(leg["partial"] and leg["end_ms"] is None for leg in legs)


def test_an_interrupted_recording_goes_on_where_it_was(lab_config, spool, captures):
    """Stopped three times and read from the start each time: the spool has the same events as after one reading."""
    settings = config.load(str(lab_config)).monitor_settings()
    paths = [str(captures / "c-queue.pcap.gz")]

    def read_until(share):
        service = Service(CallMonitor(settings), SpoolOnly(spool), lambda _event: None)
        skip = spool.resume_source("c-queue")
        return service.watch(
            open_captures(paths),
            skip_events=skip,
            resumable=True,
            on_progress=lambda at: at >= share and service.stop(),
        )

    assert [False, False, False, True] == [read_until(share) for share in (0.2, 0.5, 0.8, 2.0)]
    spooled = [body for _, _, body in spool.pending(0, 10_000) if body[0] != wire.KIND_HEALTH]
    whole = []
    Service(CallMonitor(settings), ListSink(whole), lambda _event: None).watch(open_captures(paths))
    assert [body for _, body in map(wire.encode_event, whole) if body[0] != wire.KIND_HEALTH] == spooled


def test_a_recording_waits_for_a_slow_sink(monitor, spool):
    """It must not push its own first events out of the spool."""
    sink = SpoolOnly(spool)
    service = Service(monitor, sink, lambda _event: None)
    spool.append([(n, [9, n]) for n in range(MAX_AHEAD_EVENTS + 5)])
    sink.pump = lambda wait_s=0.0: (sink.waits.append(wait_s), wait_s and service.stop())
    service._take_turn()
    assert [0.0, 0.2] == sink.waits


def test_deliver_returns_when_the_sink_has_everything(monitor, spool):
    """And not before."""
    sink = SpoolOnly(spool, drains=True)
    spool.append([(n, [9, n]) for n in range(5)])
    Service(monitor, sink, lambda _event: None).deliver()
    assert sink.undelivered() == 0


def test_an_empty_source_reports_nothing(monitor, spool):
    """No frame, no time: not even health can say when."""

    class Nothing:
        problems = ()

        def batches(self):
            """Only turns."""
            yield []

        def progress(self):
            """Done."""
            return 1.0

    Service(monitor, SpoolOnly(spool), lambda _event: None).watch(Nothing())
    assert spool.last_seq == 0
