"""Whether a customer could have been served: `service_availability`, over the office's business hours."""

from collections.abc import Iterable, Sequence

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.state_sources import ACW, FOREVER, spans_between
from cloud_sink.kpi.states import AVAILABLE, RINGING, TALK, Interval, Registered, States
from cloud_sink.kpi.value import Parts

AT_WORK = frozenset((AVAILABLE, RINGING, TALK, ACW))  # registered, and neither away nor refusing calls


def measure_availability(
    states: States, trunk: Iterable[Registered], plan: OfficePlan, watched: Sequence[Span]
) -> dict[str, Parts]:
    """`service_availability`: milliseconds of watched business time in which somebody could take a customer's call.

    Null without business hours. A trunk that never registered is taken to be up: many know the PBX by its address.
    """
    staffed = union(span for name, intervals in states.items() for span in at_work(name, intervals, plan))
    return availability_of(staffed, trunk, plan, watched)


def at_work(extension: str, intervals: Iterable[Interval], plan: OfficePlan) -> list[Span]:
    """When an extension could have taken a customer's call; never, where none go to it."""
    if not is_agents_phone(extension, plan):
        return []
    return [(each.from_ms, each.until_ms) for each in intervals if each.state in AT_WORK and each.logged_in]


def availability_of(
    staffed: Sequence[Span], trunk: Iterable[Registered], plan: OfficePlan, watched: Sequence[Span]
) -> dict[str, Parts]:
    """The same, given when anybody could; in order, apart from each other."""
    if not plan.business_hours.known:
        return {"service_availability": Parts(0, 0)}
    business = [span for start, end in watched for span in plan.business_hours.open_spans(start, end, plan.time_zone)]
    served = common(common(business, staffed), trunk_up(trunk))
    return {"service_availability": Parts(length_of(served), length_of(business))}


def is_agents_phone(extension: str, plan: OfficePlan) -> bool:
    """Whether customers' calls go there: a member of any queue or group, everybody where none names members."""
    members = {member for place in plan.destinations for member in place.members}
    return extension in members if members else True


def trunk_up(changes: Iterable[Registered]) -> list[Span]:
    """When the PBX was registered with at least one carrier; always, where it never registered with any."""
    accounts: dict[str, list[tuple[int, bool]]] = {}
    for change in sorted(changes, key=lambda each: each.at_ms):
        accounts.setdefault(change.extension, []).append((change.at_ms, change.registered))
    if not accounts:
        return [(-FOREVER, FOREVER)]
    # before its first word an account was registered: the tap began in the middle of its time
    spans = [span for edges in accounts.values() for span in spans_between([(-FOREVER, True), *edges])]
    return union(spans)


def union(spans: Iterable[Span]) -> list[Span]:
    """The time covered by any of them, in order, apart from each other."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """The time covered by both; each in order, apart from each other."""
    found: list[Span] = []
    here = there = 0
    while here < len(one) and there < len(other):
        start, end = max(one[here][0], other[there][0]), min(one[here][1], other[there][1])
        if start < end:
            found.append((start, end))
        if one[here][1] <= other[there][1]:
            here += 1
        else:
            there += 1
    return found


def length_of(spans: Sequence[Span]) -> int:
    """How long spans are together."""
    return sum(end - start for start, end in spans)
