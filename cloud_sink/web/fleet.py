"""All offices beside each other: `/api/v1/fleet`, and the page `/fleet`."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_sink.contacts.records import GREGORIAN, JALALI
from cloud_sink.fleet import Fleet, OfficeLine, compare_offices
from cloud_sink.kpi.period import local_day
from cloud_sink.office import Offices
from cloud_sink.question import BadQuestion, parse_day
from cloud_sink.shown import Shown, duration_text, show_all
from cloud_sink.web import schema
from cloud_sink.web.api import AllOffices, all_offices, responses_of_errors
from cloud_sink.web.chosen import NothingYet
from cloud_sink.web.page import templates

USUAL_DAYS = 30
LONGEST_DAYS = 400

router = APIRouter(prefix="/api/v1", responses=responses_of_errors())
pages = APIRouter(include_in_schema=False)


class FleetOffice(BaseModel):
    """One office's KPIs; `wait_s`: percentiles of those answered, within 5 %."""

    office: str
    name: str
    time_zone: str
    target: float
    kpis: dict[str, schema.Value]
    wait_s: dict[str, float | None]


class FleetOut(BaseModel):
    """Every office over the same days, each in its own time zone; the one furthest below its target first."""

    model_config = ConfigDict(populate_by_name=True)
    from_: str = Field(alias="from", description="first day")
    until: str = Field(description="last day, included")
    threshold_s: int | None = Field(description="null: each office's own")
    total: FleetOffice
    offices: list[FleetOffice]


@dataclass(frozen=True, slots=True)
class FleetQuestion:
    """The days and the threshold that are asked about; `calendar`: that of all offices, Gregorian where they differ."""

    calendar: str
    first: date
    last: date
    threshold_s: int | None


def asked_fleet(
    offices: Annotated[Offices, Depends(all_offices)],
    from_: Annotated[
        str,
        Query(alias="from", max_length=10, description="first day, 2026-06-01; 1405-03-11 where Jalali years count"),
    ] = "",
    until: Annotated[str, Query(max_length=10, description="last day; without both: 30 days until today")] = "",
    threshold_s: Annotated[
        Literal["", "5", "10", "15", "20", "30", "60"],
        Query(description="seconds, for all; without: each office's own"),
    ] = "",
) -> FleetQuestion:
    """Read the question. Raises BadQuestion."""
    calendars = {office.plan.calendar for office in offices.all()}
    read = JALALI if JALALI in calendars else GREGORIAN  # which tells years of both apart
    last = parse_day(until, read) if until else max(
        (local_day(offices.now_ms(), plan.time_zone) for plan in offices.plans.values()),
        default=local_day(offices.now_ms(), "UTC"),
    )  # fmt: skip
    try:
        first = parse_day(from_, read) if from_ else last - timedelta(days=USUAL_DAYS - 1)
    except OverflowError as error:
        raise BadQuestion(f"{last} is outside the calendar: choose another day") from error
    if first > last:
        raise BadQuestion(f'"until" ({last}) must not be before "from" ({first})')
    if (last - first).days >= LONGEST_DAYS or first.year < 1970 or last.year > 9998:
        raise BadQuestion(f"ask for at most {LONGEST_DAYS} days between 1970 and 9998")
    shown = calendars.pop() if len(calendars) == 1 else GREGORIAN
    return FleetQuestion(shown, first, last, int(threshold_s) if threshold_s else None)


AskedFleet = Annotated[FleetQuestion, Depends(asked_fleet)]


@router.get("/fleet", summary="All offices compared")
def get_fleet(offices: AllOffices, question: AskedFleet) -> FleetOut:
    """Volume, service level, abandon rate, waits, handle time and coverage of every office and of all together."""
    fleet = compare_offices(offices, question.first, question.last, question.threshold_s)
    return FleetOut.model_validate(
        {
            "from": fleet.first.isoformat(),
            "until": fleet.last.isoformat(),
            "threshold_s": fleet.threshold_s,
            "total": _write(fleet.total),
            "offices": [_write(line) for line in fleet.offices],
        }
    )


def _write(line: OfficeLine) -> dict[str, object]:
    """One office."""
    return {
        "office": line.office,
        "name": line.name,
        "time_zone": line.time_zone,
        "target": line.target,
        "kpis": {kpi_id: value.to_json() for kpi_id, value in line.values.items()},
        "wait_s": line.waits_s,
    }


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One office on the page."""

    id: str
    name: str
    time_zone: str
    target: float  # percent
    values: dict[str, Shown]
    state: str  # good | bad | ""
    long_wait: str  # nine of ten waited at most so long


@pages.get("/fleet")
def fleet_page(request: Request, offices: Annotated[Offices, Depends(all_offices)], question: AskedFleet) -> Response:
    """Show all offices."""
    if not offices.names():
        raise NothingYet
    fleet = compare_offices(offices, question.first, question.last, question.threshold_s)
    newest = max(office.today() for office in offices.all())
    context = _describe(fleet, newest) | {"calendar": question.calendar}
    return templates.TemplateResponse(request, "fleet.html", context)


def _describe(fleet: Fleet, newest: date) -> dict[str, object]:
    """Everything the page shows."""
    days = (fleet.last - fleet.first).days + 1
    step = timedelta(days=days)
    rows = [_row(line) for line in fleet.offices]
    return {
        "fleet": fleet,
        "rows": rows,
        "total": _row(fleet.total),
        "below": sum(row.state == "bad" for row in rows),
        "judged": sum(row.state != "" for row in rows),
        "days": days,
        "earlier": (fleet.first - step, fleet.last - step),
        "later": (fleet.first + step, fleet.last + step) if fleet.last < newest else None,
        "spans": [(7, "7 days"), (30, "30 days"), (90, "90 days")],
        "span_starts": {count: fleet.last - timedelta(days=count - 1) for count in (7, 30, 90)},
    }


def _row(line: OfficeLine) -> FleetRow:
    """One office in words."""
    level = line.values["service_level"].value
    state = "" if level is None or not line.target else "good" if level >= 100 * line.target else "bad"
    return FleetRow(
        line.office, line.name, line.time_zone, 100 * line.target, show_all(line.values), state,
        duration_text(line.waits_s["p90"]),
    )  # fmt: skip
