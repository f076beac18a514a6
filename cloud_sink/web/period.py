"""The page `/period`: a week, a month or any days together, and day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.report import Values
from cloud_sink.shown import Shown, show_all
from cloud_sink.web.beside import describe_comparison, describe_insights, describe_targets
from cloud_sink.web.chosen import Chosen, WeekChosen
from cloud_sink.web.describe import describe_level, describe_places
from cloud_sink.web.page import templates

LONGEST_TOLD_DAYS = 7  # of more days what stands out is a table of its own: it is made from every call

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
    request: Request, chosen: WeekChosen, compare: Annotated[Literal["", "previous", "week"], Query()] = ""
) -> Response:
    """Show one office's days; without any choice the week of the latest day anything was seen on."""
    office = chosen.office
    report = office.report(chosen.period)
    context = chosen.as_context() | {
        "total": show_all(report.total),
        "level": describe_level(report),
        "formula": CATALOGUE[report.formula],
        "days": describe_days(office.by_day(chosen.period), 100 * report.target),
        "places": describe_places(report),
        "extensions": {name: show_all(values) for name, values in report.extensions.items()},
        "aims": describe_targets(report.total, office.plan),
        "insights": describe_insights(office, chosen.period) if _is_short(chosen) else [],
        "compare": compare,
        "comparison": describe_comparison(report, office, compare),
    }
    return templates.TemplateResponse(request, "period.html", context)


def _is_short(chosen: Chosen) -> bool:
    """Whether it is a week at most."""
    return (chosen.last - chosen.first).days < LONGEST_TOLD_DAYS


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
