"""The call log: every contact of some days, and each one with the legs that served it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from cloud_sink.calendars import short_date_text
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.office import Office
from cloud_sink.shown import NOTHING, clock_text, duration_text
from cloud_sink.web.chosen import ChosenOffice, DaysChosen, Others
from cloud_sink.web.page import problem_page, templates

ROWS_ON_A_PAGE = 200
DIRECTIONS = {"in": "customers calling", "out": "calls made", "int": "between colleagues", "feature": "feature codes"}
CORRELATIONS = {
    "exact": "The legs belong together by a header or the PBX's own identifiers.",
    "heuristic": "The legs were put together by number and time.",
    "ambiguous": "Several callers fitted these legs equally well: who spoke with whom is a guess.",
}

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class CallRow:
    """One contact as a row of the log."""

    contact_id: str
    day: str
    at: str
    direction: str
    caller: str
    place: str
    disposition: str
    agent: str
    waited: str
    talked: str
    ambiguous: bool


@dataclass(frozen=True, slots=True)
class LegRow:
    """One leg: what it was, its times as words, and its bars on the contact's own line of time (percent)."""

    title: str
    outcome: str
    began: str
    rang: str
    talked: str
    remark: str
    ring_bar: tuple[float, float]  # start, width
    talk_bar: tuple[float, float]


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One of several places that a caller waited in."""

    place: str
    came: str
    waited: str
    outcome: str
    agent: str
    talked: str


@pages.get("/calls")
def show_calls(
    request: Request,
    chosen: DaysChosen,
    direction: Annotated[str, Query(pattern="^(|in|out|int|feature)$")] = "",
    disposition: Annotated[str, Query(max_length=32)] = "",
    place: Annotated[str, Query(max_length=200)] = "",
    number: Annotated[str, Query(max_length=64)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """List contacts, the latest first, those that fit what was asked for."""
    plan = chosen.office.plan
    contacts = chosen.office.contacts(chosen.period)
    asked = {"direction": direction, "disposition": disposition, "place": place, "number": number}
    found = [contact for contact in reversed(contacts) if _fits(contact, **asked)]
    start = ROWS_ON_A_PAGE * (page - 1)
    context = chosen.as_context() | {
        "asked": asked,
        "directions": DIRECTIONS,
        "dispositions": sorted({contact.disposition for contact in contacts}),
        "places": sorted({visit.queue for contact in contacts for visit in contact.queue_visits() if visit.queue}),
        "total": len(found),
        "page": page,
        "pages": -(-len(found) // ROWS_ON_A_PAGE),
        "rows": [_describe_call(contact, plan) for contact in found[start : start + ROWS_ON_A_PAGE]],
    }
    return templates.TemplateResponse(request, "calls.html", context)


def _fits(contact: Contact, *, direction: str, disposition: str, place: str, number: str) -> bool:
    """Whether a contact is one of those asked for; a number may stand anywhere in the caller's or the one called."""
    return (
        direction in ("", contact.direction)
        and disposition in ("", contact.disposition)
        and (not place or any(visit.queue == place for visit in contact.queue_visits()))
        and (not number or number in contact.caller or number in contact.did)
    )


def _describe_call(contact: Contact, plan: OfficePlan) -> CallRow:
    """One row."""
    talked = contact.talk_ms if contact.disposition == "answered" else None
    return CallRow(
        contact_id=contact.contact_id,
        day=short_date_text(local_day(contact.t_offer, plan.time_zone), plan.calendar),
        at=clock_text(contact.t_offer, plan.time_zone, seconds=True),
        direction=contact.direction,
        caller=contact.caller or "withheld",
        place=" → ".join(dict.fromkeys(v.queue for v in contact.queue_visits() if v.queue)) or contact.did,
        disposition=contact.disposition.replace("_", " "),
        agent=contact.agent,
        waited=_duration(contact.wait_ms),
        talked=_duration(talked),
        ambiguous=contact.correlation == "ambiguous",
    )


def _duration(duration_ms: int | None) -> str:
    """A duration in words, a dash where there was none."""
    return NOTHING if duration_ms is None else duration_text(duration_ms / 1000)


@pages.get("/calls/{contact_id}")
def show_call(
    request: Request,
    contact_id: str,
    chosen: ChosenOffice,
    offices: Others,
) -> Response:
    """Show one contact with its legs."""
    found = chosen.contact(contact_id)
    if found is None:
        return problem_page(request, 404, f'office "{chosen.id}" has no call "{contact_id}"')
    contact, legs = found
    day = local_day(contact.t_offer, chosen.plan.time_zone)
    context = {
        "office": chosen,
        "offices": offices.all(),
        "call": _describe_call(contact, chosen.plan),
        "contact": contact,
        "day": day,
        "facts": _describe_facts(contact, chosen),
        "visits": _describe_visits(contact, chosen.plan) if contact.visits else [],
        "correlation": CORRELATIONS.get(contact.correlation, ""),
        "legs": describe_legs(contact, legs, chosen.plan.time_zone),
        "same_caller": _same_caller(chosen, contact),
    }
    return templates.TemplateResponse(request, "call.html", context)


def _describe_facts(contact: Contact, office: Office) -> list[tuple[str, str]]:
    """What is known of the contact, in words."""
    times = [
        ("Arrived", contact.t_offer), ("PBX answered", contact.t_pbx_answer), ("Phones rang", contact.t_first_ring),
        ("Agent answered", contact.t_agent_answer), ("Ended", contact.t_end),
    ]  # fmt: skip
    known = [(title, clock_text(at, office.plan.time_zone, seconds=True)) for title, at in times if at is not None]
    ended = {"caller": "the caller", "agent": "the agent", "pbx": "the PBX"}.get(contact.ended_by, "not seen")
    lengths = [("Waited", contact.wait_ms), ("Rang", contact.ring_ms), ("On hold", contact.hold_ms or None)]
    return [
        *known,
        *((title, _duration(length)) for title, length in lengths if length is not None),
        ("Number called", contact.did or NOTHING),
        ("Transfers", str(contact.transfers)),
        ("Phones asked", str(contact.rings)),
        ("Ended by", ended),
    ]


def _describe_visits(contact: Contact, plan: OfficePlan) -> list[VisitRow]:
    """Each place that the caller waited in, in order."""
    return [
        VisitRow(
            place=visit.queue or NOTHING,
            came=clock_text(visit.t_offer, plan.time_zone, seconds=True),
            waited=_duration(visit.wait_ms),
            outcome=visit.disposition.replace("_", " "),
            agent=visit.agent,
            talked=_duration(visit.talk_ms) if visit.disposition == "answered" else NOTHING,
        )
        for visit in contact.queue_visits()
    ]


def describe_legs(contact: Contact, legs: list[tuple[Leg, str]], time_zone: str) -> list[LegRow]:
    """Its legs in order, drawn on one line of time."""
    start = min([contact.t_offer, *(leg.t_invite for leg, _ in legs)])
    ends = [at for leg, _ in legs for at in (leg.t_end, leg.t_answer, leg.t_ring, leg.t_invite) if at is not None]
    length = max(1, max(ends, default=start) - start)

    def bar(since: int | None, until: int | None) -> tuple[float, float]:
        if since is None:
            return 0.0, 0.0
        return 100 * (since - start) / length, 100 * max(0, (until or start + length) - since) / length

    return [
        LegRow(
            title=_leg_title(leg),
            outcome=outcome.replace("_", " "),
            began=clock_text(leg.t_invite, time_zone, seconds=True),
            rang=_duration(leg.ring_ms),
            talked=_duration(leg.talk_ms),
            remark=_leg_remark(leg),
            ring_bar=bar(leg.t_ring or leg.t_invite, leg.t_answer or leg.t_end),
            talk_bar=bar(leg.t_answer, leg.t_end),
        )
        for leg, outcome in sorted(legs, key=lambda each: (each[0].t_invite, each[0].leg_id))
    ]


def _leg_title(leg: Leg) -> str:
    """Whom it connects."""
    if leg.role == "phone":
        return f"to phone {leg.extension}" if leg.direction == "in" else f"from phone {leg.extension}"
    return {"in": "from outside", "out": "to outside"}.get(leg.direction, leg.role) + f" ({leg.callee})"


def _leg_remark(leg: Leg) -> str:
    """What else happened to it."""
    words = [f"code {leg.final_code}"] if leg.final_code >= 300 else []
    words += ["cancelled"] if leg.cancelled else []
    words += [f"{leg.transfer} transfer to {leg.refer_to or '?'}"] if leg.transfer not in ("", "none") else []
    words += [f"held {leg.holds} times" if leg.holds > 1 else "held once"] if leg.holds else []
    words += ["seen in part"] if leg.partial else []
    return ", ".join(words)


def _same_caller(office: Office, contact: Contact) -> list[CallRow]:
    """The caller's other contacts of the week around it."""
    number = contact.did if contact.direction == "out" else contact.caller
    if not number:
        return []
    week = timedelta(days=7) // timedelta(milliseconds=1)
    around = office.contacts(Period(contact.t_offer - week, contact.t_offer + week, office.plan.time_zone))
    others = [c for c in around if number in (c.caller, c.did) and c.contact_id != contact.contact_id]
    return [_describe_call(other, office.plan) for other in others]
