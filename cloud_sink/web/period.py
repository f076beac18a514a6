"""The page `/period`: a week, a month or any days together, and day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from cloud_sink.calendars import month_around
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.report import Values
from cloud_sink.office import Office, Offices
from cloud_sink.question import Question
from cloud_sink.reports.tables import EXPORTS
from cloud_sink.shown import Shown, show_all
from cloud_sink.web.api import all_offices
from cloud_sink.web.describe import describe_level, describe_places
from cloud_sink.web.page import REFRESH_S, templates

DAY = timedelta(days=1)

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class DayRow:
    """One local day: its numbers, and the parts of its bar in percent of the busiest day's."""

    day: date
    values: dict[str, Shown]
    state: str  # good | bad | "": its service level against the target
    answered: float
    missed: float
    other: float  # hung up at once, still going on, or not seen to the end


@pages.get("/period")
def show_period(
    request: Request,
    offices: Annotated[Offices, Depends(all_offices)],
    office: Annotated[str, Query(max_length=64)] = "",
    week: Annotated[str, Query(max_length=10)] = "",
    month: Annotated[str, Query(max_length=10)] = "",
    from_: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show one office's days; without any choice the week of the latest day anything was seen on."""
    names = offices.names()
    if not names:
        return templates.TemplateResponse(request, "waiting.html", {"refresh_s": REFRESH_S})
    chosen = offices.get(office or names[0])
    question = Question(None, from_ or until or None, until or from_ or None, week or None, month or None)
    if not question.ways:
        question = Question(None, None, None, week=chosen.latest_day().isoformat())
    context = _describe(chosen, chosen.period(question)) | {"offices": offices.all()}
    return templates.TemplateResponse(request, "period.html", context)


def _describe(office: Office, period: Period) -> dict[str, object]:
    """Everything the page shows."""
    first, last = (local_day(at, period.time_zone) for at in (period.from_ms, period.until_ms - 1))
    report, newest = office.report(period), max(office.today(), office.latest_day())
    earlier, later = _beside(first, last, office.plan.calendar)
    return {
        "office": office,
        "first": first,
        "last": last,
        "earlier": earlier,
        "later": later if last < newest else None,
        "around": max(first, min(last, newest)),  # a day of it, of the past where there is one
        "total": show_all(report.total),
        "level": describe_level(report),
        "formula": CATALOGUE[report.formula],
        "days": describe_days(office.by_day(period), 100 * report.target),
        "places": describe_places(report),
        "extensions": {name: show_all(values) for name, values in report.extensions.items()},
        "exports": list(EXPORTS),
    }


def _beside(first: date, last: date, calendar: str) -> tuple[tuple[date, date], tuple[date, date]]:
    """The days before and after: whole months beside a month, else as many days."""
    if (first, last) == month_around(first, calendar):
        return month_around(first - DAY, calendar), month_around(last + DAY, calendar)
    length = last - first + DAY
    return (first - length, last - length), (first + length, last + length)


def describe_days(days: Sequence[tuple[date, Values]], target: float) -> list[DayRow]:
    """A row for each day, in order; `target` of the service level in percent."""
    most = max((values["offered"].value or 0 for _, values in days), default=0) or 1
    return [_describe_day(day, values, most, target) for day, values in days]


def _describe_day(day: date, values: Values, most: float, target: float) -> DayRow:
    """One row."""
    level = values["service_level"].value
    offered, answered, missed = (values[kpi].value or 0 for kpi in ("offered", "answered", "missed_contacts"))
    parts = (100 * count / most for count in (answered, missed, max(0, offered - answered - missed)))
    state = "" if level is None or not target else "good" if level >= target else "bad"
    return DayRow(day, show_all(values), state, *parts)
