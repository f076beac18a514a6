"""Callers who left, or were let go, after a time in which nobody's phone was seen to ring though somebody was free.

A phone out of the tap's sight may have rung and been answered: such a contact is marked, for nothing tells it from one
that a queue kept waiting because its agents were on break.
"""

from collections.abc import Sequence

from cloud_sink.contacts.destinations import DIRECT, named
from cloud_sink.contacts.groups import AMBIGUOUS, Group, is_customer, is_ring
from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.outcomes import BusySpans
from cloud_sink.contacts.records import QUEUE, RING_GROUP, Contact, OfficePlan

UNRUNG_MS = 15_000  # queues ring a free phone sooner: they try again every 5 s or so, and agents wrap up in as many
AT_ONCE_MS = 2_000  # from the end of a queue's time to the end of the caller's leg
NOBODY_KNOWN = frozenset(("",))


class Unrung:
    """What the other contacts of the same time tell about whose phone could have rung."""

    def __init__(self, groups: Sequence[Group], busy: BusySpans, plan: OfficePlan) -> None:
        self._groups = groups
        self._busy = busy
        self._plan = plan
        self._rung: dict[str, set[str]] = {}  # place or number dialled -> extensions that rang for it
        self._seen: set[str] = set()  # extensions with any leg

    def doubt(self, contact: Contact, group: Group) -> None:
        """Mark a contact that somebody may have answered unseen."""
        if contact.disposition in ("abandoned", "overflow") and self._may_be_served(contact, group):
            contact.correlation = AMBIGUOUS

    def _may_be_served(self, contact: Contact, group: Group) -> bool:
        anchor = group.anchor
        if not is_customer(anchor) or anchor.t_answer is None or anchor.t_end is None:
            return False
        last = contact.queue_visits()[-1]  # where he waited at last
        since = anchor.t_answer if last.t_offer == contact.t_offer else last.t_offer
        if any(leg.direction == "out" for leg in group.legs) or self._timed_out(last, anchor.t_end - since):
            return False  # sent outside, or let go
        if contact.kind in (RING_GROUP, DIRECT) and not contact.visits:
            return not contact.rings
        quiet_since = max((end_of(leg) for leg in group.legs if is_ring(leg)), default=anchor.t_answer)
        if not {contact.kind, last.kind} & {QUEUE, ""} or anchor.t_end - quiet_since < self._plan.short_abandon_ms:
            return False
        return any(self._was_free(each, quiet_since, anchor.t_end) for each in self._serving(last) or NOBODY_KNOWN)

    def _timed_out(self, visit: Contact, stayed_ms: int) -> bool:
        """He was let go just when the place's own time was up."""
        place = named(visit.queue, self._plan)
        if place is None or not place.timeout_ms:
            return False
        return 0 <= stayed_ms - place.timeout_ms <= place.announce_ms + AT_ONCE_MS

    def _was_free(self, extension: str, from_ms: int, until_ms: int) -> bool:
        """For so long that it should have rung; one that is never seen may be out of the tap's sight."""
        limit = UNRUNG_MS if extension in self._seen else self._plan.short_abandon_ms
        return self._busy.free_for(extension, from_ms, until_ms) >= limit

    def _serving(self, visit: Contact) -> set[str]:
        """Who is known to answer there: by configuration, or because his phone rang for others."""
        if not self._rung:
            self._look_around()
        place = named(visit.queue, self._plan)
        return set(place.members) if place is not None and place.members else self._rung.get(_place(visit), set())

    def _look_around(self) -> None:
        for group in self._groups:
            rung = self._rung.setdefault(group.place or group.anchor.callee, set())
            for leg in group.legs:
                self._seen.add(leg.extension)
                if is_ring(leg):
                    rung.add(leg.extension)


def _place(contact: Contact) -> str:
    return contact.queue or contact.did
