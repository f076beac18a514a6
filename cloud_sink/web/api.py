"""The JSON API: /api/v1, described by its own OpenAPI document."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request

from cloud_sink.kpi.accessibility import FORMULAS
from cloud_sink.kpi.catalogue import catalogue_json
from cloud_sink.kpi.catalogue_quality import QUALITY
from cloud_sink.kpi.comparison import comparison_json, earlier
from cloud_sink.kpi.grid import grid_json
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.office import Office, Offices
from cloud_sink.question import Question
from cloud_sink.web import schema
from cloud_sink.web.asking import WhoAsks
from cloud_sink.web.records import report_box, write_box, write_contact, write_leg

PREFIX = "/api/v1"
MAX_PAGE = 1000  # contacts in one answer


def responses_of_errors() -> dict[int | str, dict[str, Any]]:
    """How every address tells mistakes, for the API's description."""
    return {404: {"model": schema.Problem}, 422: {"model": schema.Problem}}


router = APIRouter(prefix=PREFIX, responses=responses_of_errors())


@dataclass(frozen=True, slots=True)
class Asked:
    """The office and the period of a request."""

    office: Office
    period: Period


def all_offices(request: Request, who: WhoAsks) -> Offices:
    """The offices that are open to whoever asks, showing callers' numbers only where he may see them."""
    offices: Offices = request.app.state.offices
    disguise = None if who.sees_numbers else request.app.state.disguise
    return replace(offices, granted=who.offices, disguise=disguise)


def asked(
    offices: Annotated[Offices, Depends(all_offices)],
    office: Annotated[str, Path(description="id of the office")],
    day: Annotated[str | None, Query(description="one local day, 2026-06-01; without any: the latest observed")] = None,
    from_: Annotated[str | None, Query(alias="from", description="day or time, inclusive; office's zone")] = None,
    until: Annotated[str | None, Query(description="day (inclusive) or time (exclusive)")] = None,
    week: Annotated[str | None, Query(description="the week of this day, by the office's `week_start`")] = None,
    month: Annotated[str | None, Query(description="a month of the office's `calendar`, 2026-06 or 1405-03")] = None,
) -> Asked:
    """Find out what is asked about."""
    found = offices.get(office)
    return Asked(found, found.period(Question(day, from_, until, week, month)))


AllOffices = Annotated[Offices, Depends(all_offices)]
AskedFor = Annotated[Asked, Depends(asked)]
Formula = Annotated[
    str,
    Query(
        pattern=f"^({'|'.join(FORMULAS)}|)$", description="which of the six `service_level` is; without: the office's"
    ),
]
Threshold = Annotated[float | None, Query(ge=0, le=3600, description="seconds; without: the office's own")]


@router.get("/offices", summary="All offices")
def list_offices(offices: AllOffices) -> list[schema.OfficeOut]:
    """Every office, and from when to when it was observed."""
    return [_write_office(office) for office in offices.all()]


def _write_office(office: Office) -> schema.OfficeOut:
    """One office."""
    span, zone = office.span(), office.plan.time_zone
    return schema.OfficeOut(
        office=office.id,
        name=office.title,
        time_zone=zone,
        first=iso_time(span[0], zone) if span else None,
        last=iso_time(span[1], zone) if span else None,
        latest_day=office.latest_day().isoformat() if span else None,
    )


@router.get("/offices/{office}/report", summary="All KPIs of a period")
def get_report(
    about: AskedFor,
    threshold_s: Threshold = None,
    formula: Formula = "",
    compare: Annotated[
        Literal["previous", "week"] | None, Query(description="beside the period before, or a week")
    ] = None,
) -> schema.ComparedReport:
    """In total, per queue and per extension; every value with its counters, basis and interval."""
    now = about.office.report(about.period, threshold_s, formula)
    answer = now.to_json()
    if compare is not None:
        before = about.office.report(earlier(about.period, compare), threshold_s, formula)
        answer["comparison"] = comparison_json(now, before)
    return schema.ComparedReport.model_validate(answer)


@router.get("/offices/{office}/insights", summary="What stands out in a period")
def list_insights(about: AskedFor) -> schema.InsightList:
    """Sentences with their evidence: when many callers left, waited too long, or a phone was not answered."""
    period = about.period
    rows = [each.to_json(lambda at_ms: iso_time(at_ms, period.time_zone)) for each in about.office.insights(period)]
    return schema.InsightList.model_validate({"period": period.to_json(), "insights": rows})


@router.get("/offices/{office}/quality", summary="How far a period's numbers can be trusted")
def get_quality(about: AskedFor) -> schema.Quality:
    """What was watched, what is uncertain, what boxes lost, how late they delivered and how their clocks go."""
    values = about.office.report(about.period).total | about.office.indicators(about.period)
    shown = {kpi.id: values[kpi.id].to_json() for kpi in QUALITY}
    return schema.Quality.model_validate({"period": about.period.to_json(), "indicators": shown})


@router.get("/offices/{office}/grid", summary="The period by quarter hour")
def get_grid(about: AskedFor, threshold_s: Threshold = None) -> schema.Grid:
    """Counters of the contacts that arrived in each quarter hour."""
    threshold = about.office.plan.service_level_s if threshold_s is None else threshold_s
    plan = about.office.plan
    buckets = grid_json(
        about.office.contacts(about.period), period=about.period, threshold_s=threshold,
        formula=plan.service_level_formula,
    )  # fmt: skip
    return schema.Grid.model_validate({"period": about.period.to_json(), "threshold_s": threshold, "buckets": buckets})


@router.get("/offices/{office}/contacts", summary="Contacts of a period")
def list_contacts(
    about: AskedFor,
    direction: Annotated[str | None, Query(pattern="^(in|out|int|feature)$")] = None,
    disposition: Annotated[str | None, Query(max_length=32)] = None,
    queue: Annotated[str | None, Query(max_length=200)] = None,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> schema.ContactPage:
    """In order of arrival, a page at a time."""
    wanted = {"direction": direction, "disposition": disposition, "queue": queue}
    kept = [
        contact
        for contact in about.office.contacts(about.period)
        if all(word is None or getattr(contact, name) == word for name, word in wanted.items())
    ]
    page = [write_contact(contact) for contact in kept[offset : offset + limit]]
    return schema.ContactPage(
        period=schema.PeriodOut.model_validate(about.period.to_json()),
        total=len(kept),
        offset=offset,
        limit=limit,
        contacts=page,
    )


@router.get("/offices/{office}/contacts/{contact_id}", summary="One contact with its legs")
def get_contact(offices: AllOffices, office: str, contact_id: str) -> schema.ContactWithLegs:
    """Every leg that served a contact, with its settled outcome."""
    found = offices.get(office).contact(contact_id)
    if found is None:
        raise HTTPException(404, f'office "{office}" has no contact "{contact_id}"')
    contact, legs = found
    return schema.ContactWithLegs(contact=write_contact(contact), legs=[write_leg(leg, word) for leg, word in legs])


@router.get("/offices/{office}/missed", summary="Callers nobody answered")
def list_missed(about: AskedFor) -> schema.MissedList:
    """The latest first, with what came of each since."""
    period = about.period
    callers = about.office.missed(period)
    rows = [caller.to_json(period.time_zone) for caller in callers]
    return schema.MissedList.model_validate({"period": period.to_json(), "callers": rows})


@router.get("/kpis", summary="The catalogue of KPIs")
def list_kpis() -> list[schema.Kpi]:
    """Every KPI once: what it says, its formula, its source and what it rests on."""
    return [schema.Kpi.model_validate(definition) for definition in catalogue_json()]


@router.get("/boxes", summary="All boxes")
def list_boxes(offices: AllOffices) -> list[schema.BoxReport]:
    """Who is connected, how much waits to be delivered, and what is wrong with a box's tap."""
    return [report_box(box) for box in offices.boxes()]


@router.get("/alive", summary="Whether the sink can answer, asked by anybody")
def get_alive(request: Request) -> schema.Alive:
    """For load balancers and alarms: needs no sign-in and tells nothing else. Asks the database, as `health` does."""
    request.app.state.accounts.exist()
    return schema.Alive(status="ok")


@router.get("/health", summary="Whether the sink can answer")
def get_health(offices: AllOffices) -> schema.Health:
    """Asks the database, so an answer means that it can be read."""
    store = offices.store
    return schema.Health(
        status="ok",
        offices=len(offices.names()),
        quarantined=store.quarantined(),
        boxes=[write_box(box) for box in offices.boxes()],
    )
