"""Stitching in order of time, of which only a window is in memory: for recordings longer than any office's day.

Islands are stitched whole, several small ones at once. Where calls overlap for so long that an island outgrows the
window, the contacts that are over by then are taken out of it and the legs of the others stay for what comes. A window
is far longer than any wait, so that is the same but for a Call-ID or a colleague's code that comes back after hours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.mailbox import Messages
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch

BATCH_LEGS = 500  # so many are worth being stitched, where an island ends
MOST_LEGS = 4_000  # some 12 MB with all that is made of them; a contact of more than half as many legs is cut


@dataclass(frozen=True, slots=True)
class Finished:
    """A contact that nothing can change any more, and its legs with their outcome words."""

    contact: Contact
    legs: list[tuple[Leg, str]]


def stitch_in_windows(
    legs: Iterable[Leg], plan: OfficePlan, *, sees_trunk: bool, messages: Messages, most_legs: int = MOST_LEGS
) -> Iterator[Finished]:
    """The contacts of legs that come in order of `t_invite`; arguments as of `stitch`."""
    waiting: list[Leg] = []
    until = 0  # end of the island so far, Unix ms
    for leg in legs:
        island_ends = bool(waiting) and leg.t_invite > until + plan.gap_ms
        if (island_ends and len(waiting) >= BATCH_LEGS) or len(waiting) >= most_legs:
            finished = _finish(waiting, plan, sees_trunk, messages)
            over = finished if island_ends else _over(finished, leg.t_invite - plan.gap_ms, most_legs)
            yield from over
            gone = {leg.leg_id for each in over for leg, _ in each.legs}
            waiting = [leg for leg in waiting if leg.leg_id not in gone]
            until = max(map(end_of, waiting), default=0)
        waiting.append(leg)
        until = max(until, end_of(leg))
    yield from _finish(waiting, plan, sees_trunk, messages)


def _finish(legs: Sequence[Leg], plan: OfficePlan, sees_trunk: bool, messages: Messages) -> list[Finished]:
    stitched = stitch(legs, plan, sees_trunk, messages)
    by_id = {leg.leg_id: leg for leg in legs}
    return [
        Finished(contact, [(by_id[leg_id], stitched.outcomes[leg_id]) for leg_id in contact.legs])
        for contact in stitched.contacts
    ]


def _over(contacts: list[Finished], before_ms: int, most_legs: int) -> list[Finished]:
    """Those that ended before; all of them, if too few legs would go."""
    over = [each for each in contacts if max(end_of(leg) for leg, _ in each.legs) < before_ms]
    return over if sum(len(each.legs) for each in over) * 2 >= most_legs else contacts
