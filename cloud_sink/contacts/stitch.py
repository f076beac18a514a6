"""Legs in, contacts out: grouping, settling, understanding, in this order."""

from collections import deque
from collections.abc import Iterator, Sequence

from cloud_sink.contacts.grouping import Grouper
from cloud_sink.contacts.islands import islands
from cloud_sink.contacts.mailbox import Messages, mark_message
from cloud_sink.contacts.outcomes import BusySpans, settle
from cloud_sink.contacts.records import Leg, OfficePlan, Stitched
from cloud_sink.contacts.understanding import understand
from cloud_sink.contacts.unrung import Unrung
from cloud_sink.contacts.unseen import restore_answers
from cloud_sink.contacts.views import SEEN_TWICE, merge_views

__all__ = ["finish", "islands", "stitch", "stitch_island"]


def stitch(
    legs: Sequence[Leg], plan: OfficePlan, sees_trunk: bool | None = None, messages: Messages | None = None
) -> Stitched:
    """The contacts of an office's legs and the settled outcome of every leg.

    Any order in, the same result out; every leg ends up in exactly one contact. `sees_trunk` says whether the tap sees
    callers' legs at all (None: if there is one among `legs`): then a phone that rings without one proves nothing.
    `messages` in mailboxes are credited to legs (`mailbox.credit_messages`).
    """
    if sees_trunk is None:
        sees_trunk = any(leg.role == "trunk" for leg in legs)
    stitched = Stitched([], {}, {})
    for together in _by_island(legs, plan.gap_ms):
        stitch_island(together, plan, sees_trunk, stitched)
    finish(stitched, messages or {})
    return stitched


def finish(stitched: Stitched, messages: Messages) -> None:
    """Credit messages and put the contacts in order, once all islands are in."""
    for contact in stitched.contacts if messages else ():
        mark_message(contact, messages)
    stitched.contacts.sort(key=lambda contact: (contact.t_offer, contact.contact_id))


def _by_island(legs: Sequence[Leg], gap_ms: int) -> Iterator[list[Leg]]:
    """The legs of each island: no tie, not even a Call-ID that a phone uses for days, reaches across."""
    waiting = deque(sorted(legs, key=lambda leg: leg.t_invite))
    for _, until in islands(legs, gap_ms):
        together = []
        while waiting and waiting[0].t_invite <= until:
            together.append(waiting.popleft())
        yield together


def stitch_island(legs: Sequence[Leg], plan: OfficePlan, sees_trunk: bool, stitched: Stitched) -> None:
    """Add what the legs of one island (`islands`) tell to what is known; `finish` comes after the last."""
    seen, others = merge_views(legs)
    groups = Grouper(plan).group(seen)
    for group in groups:
        restore_answers(group)
    busy = BusySpans(leg for group in groups for leg in group.legs)
    unrung = Unrung(groups, busy, plan)
    for group in groups:
        outcomes = settle(group, busy)
        contact = understand(group, outcomes, plan, sees_trunk)
        unrung.doubt(contact, group)
        if others:
            twice = tuple(view for leg in contact.legs for view in others.get(leg, ()))
            contact.legs += twice
            outcomes |= dict.fromkeys(twice, SEEN_TWICE)
        stitched.contacts.append(contact)
        stitched.outcomes.update(outcomes)
        stitched.contact_of.update((leg_id, contact.contact_id) for leg_id in contact.legs)
