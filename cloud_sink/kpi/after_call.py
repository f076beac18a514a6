"""After-call work of each call: measured where somebody told of it, else the PBX's wrap-up; the two never mixed."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.extensions import NOBODY, SettledLeg, TakenOver, by_extension, parts_of
from cloud_sink.kpi.state_sources import ACW, ACW_WITHIN_MS, AS_FEATURE_EVENT, ASSUMED, conversations
from cloud_sink.kpi.states import Interval, States
from cloud_sink.kpi.value import Parts

EARLY_MS = 1_000  # a phone may tell of the work a moment before its BYE is seen


@dataclass(frozen=True, slots=True)
class AfterCall:
    """The work after one leg."""

    extension: str
    length_ms: int
    assumed: bool


Works = Mapping[str, AfterCall]  # leg id -> the work after it, of legs of which it is known


def after_call_work(
    states: States | None, legs: Iterable[SettledLeg], codes: Mapping[str, str]
) -> dict[str, AfterCall]:
    """The work after every answered leg of which it is known; 0 where a phone that tells of it told of none.

    Calls to `codes` are orders: the pause that begins with one follows the call before it.
    """
    works: dict[str, AfterCall] = {}
    for extension, group in by_extension(conversations(legs, codes)).items():
        intervals = [each for each in (states or {}).get(extension, ()) if each.state == ACW]
        answered = sorted((leg.t_end, leg.leg_id) for leg, _ in group if leg.t_end is not None)
        if any(each.source == AS_FEATURE_EVENT for each in intervals):
            works |= {leg_id: AfterCall(extension, 0, assumed=False) for _, leg_id in answered}
        for each in intervals:
            _add(works, extension, each, answered)
    return works


def _add(works: dict[str, AfterCall], extension: str, work: Interval, answered: Sequence[tuple[int, str]]) -> None:
    """Credit an interval to the call that ended last before it, where that was just then."""
    place = bisect_right(answered, (work.from_ms + EARLY_MS, "~"))
    if not place:
        return
    ended_ms, leg_id = answered[place - 1]
    assumed = work.source == ASSUMED
    before = works.get(leg_id)
    follows_on = before is not None and before.assumed == assumed and before.length_ms > 0
    if work.from_ms - ended_ms <= ACW_WITHIN_MS + (before.length_ms if before is not None and follows_on else 0):
        length = work.length_ms + (before.length_ms if before is not None and before.assumed == assumed else 0)
        works[leg_id] = AfterCall(extension, length, assumed)


def measure_after_call(done: Sequence[Contact], works: Works) -> dict[str, Parts]:
    """`acw_avg`, `aht_acw` of contacts whose work was measured, and the same where it was assumed."""
    known = [(contact, found) for contact in done if (found := _works_of(contact, works))]
    measured = [(contact, found) for contact, found in known if not any(work.assumed for work in found)]
    assumed = [(contact, found) for contact, found in known if all(work.assumed for work in found)]
    return _averages(measured, "") | _averages(assumed, "_assumed")


def _works_of(contact: Contact, works: Works) -> list[AfterCall]:
    """The work after each part of a contact; of a further queue only that of the agent who answered there."""
    found = [works[leg_id] for leg_id in contact.legs if leg_id in works]
    alone = "/" in contact.contact_id
    return [work for work in found if not alone or work.extension == contact.agent]


def _averages(cohort: Sequence[tuple[Contact, Sequence[AfterCall]]], suffix: str) -> dict[str, Parts]:
    work_ms = sum(work.length_ms for _, works in cohort for work in works)
    handle_ms = work_ms + sum(contact.talk_ms + contact.hold_ms for contact, _ in cohort)
    return {f"acw_avg{suffix}": Parts(work_ms, len(cohort)), f"aht_acw{suffix}": Parts(handle_ms, len(cohort))}


def measure_own_after_call(legs: Sequence[SettledLeg], works: Works, taken: TakenOver = NOBODY) -> dict[str, Parts]:
    """The same of one extension, of its own part in each customer's call."""
    answered = [leg for leg in parts_of(legs, taken) if leg.talk_ms is not None]
    found: dict[str, Parts] = {}
    for assumed, suffix in ((False, ""), (True, "_assumed")):
        known = [(leg, work) for leg in answered if (work := works.get(leg.leg_id)) and work.assumed == assumed]
        work_ms = sum(work.length_ms for _, work in known)
        handle_ms = work_ms + sum((leg.talk_ms or 0) + leg.hold_ms for leg, _ in known)
        found |= {f"acw_avg{suffix}": Parts(work_ms, len(known)), f"aht_acw{suffix}": Parts(handle_ms, len(known))}
    return found
