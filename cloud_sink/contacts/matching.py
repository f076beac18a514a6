"""Which of several calls a ringing phone belongs to: the surest first, so that what is sure helps where it is not.

Each leg has the calls it may belong to. The leg whose best call leads the next best most clearly is given away first;
that changes what is known of the call (somebody talks with this caller now, the other phones stopped because of it),
so legs that compete for it are weighed again. Of calls that fit equally well the caller who waited longest comes
first, as queues do, and the tie is marked.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence

from cloud_sink.contacts.evidence import CLEAR_LEAD, evidence
from cloud_sink.contacts.groups import AMBIGUOUS, HEURISTIC, Group, is_ring, order_of
from cloud_sink.contacts.records import Leg

Joined = Callable[[Leg, Group], None]
_ALONE = 1 << 20  # lead of a call that has no rival


class Contest:
    """Legs, and the calls that each may belong to."""

    def __init__(self, claims: Iterable[tuple[Leg, Sequence[Group]]], joined: Joined, least: int | None = None) -> None:
        """`joined` is told of each leg that was given away; calls that fit worse than `least` get nothing."""
        self._claims = {leg.leg_id: (leg, groups) for leg, groups in claims}
        self._joined = joined
        self._least = least
        self._rivals: dict[int, list[str]] = {}  # id of a group -> legs that may belong to it
        self._round: dict[str, int] = {}
        self._heap: list[tuple[int, int, str, int]] = []
        for leg_id, (_, groups) in self._claims.items():
            for group in groups:
                self._rivals.setdefault(id(group), []).append(leg_id)

    def settle(self) -> list[Leg]:
        """Give every leg to its call, the surest first; returns the legs that fit nothing well enough."""
        for leg_id in self._claims:
            self._weigh(leg_id)
        while self._heap:
            _, _, leg_id, weighed = heapq.heappop(self._heap)
            if leg_id in self._claims and weighed == self._round[leg_id]:
                self._give(leg_id)
        return [leg for leg, _ in self._claims.values()]

    def _weigh(self, leg_id: str) -> None:
        leg, groups = self._claims[leg_id]
        scores = sorted((evidence(group, leg) for group in groups), reverse=True)
        self._round[leg_id] = self._round.get(leg_id, 0) + 1
        if self._least is not None and scores[0] < self._least:
            return
        lead = scores[0] - scores[1] if len(scores) > 1 else _ALONE
        heapq.heappush(self._heap, (-lead, leg.t_invite, leg_id, self._round[leg_id]))

    def _give(self, leg_id: str) -> None:
        leg, groups = self._claims.pop(leg_id)
        scored = [(evidence(group, leg), group) for group in groups]
        best = max(score for score, _ in scored)
        near = [group for score, group in scored if best - score < CLEAR_LEAD]
        chosen = min((group for score, group in scored if score == best), key=_waiting_first)
        chosen.add(leg, HEURISTIC if len(near) == 1 else AMBIGUOUS)
        if leg.t_answer is not None and len(near) > 1:
            for group in near:
                group.doubt(AMBIGUOUS)  # the agent who answered may have been this caller's
        self._joined(leg, chosen)
        for rival in self._rivals[id(chosen)]:
            if rival in self._claims:
                self._weigh(rival)


def _waiting_first(group: Group) -> tuple[bool, tuple[int, int, str]]:
    """First come, first served: of equals the one that nobody answered yet and that came first."""
    return any(is_ring(leg) and leg.t_answer is not None for leg in group.legs), order_of(group.anchor)
