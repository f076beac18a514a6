"""`ringtap bench live`: a real collector at one end of a cable, real calls from the other.

Each part has a fresh collector. What it heard is counted in its spool, what it used is the operating system's account;
the goals stand beside what sip-exporter publishes of itself: 1,800 calls a second within 2 CPUs and 256 MiB.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.errors import WrongUse
from fieldkit.bench.cable import FAR_ADDRESS, NEAR_ADDRESS, Box, Cable, make_cable, start_quietly
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.bench.measure import run_measured

CALL_RATE = 1_800  # calls a second, seven messages each: 12,600 messages a second
FLOOD_RATE = 5_000
WRAPPED_RATE = 12_000 / 7
HELD_CALLS = 10_000
GOAL_RSS_MB, GOAL_FLOOD_RSS_MB, GOAL_HELD_RSS_MB, GOAL_IDLE_RSS_MB = 64, 96, 96, 40
GOAL_IDLE_CPU = 1.0
GOAL_GROWTH_MB = 3
GOAL_COMMITS = 1.0  # a second
PEER_CPU, PEER_MEMORY = "sip-exporter: 200", "sip-exporter: 268"  # what it publishes: 2 CPUs, 256 MiB
SIPP_SOCKET_BYTES = 4 << 20
SETTLE_S = 0.5  # the ring hands over what it has after 40 ms, the loop a tenth of a second later


def run_live_benchmark(*, quick: bool, only: str = "") -> int:
    """Measure and print; returns 1 where a goal was missed."""
    if shutil.which("sipp") is None:
        raise WrongUse("sipp not found: apt-get install sip-tester")
    parts = {"calls": _calls, "sipp": _sipp, "tzsp": _wrapped, "hep": _wrapped, "hep-tcp": _wrapped,
             "flood": _flood, "stop": _stop, "held": _held, "idle": _idle, "soak": _soak}  # fmt: skip
    figures: list[Figure] = []
    with make_cable() as cable:
        for name, measure in parts.items():
            if only in {"", name}:
                print(f"measuring {name} ...", file=sys.stderr)
                figures += measure(cable, name, quick)
    return print_figures(
        "ringtap bench live: a listening collector, beside sip-exporter's own figures for 1,800 calls/s", figures
    )


@contextmanager
def _box(sources: str) -> Iterator[Box]:
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder), sources)
        try:
            yield box
        finally:
            box.kill()


def _live(cable: Cable) -> str:
    return f'[[source]]\nkind = "live"\ninterfaces = ["{cable.near}"]\n'


def _generate(cable: Cable, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fieldkit.bench.generator", *map(str, words)]
    return subprocess.Popen(cable.far_command(*command), stdout=subprocess.PIPE, text=True)


def _calls(cable: Cable, name: str, quick: bool) -> list[Figure]:
    """Full calls at the rate sip-exporter publishes."""
    seconds = 3 if quick else 60
    with _box(_live(cable)) as box:
        watch = _Growth(box, seconds / 4)
        figures = _exactly(box, name, _generate(cable, "frame", cable.far, CALL_RATE, CALL_RATE * seconds),
                           CALL_RATE * seconds, lambda counters: counters["live_drops"], watch)  # fmt: skip
    if quick:  # too short for a program to have come to rest
        return figures
    what = f"{name}: memory that grew after a quarter of {CALL_RATE * seconds:,} calls"
    return [*figures, Figure(what, watch.grown_mb, "MB", at_most=GOAL_GROWTH_MB)]


class _Growth:
    """Watches the whole program over weeks of an office's calls: memory that grows shows after the first quarter."""

    def __init__(self, box: Box, quarter_s: float) -> None:
        self._box = box
        self._quarter_s = quarter_s
        self.grown_mb = 0.0

    def __call__(self, generator: subprocess.Popen[str]) -> None:
        time.sleep(self._quarter_s)
        quarter_mb = self._box.now_mb()
        generator.wait()
        self.grown_mb = self._box.now_mb() - quarter_mb


def _wrapped(cable: Cable, name: str, quick: bool) -> list[Figure]:
    """The same calls as a router or a PBX sends them, 12,000 messages a second."""
    kind = name.partition("-")[0]
    count = int(WRAPPED_RATE * (1.5 if quick else 30))
    with _box(f'[[source]]\nkind = "{kind}"\nlisten = "{NEAR_ADDRESS}:39060"\n') as box:
        return _exactly(box, name, _generate(cable, name, f"{NEAR_ADDRESS}:39060", WRAPPED_RATE, count), count,
                        lambda counters: counters[f"{kind}_drops"])  # fmt: skip


def _exactly(
    box: Box,
    name: str,
    generator: subprocess.Popen[str],
    calls: int,
    drops: Callable[[dict[str, int]], int],
    watch: Callable[[subprocess.Popen[str]], object] = subprocess.Popen.wait,
) -> list[Figure]:
    begun = time.monotonic()
    watch(generator)
    sent = int(generator.communicate()[0])
    seconds = time.monotonic() - begun
    cpu = box.cpu_share()
    time.sleep(SETTLE_S)
    rss_mb = box.rss_mb()
    counters, legs, stop_s = box.stop()
    return [
        Figure(f"{name}: messages sent a second", sent / seconds, "messages/s"),
        Figure(f"{name}: messages lost, of {sent:,}", sent - counters["sip_messages"], "messages", at_most=0),
        Figure(f"{name}: calls not counted exactly, of {calls:,}", calls - legs["whole"] + legs["broken"], "calls",
               at_most=0),
        Figure(f"{name}: kernel drops", drops(counters), "packets", at_most=0),
        Figure(f"{name}: processor ({PEER_CPU})", cpu, "% of a core", at_most=100),
        Figure(f"{name}: memory ({PEER_MEMORY})", rss_mb, "MB", at_most=GOAL_RSS_MB),
        Figure(f"{name}: SIGTERM to the end", stop_s, "s", at_most=2),
    ]  # fmt: skip


def _sipp(cable: Cable, name: str, quick: bool) -> list[Figure]:
    """Real dialogs by sipp; both of its ends share the machine with the collector, and lose packets of their own."""
    calls, rate, limit_s = (1_500, 500, 10) if quick else (60 * CALL_RATE, CALL_RATE, 300)
    sockets = f"-buff_size {SIPP_SOCKET_BYTES} -nostdin"
    with _box(_live(cable)) as box, tempfile.TemporaryDirectory() as folder:
        server = start_quietly(cable.far_command(*f"sipp -sn uas -i {FAR_ADDRESS} -p 5060 {sockets}".split()), folder)
        client = f"sipp -sn uac {FAR_ADDRESS}:5060 -i {NEAR_ADDRESS} -p 5060 -d 100 -r {rate} -m {calls} {sockets}"
        begun = time.monotonic()
        limit = ["-timeout", f"{limit_s}s"]  # the last retransmissions of a lost packet take half a minute
        start_quietly([*client.split(), *limit, "-trace_stat", "-stf", "account.csv"], folder).wait()
        seconds, cpu = time.monotonic() - begun, box.cpu_share()
        server.kill()
        server.wait()
        made, succeeded = _read_account(Path(folder) / "account.csv")
        time.sleep(SETTLE_S)
        rss_mb = box.rss_mb()
        counters, legs, _ = box.stop()
    return [
        Figure(f"{name}: calls a second", made / seconds, "calls/s"),
        Figure(f"{name}: calls that sipp itself gave up, of {made:,}", made - succeeded, "calls"),
        Figure(f"{name}: calls not counted as one", abs(made - legs["whole"] - legs["broken"]), "calls", at_most=0),
        Figure(f"{name}: sipp's good calls that are not whole", max(0, succeeded - legs["whole"]), "calls", at_most=0),
        Figure(f"{name}: kernel drops", counters["live_drops"], "packets", at_most=0),
        Figure(f"{name}: processor", cpu, "% of a core", at_most=100),
        Figure(f"{name}: memory", rss_mb, "MB", at_most=GOAL_RSS_MB),
    ]


def _read_account(path: Path) -> tuple[int, int]:
    """(Calls made, calls that went well) by sipp's own statistics."""
    with path.open(newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return int(last["OutgoingCall(C)"]), int(last["SuccessfulCall(C)"])


def _flood(cable: Cable, name: str, quick: bool) -> list[Figure]:
    """INVITEs of forged callers, with ten good calls a second beside them."""
    seconds = 2 if quick else 30
    with _box(_live(cable)) as box:
        flood = _generate(cable, "flood", cable.far, FLOOD_RATE, FLOOD_RATE * seconds)
        good = _generate(cable, "frame", cable.far, 10, 10 * seconds)
        sent = int(flood.communicate()[0]) + int(good.communicate()[0])
        time.sleep(SETTLE_S)
        rss_mb = box.rss_mb()
        counters, legs, _ = box.stop()
    uncounted = sent - counters["sip_messages"] - counters["live_drops"]
    return [
        Figure(f"{name}: good calls not right, of {10 * seconds}", 10 * seconds - legs["whole"], "calls", at_most=0),
        Figure(f"{name}: messages neither heard nor counted as dropped", uncounted, "messages", at_most=0),
        Figure(f"{name}: kernel drops", counters["live_drops"], "packets"),
        Figure(f"{name}: memory", rss_mb, "MB", at_most=GOAL_FLOOD_RSS_MB),
    ]


def _stop(cable: Cable, name: str, _quick: bool) -> list[Figure]:
    """SIGTERM in the middle of a flood."""
    with _box(_live(cable)) as box:
        flood = _generate(cable, "flood", cable.far, FLOOD_RATE, FLOOD_RATE * 60)
        time.sleep(1)
        stop_s = box.stop()[2]
        flood.kill()
        flood.communicate()
    return [Figure(f"{name}: SIGTERM to the end while {FLOOD_RATE:,} INVITEs a second come", stop_s, "s", at_most=2)]


def _held(cable: Cable, name: str, quick: bool) -> list[Figure]:
    """Ten thousand calls up at once, then all ended."""
    with _box(_live(cable)) as box:
        _generate(cable, "frame", cable.far, 2_500 if quick else 1_000, HELD_CALLS, 1 if quick else 10).communicate()
        time.sleep(SETTLE_S)
        rss_mb = box.rss_mb()
        counters, legs, _ = box.stop()
    return [
        Figure(f"{name}: calls not ended right, of {HELD_CALLS:,}", HELD_CALLS - legs["whole"], "calls", at_most=0),
        Figure(f"{name}: kernel drops", counters["live_drops"], "packets", at_most=0),
        Figure(f"{name}: memory", rss_mb, "MB", at_most=GOAL_HELD_RSS_MB),
    ]


def _idle(cable: Cable, name: str, quick: bool) -> list[Figure]:
    """Ten calls in a quiet minute, and thirty phones that register; in short, the beginning of it."""
    seconds = 5 if quick else 60
    with _box(_live(cable)) as box:
        phones = _generate(cable, "phones", cable.far, 30 / 60, 30 * seconds // 60)
        traffic = _generate(cable, "frame", cable.far, 10 / 60, max(1, 10 * seconds // 60))
        commits = box.commits(seconds)
        cpu, rss_mb = box.cpu_share(), box.rss_mb()
        traffic.communicate()
        phones.communicate()
    return [
        Figure(f"{name}: processor", cpu, "% of a core", at_most=GOAL_IDLE_CPU),
        Figure(f"{name}: memory", rss_mb, "MB", at_most=GOAL_IDLE_RSS_MB),
        Figure(f"{name}: disk commits", commits, "commits/s", at_most=GOAL_COMMITS),
    ]


def _soak(_cable: Cable, name: str, quick: bool) -> list[Figure]:
    """A day of calls in compressed time through the core alone: memory after a quarter of it, and at its end."""
    calls = 15_000 if quick else 300_000
    done = run_measured((sys.executable, "-m", "fieldkit.bench.soak", str(calls)))
    legs, quarter_kib, end_kib = map(int, done.output.split())
    return [
        Figure(f"{name}: calls not ended right, of {calls:,} in a day", calls - legs, "calls", at_most=0),
        Figure(f"{name}: memory that grew after a quarter of the day", (end_kib - quarter_kib) / 1024, "MB",
               at_most=GOAL_GROWTH_MB),
    ]  # fmt: skip
