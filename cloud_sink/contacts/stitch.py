"""Legs in, contacts out: grouping, settling, understanding, in this order."""

from collections.abc import Sequence

from cloud_sink.contacts.grouping import Grouper
from cloud_sink.contacts.islands import islands
from cloud_sink.contacts.outcomes import BusySpans, settle
from cloud_sink.contacts.records import Contact, Leg, OfficePlan, Stitched
from cloud_sink.contacts.understanding import understand

__all__ = ["islands", "stitch"]


def stitch(legs: Sequence[Leg], plan: OfficePlan, sees_trunk: bool | None = None) -> Stitched:
    """The contacts of an office's legs and the settled outcome of every leg.

    Any order in, the same result out; every leg ends up in exactly one contact. `sees_trunk` says whether the tap sees
    callers' legs at all (None: if there is one among `legs`): then a phone that rings without one proves nothing.
    """
    if sees_trunk is None:
        sees_trunk = any(leg.role == "trunk" for leg in legs)
    busy = BusySpans(legs)
    contacts: list[Contact] = []
    outcomes: dict[str, str] = {}
    contact_of: dict[str, str] = {}
    for group in Grouper(plan).group(legs):
        settled = settle(group, busy)
        contact = understand(group, settled, plan, sees_trunk)
        contacts.append(contact)
        outcomes.update(settled)
        contact_of.update((leg_id, contact.contact_id) for leg_id in contact.legs)
    contacts.sort(key=lambda contact: (contact.t_offer, contact.contact_id))
    return Stitched(contacts, outcomes, contact_of)
