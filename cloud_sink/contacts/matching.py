"""Which of several calls a ringing phone belongs to: the surest first, so that what is sure helps where it is not.

Each leg has the calls it may belong to. The leg whose best call leads the next best most clearly is given away first;
that changes what is known of the call (somebody talks with this caller now, the other phones stopped because of it),
so legs that compete for it are weighed again. Of calls that fit equally well the caller who waited longest comes
first, as queues do, and the tie is marked.
"""

import heapq
from collections.abc import Callable, Sequence

from cloud_sink.contacts.evidence import CLEAR_LEAD, evidence
from cloud_sink.contacts.groups import AMBIGUOUS, HEURISTIC, Group, is_ring
from cloud_sink.contacts.records import Leg

Joined = Callable[[Leg, Group], None]
_ALONE = 1 << 20  # lead of a call that has no rival


def give_away(claims: Sequence[tuple[Leg, Sequence[Group]]], joined: Joined, least: int | None = None) -> None:
    """Give every leg to one of the calls that it may belong to, the surest first.

    `joined` is told of each leg that was given away; calls that fit worse than `least` get nothing.
    """
    if claims:
        _Contest(claims, joined, least).settle()


class _Contest:
    """Legs, and the calls that each may belong to."""

    def __init__(self, claims: Sequence[tuple[Leg, Sequence[Group]]], joined: Joined, least: int | None) -> None:
        self._claims = {leg.leg_id: (leg, groups) for leg, groups in claims}
        self._joined = joined
        self._least = least
        self._rivals: dict[int, list[str]] = {}  # id of a group -> legs that may belong to it
        self._round: dict[str, int] = {}
        self._heap: list[tuple[int, int, str, int]] = []
        for leg_id, (_, groups) in self._claims.items():
            for group in groups:
                self._rivals.setdefault(id(group), []).append(leg_id)

    def settle(self) -> None:
        """Give every leg to its call; those that fit nothing well enough stay."""
        for leg_id in self._claims:
            self._weigh(leg_id)
        while self._heap:
            _, _, leg_id, weighed = heapq.heappop(self._heap)
            if leg_id in self._claims and weighed == self._round[leg_id]:
                self._give(leg_id)

    def _weigh(self, leg_id: str) -> None:
        leg, groups = self._claims[leg_id]
        self._round[leg_id] = self._round.get(leg_id, 0) + 1
        if len(groups) == 1 and self._least is None:  # nearly always: nothing to weigh
            heapq.heappush(self._heap, (-_ALONE, leg.t_invite, leg_id, self._round[leg_id]))
            return
        scores = sorted((evidence(group, leg) for group in groups), reverse=True)
        if self._least is not None and scores[0] < self._least:
            return
        lead = scores[0] - scores[1] if len(scores) > 1 else _ALONE
        heapq.heappush(self._heap, (-lead, leg.t_invite, leg_id, self._round[leg_id]))

    def _give(self, leg_id: str) -> None:
        leg, groups = self._claims.pop(leg_id)
        if len(groups) == 1:
            self._join(leg, groups[0], [])
            return
        scored = [(evidence(group, leg), group) for group in groups]
        best = max(score for score, _ in scored)
        near = [group for score, group in scored if best - score < CLEAR_LEAD]
        chosen = min((group for score, group in scored if score == best), key=_waiting_first)
        self._join(leg, chosen, near if len(near) > 1 else [])

    def _join(self, leg: Leg, chosen: Group, doubtful: Sequence[Group]) -> None:
        """Give the leg to a call; `doubtful` are the calls that it may as well belong to."""
        chosen.add(leg, AMBIGUOUS if doubtful else HEURISTIC)
        if leg.t_answer is not None:
            for group in doubtful:
                group.doubt(AMBIGUOUS)  # the agent who answered may have been this caller's
        self._joined(leg, chosen)
        for rival in self._rivals[id(chosen)]:
            if rival in self._claims:
                self._weigh(rival)


def _waiting_first(group: Group) -> tuple[bool, tuple[int, int, str]]:
    """First come, first served: of equals the one that nobody answered yet and that came first."""
    return any(is_ring(leg) and leg.t_answer is not None for leg in group.legs), group.order
