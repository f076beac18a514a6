"""`ringtap bench sink`: from the spool's disk through a real broker into the sink's database, and what it costs."""

import json
import os
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgpack

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.core import wire
from collector.core.events import LegEnded
from collector.core.legs import RINGING
from collector.wallboard import Wallboard
from fieldkit.bench.brokers import free_port, mosquitto
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.bench.program import Program
from fieldkit.bench.reconnect import BOXES, measure_return
from fieldkit.bench.rig import Plan, write_sink
from fieldkit.bench.wire_cost import BATCH, BOX, measure_traffic

BACKLOG = 60_000  # three days of a busy office
QUICK_BACKLOG = 12_000
COMMIT_EVENTS = 500  # as the collector's service commits
GOAL_BYTES, GOAL_WIRE_BYTES, GOAL_APPENDS, GOAL_DRAIN_S, GOAL_LEGS, GOAL_SHOWN_MS = 60, 80, 5_000, 60, 10_000, 300
AWAY_S = (0.5, 10.0)  # a restart, and an outage that lets waits grow
RINGS = 20
HANDSHAKES_A_SECOND = 570  # a mutual-TLS handshake costs a broker 1.75 ms
START_MS = 1_795_000_000_000
CALL_MS, BURST_CALLS, PAUSE_MS = 4_000, 40, 600_000  # calls come in bursts: an office is busy, then it is not


def run_delivery_benchmark(*, quick: bool, config: Path) -> int:
    """Measure and print; returns 1 where a goal was missed. `config` holds the office [offices.lab]."""
    backlog = QUICK_BACKLOG if quick else BACKLOG
    figures = [Figure("payload of a leg, in batches of ten", payload_bytes(), "bytes", at_most=GOAL_BYTES)]
    with tempfile.TemporaryDirectory(prefix="ringtap-bench-") as name:
        folder = Path(name)
        figures += _weigh(folder, 10 if quick else 100)
        figures.append(_acknowledge(Spool(str(folder / "acknowledged.db")), backlog))
        spool = Spool(str(folder / "spool.db"))
        _fill(spool, backlog)
        figures += _drain(folder, spool, config, backlog)
        figures += _come_back(folder, AWAY_S[:1] if quick else AWAY_S)
    return print_figures("ringtap bench sink: delivery", figures)


def _weigh(folder: Path, batches: int) -> Iterator[Figure]:
    """The same on a real line: MQTT, TLS, TCP and IP."""
    office = f'[offices.{BOX}]\nboxes = ["{BOX}"]\n'
    traffic = measure_traffic(folder, office, make_leg, batches)
    legs = batches * BATCH
    yield Figure("sent for a leg, with TLS, TCP and IP", traffic.sent / legs, "bytes", at_most=GOAL_WIRE_BYTES)
    yield Figure("received for a leg (receipts, acknowledgement)", traffic.received / legs, "bytes")


def _come_back(folder: Path, away_s: Sequence[float]) -> Iterator[Figure]:
    """A storm of handshakes would end the broker that has just come back."""
    for away in away_s:
        back = measure_return(folder, away)
        name = f"{BOXES:,} boxes, broker away for {away:g} s"
        yield Figure(f"{name}: most in a second", back.most_a_second, "connects", at_most=HANDSHAKES_A_SECOND)
        yield Figure(f"{name}: all are back after", back.took_s, "s")


def make_leg(number: int) -> LegEnded:
    """A call through a queue to a phone, as an office has them: rings 6 s, talks 2 minutes."""
    at_ms = START_MS + number * CALL_MS + number // BURST_CALLS * PAUSE_MS
    leg = LegEnded(at_ms, (number * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big"))
    leg.role, leg.direction, leg.extension = "phone", "in", str(101 + number % 20)
    leg.caller, leg.callee = f"4477009{number % 100_000:05}", leg.extension
    leg.ring_ms, leg.answer_ms = leg.invite_ms + 180, leg.invite_ms + 6_180
    leg.end_ms = leg.answer_ms + 120_345
    leg.final_code, leg.ended_by, leg.transport = 200, "caller", "udp"
    return leg


def payload_bytes() -> float:
    """Bytes of MessagePack for one leg, in batches of ten."""
    rows = [wire.encode_event(make_leg(number)) for number in range(100)]
    batches = [wire.encode_batch(0x89ABCDEF, 100_000 + at, 1, rows[at : at + 10]) for at in range(0, 100, 10)]
    return sum(len(msgpack.packb(batch)) for batch in batches) / 100


def _fill(spool: Spool, count: int, *, acknowledged: bool = False) -> float:
    """Append so many legs, as many in a commit as the collector does; returns events a second."""
    rows = [wire.encode_event(make_leg(number)) for number in range(count)]
    begun = time.monotonic()
    for at in range(0, count, COMMIT_EVENTS):
        spool.append(rows[at : at + COMMIT_EVENTS])
        if acknowledged:
            spool.discard_through(spool.epoch, spool.last_seq)
    return count / (time.monotonic() - begun)


def _acknowledge(spool: Spool, count: int) -> Figure:
    rate = _fill(spool, count, acknowledged=True)
    spool.close()
    what = "spool: events appended and acknowledged, every commit synced"
    return Figure(what, rate, "events/s", at_least=GOAL_APPENDS)


def _drain(folder: Path, spool: Spool, config: Path, backlog: int) -> Iterator[Figure]:
    """Deliver everything through mosquitto to a sink; the sink's processor time says what it costs there."""
    with _servers(folder, config) as (port, sink):
        publisher = MqttPublisher(spool, Broker("127.0.0.1", port), Identity(BOX, BOX, "", "bench"))
        while spool.first_seq == 1:
            publisher.pump(0.05)
        begun, cpu_before = time.monotonic(), _cpu_s(sink)
        while publisher.undelivered():
            publisher.pump(0.05)
        took, cpu = time.monotonic() - begun, _cpu_s(sink) - cpu_before
        shown_ms = _ring(publisher, sink, RINGS)
        publisher.close()
    yield Figure(f"drain of {backlog:,} events through mosquitto", took, "s", at_most=GOAL_DRAIN_S)
    yield Figure("sink: decoded, stitched, committed", backlog / cpu, "legs/CPU-s", at_least=GOAL_LEGS)
    yield Figure(f"{RINGS} phones ring during a backlog: shown after, at most", shown_ms, "ms", at_most=GOAL_SHOWN_MS)


def _ring(publisher: MqttPublisher, sink: Program, times: int) -> float:
    """Milliseconds from a leg's state to the sink's answer over HTTP, at worst, beside durable events on their way."""
    wallboard = Wallboard(publisher, lambda _event: None)
    address = sink.output.read_text().partition("dashboard=")[2].split()[0]
    worst_s = 0.0
    for number in range(times):
        publisher.write([make_leg(BACKLOG + number * COMMIT_EVENTS + leg) for leg in range(COMMIT_EVENTS)])
        publisher.pump()
        begun = time.monotonic()
        wallboard.receive_progress(make_leg(number), RINGING, START_MS)
        while _ringing(address) <= number:
            publisher.pump()
        worst_s = max(worst_s, time.monotonic() - begun)
    return worst_s * 1000


def _ringing(address: str) -> int:
    with urllib.request.urlopen(f"{address}/api/v1/offices/{BOX}/live", timeout=30) as answer:  # noqa: S310
        return int(json.load(answer)["ringing"])


@contextmanager
def _servers(folder: Path, config: Path) -> Iterator[tuple[int, Program]]:
    port = free_port()
    plan = Plan(capture=config, config=config, boxes=1, repeats=1, broker="mosquitto", speed=0.0)
    settings = write_sink(folder, plan, [BOX], folder / "sink.db", port)
    broker = mosquitto(folder, port)
    sink = Program.of_module("cloud_sink", ("serve", "--config", str(settings)), folder / "sink.log")
    broker.start()
    sink.start()
    try:
        yield port, sink
    finally:
        sink.stop()
        broker.stop()


def _cpu_s(program: Program) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{program.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
