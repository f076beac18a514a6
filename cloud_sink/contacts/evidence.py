"""How well a ringing phone fits a caller's call, where more than the number must tell.

A PBX bridges two legs: what happens on one happens on the other within milliseconds (recorded Asterisks: both ends
within 5 ms; the caller's 200 within 5 ms of the agent's; the other phones' CANCEL within 3 ms of the answer). That
counts most. Who serves which queue, who is talking already and whom a transfer named come after it.
"""

from cloud_sink.contacts.groups import Group, is_ring
from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.records import Leg

BRIDGED_MS = 20  # both sides of a bridge, on a PBX with work to do
TOGETHER_MS = 100  # the same on one that is overloaded; a lost packet is repeated after 500
LEFT_ALONE_MS = 1_000  # an agent who hangs up ends the caller's leg within this, unless the dialplan goes on

# The scale: one coincidence to the millisecond outweighs everything that is only likely.
COINCIDENCE = 8
NEAR = 4
CLEAR_LEAD = 4  # a fit that is better by less than this may be chance

_TRANSFERRED = 6
_SERVES = 2
_DOES_NOT_SERVE = -4
_TALKS_ALREADY = -6
_ANSWERED_OTHERWISE = -8  # the caller was never answered, or later than this agent answered
_LEFT_ALONE = -2
_OUTLIVED = -4


def evidence(group: Group, leg: Leg) -> int:
    """The weight of everything that ties a ringing phone to a caller's call; more is better, 0 is nothing known."""
    score = _ends(group, leg) + _answers(group.anchor, leg) + _names(group, leg)
    return score + sum(_beside(other, leg) for other in group.legs if other is not leg and is_ring(other))


def coincides(group: Group, leg: Leg) -> bool:
    """True where a leg ended or was answered together with the caller's own, to the millisecond."""
    anchor = group.anchor
    return _apart(leg.t_end, anchor.t_end) <= BRIDGED_MS or (
        leg.t_answer is not None and _apart(leg.t_answer, anchor.t_answer) <= BRIDGED_MS
    )


def _ends(group: Group, leg: Leg) -> int:
    anchor = group.anchor
    if leg.t_end is None or anchor.t_end is None:
        return 0
    apart = abs(leg.t_end - anchor.t_end)
    if apart <= TOGETHER_MS:
        return COINCIDENCE if apart <= BRIDGED_MS else NEAR
    if leg.t_answer is None or not leg.ended_by:
        return 0  # not answered, or its end was not seen
    if leg.t_end > anchor.t_end:
        return _OUTLIVED
    alone = leg.ended_by == "callee" and not leg.transfer and anchor.t_end - leg.t_end > LEFT_ALONE_MS
    return _LEFT_ALONE if alone else 0


def _answers(anchor: Leg, leg: Leg) -> int:
    """A caller not answered before is answered with the agent; one answered before tells nothing."""
    if leg.t_answer is None:
        return 0
    if anchor.t_answer is None:
        return _ANSWERED_OTHERWISE if anchor.t_end is not None else 0
    later = anchor.t_answer - leg.t_answer
    if later < 0:
        return 0
    return COINCIDENCE if later <= BRIDGED_MS else NEAR if later <= TOGETHER_MS else _ANSWERED_OTHERWISE


def _names(group: Group, leg: Leg) -> int:
    """Who serves the place, whom the PBX named to the caller, which number the call was diverted from."""
    score = 0
    if group.members:
        score += _SERVES if leg.extension in group.members else _DOES_NOT_SERVE
    if group.anchor.connected and group.anchor.connected == leg.extension:
        score += COINCIDENCE
    if leg.diverted_by and leg.diverted_by == group.anchor.callee:
        score += COINCIDENCE
    return score


def _beside(other: Leg, leg: Leg) -> int:
    """What another phone says about `leg`, if it answered this caller."""
    if other.t_answer is None:
        return 0
    if leg.t_answer is None and leg.cancelled and _apart(leg.t_end, other.t_answer) <= BRIDGED_MS:
        return COINCIDENCE  # it stopped ringing because the other answered
    transferred = other.transfer != "" and (not other.refer_to or other.refer_to == leg.extension)
    if transferred and other.t_answer <= leg.t_invite:
        return _TRANSFERRED
    return _TALKS_ALREADY if other.t_answer <= leg.t_invite <= end_of(other) - TOGETHER_MS else 0


def _apart(one: int | None, other: int | None) -> int:
    """Milliseconds between two moments; more than anything where one did not happen."""
    return abs(one - other) if one is not None and other is not None else 1 << 40
