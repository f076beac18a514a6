"""`ringtap bench chaos`: kill everything at random while calls come in, and find every one of them, once.

A recording is fed to three collectors while the broker (which forgets everything), the sink and the collectors are
killed with -9, lines are cut, slow or dead, a spool's disk fills up and clocks are set by hours; what the sink then has
must equal an undisturbed run. Where a spool is too small on purpose, gaps must tell of every event that was dropped.
"""

import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from collector.errors import RingtapError, WrongUse
from fieldkit.bench.brokers import BROKERS
from fieldkit.bench.disk import can_mount
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.bench.program import Program
from fieldkit.bench.relay import Line, Relay
from fieldkit.bench.rig import Plan, Rig
from fieldkit.bench.stepped import set_clock
from fieldkit.bench.undisturbed import Dropped, Undisturbed, count_dropped, count_events

GOAL_EVENTS = 20_000
GOAL_KILLS = 30
QUICK_KILLS = 8
PAUSE_S = (0.2, 1.6)  # between two disturbances
DOWN_S = (0.0, 1.5)  # how long a killed program stays away, a line is down, a disk is full
STEP_S = 6 * 3600.0  # a clock is set by up to so much, either way
DRAIN_S = 120.0  # after the last disturbance everything must have arrived within
READY_S = 60.0
SMALL_SPOOL_BYTES = 120_000  # a few hundred events
DISTURBANCES = {"cut": "lines cut", "dead": "lines dead", "slow": "lines slow", "clock": "clocks set",
                "disk": "disks filled"}  # fmt: skip
READ = "reading: 100 %"  # what a collector says when it has written all that a recording gave

TREE = Path(__file__).parents[3] / "tests/captures"  # in a checkout; the wheel carries no recordings
CAPTURE, CONFIG = TREE / "office-day-A.pcap.gz", TREE / "asterisk-lab.toml"


class Undelivered(RingtapError):
    """The collectors did not get rid of their events although everything ran again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: what was done to the programs, what arrived, and what is wrong with it."""

    seed: int
    disturbances: Counter[str]
    events: int
    legs: int
    seconds: float
    problems: list[str]

    @property
    def kills(self) -> int:
        """How often something was killed with -9."""
        return sum(count for what, count in self.disturbances.items() if what.startswith("kill"))


class Chaos:
    """Disturbs a rig at random until `until` (monotonic seconds), and puts right what it broke after a while."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._rig = rig
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._repairs: list[tuple[float, Callable[[], object]]] = []
        self._disk_is_full = False
        self._next_at = time.monotonic() + self._random.uniform(*PAUSE_S)

    def handle_time(self, now: float) -> None:
        """Repair what is due, and break something if it is time."""
        self.repair(now)
        if now >= self._next_at:
            self._next_at = now + self._random.uniform(*PAUSE_S)
            what, act = self._random.choice(list(self._possible()))
            self.done[what.split()[0]] += 1
            act()

    def repair(self, now: float) -> None:
        """Put right what is due by `now`."""
        due = [repair for at, repair in self._repairs if at <= now]
        self._repairs = [item for item in self._repairs if item[0] > now]
        for repair in due:
            repair()

    def _possible(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What could be done now, each as often as it should come up."""
        programs = [program for program in self._rig.programs() if program.runs and not self._is_spared(program)]
        for program in programs:
            for _ in range(self._weight(program)):
                yield f"kill-{program.name.partition('-')[0]}", partial(self._kill, program)
        relay = self._random.choice(self._rig.all_relays())
        for line in ("cut", "dead", "slow"):
            yield line, partial(self._break_line, relay, line)
        yield "clock", self._set_clock
        if self._rig.disk and not self._disk_is_full and self._rig.boxes[0].runs:
            yield "disk", self._fill_disk

    def _weight(self, program: Program) -> int:
        if program in self._rig.boxes or (self._rig.plan.broker == "rabbitmq" and program is self._rig.broker):
            return 1  # RabbitMQ takes ten seconds to start: nothing else would be seen
        return 2

    def _is_spared(self, program: Program) -> bool:
        """What only memory holds would be lost with its process, and is told so: that is no fault to look for."""
        first = self._rig.boxes[0]
        return program is first and (self._disk_is_full or self._rig.trusts_memory(first))

    def _kill(self, program: Program) -> None:
        program.kill()
        self._later(program.start)

    def _break_line(self, relay: Relay, line: Line) -> None:
        relay.set_line(line)
        self._later(partial(relay.set_line, "up"))

    def _set_clock(self) -> None:
        """As NTP, or a person, sets it: it stays so until it is set again."""
        clock = self._random.choice(sorted(self._rig.clocks.values()))
        set_clock(clock, self._random.uniform(-STEP_S, STEP_S))

    def _fill_disk(self) -> None:
        if self._rig.disk:
            self._disk_is_full = True
            self._rig.disk.fill()
            self._later(self._free_disk)

    def _free_disk(self) -> None:
        if self._rig.disk:
            self._rig.disk.free()
            self._disk_is_full = False

    def _later(self, repair: Callable[[], object]) -> None:
        self._repairs.append((time.monotonic() + self._random.uniform(*DOWN_S), repair))


def run_chaos(plan: Plan, seed: int, disturb_s: float) -> Outcome:
    """One run of all programs in a temporary folder: disturbed for `disturb_s`, then left to deliver."""
    begun = time.monotonic()
    with _rig(plan) as rig:
        chaos = Chaos(rig, seed)
        while time.monotonic() < begun + disturb_s and not _finished(rig):
            chaos.handle_time(time.monotonic())
            time.sleep(0.02)
        chaos.repair(float("inf"))
        _wait(lambda: _finished(rig), DRAIN_S, lambda: _undelivered(rig))
        _wait(lambda: bool(rig.dashboard()), READY_S, lambda: f"the sink is not ready: {rig.sink.said()}")
        return _judge(rig, plan, chaos, seed, time.monotonic() - begun)


@contextmanager
def _rig(plan: Plan, *, without_sink: bool = False) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ringtap-chaos-") as folder:
        rig = Rig(Path(folder), plan)
        try:
            rig.start(without_sink=without_sink)
            yield rig
        finally:
            rig.end()


def _finished(rig: Rig) -> bool:
    """True when every collector has delivered everything and ended by itself."""
    return all(box.exit_code == 0 for box in rig.boxes)


def _undelivered(rig: Rig) -> str:
    stuck = [f"{box.name}: exit {box.exit_code}: {box.said()[-500:]}" for box in rig.boxes if box.exit_code != 0]
    return f"not delivered {DRAIN_S:.0f} s after everything ran again:\n" + "\n".join([*stuck, rig.sink.said()[-500:]])


def _wait(condition: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise Undelivered(complaint())
        time.sleep(0.05)


def _judge(rig: Rig, plan: Plan, chaos: Chaos, seed: int, seconds: float) -> Outcome:
    expected = Undisturbed(rig.recording, plan.config)
    kpis = _read_undisturbed_kpis(expected, plan)
    problems: list[str] = []
    for office in rig.offices:
        problems += expected.differences(rig.database, office)
        found = expected.read_kpis(rig.dashboard(), office)
        problems += [f"{office}: KPIs: {place} differs" for place, values in found.items() if values != kpis[place]]
    return Outcome(
        seed=seed,
        disturbances=chaos.done,
        events=sum(count_events(rig.database, office) for office in rig.offices),
        legs=expected.legs.total() * len(rig.offices),
        seconds=seconds,
        problems=problems,
    )


def _read_undisturbed_kpis(expected: Undisturbed, plan: Plan) -> dict[str, object]:
    """The same programs once more with one box, left alone."""
    with _rig(replace(plan, boxes=1, broker="embedded", speed=0.0)) as rig:
        _wait(lambda: _finished(rig), DRAIN_S, lambda: _undelivered(rig))
        return expected.read_kpis(rig.dashboard(), rig.offices[0])


# --- dropped on purpose ---------------------------------------------------------------------------------------------


def run_dropping(plan: Plan) -> Dropped:
    """One box whose spool is too small for the time in which the sink is away; it must tell of all that it dropped."""
    small = replace(plan, boxes=1, speed=0.0, spool_bytes=SMALL_SPOOL_BYTES)
    with _rig(small, without_sink=True) as rig:
        _wait(lambda: READ in rig.boxes[0].said(), DRAIN_S, lambda: f"it still reads: {rig.boxes[0].said()[-500:]}")
        rig.sink.start()
        _wait(lambda: _finished(rig), DRAIN_S, lambda: _undelivered(rig))
        dropped = count_dropped(rig.database, rig.offices[0])
    with _rig(replace(small, spool_bytes=None)) as rig:
        _wait(lambda: _finished(rig), DRAIN_S, lambda: _undelivered(rig))
        dropped.written = count_events(rig.database, rig.offices[0])
    return dropped


# --- the command ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for; None or empty: as usual."""

    quick: bool = False
    seed: int | None = None
    capture: Path | None = None
    config: Path | None = None
    brokers: list[str] = field(default_factory=list)


def run_chaos_benchmark(wishes: Wishes) -> int:
    """A run with a seed of its own on each broker; returns 1 where anything is missed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what runs in sessions of its own must be ended by us
    plans = _plans(wishes)
    if not can_mount():
        print("chaos: no disk is filled, only root may mount a small one", file=sys.stderr)
    first = random.SystemRandom().randrange(1 << 16) if wishes.seed is None else wishes.seed
    figures: list[Figure] = []
    for number, plan in enumerate(plans):
        seed = first + number
        print(f"chaos: seed {seed}, {plan.broker}, {plan.boxes} boxes ...", file=sys.stderr, flush=True)
        outcome = run_chaos(plan, seed, 20.0 if wishes.quick else 100.0)
        for problem in outcome.problems:
            print(f"seed {seed}: {problem}")
        figures += _figures(f"{plan.broker}, seed {seed}", outcome, quick=wishes.quick)
    dropped = run_dropping(plans[0])
    unknown = Figure("events dropped on purpose that no gap tells of", abs(dropped.untold), "events", at_most=0)
    figures += [Figure("events dropped by a spool that is too small", dropped.lost, "events", at_least=1), unknown]
    return print_figures("ringtap bench chaos: killed at random, nothing lost", figures)


def _plans(wishes: Wishes) -> list[Plan]:
    capture, config = wishes.capture or CAPTURE, wishes.config or CONFIG
    if not capture.is_file() or not config.is_file():
        raise WrongUse(f"{capture}: no such recording; name one with --capture FILE and its office with --config F")
    if wishes.quick:
        return [Plan(capture, config, 3, 1, broker, speed=60.0) for broker in wishes.brokers or ["mosquitto"]]
    return [Plan(capture, config, 3, 6, broker, speed=120.0) for broker in wishes.brokers or BROKERS]


def _figures(name: str, outcome: Outcome, *, quick: bool) -> Iterator[Figure]:
    yield Figure(f"{name}: events", outcome.events, "events", at_least=None if quick else GOAL_EVENTS)
    yield Figure(f"{name}: kills", outcome.kills, "kills", at_least=QUICK_KILLS if quick else GOAL_KILLS)
    for what, count in sorted(outcome.disturbances.items()):
        if not what.startswith("kill"):
            yield Figure(f"{name}: {DISTURBANCES[what]}", count, "times")
    yield Figure(f"{name}: lost, counted twice, otherwise", len(outcome.problems), "problems", at_most=0)
    yield Figure(f"{name}: took", outcome.seconds, "s")
