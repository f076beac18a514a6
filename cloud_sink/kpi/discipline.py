"""Discipline: where an agent did not keep to the plan or to the centre's rules, one event each, with its seconds.

Breaks of the plan need a schedule; what happened to calls needs none. Seconds are those beyond the office's grace.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cloud_sink.contacts.records import Leg
from cloud_sink.contacts.work_rules import WorkRules
from cloud_sink.kpi.adherence import Shift, overlapping, shifts_of
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.crew import Worker
from cloud_sink.kpi.roster import ON_QUEUE, Planned
from cloud_sink.kpi.state_sources import DND, PAUSE
from cloud_sink.kpi.states import OFFLINE, OTHER, Interval
from cloud_sink.kpi.value import Parts

LATE_LOGIN, EARLY_LOGOUT, LONG_BREAK, DND_OUTSIDE_BREAK = (
    "late_login", "early_logout", "long_break", "dnd_outside_break",
)  # fmt: skip
NO_ANSWER, LONG_RING, REJECTED, QUICK_HANGUP = "no_answer", "long_ring", "rejected", "quick_hangup"
PLANNED_RULES = (LATE_LOGIN, EARLY_LOGOUT, LONG_BREAK, DND_OUTSIDE_BREAK)
RULES = {
    LATE_LOGIN: "not logged in when the shift began",
    EARLY_LOGOUT: "logged out before the shift ended",
    LONG_BREAK: "on break for longer than planned, or without a plan",
    DND_OUTSIDE_BREAK: "do not disturb while planned to be on the queue",
    NO_ANSWER: "did not answer a ringing phone",
    LONG_RING: "let it ring for long before answering",
    REJECTED: "refused a call",
    QUICK_HANGUP: "hung up on a customer within ten seconds",
}
AWAY = frozenset((PAUSE, OTHER, OFFLINE))  # a break, however it was taken
NEAR_MS = 3_600_000  # a break taken within an hour of a planned one is that one
QUICK_MS = 10_000


@dataclass(frozen=True, slots=True)
class Lapse:
    """One event; `length_ms` beyond grace, or how long it rang or was talked."""

    rule: str
    agent: str
    team: str
    at_ms: int
    length_ms: int
    leg_id: str = ""  # of the call it is about


def lapses(worker: Worker, rules: WorkRules, *, within: Span) -> list[Lapse]:
    """All of one agent's, in order."""
    found = [*_of_calls(worker, rules)]
    for shift in shifts_of(worker.planned):
        found += _of_shift(worker, shift, rules.grace_ms, within)
    return sorted(found, key=lambda lapse: (lapse.at_ms, lapse.rule))


def _of_calls(worker: Worker, rules: WorkRules) -> Iterator[Lapse]:
    """What the agent did with calls that rang at his phone."""
    for leg, outcome in worker.legs:
        rule = _rule_of(leg, outcome, rules.long_ring_ms) if leg.direction == "in" else ""
        if rule:
            length = (leg.talk_ms if rule == QUICK_HANGUP else leg.ring_ms) or 0
            yield Lapse(rule, worker.agent, worker.team, leg.t_invite, length, leg.leg_id)


def _rule_of(leg: Leg, outcome: str, long_ring_ms: int) -> str:
    """Which rule a call broke; "" for none."""
    if outcome in (NO_ANSWER, "declined"):
        return NO_ANSWER if outcome == NO_ANSWER else REJECTED
    if outcome != "answered":
        return ""
    if leg.ended_by == "callee" and leg.talk_ms is not None and leg.talk_ms < QUICK_MS:
        return QUICK_HANGUP
    return LONG_RING if (leg.ring_ms or 0) >= long_ring_ms else ""


def _of_shift(worker: Worker, shift: Shift, grace_ms: int, within: Span) -> Iterator[Lapse]:
    """What he did with one shift; nothing of a shift that he was not there for at all: that is an absence."""
    states = list(overlapping(worker.intervals, shift.from_ms, shift.until_ms))
    duty = [each for each in states if each.logged_in]
    if not duty:
        return

    def lapse(rule: str, at_ms: int, beyond_ms: int) -> Iterator[Lapse]:
        if beyond_ms > 0 and within[0] <= at_ms < within[1]:
            yield Lapse(rule, worker.agent, worker.team, at_ms, beyond_ms)

    if states[0].from_ms <= shift.from_ms:
        yield from lapse(LATE_LOGIN, shift.from_ms, duty[0].from_ms - shift.from_ms - grace_ms)
    if states[-1].until_ms >= shift.until_ms:
        yield from lapse(EARLY_LOGOUT, duty[-1].until_ms, shift.until_ms - duty[-1].until_ms - grace_ms)
    for at_ms, beyond_ms in _long_breaks(shift, states, duty, grace_ms):
        yield from lapse(LONG_BREAK, at_ms, beyond_ms)
    for at_ms, beyond_ms in _undisturbed(shift, states, grace_ms):
        yield from lapse(DND_OUTSIDE_BREAK, at_ms, beyond_ms)


def _long_breaks(
    shift: Shift, states: Sequence[Interval], duty: Sequence[Interval], grace_ms: int
) -> Iterator[tuple[int, int]]:
    """(start, milliseconds beyond plan and grace) of each break between the first and the last moment on duty."""
    first, last = max(shift.from_ms, duty[0].from_ms), min(shift.until_ms, duty[-1].until_ms)
    unused = _off_queue(shift)
    for start, end in _joined((max(first, s.from_ms), min(last, s.until_ms)) for s in states if s.state in AWAY):
        planned = min(unused, key=lambda piece: abs(piece[0] - start), default=None)
        allowed = 0
        if planned is not None and abs(planned[0] - start) <= NEAR_MS:
            unused.remove(planned)
            allowed = planned[1] - planned[0]
        yield start, end - start - allowed - grace_ms


def _off_queue(shift: Shift) -> list[Span]:
    """Planned time away from the queue; unplanned pauses within the shift are some of it, too."""
    gaps = [(before.until_ms, after.from_ms) for before, after in pairwise(shift.pieces)]
    pieces = [(piece.from_ms, piece.until_ms) for piece in shift.pieces if piece.activity != ON_QUEUE]
    return _joined(sorted([*pieces, *gaps]))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch as one; those without length are none."""
    found: list[Span] = []
    for start, end in spans:
        if end > start:
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
    return found


def _undisturbed(shift: Shift, states: Sequence[Interval], grace_ms: int) -> Iterator[tuple[int, int]]:
    """(start, milliseconds beyond grace) of do not disturb within each planned time on the queue."""
    on_queue: Iterable[Planned] = (piece for piece in shift.pieces if piece.activity == ON_QUEUE)
    for piece in on_queue:
        for each in overlapping(states, piece.from_ms, piece.until_ms):
            if each.state == DND:
                start, end = max(piece.from_ms, each.from_ms), min(piece.until_ms, each.until_ms)
                yield start, end - start - grace_ms


def measure_lapses(worker: Worker, found: Sequence[Lapse]) -> dict[str, Parts]:
    """Count and milliseconds of each rule of the plan; null without a schedule."""
    known = int(worker.has_schedule and bool(worker.intervals))
    measured: dict[str, Parts] = {}
    for rule in PLANNED_RULES:
        lengths = [lapse.length_ms for lapse in found if lapse.rule == rule]
        measured[rule] = Parts(len(lengths), known)
        measured[f"{rule}_time"] = Parts(sum(lengths), known)
    return measured
