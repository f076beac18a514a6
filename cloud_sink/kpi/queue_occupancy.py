"""Occupancy by queues alone: of the time in calls only what queues' callers took, of the same time on duty."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.availability import common, length_of, union
from cloud_sink.kpi.extensions import SettledLeg, TakenOver, parts_of
from cloud_sink.kpi.state_sources import ACW, PAUSE
from cloud_sink.kpi.states import TALK, Interval
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import WORK_OF_A_TEAM


def legs_of_queues(contacts: Iterable[Contact]) -> frozenset[str]:
    """The legs of contacts that waited in a queue or called a group, at first or after a transfer."""
    queued = (contact for contact in contacts if contact.kind in WORK_OF_A_TEAM or contact.visits)
    return frozenset(leg for contact in queued for leg in contact.legs)


def measure_queue_occupancy(
    intervals: Sequence[Interval] | None, legs: Iterable[SettledLeg], taken: TakenOver, queued: frozenset[str]
) -> dict[str, Parts]:
    """`queue_occupancy` of one agent or extension; `queued` are legs of queues' contacts. Milliseconds; null as states.

    `legs` that began before the intervals are welcome: what lies outside of these does not count.
    """
    if intervals is None:
        return {"queue_occupancy": Parts(0, 0)}
    answered = [(leg, word) for leg, word in legs if word == "answered" and leg.t_end is not None]
    spans = union((leg.t_answer, leg.t_end) for leg in parts_of(answered, taken)
                  if leg.leg_id in queued and leg.t_answer is not None and leg.t_end is not None)  # fmt: skip
    duty = [each for each in intervals if each.logged_in]
    talking = [(each.from_ms, each.until_ms) for each in duty if each.state == TALK]
    customers = [leg for leg, _ in answered if leg.direction != "int" or leg.leg_id in taken]  # no codes
    ends = sorted((leg.t_end or 0, leg.leg_id in queued) for leg in customers)
    worked = sum(each.length_ms for each in duty if each.state == ACW and _follows_queue(each, ends))
    at_hand = sum(each.length_ms for each in duty if each.state != PAUSE)
    return {"queue_occupancy": Parts(length_of(common(talking, spans)) + worked, at_hand)}


def _follows_queue(work: Interval, ends: Sequence[tuple[int, bool]]) -> bool:
    """Whether the call before this after-call work was a queue's."""
    place = bisect_right(ends, (work.from_ms, True))
    return place > 0 and ends[place - 1][1]
