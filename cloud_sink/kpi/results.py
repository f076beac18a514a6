"""What came of calls: as somebody noted it, as the caller keyed it in, or as far as the telephone tells."""

from collections.abc import Iterable, Mapping, Sequence

from cloud_sink.contacts.records import SOLVED, Contact, OfficePlan
from cloud_sink.kpi.repeats import DAY_MS, DROPPED_MS, Calls
from cloud_sink.kpi.roster import Result
from cloud_sink.kpi.surveys import YES, Asked
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ANSWERED, offered

SHORTEST_TALK_MS = 10_000  # less is a wrong number or a lost line, and no help
BEFORE_MS, AFTER_MS = 60_000, 30 * 60_000  # a note is made from a minute before a call to half an hour after it


def noted(contacts: Sequence[Contact], results: Iterable[Result]) -> dict[str, Result]:
    """The result of each contact that somebody noted one of, by contact id; the latest note counts."""
    by_leg = {leg: contact for contact in contacts for leg in (*contact.legs, contact.contact_id)}
    by_number: dict[str, list[Contact]] = {}
    for contact in contacts:
        by_number.setdefault(contact.did if contact.direction == "out" else contact.caller, []).append(contact)
    found: dict[str, Result] = {}
    for result in sorted(results, key=lambda each: each.at_ms):
        named = by_leg.get(result.contact_id) if result.contact_id else None
        about = named if result.contact_id else nearest(by_number.get(result.number, []), result.at_ms)
        if about is not None:
            found[about.contact_id] = result
    return found


def nearest(contacts: Iterable[Contact], at_ms: int) -> Contact | None:
    """The latest call of that number that the note can be about."""
    fitting = [
        contact
        for contact in contacts
        if contact.t_offer - BEFORE_MS <= at_ms <= (contact.t_end or contact.t_offer) + AFTER_MS
    ]
    return max(fitting, key=lambda contact: contact.t_offer, default=None)


def solved_by_survey(everybody: Iterable[Asked]) -> dict[str, bool]:
    """What callers said about their matter being solved, by their own leg, else by the agent's."""
    return {
        each.leg_id or each.agent_leg: score == YES
        for each in everybody
        for question, score in each.scores
        if question == SOLVED
    }


def successes(
    cohort: Sequence[Contact],
    *,
    results: Mapping[str, Result],
    surveys: Mapping[str, bool],
    calls: Calls,
    plan: OfficePlan,
) -> dict[str, tuple[bool, bool]]:
    """(success, whether somebody said so) of each answered contact of which it can be told."""
    found: dict[str, tuple[bool, bool]] = {}
    for contact in offered(cohort):
        if contact.disposition == ANSWERED and contact.t_end is not None:
            said = _said(contact, results, surveys)
            if said is not None:
                found[contact.contact_id] = said, True
            elif calls.knows(contact):
                found[contact.contact_id] = _seems_solved(contact, calls, plan), False
    return found


def _said(contact: Contact, results: Mapping[str, Result], surveys: Mapping[str, bool]) -> bool | None:
    """What was noted, else what the caller keyed in; None where neither."""
    result = results.get(contact.contact_id)
    if result is not None and result.success is not None:
        return result.success
    return next((surveys[leg] for leg in contact.legs if leg in surveys), None)


def _seems_solved(contact: Contact, calls: Calls, plan: OfficePlan) -> bool:
    """Talked for long enough, and not calling the same queue again within the office's days."""
    end = contact.t_end or contact.t_offer
    again = calls.any_between((contact.caller, contact.queue), end + DROPPED_MS, end + plan.repeat_days * DAY_MS)
    return contact.talk_ms >= SHORTEST_TALK_MS and not again


def measure_success(found: Iterable[tuple[bool, bool]]) -> dict[str, Parts]:
    """`success_rate` and `success_said`: of how many of these calls somebody said it."""
    known = list(found)
    return {
        "success_rate": Parts(sum(success for success, _ in known), len(known)),
        "success_said": Parts(sum(said for _, said in known)),
    }
