"""Calls that a colleague picked up: when he had the caller, and whose phone had rung.

A PBX answers the pickup code itself before it looks for a ringing phone, half a second where its dialplan calls
Answer(). The caller is connected when that phone stops ringing (Asterisk cancels it with Q.850 cause 16, while its
siblings are told "completed elsewhere"), or when the PBX answers a caller whom it had not answered before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cloud_sink.contacts.destinations import destination_of
from cloud_sink.contacts.outcomes import REASON_ELSEWHERE_Q850, REASON_ELSEWHERE_SIP, SIBLING_MS
from cloud_sink.contacts.records import FEATURE, Leg, OfficePlan

TOGETHER_MS = 100  # the phones that rang together stop within this


@dataclass(frozen=True, slots=True)
class Pickup:
    """A pickup: the picker's leg from the moment that he had the caller, and the phone that had rung."""

    leg: Leg
    rung: Leg | None  # None: a parked call was fetched, or nothing tells


def find_pickups(
    dials: Sequence[Leg], rings: Sequence[Leg], outcomes: Mapping[str, str], plan: OfficePlan, pbx_answer: int | None
) -> list[Pickup]:
    """The pickups among what phones dialled while this caller was there: pickup and retrieval codes, Replaces.

    `rings`: the phones that rang for him; `pbx_answer`: when the PBX answered him, Unix ms, None where not seen.
    """
    return [
        pick_up(leg, rings, outcomes, pbx_answer)
        for leg in dials
        if outcomes[leg.leg_id] == "answered" and _reaches_customer(leg, plan)
    ]


def _reaches_customer(leg: Leg, plan: OfficePlan) -> bool:
    """Not a leg that merely asked a colleague, and was replaced by a transfer."""
    if leg.replaces_key:
        return leg.transfer == ""
    destination = destination_of(leg.callee, plan)
    return destination is not None and destination.kind == FEATURE


def pick_up(leg: Leg, rings: Sequence[Leg], outcomes: Mapping[str, str], pbx_answer: int | None) -> Pickup:
    """What an answered pickup leg did, given the phones that rang for the caller and when the PBX answered him."""
    answered = leg.t_answer if leg.t_answer is not None else leg.t_invite
    stopped = [
        ring
        for ring in rings
        if outcomes[ring.leg_id] == "elsewhere"
        and ring.t_end is not None
        and -TOGETHER_MS <= ring.t_end - answered <= SIBLING_MS
    ]
    if not stopped:
        return Pickup(leg, None)
    first = min(ring.t_end for ring in stopped if ring.t_end is not None)
    if pbx_answer is not None and answered <= pbx_answer < first:
        first = pbx_answer
    return Pickup(replace(leg, t_answer=max(answered, first)), _picked(leg, stopped))


def _picked(leg: Leg, stopped: Sequence[Leg]) -> Leg:
    """The phone named by the code (`*8101`), else the one not told "elsewhere", else the one that rang first."""
    named = [ring for ring in stopped if ring.extension and leg.callee.endswith(ring.extension)]
    untold = [ring for ring in stopped if not _told(ring)]
    return min(named or untold or stopped, key=lambda ring: (ring.t_invite, ring.leg_id))


def _told(ring: Leg) -> bool:
    return ring.reason_sip == REASON_ELSEWHERE_SIP or ring.reason_q850 == REASON_ELSEWHERE_Q850
