"""Who did it: what extensions showed, as the work of the agents who sat at them.

An extension nobody is listed for at some time counts as an agent of that name. States of an agent at two phones are
merged so that they never overlap (invariant I4).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.extensions import SettledLeg, by_extension
from cloud_sink.kpi.roster import Evaluation, Planned, Roster, Seat
from cloud_sink.kpi.state_sources import ACW, DND, PAUSE
from cloud_sink.kpi.states import AVAILABLE, OFFLINE, OTHER, RINGING, TALK, Interval, States

HOLD = "hold"
IN_CALL = frozenset((TALK, HOLD, ACW))  # busy with a customer
STRENGTH = {word: rank for rank, word in enumerate((OFFLINE, OTHER, DND, PAUSE, AVAILABLE, ACW, RINGING, HOLD, TALK))}


@dataclass(slots=True)
class Worker:
    """One agent in one team: what he was planned to do and what his phones showed."""

    agent: str
    team: str
    extensions: list[str] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)  # in order, never overlapping
    legs: list[SettledLeg] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)  # in order
    evaluations: list[Evaluation] = field(default_factory=list)

    @property
    def has_schedule(self) -> bool:
        """Whether anything was planned."""
        return bool(self.planned)

    def legs_of(self, phones: Mapping[str, Sequence[SettledLeg]]) -> list[SettledLeg]:
        """Legs of the phones he sat at, when somebody else did too; `phones` by extension."""
        return [leg for extension in self.extensions for leg in phones.get(extension, ())]


def crew(
    roster: Roster, states: States, legs: Iterable[SettledLeg], *, watched: Sequence[Span], within: Span
) -> list[Worker]:
    """Everybody who sat at a phone or was planned to, by name; an extension never seen was offline while watched."""
    phones = by_extension(legs)
    seats = seats_within(roster.seats, states.keys() | phones.keys(), within)
    workers: dict[tuple[str, str], Worker] = {}
    pieces: dict[tuple[str, str], list[list[Interval]]] = {}
    for seat in seats:
        worker = workers.setdefault((seat.agent, seat.team), Worker(seat.agent, seat.team))
        if seat.extension not in worker.extensions:
            worker.extensions.append(seat.extension)
        worker.legs += [each for each in phones.get(seat.extension, []) if _holds(seat, each[0].t_invite)]
        shown = states.get(seat.extension) or [Interval(OFFLINE, *span, logged_in=False) for span in watched]
        pieces.setdefault((seat.agent, seat.team), []).append(cut_intervals(shown, seat.from_ms, seat.until_ms))
    for key, found in pieces.items():
        workers[key].intervals = merge_intervals(found)
    _plan(workers, roster, seats, watched)
    return [workers[key] for key in sorted(workers)]


def seats_within(seats: Iterable[Seat], extensions: Iterable[str], within: Span) -> list[Seat]:
    """Who sat where in a stretch of time: each seat ends where the next one at its phone begins, gaps are filled."""
    groups: dict[str, list[Seat]] = {extension: [] for extension in extensions}
    for seat in sorted(seats, key=lambda each: each.from_ms):
        groups.setdefault(seat.extension, []).append(seat)
    found: list[Seat] = []
    for extension, group in sorted(groups.items()):
        ends = [min(seat.until_ms, later.from_ms) for seat, later in pairwise(group)]
        bounded = [replace(seat, until_ms=end) for seat, end in zip(group, ends, strict=False)] + group[-1:]
        found += _filled(extension, bounded, within)
    return [seat for seat in found if seat.until_ms > seat.from_ms]


def _filled(extension: str, seats: Sequence[Seat], within: Span) -> Iterable[Seat]:
    """The seats clipped to the stretch, and the extension itself wherever nobody is listed."""
    at_ms, end_ms = within
    for seat in seats:
        start, until = max(seat.from_ms, within[0]), min(seat.until_ms, end_ms)
        if until > start:
            if start > at_ms:
                yield Seat(extension, extension, at_ms, start)
            yield replace(seat, from_ms=start, until_ms=until)
            at_ms = until
    if at_ms < end_ms:
        yield Seat(extension, extension, at_ms, end_ms)


def _plan(
    workers: dict[tuple[str, str], Worker], roster: Roster, seats: Sequence[Seat], watched: Sequence[Span]
) -> None:
    """Give plans and evaluations to their agents, in the team of that time; who has no phone is there too."""
    teams: dict[str, list[Seat]] = {}
    for seat in (*roster.seats, *seats):
        teams.setdefault(seat.agent, []).append(seat)

    def worker_at(agent: str, at_ms: int) -> Worker:
        key = agent, _team_at(teams.get(agent, []), at_ms)
        if key not in workers:
            workers[key] = Worker(*key, intervals=[Interval(OFFLINE, *span, logged_in=False) for span in watched])
        return workers[key]

    for planned in sorted(roster.planned, key=lambda each: (each.from_ms, each.agent)):
        worker_at(planned.agent, planned.from_ms).planned.append(planned)
    for evaluation in roster.evaluations:
        worker_at(evaluation.agent, evaluation.at_ms).evaluations.append(evaluation)


def _team_at(seats: Sequence[Seat], at_ms: int) -> str:
    """The team of whoever sits at that moment, else of the seat nearest to it."""
    if not seats:
        return ""
    return min(seats, key=lambda seat: (max(seat.from_ms - at_ms, at_ms - seat.until_ms + 1, 0), seat.from_ms)).team


def _holds(seat: Seat, at_ms: int) -> bool:
    return seat.from_ms <= at_ms < seat.until_ms


def cut_intervals(intervals: Iterable[Interval], from_ms: int, until_ms: int) -> list[Interval]:
    """The parts of intervals that lie in a stretch of time."""
    cut = [
        replace(each, from_ms=max(each.from_ms, from_ms), until_ms=min(each.until_ms, until_ms)) for each in intervals
    ]
    return [each for each in cut if each.until_ms > each.from_ms]


def merge_intervals(pieces: Sequence[Sequence[Interval]]) -> list[Interval]:
    """States of several phones as those of one person: at any moment the strongest counts, so none overlap (I4)."""
    if len(pieces) == 1:
        return list(pieces[0])
    everything = [each for piece in pieces for each in piece]
    edges = sorted({at for each in everything for at in (each.from_ms, each.until_ms)})
    starting = sorted(everything, key=lambda each: each.from_ms)
    active: list[Interval] = []
    found: list[Interval] = []
    position = 0
    for start, end in pairwise(edges):
        active = [each for each in active if each.until_ms > start]
        while position < len(starting) and starting[position].from_ms <= start:
            active.append(starting[position])
            position += 1
        if active:
            _extend(found, active, start, end)
    return found


def _extend(found: list[Interval], active: Sequence[Interval], start: int, end: int) -> None:
    """Add what was going on between two edges, or lengthen the last interval."""
    strongest = max(active, key=lambda each: STRENGTH.get(each.state, STRENGTH[OTHER]))
    now = replace(strongest, from_ms=start, until_ms=end, logged_in=any(each.logged_in for each in active))
    last = found[-1] if found else None
    if last and replace(last, from_ms=start, until_ms=end) == now and last.until_ms == start:
        found[-1] = replace(last, until_ms=end)
    else:
        found.append(now)
