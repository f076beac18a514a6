"""Whose call a phone rings for where only phones are seen (a hosted PBX): the caller's number, unless it is shared.

A PBX stops the phones of a caller whom somebody answered, and nobody talks with two agents at once but for a transfer:
what contradicts that is another caller, who calls from the same company. Whoever calls under such a number is told from
the others by who serves which queue, as far as that goes, and marked. Which queue it was is told by whose phones rang.
"""

from collections.abc import Iterable, Sequence

from cloud_sink.contacts.destinations import DIRECT, destination_of, has_own_number
from cloud_sink.contacts.groups import AMBIGUOUS, Group, is_ring, order_of, party_key
from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.outcomes import SIBLING_MS
from cloud_sink.contacts.records import QUEUE, RING_GROUP, Destination, Leg, OfficePlan

HANDED_ON_MS = 3_000  # between what happens on two agents' legs where the PBX hands a caller on by itself
RING_ALL_MS = 3_000  # phones that a PBX rings for an anonymous caller start within this


class PhonesOnly:
    """The callers of whom only phones are seen, as they come."""

    def __init__(self, plan: OfficePlan) -> None:
        self._gap_ms = plan.gap_ms
        self._teams = [members for members, _ in plan.teams if members]
        self._shared = {party_key(number) for number in plan.shared_numbers}

    def calls_of(self, leg: Leg, groups: Iterable[Group]) -> list[Group]:
        """The calls that a phone may ring for, the oldest first."""
        party = party_key(leg.caller)  # once: in a busy office forty calls are open
        found = []
        for group in groups:
            if party in group.parties and is_ring(group.anchor) and self._rings_again(group, leg):
                if not _is_another(group, leg):
                    found.append(group)
                elif party:
                    self._shared.add(party)
        if party in self._shared:
            found = [group for group in found if self._serve_together(group, leg)]
        return sorted(found, key=lambda group: order_of(group.anchor))

    def mark_shared(self, groups: Iterable[Group]) -> None:
        """Nothing tells for sure which phone rang for whom of those who share a number."""
        for group in groups if self._shared else ():
            if group.legs and is_ring(group.anchor) and party_key(group.anchor.caller) in self._shared:
                group.doubt(AMBIGUOUS)

    def _rings_again(self, group: Group, leg: Leg) -> bool:
        """At once, or within the gap."""
        if leg.caller == "" and leg.t_invite - group.anchor.t_invite > RING_ALL_MS:
            return False
        if group.answered_until is not None:
            return leg.t_invite <= group.answered_until and leg.caller != ""
        return leg.t_invite <= group.until + self._gap_ms

    def _serve_together(self, group: Group, leg: Leg) -> bool:
        """A phone that rang before, one of the same queue or group, or one that the caller may be transferred to."""
        return not self._teams or any(
            other.transfer
            or other.extension == leg.extension
            or any(leg.extension in members and other.extension in members for members in self._teams)
            for other in group.legs
        )


def _is_another(group: Group, leg: Leg) -> bool:
    """Phones rang on for one caller while the other was answered, or both of them talk at once."""
    if leg.t_ring is None and leg.t_answer is None:
        return False  # refused at once: a phone that is tried again and again
    if leg.t_answer is not None and group.rung_until > leg.t_answer + SIBLING_MS:
        return True
    stopped = leg.t_answer if leg.t_answer is not None else end_of(leg)
    for other in group.answered:
        answered = other.t_answer or 0
        if leg.t_invite <= answered:
            if stopped > answered + SIBLING_MS:
                return True
        elif not other.transfer and not _is_handed_on(other, leg):
            return True
    return False


def _is_handed_on(one: Leg, other: Leg) -> bool:
    """A transfer without a REFER: the first agent's leg ended when the other phone was called, or was answered."""
    end = end_of(one)
    return any(abs(end - at_ms) <= HANDED_ON_MS for at_ms in (other.t_invite, other.t_answer) if at_ms is not None)


def place_of(rings: Sequence[Leg], plan: OfficePlan) -> Destination:
    """What the caller dialled: seen where the PBX names it, in Diversion or History-Info (RFC 7044).

    Else the one place that all rung phones serve, or those that rang first if he was sent on later. A phone that rings
    alone was called itself, unless it serves one place and the plan knows no number of its own. No name: not known.
    """
    for leg in rings:
        place = destination_of(leg.diverted_by, plan) if leg.diverted_by else None
        if place is not None and place.kind in (QUEUE, RING_GROUP):
            return place
    extensions = {leg.extension for leg in rings}
    found = _served_by(extensions, plan)
    if len(extensions) == 1 and (found is None or has_own_number(rings[0].extension, plan)):
        return Destination(rings[0].extension, DIRECT, ())
    together = {leg.extension for leg in rings if leg.t_invite <= rings[0].t_invite + RING_ALL_MS}
    first = _served_by(together, plan) or _served_by({rings[0].extension}, plan)
    return found or first or Destination("", "", ())


def _served_by(extensions: set[str], plan: OfficePlan) -> Destination | None:
    """The one place that they serve, all of its phones before some."""
    fitting = [(members, place) for members, place in plan.teams if extensions <= members]
    places = [place for members, place in fitting if extensions == members] or [place for _, place in fitting]
    return places[0] if len(places) == 1 else None
