"""Reports: the saved ones, and any table of any period, as the API and the page `/reports` offer them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel

from cloud_sink.calendars import date_text, day_of_month, month_around
from cloud_sink.kpi.period import iso_time, local_day
from cloud_sink.office import Office
from cloud_sink.question import parse_day, week_of
from cloud_sink.reports.make import FORMATS, Made, file_name, make_for, make_report
from cloud_sink.reports.saved import SavedReport, local_now
from cloud_sink.reports.settings import WEEKDAYS
from cloud_sink.reports.tables import EXPORTS
from cloud_sink.shown import clock_text
from cloud_sink.web.api import AllOffices, AskedFor, responses_of_errors
from cloud_sink.web.chosen import DaysChosen
from cloud_sink.web.page import templates

Saved = Mapping[str, tuple[SavedReport, ...]]
TABLE_WORDS = {
    "summary": "The headline numbers in words, in total and by queue",
    "comparison": "Every number beside the period before, by queue, extension, team and agent",
    "report": "Every number with its counters, basis and interval",
    "queues": "Queues, groups and direct lines, one row each",
    "extensions": "Extensions, one row each",
    "contacts": "Every call: when, who, how long, what came of it",
    "missed": "Callers nobody answered, and whether they were called back",
    "callers": "Customers one by one: how often they called",
    "outbound": "Calls to the outside by number shown, from attempt to conversation",
    "targets": "What the office aims at, and whether it got there: in all, by queue",
    "insights": "What stands out, with its evidence",
    "results": "What was noted of calls, the most frequent first",
    "agents": "Agents by name, against their schedules",
    "teams": "Teams, one row each",
    "scorecards": "Teams by their own criteria, in points",
    "discipline": "Who was late, on break too long, or let it ring",
    "agent_states": "How long each agent was available, in calls, on break or away",
    "spending": "What telephony, staff and the rest cost, in total and per contact",
    "timeline": "Every state of every agent, from when to when",
    "staffing": "Agents needed and agents there, hour by hour",
    "planning": "The week by hour and weekday: calls, and the agents they need",
    "grid": "The period by quarter hour",
    "signalling": "How the SIP between PBX, phones and carrier fared",
    "sound": "How calls sounded, by the phones' own reports",
    "quality": "How far the numbers can be trusted: coverage, gaps, losses, clocks",
}
WORDS_OF_PERIODS = {
    "today": "today so far", "yesterday": "the day before", "week": "this week so far", "last_week": "the week before",
    "month": "this month so far", "last_month": "the month before",
}  # fmt: skip

router = APIRouter(prefix="/api/v1", responses=responses_of_errors())
pages = APIRouter(include_in_schema=False)


class SavedOut(BaseModel):
    """One saved report, and how its mailing fares."""

    name: str
    title: str
    tables: list[str]
    period: str
    compare: str
    file: str
    to: list[str]
    next: str | None
    last_sent: str | None
    problem: str


def saved_reports(request: Request) -> Saved:
    """The saved reports of all offices."""
    saved: Saved = request.app.state.reports
    return saved


AllSaved = Annotated[Saved, Depends(saved_reports)]


@router.get("/offices/{office}/reports", summary="The saved reports")
def list_reports(offices: AllOffices, every: AllSaved, office: str) -> list[SavedOut]:
    """As the configuration has them, with when each is mailed next."""
    found = offices.get(office)
    return [_write_saved(found, saved) for saved in every.get(found.id, ())]


def _write_saved(office: Office, saved: SavedReport) -> SavedOut:
    """One of them."""
    mailing = office.store.mailing(office.id, saved.name)
    now = local_now(office.now_ms(), office.plan.time_zone)
    sent = mailing.sent_ms if mailing else None
    return SavedOut(
        name=saved.name,
        title=saved.title,
        tables=list(saved.tables),
        period=saved.period,
        compare=saved.compare,
        file=saved.file_kind,
        to=list(saved.recipients),
        next=saved.schedule.next_due(now, day_of_month(office.plan.calendar)).isoformat() if saved.schedule else None,
        last_sent=None if sent is None else iso_time(sent, office.plan.time_zone),
        problem=mailing.problem if mailing else "",
    )


@router.get("/offices/{office}/reports/{name}.{kind}", summary="A saved report as a file", response_class=Response)
def get_report_file(
    about: AskedFor,
    request: Request,
    every: AllSaved,
    name: str,
    kind: Literal["csv", "xlsx", "pdf"],
    on: Annotated[str, Query(max_length=10, description="as seen on this day; without: today")] = "",
) -> Response:
    """For its own period as seen today (or `on` a day), or for the period asked for."""
    saved = next((each for each in every.get(about.office.id, ()) if each.name == name), None)
    if saved is None:
        raise HTTPException(404, f'office "{about.office.id}" has no saved report "{name}"')
    if kind == "csv" and len(saved.tables) > 1:
        raise HTTPException(422, f'"{name}" has {len(saved.tables)} tables, CSV holds one: ask for xlsx or pdf')
    if {"day", "week", "month", "from", "until"} & set(request.query_params):
        made = make_for(about.office, saved, about.period)
    else:
        made = make_report(about.office, saved, parse_day(on, about.office.plan.calendar) if on else None)
    return _as_file(made, kind)


def _as_file(made: Made, kind: str) -> Response:
    """The report to be kept by the browser."""
    name = file_name(made.office, made.period, made.saved.name, kind)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made.write(kind), media_type=FORMATS[kind], headers=headers)


@pages.get("/reports")
def show_reports(request: Request, chosen: DaysChosen, every: AllSaved) -> Response:
    """Saved reports, and every table of a period as a file."""
    office = chosen.office
    context = chosen.as_context() | {
        "ranges": _ranges(office),
        "saved": [_describe_saved(office, each) for each in every.get(office.id, ())],
        "tables": [(name, TABLE_WORDS.get(name, "")) for name in sorted(EXPORTS, key=_place)],
    }
    return templates.TemplateResponse(request, "reports.html", context)


def _place(table: str) -> tuple[int, str]:
    """Tables in the order of their words, others after them."""
    order = list(TABLE_WORDS)
    return (order.index(table) if table in order else len(order), table)


def _ranges(office: Office) -> list[tuple[str, date, date]]:
    """Periods that people often want, ending with the latest day that was seen."""
    last = office.latest_day()
    return [
        ("That day", last, last),
        ("7 days", last - timedelta(days=6), last),
        ("30 days", last - timedelta(days=29), last),
        ("This week", week_of(last, office.plan.week_start)[0], last),
        ("This month", month_around(last, office.plan.calendar)[0], last),
    ]


def kinds_of(saved: SavedReport) -> list[str]:
    """The kinds of files it can be had as: CSV holds one table."""
    return [kind for kind in ("pdf", "xlsx", "csv") if kind != "csv" or len(saved.tables) == 1]


def _describe_saved(office: Office, saved: SavedReport) -> dict[str, object]:
    """One saved report in words."""
    mailing = office.store.mailing(office.id, saved.name)
    sent = mailing.sent_ms if mailing else None
    zone = office.plan.time_zone
    return {
        "name": saved.name,
        "title": saved.title,
        "about": f"{', '.join(saved.tables)} of {WORDS_OF_PERIODS.get(saved.period, 'the last ' + saved.period)}",
        "kinds": kinds_of(saved),
        "when": _when(saved),
        "sent": ""
        if sent is None
        else f"last sent {date_text(local_day(sent, zone), office.plan.calendar)}, {clock_text(sent, zone)}",
        "problem": mailing.problem if mailing else "",
    }


def _when(saved: SavedReport) -> str:
    """When it is mailed, and to whom."""
    if saved.schedule is None:
        return "not mailed"
    schedule = saved.schedule
    if schedule.month_day:
        days = f"on day {schedule.month_day} of the month"
    elif len(schedule.weekdays) == len(WEEKDAYS):
        days = "every day"
    else:
        days = "on " + ", ".join(WEEKDAYS[day].capitalize() for day in sorted(schedule.weekdays))
    return f"mailed {days} at {schedule.at:%H:%M} to {', '.join(saved.recipients)}"
