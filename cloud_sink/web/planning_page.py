"""The page `/planning`: hour by weekday, how many call and how many agents that needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from cloud_sink.calendars import WEEKDAYS
from cloud_sink.contacts.records import WEEK_STARTS
from cloud_sink.kpi.period import local_day
from cloud_sink.kpi.planning import PlannedHour
from cloud_sink.shown import NOTHING, clock_text, duration_text
from cloud_sink.web.chosen import ChosenOffice, Others
from cloud_sink.web.page import templates
from cloud_sink.web.planning import AskedPlan, Plan, make_plan, patience_s

SHADES = 9

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the week on the page."""

    calls: str
    agents: str
    shade: int  # 0 nobody calls to SHADES the most
    tip: str
    known: bool


@pages.get("/planning")
def planning(request: Request, chosen: ChosenOffice, offices: Others, question: AskedPlan) -> Response:
    """Show one office's week."""
    plan = make_plan(chosen, question)
    first = WEEK_STARTS.index(chosen.plan.week_start)
    days = [(first + number) % 7 for number in range(7)]
    places = [place.name for place in chosen.plan.destinations if place.kind in ("queue", "ring_group")]
    context = {
        "office": chosen,
        "offices": offices.all(),
        "asked": question,
        "plan": plan,
        "queues": places,
        "last": local_day(plan.period.until_ms - 1, plan.period.time_zone),
        "weekdays": [WEEKDAYS[day] for day in days],
        "rows": describe_rows(plan, days),
        "facts": describe_plan(plan),
    }
    return templates.TemplateResponse(request, "planning.html", context)


def describe_rows(plan: Plan, days: Sequence[int] = range(7)) -> list[tuple[str, list[Cell]]]:
    """Clock hours from the first to the last in which anybody ever called, each with its days (0 is Monday)."""
    busy = [each.hour.clock_hour for each in plan.hours if each.hour.offered]
    if not busy:
        return []
    most = max(each.hour.mean or 0 for each in plan.hours)
    by_place = {(each.hour.weekday, each.hour.clock_hour): each for each in plan.hours}
    return [
        (f"{hour:02d}:00", [_describe_cell(by_place[day, hour], most) for day in days])
        for hour in range(min(busy), max(busy) + 1)
    ]


def _describe_cell(planned: PlannedHour, most: float) -> Cell:
    """One hour in words; the shade is relative to the busiest."""
    hour, staffing = planned.hour, planned.staffing
    if hour.mean is None:
        return Cell(NOTHING, "", 0, "not watched", known=False)
    watched = f"{hour.offered} calls in {hour.watched_ms / 3_600_000:.1f} h watched"
    shade = min(SHADES, round(SHADES * hour.mean / most)) if most else 0
    calls = f"{hour.mean:.1f}"
    if staffing is None or not staffing.agents:
        return Cell(calls, "", shade, watched, known=True)
    agents = f"{staffing.agents} agent{'s' if staffing.agents > 1 else ''}"
    expected = staffing.expected
    tip = (
        f"{watched}\n{staffing.agents} at the phone, {staffing.rostered} on the roster\n"
        f"expected: {100 * expected.levels['sl_offered']:.0f} % in time, wait {expected.mean_wait:.1f} s, "
        f"{100 * expected.occupancy:.0f} % busy"
    )
    return Cell(calls, agents, shade, tip, known=True)


def describe_plan(plan: Plan) -> list[tuple[str, str, str]]:
    """Title, figure and remark of what the plan says in short."""
    needs, peak = plan.needs, plan.peak
    most = None if peak is None else peak.staffing
    when = "" if peak is None else f"{WEEKDAYS[peak.hour.weekday]} {peak.hour.clock_hour:02d}:00"
    given_up = f"from {needs.patience.denominator} who gave up"
    measured = f"from {needs.handle_from} calls" if needs.handle_from else "as given"
    return [
        ("Busiest hour", f"{peak.hour.mean or 0:.1f} calls" if peak else NOTHING, when),
        ("Agents then", str(most.agents) if most else NOTHING, f"{most.rostered} on the roster" if most else ""),
        ("Handle time", duration_text(needs.handle_s), measured if needs.handle_s else ""),
        ("Patience", duration_text(patience_s(needs)), given_up if needs.patience.denominator else "not observable"),
        ("Lines needed", NOTHING if plan.lines is None else str(plan.lines), _describe_lines(plan)),
    ]


def _describe_lines(plan: Plan) -> str:
    """What the number of lines rests on."""
    if plan.busiest is None:
        return "no trunk is seen"
    return f"{plan.busiest.load:.1f} erlangs at {clock_text(plan.busiest.from_ms, plan.period.time_zone)}"
