"""Callers who had to call again: the first contact's resolution as far as the telephone tells.

A repeat revises the contact it follows, in the period in which that one arrived: until the days to wait for it are
over, a contact is provisional. Withheld numbers and numbers that many people share (`shared_numbers`) cannot be told.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Sequence

from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ANSWERED, offered

DAY_MS = 86_400_000
DROPPED_MS = 60_000  # calling again within a minute of the end: the line was lost, not the matter unresolved


class Calls:
    """When each caller called: numbers that can be told apart only."""

    def __init__(self, contacts: Iterable[Contact], plan: OfficePlan) -> None:
        self._shared = frozenset(plan.shared_numbers)
        self._times: dict[Hashable, list[int]] = {}
        for contact in offered(list(contacts)):
            if self.knows(contact):
                for key in (contact.caller, (contact.caller, contact.queue)):
                    self._times.setdefault(key, []).append(contact.t_offer)
        for times in self._times.values():
            times.sort()

    def knows(self, contact: Contact) -> bool:
        """Whether this caller would be recognised."""
        return bool(contact.caller) and contact.caller not in self._shared

    def any_between(self, key: Hashable, after_ms: int, until_ms: int) -> bool:
        """Whether there was a call later than `after_ms`, until `until_ms` inclusive."""
        times = self._times.get(key, [])
        return bisect_right(times, until_ms) > bisect_right(times, after_ms)

    def any_before(self, key: Hashable, at_ms: int, since_ms: int) -> bool:
        """Whether there was a call before `at_ms`, since `since_ms` inclusive."""
        times = self._times.get(key, [])
        return bisect_left(times, at_ms) > bisect_left(times, since_ms)


def measure_repeats(
    cohort: Sequence[Contact], calls: Calls, plan: OfficePlan, *, now_ms: int, same_queue: bool = False
) -> dict[str, Parts]:
    """`fcr_repeat` and what goes with it; `same_queue`: earlier calls count for one queue only."""
    within = plan.repeat_days * DAY_MS
    known = [contact for contact in offered(cohort) if calls.knows(contact)]
    solved = [c for c in known if c.disposition == ANSWERED and c.t_end is not None]
    ends = [(contact, contact.t_end or contact.t_offer) for contact in solved]
    repeated = sum(calls.any_between((c.caller, c.queue), end + DROPPED_MS, end + within) for c, end in ends)
    again = sum(
        calls.any_before((c.caller, c.queue) if same_queue else c.caller, c.t_offer, c.t_offer - within) for c in known
    )
    return {
        "fcr_repeat": Parts(len(solved) - repeated, len(solved)),
        "fcr_provisional": Parts(sum(end + within > now_ms for _, end in ends)),
        "line_lost": Parts(sum(calls.any_between((c.caller, c.queue), end, end + DROPPED_MS) for c, end in ends)),
        "repeat_call_rate": Parts(again, len(known)),
    }
