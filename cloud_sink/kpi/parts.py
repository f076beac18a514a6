"""Parts: who else spoke with a customer than the phones that were called for him.

A colleague who picks a call up or fetches it from its parking place dialled himself, and whoever a call is transferred
to was called by a colleague: on the wire these are no calls of customers, in the contact they are. Each leg that served
a contact is one part of it, of whoever sat at its phone; all parts' talk together is the contact's.
"""

from collections.abc import Iterable, Sequence

from cloud_sink.contacts.groups import is_dial, is_ring
from cloud_sink.contacts.pickups import find_pickups
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.kpi.extensions import SettledLeg, TakenOver
from cloud_sink.kpi.volume import ANSWERED, customers


def taken_over(contacts: Sequence[Contact], legs: Iterable[SettledLeg], plan: OfficePlan) -> TakenOver:
    """The answered legs that served customers though no customer's call came in on them, by their ids.

    `legs` of phones; those that began before the contacts' period are welcome.
    """
    settled = {leg.leg_id: (leg, word) for leg, word in legs}
    inside = {leg_id for leg_id, (leg, word) in settled.items() if leg.direction != "in" and word == ANSWERED}
    found: dict[str, Leg] = {}
    for contact in customers(contacts):
        if not inside.isdisjoint(contact.legs):
            own = [settled[leg_id] for leg_id in contact.legs if leg_id in settled]
            found |= {leg.leg_id: leg for leg in _served_inside(contact, own, plan)}
    return found


def _served_inside(contact: Contact, legs: Sequence[SettledLeg], plan: OfficePlan) -> list[Leg]:
    """Of one contact: phones that colleagues called, and those that fetched the caller."""
    rings = [leg for leg, _ in legs if is_ring(leg)]
    dials = [leg for leg, _ in legs if is_dial(leg)]
    words = {leg.leg_id: word for leg, word in legs}
    asked = [leg for leg in rings if leg.direction != "in" and words[leg.leg_id] == ANSWERED]
    return asked + [each.leg for each in find_pickups(dials, rings, words, plan, contact.t_pbx_answer)]
