"""Volume: how many customers called, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from cloud_sink.contacts.records import QUEUE, RING_GROUP, Contact
from cloud_sink.kpi.value import Parts

ANSWERED, ABANDONED, OVERFLOW, VOICEMAIL, BLOCKED = "answered", "abandoned", "overflow", "voicemail", "blocked"
CLAIMED_ELSEWHERE, OPEN, UNKNOWN = "claimed_elsewhere", "open", "unknown"
OFFERED_DISPOSITIONS = (ANSWERED, ABANDONED, OVERFLOW, VOICEMAIL, CLAIMED_ELSEWHERE, OPEN, UNKNOWN)
TRUNK_SEEN = "T2"
WORK_OF_A_TEAM = (QUEUE, RING_GROUP)  # a colleague's call here is work for the queue, though he is no customer (R7)
Change = tuple[int, int]  # Unix ms, and by how many the calls that are up change: 1 or -1


def customers(contacts: Sequence[Contact]) -> list[Contact]:
    """Contacts that count as a customer's: incoming only. Internal and feature-code contacts never do (R7)."""
    return [contact for contact in contacts if contact.direction == "in"]


def offered(contacts: Sequence[Contact]) -> list[Contact]:
    """Customers' contacts that reached the centre: all but those refused before anything rang."""
    return [contact for contact in customers(contacts) if contact.disposition != BLOCKED]


def rang_in_vain(contact: Contact) -> bool:
    """With a hosted PBX: the phones stopped ringing unanswered; whether the caller left or went on was not seen."""
    return contact.disposition == UNKNOWN and contact.visibility != TRUNK_SEEN and contact.ended_by == "pbx"


def is_missed(contact: Contact) -> bool:
    """`missed_contacts`: nobody answered and the caller did not hang up at once, as far as that was seen."""
    if rang_in_vain(contact):
        return True
    if contact.disposition == ABANDONED:
        return not contact.short
    return contact.disposition in (OVERFLOW, VOICEMAIL)


def abandons_seen(contacts: Sequence[Contact]) -> bool:
    """Whether it is known of every caller that nobody answered if he left: not with a hosted PBX (R6)."""
    return not any(rang_in_vain(contact) for contact in contacts)


def measure_volume(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """Counts of customers' contacts by what became of them, and how many people they were."""
    cohort = offered(contacts)
    by_disposition = Counter(contact.disposition for contact in cohort)
    counts = {word: Parts(by_disposition[word]) for word in OFFERED_DISPOSITIONS}
    counts["offered"] = Parts(len(cohort))
    counts["short_abandoned"] = Parts(sum(c.short for c in cohort if c.disposition == ABANDONED))
    if not abandons_seen(cohort):
        counts |= {word: Parts(counts[word].numerator, seen=False) for word in (ABANDONED, "short_abandoned")}
    counts["missed_contacts"] = Parts(sum(is_missed(contact) for contact in cohort))
    return counts | _measure_callers(cohort)


def _measure_callers(cohort: Sequence[Contact]) -> dict[str, Parts]:
    """`unique_callers` and `calls_per_caller`; callers without a number cannot be told apart and stay out."""
    with_number = [contact.caller for contact in cohort if contact.caller]
    people = len(set(with_number))
    return {"unique_callers": Parts(people), "calls_per_caller": Parts(len(with_number), people)}


def count_callers(calls: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, dict[str, Parts]]:
    """The same of (caller, where he waited) by place, and under "" of all customers; a colleague is no customer."""
    people: dict[str, set[str]] = {"": set()}
    times: Counter[str] = Counter()
    for caller, places in calls:
        for place in places:
            people.setdefault(place, set()).add(caller)
            times[place] += 1
    return {
        place: {"unique_callers": Parts(len(found)), "calls_per_caller": Parts(times[place], len(found))}
        for place, found in people.items()
    }


def measure_outbound(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`outbound_attempts`, `outbound_connected`, `connect_rate`: calls to the outside, and those that were answered."""
    attempts = [contact for contact in contacts if contact.direction == "out"]
    connected = sum(contact.disposition == ANSWERED for contact in attempts)
    return {
        "outbound_attempts": Parts(len(attempts)),
        "outbound_connected": Parts(connected),
        "connect_rate": Parts(connected, len(attempts)),
    }


def measure_trunk(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`trunk_peak`: most calls to and from outside at one moment; not observable where no trunk is seen."""
    on_lines = [contact for contact in contacts if on_trunk(contact)]
    return {"trunk_peak": Parts(most_at_once(_changes(on_lines)), 1 if on_lines else 0)}


def measure_full_lines(contacts: Sequence[Contact], channels: int) -> dict[str, Parts]:
    """`trunk_full_time`: milliseconds in which every line was taken; null where the number of lines is not known."""
    on_lines = [contact for contact in contacts if on_trunk(contact)]
    known = bool(channels and on_lines)
    return {"trunk_full_time": Parts(time_at(_changes(on_lines), channels) if known else 0, int(known))}


def on_trunk(contact: Contact) -> bool:
    """Whether it took a line to the carrier, as far as that was seen."""
    return contact.visibility == TRUNK_SEEN and contact.direction in ("in", "out")


def _changes(contacts: Sequence[Contact]) -> list[Change]:
    """When each call that is over began and ended, in order; one that ends when another begins goes first."""
    spans = [(contact.t_offer, contact.t_end) for contact in contacts if contact.t_end is not None]
    return sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])


def time_at(changes: Iterable[Change], level: int) -> int:
    """How long at least `level` calls were up, given their changes in order."""
    up, since, total = 0, 0, 0
    for at, change in changes:
        if up >= level:
            total += at - since
        up, since = up + change, at
    return total


def most_at_once(changes: Iterable[Change]) -> int:
    """The largest number of calls up, given their changes in order."""
    up, peak = 0, 0
    for _, change in changes:
        up += change
        peak = max(peak, up)
    return peak
