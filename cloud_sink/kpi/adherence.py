"""What was planned beside what was done: adherence, conformance, utilisation. Watched time only (R6).

Being off the queue (a break, a meeting) can only be told of agents whose phone shows it: by a pause, do not disturb or
logging out. Of an agent who showed none of them, planned breaks are left out instead of being held against him.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cloud_sink.contacts.work_rules import WorkRules
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.crew import IN_CALL, Worker
from cloud_sink.kpi.roster import ON_QUEUE, Planned
from cloud_sink.kpi.states import AVAILABLE, RINGING, Interval
from cloud_sink.kpi.value import Parts

AT_WORK = IN_CALL | {RINGING}  # the state alone says so
SAME_SHIFT_MS = 2 * 3_600_000  # pieces of a schedule this near to each other are one shift


@dataclass(frozen=True, slots=True)
class Shift:
    """Pieces of one agent's schedule that belong together, in order."""

    pieces: tuple[Planned, ...]

    @property
    def from_ms(self) -> int:
        """When it begins."""
        return self.pieces[0].from_ms

    @property
    def until_ms(self) -> int:
        """When it ends."""
        return self.pieces[-1].until_ms


def shifts_of(planned: Sequence[Planned]) -> list[Shift]:
    """An agent's schedule, in order, as shifts."""
    shifts: list[list[Planned]] = []
    for piece in planned:
        if shifts and piece.from_ms - shifts[-1][-1].until_ms <= SAME_SHIFT_MS:
            shifts[-1].append(piece)
        else:
            shifts.append([piece])
    return [Shift(tuple(pieces)) for pieces in shifts]


def on_queue(interval: Interval) -> bool:
    """Whether the agent was there for customers: in a call, called, or waiting for a call."""
    return interval.state in AT_WORK or (interval.state == AVAILABLE and interval.logged_in)


def shows_breaks(worker: Worker) -> bool:
    """Whether this agent's phone ever told that he was off the queue."""
    return any(not on_queue(each) for each in worker.intervals) and any(map(on_queue, worker.intervals))


@dataclass(frozen=True, slots=True)
class Adherence:
    """Milliseconds of one agent; all of them watched."""

    scheduled: int  # planned time of which can be told whether it was kept
    out: int  # of it, spent on something else than planned, beyond grace and excuses
    excused: int  # a break begun late because of a call that was still going on
    on_queue: int
    scheduled_on_queue: int
    worked: int  # in calls or waiting for them
    paid: int


def adherence(worker: Worker, rules: WorkRules, *, within: Span) -> Adherence | None:
    """Compare one agent's plan with his states; None where nothing was planned or watched in that time."""
    plan = _clipped(worker.planned, within)
    if not _shared(plan, worker.intervals):
        return None
    judged = plan if shows_breaks(worker) else [piece for piece in plan if piece.activity == ON_QUEUE]
    out, excused = _out_of_adherence(judged, worker.intervals, rules.grace_ms)
    if rules.count_outside_shift:
        out += _outside(worker.intervals, plan, rules.grace_ms)
    there = [each for each in worker.intervals if on_queue(each)]
    return Adherence(
        scheduled=_shared(judged, worker.intervals),
        out=out,
        excused=excused,
        on_queue=sum(each.length_ms for each in there),
        scheduled_on_queue=_shared([piece for piece in plan if piece.activity == ON_QUEUE], worker.intervals),
        worked=sum(each.length_ms for each in there if each.state != RINGING),
        paid=_shared([piece for piece in plan if piece.paid], worker.intervals),
    )


def _clipped(planned: Iterable[Planned], within: Span) -> list[Planned]:
    """The parts of a plan in a stretch of time."""
    cut = [
        Planned(each.agent, max(each.from_ms, within[0]), min(each.until_ms, within[1]), each.activity, each.paid)
        for each in planned
    ]
    return [each for each in cut if each.until_ms > each.from_ms]


def overlapping(intervals: Sequence[Interval], from_ms: int, until_ms: int) -> Iterator[Interval]:
    """The intervals, of those in order, that reach into a stretch of time."""
    first = bisect_right(intervals, from_ms, key=lambda each: each.until_ms)
    for position in range(first, len(intervals)):
        if intervals[position].from_ms >= until_ms:
            return
        yield intervals[position]


def _shared(planned: Iterable[Planned], intervals: Sequence[Interval]) -> int:
    """Milliseconds of a plan that were watched."""
    return sum(
        min(piece.until_ms, each.until_ms) - max(piece.from_ms, each.from_ms)
        for piece in planned
        for each in overlapping(intervals, piece.from_ms, piece.until_ms)
    )


def _out_of_adherence(plan: Sequence[Planned], intervals: Sequence[Interval], grace_ms: int) -> tuple[int, int]:
    """(milliseconds out beyond grace, milliseconds excused)."""
    graces = sorted((at - grace_ms, at + grace_ms) for at in _changes(plan))
    out = excused = owed = 0
    for piece in plan:
        spans = _deviations(piece, intervals)
        running = _running_call(piece, intervals) if piece.activity != ON_QUEUE else piece.from_ms
        late = [(start, min(end, running)) for start, end in spans if start < running]
        spans = [(max(start, running), end) for start, end in spans if end > running]
        if piece.activity == ON_QUEUE:
            spans = [(max(start, min(end, piece.from_ms + owed)), end) for start, end in spans]
        owed = sum(end - start for start, end in late)
        excused += owed
        out += sum(_beyond(span, graces) for span in spans)
    return out, excused


def _changes(plan: Sequence[Planned]) -> set[int]:
    """Moments at which an agent is to do something else."""
    going_on = {
        earlier.until_ms
        for earlier, later in pairwise(plan)
        if earlier.until_ms == later.from_ms and (earlier.activity == ON_QUEUE) == (later.activity == ON_QUEUE)
    }
    return {at for piece in plan for at in (piece.from_ms, piece.until_ms)} - going_on


def _deviations(piece: Planned, intervals: Sequence[Interval]) -> list[Span]:
    """When an agent did not do what this piece of his plan says."""
    wanted = piece.activity == ON_QUEUE
    return [
        (max(piece.from_ms, each.from_ms), min(piece.until_ms, each.until_ms))
        for each in overlapping(intervals, piece.from_ms, piece.until_ms)
        if on_queue(each) != wanted
    ]


def _running_call(piece: Planned, intervals: Sequence[Interval]) -> int:
    """Until when a call lasts that was going on when the piece began; its beginning where there was none."""
    until = piece.from_ms
    for each in overlapping(intervals, piece.from_ms, piece.until_ms):
        if each.state not in IN_CALL or not (each.from_ms < piece.from_ms or each.from_ms == until > piece.from_ms):
            break
        until = each.until_ms
    return until


def _beyond(span: Span, graces: Sequence[Span]) -> int:
    """Milliseconds of a span outside all times of grace, which are in order."""
    start, left = span[0], 0
    for first, last in graces[bisect_right(graces, start, key=lambda grace: grace[1]) :]:
        if first >= span[1]:
            break
        left += max(0, first - start)
        start = max(start, last)
    return left + max(0, span[1] - start)


def _outside(intervals: Sequence[Interval], plan: Sequence[Planned], grace_ms: int) -> int:
    """Milliseconds worked outside the whole plan, beyond grace."""
    planned = [(piece.from_ms - grace_ms, piece.until_ms + grace_ms) for piece in plan]
    return sum(_beyond((each.from_ms, each.until_ms), planned) for each in intervals if on_queue(each))


ADHERENCE_KPIS = ("utilisation", "schedule_adherence", "excused_time", "conformance")


def measure_adherence(found: Adherence | None) -> dict[str, Parts]:
    """`utilisation`, `schedule_adherence`, `excused_time`, `conformance`; null without a schedule."""
    if found is None:
        return dict.fromkeys(ADHERENCE_KPIS, Parts(0, 0))
    return {
        "utilisation": Parts(found.worked, found.paid),
        "schedule_adherence": Parts(max(0, found.scheduled - found.out), found.scheduled),
        "excused_time": Parts(found.excused),
        "conformance": Parts(found.on_queue, found.scheduled_on_queue),
    }
