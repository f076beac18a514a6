"""Volume: how many customers called, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.value import Parts

ANSWERED, ABANDONED, OVERFLOW, VOICEMAIL, BLOCKED = "answered", "abandoned", "overflow", "voicemail", "blocked"
CLAIMED_ELSEWHERE, OPEN, UNKNOWN = "claimed_elsewhere", "open", "unknown"
OFFERED_DISPOSITIONS = (ANSWERED, ABANDONED, OVERFLOW, VOICEMAIL, CLAIMED_ELSEWHERE, OPEN, UNKNOWN)
TRUNK_SEEN = "T2"


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
    on_trunk = [c for c in contacts if c.visibility == TRUNK_SEEN and c.direction in ("in", "out")]
    spans = [(c.t_offer, c.t_end) for c in on_trunk if c.t_end is not None]
    return {"trunk_peak": Parts(_most_at_once(spans), 1 if on_trunk else 0)}


def measure_full_lines(contacts: Sequence[Contact], channels: int) -> dict[str, Parts]:
    """`trunk_full_time`: milliseconds in which every line was taken; null where the number of lines is not known."""
    on_trunk = [c for c in contacts if c.visibility == TRUNK_SEEN and c.direction in ("in", "out")]
    spans = [(c.t_offer, c.t_end) for c in on_trunk if c.t_end is not None]
    known = bool(channels and on_trunk)
    return {"trunk_full_time": Parts(_time_at(spans, channels) if known else 0, int(known))}


def _time_at(spans: Sequence[tuple[int, int]], level: int) -> int:
    """How long at least `level` spans overlapped."""
    up, since, total = 0, 0, 0
    for at, change in sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans]):
        if up >= level:
            total += at - since
        up, since = up + change, at
    return total


def _most_at_once(spans: Sequence[tuple[int, int]]) -> int:
    """Largest number of overlapping spans; one that ends when another starts does not overlap it."""
    changes = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    up, peak = 0, 0
    for _, change in changes:
        up += change
        peak = max(peak, up)
    return peak
