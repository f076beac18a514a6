"""`ringtap bench chaos`: kill everything at random while calls come in, and find every one of them, once.

A recording is fed to three collectors while the broker (which forgets everything), the sink and the collectors are
killed with -9 and the network is cut or goes dead; what the sink then has must equal an undisturbed run.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from collector.errors import RingtapError, WrongUse
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.bench.relay import Line, Relay
from fieldkit.bench.rig import Plan, Program, Rig
from fieldkit.bench.undisturbed import Undisturbed, count_events

GOAL_EVENTS = 20_000
GOAL_KILLS = 30
QUICK_KILLS = 8
PAUSE_S = (0.2, 1.6)  # between two disturbances
DOWN_S = (0.0, 1.5)  # how long a killed program stays away, a line is down
DRAIN_S = 120.0  # after the last disturbance everything must have arrived within
READY_S = 30.0

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
        self._broken: set[str] = set()
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
        programs = [program for program in self._rig.programs() if program.runs]
        for program in programs:
            weight = 1 if program in self._rig.boxes else 2
            for _ in range(weight):
                yield f"kill-{program.name.partition('-')[0]}", partial(self._kill, program)
        relay = self._random.choice(self._rig.all_relays())
        yield "cut", partial(self._break_line, relay, "cut")
        yield "dead", partial(self._break_line, relay, "dead")

    def _kill(self, program: Program) -> None:
        program.kill()
        self._later(program.start)

    def _break_line(self, relay: Relay, line: Line) -> None:
        relay.set_line(line)
        self._later(partial(relay.set_line, "up"))

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
def _rig(plan: Plan) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ringtap-chaos-") as folder:
        rig = Rig(Path(folder), plan)
        try:
            for program in rig.programs():
                program.start()
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
    with _rig(replace(plan, boxes=1, embedded=True, speed=0.0)) as rig:
        _wait(lambda: _finished(rig), DRAIN_S, lambda: _undelivered(rig))
        return expected.read_kpis(rig.dashboard(), rig.offices[0])


# --- the command ----------------------------------------------------------------------------------------------------


def run_chaos_benchmark(*, quick: bool, seed: int | None, capture: Path | None, config: Path | None) -> int:
    """Several runs with a seed each, on mosquitto and on the embedded broker; returns 1 where anything is missed."""
    plans = _plans(quick, capture or CAPTURE, config or CONFIG)
    first = random.SystemRandom().randrange(1 << 16) if seed is None else seed
    outcomes = []
    for number, plan in enumerate(plans):
        broker = "embedded broker" if plan.embedded else "mosquitto"
        print(f"chaos: seed {first + number}, {broker}, {plan.boxes} boxes ...", file=sys.stderr, flush=True)
        outcomes.append(run_chaos(plan, first + number, 20.0 if quick else 100.0))
        for problem in outcomes[-1].problems:
            print(f"seed {first + number}: {problem}")
    return print_figures("ringtap bench chaos: killed at random, nothing lost", list(_figures(outcomes, quick)))


def _plans(quick: bool, capture: Path, config: Path) -> list[Plan]:
    if not capture.is_file() or not config.is_file():
        raise WrongUse(f"{capture}: no such recording; name one with --capture FILE and its office with --config F")
    if quick:
        return [Plan(capture, config, boxes=3, repeats=1, embedded=False, speed=60.0)]
    return [Plan(capture, config, 3, 6, embedded, speed=120.0) for embedded in (False, False, True)]


def _figures(outcomes: list[Outcome], quick: bool) -> Iterator[Figure]:
    for outcome in outcomes:
        name = f"seed {outcome.seed}"
        yield Figure(f"{name}: events", outcome.events, "events", at_least=None if quick else GOAL_EVENTS)
        yield Figure(f"{name}: kills", outcome.kills, "kills", at_least=QUICK_KILLS if quick else GOAL_KILLS)
        yield Figure(f"{name}: other disturbances", outcome.disturbances.total() - outcome.kills, "times")
        yield Figure(f"{name}: lost, counted twice, otherwise", len(outcome.problems), "problems", at_most=0)
        yield Figure(f"{name}: took", outcome.seconds, "s")
