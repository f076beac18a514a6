"""Agents: what each extension was doing, as the API and the page `/agents` show it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_sink.kpi.discipline import RULES, Lapse
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.kpi.states import Interval
from cloud_sink.kpi.team_report import AgentReport, TeamReport
from cloud_sink.office import Office, Offices
from cloud_sink.question import one_day, parse_day
from cloud_sink.shown import Shown, clock_text, duration_text, show, show_all
from cloud_sink.web import schema
from cloud_sink.web.api import AskedFor, all_offices, responses_of_errors
from cloud_sink.web.page import REFRESH_S, templates

STATE_WORDS = {
    "available": "available",
    "ringing": "ringing",
    "talk": "in a call",
    "acw": "after-call work",
    "pause": "on break",
    "dnd": "do not disturb",
    "other": "not logged in",
    "offline": "phone offline",
}
SHOWN_LAPSES = 30  # on the page; the export has them all
SHORTEST_SHOWN_MS = 60_000  # the timeline shows at least a minute


class IntervalOut(BaseModel):
    """One state; from inclusive, until exclusive."""

    model_config = ConfigDict(populate_by_name=True)
    state: str
    from_: str = Field(alias="from")
    until: str
    seconds: float
    logged_in: bool
    source: str


class AgentOut(BaseModel):
    """One extension."""

    extension: str
    kpis: dict[str, schema.Value]
    states: list[IntervalOut]


class AgentList(BaseModel):
    """Every extension's states and numbers."""

    period: schema.PeriodOut
    agents: list[AgentOut]


router = APIRouter(prefix="/api/v1", responses=responses_of_errors())
pages = APIRouter(include_in_schema=False)


@router.get("/offices/{office}/agents", summary="What each extension was doing")
def list_agents(about: AskedFor) -> AgentList:
    """Intervals that never overlap, and the extension's KPIs."""
    zone = about.period.time_zone
    report, states = about.office.report(about.period).to_json(), about.office.states(about.period)
    kpis = report["extensions"]
    rows = [
        {"extension": name, "kpis": values, "states": [_write(each, zone) for each in states.get(name, [])]}
        for name, values in (kpis.items() if isinstance(kpis, dict) else ())
    ]
    return AgentList.model_validate({"period": report["period"], "agents": rows})


def _write(interval: Interval, zone: str) -> dict[str, object]:
    """One interval."""
    return {
        "state": interval.state,
        "from": iso_time(interval.from_ms, zone),
        "until": iso_time(interval.until_ms, zone),
        "seconds": interval.length_ms / 1000,
        "logged_in": interval.logged_in,
        "source": interval.source,
    }


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval on the timeline, in percent of its width."""

    state: str
    start: float
    width: float
    tip: str


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent on the page."""

    name: str
    about: str  # teams and phones, where they are not his name
    values: dict[str, Shown]
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team on the page, with its criteria in words."""

    name: str
    values: dict[str, Shown]
    points: list[str]  # "Service level 72.0 %: 90 points"


@dataclass(frozen=True, slots=True)
class LapseRow:
    """One discipline event on the page."""

    at: str
    agent: str
    what: str
    length: str


@pages.get("/agents")
def agents(
    request: Request,
    offices: Annotated[Offices, Depends(all_offices)],
    office: Annotated[str, Query(max_length=64)] = "",
    day: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show one office's day."""
    names = offices.names()
    if not names:
        return templates.TemplateResponse(request, "waiting.html", {"refresh_s": REFRESH_S})
    chosen = offices.get(office or names[0])
    shown_day = parse_day(day, chosen.plan.calendar) if day else chosen.latest_day()
    context = _describe(chosen, shown_day) | {"offices": offices.all()}
    return templates.TemplateResponse(request, "agents.html", context)


def _describe(office: Office, day: date) -> dict[str, object]:
    """Everything the page shows."""
    period = one_day(day, office.plan.time_zone)
    found = office.team(period)
    states = {each.agent: _states_of(each) for each in found.agents}
    within = _shown_span(states, period)
    return {
        "office": office,
        "day": day,
        "earlier": day - timedelta(days=1),
        "later": day + timedelta(days=1) if day < max(office.today(), office.latest_day()) else None,
        "total": show_all(found.everybody),
        "rows": [
            AgentRow(
                each.agent, _about(each), show_all(each.values), _bars(states[each.agent], within, period.time_zone)
            )
            for each in found.agents
        ],
        "planned": found.everybody["schedule_adherence"].value is not None,
        "teams": [_team_row(name, found) for name in found.teams],
        "lapses": [_lapse_row(each, period.time_zone) for each in found.lapses[:SHOWN_LAPSES]],
        "lapses_in_all": len(found.lapses),
        "ends": [clock_text(at_ms, period.time_zone) for at_ms in within],
        "legend": STATE_WORDS,
    }


def _states_of(agent: AgentReport) -> list[Interval]:
    """What an agent was doing, all teams together, in order."""
    return sorted((each for worker in agent.workers for each in worker.intervals), key=lambda each: each.from_ms)


def _about(agent: AgentReport) -> str:
    """Teams and phones; a phone nobody is listed for says it by its name."""
    phones = [] if agent.extensions == (agent.agent,) else [f"at {', '.join(agent.extensions)}"]
    return " ".join([", ".join(agent.teams), *phones]).strip()


def _team_row(name: str, found: TeamReport) -> TeamRow:
    """One team."""
    values = show_all(found.teams[name])
    scored = [(each, show(each.criterion.kpi, each.value)) for each in found.scorecards.get(name, []) if each.value]
    points = [f"{shown.title} {shown.text}: {each.points:.0f}" for each, shown in scored if each.points is not None]
    return TeamRow(name, values, points)


def _lapse_row(lapse: Lapse, zone: str) -> LapseRow:
    """One event."""
    length = duration_text(lapse.length_ms / 1000)
    return LapseRow(clock_text(lapse.at_ms, zone), lapse.agent, RULES[lapse.rule], length)


def _shown_span(states: dict[str, list[Interval]], period: Period) -> tuple[int, int]:
    """From the first to the last call of anybody: quiet hours around the work are left out."""
    calls = [each for found in states.values() for each in found if each.state in ("talk", "ringing")]
    if not calls:
        return period.from_ms, period.until_ms
    start, end = min(each.from_ms for each in calls), max(each.until_ms for each in calls)
    return start, max(end, start + SHORTEST_SHOWN_MS)


def _bars(intervals: list[Interval], within: tuple[int, int], zone: str) -> list[Bar]:
    """The part of the intervals that is shown."""
    start, end = within
    found = []
    for each in intervals:
        first, last = max(start, each.from_ms), min(end, each.until_ms)
        if last > first:
            scale = 100 / (end - start)
            words = f"{STATE_WORDS.get(each.state, each.state)} from {clock_text(each.from_ms, zone)}"
            words += f", {duration_text(each.length_ms / 1000)}"
            found.append(Bar(each.state, round((first - start) * scale, 3), round((last - first) * scale, 3), words))
    return found
