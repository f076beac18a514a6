"""Answers that the tap missed: what a lost packet hid, other legs and the end of the call still tell.

A dialog that ended by BYE had been answered (RFC 3261 section 15: before that a PBX sends CANCEL); a box that concludes
so itself gives the earliest moment that it can have been. The counterpart's own answer tells when it was, or the CANCEL
of the phones that rang beside it; where nothing tells, the contact was answered after an unknown wait, and is marked.
"""

from collections.abc import Iterable
from dataclasses import replace

from cloud_sink.contacts.evidence import TOGETHER_MS
from cloud_sink.contacts.groups import AMBIGUOUS, HEURISTIC, Group, is_customer, is_ring
from cloud_sink.contacts.outcomes import REASON_ELSEWHERE_Q850, REASON_ELSEWHERE_SIP
from cloud_sink.contacts.records import Leg


def restore_answers(group: Group) -> None:
    """Give legs that were answered unseen the moment of their answer, as far as the rest of the group tells it."""
    partly = [leg for leg in group.legs if leg.partial]
    for leg in partly:
        if _hung_up(leg) or _is_earliest(leg):
            _restore(leg, group)
    if any(map(_is_doubtful, partly)) and not any(is_ring(leg) and leg.t_answer is not None for leg in group.legs):
        group.doubt(AMBIGUOUS)


def _restore(leg: Leg, group: Group) -> None:
    if is_customer(leg):
        if leg.t_answer is None:
            group.unseen.add(leg.leg_id)
        else:
            group.doubt(AMBIGUOUS)  # joined in the middle: he had been waiting before
        return
    at_ms = _answered_with(leg, group)
    if at_ms is None:
        group.doubt(AMBIGUOUS)
        group.unseen.add(leg.leg_id)
        group.put(replace(leg, t_answer=None))
    else:
        group.doubt(HEURISTIC)
        group.put(replace(leg, t_answer=at_ms, final_code=200))


def _hung_up(leg: Leg) -> bool:
    """A BYE ended it and no answer was seen (`collector.core.legs`)."""
    return leg.t_answer is None and (leg.bye_response_ms is not None or leg.bye_code > 0)


def _is_earliest(leg: Leg) -> bool:
    """Its answer is the earliest that it can have been, or the first that was seen of it at all."""
    return leg.t_answer is not None and leg.t_answer == (leg.t_invite if leg.t_ring is None else leg.t_ring)


def _is_doubtful(leg: Leg) -> bool:
    """Its caller's side ended it, by a CANCEL or by a BYE: no response to either was seen."""
    return leg.t_answer is None and leg.cancelled and not leg.final_code and not _hung_up(leg)


def _answered_with(leg: Leg, group: Group) -> int | None:
    """When the other side of the bridge was answered, else when the other phones were told that somebody answered."""
    others = [other for other in group.legs if other is not leg]
    if not is_ring(leg):
        return min(_within(leg, (other.t_answer for other in others)), default=None)
    rings = [other for other in others if is_ring(other)]
    bridged = [
        at_ms
        for at_ms in _within(leg, [group.anchor.t_answer])
        if group.anchor is not leg and not any(abs(at_ms - (other.t_answer or 0)) <= TOGETHER_MS for other in rings)
    ]
    told = [other.t_end for other in rings if other.t_answer is None and other.cancelled and _told_elsewhere(other)]
    return min(bridged or _within(leg, told), default=None)


def _within(leg: Leg, moments: Iterable[int | None]) -> list[int]:
    """The moments between the leg's first ring and its end."""
    begin, end = leg.t_ring if leg.t_ring is not None else leg.t_invite, leg.t_end or leg.t_invite
    return [at_ms for at_ms in moments if at_ms is not None and begin <= at_ms < end]


def _told_elsewhere(leg: Leg) -> bool:
    return leg.reason_sip == REASON_ELSEWHERE_SIP or leg.reason_q850 == REASON_ELSEWHERE_Q850
