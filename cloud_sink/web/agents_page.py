"""The page `/agents`: what everybody was doing, on one day along its hours, on several day by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request, Response

from cloud_sink.calendars import short_date_text
from cloud_sink.daybook import pieces_of
from cloud_sink.kpi.discipline import RULES, Lapse
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.states import Interval
from cloud_sink.kpi.team_days import TeamDay, team_days, time_by_state
from cloud_sink.kpi.team_report import AgentReport, TeamReport
from cloud_sink.shown import Shown, clock_text, duration_text, show, show_all
from cloud_sink.web.chosen import Chosen, DaysChosen
from cloud_sink.web.page import templates

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
AT_WORK = ("talk", "acw", "ringing", "available", "pause", "dnd")  # in the order in which they are stacked
DAY_COLUMNS = {
    "login_time": "Logged in", "ext_load": "In calls", "acw_time": "After-call work", "break_time": "On break",
    "occupancy": "Occupancy", "answered": "Answered", "agent_non_response": "Not taken",
}  # fmt: skip
SHOWN_LAPSES = 30  # on the page; the export has them all
SHORTEST_SHOWN_MS = 60_000  # the timeline shows at least a minute

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval on the timeline or one state's share of the time, in percent of the width."""

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
class DayRow:
    """One day of everybody together."""

    day: date
    agents: int
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
def agents(request: Request, chosen: DaysChosen) -> Response:
    """Show one office's agents."""
    found = chosen.office.team(chosen.period)
    context = chosen.as_context() | {
        "total": show_all(found.everybody),
        "planned": found.everybody["schedule_adherence"].value is not None,
        "teams": [_team_row(name, found) for name in found.teams],
        "lapses": [_lapse_row(each, chosen) for each in found.lapses[:SHOWN_LAPSES]],
        "lapses_in_all": len(found.lapses),
    }
    shown = _along_the_day(found, chosen) if chosen.one_day else _day_by_day(found, chosen)
    return templates.TemplateResponse(request, "agents.html", context | shown)


def _along_the_day(found: TeamReport, chosen: Chosen) -> dict[str, object]:
    """A timeline for each agent."""
    zone = chosen.period.time_zone
    states = {each.agent: _states_of(each) for each in found.agents}
    within = _shown_span(states, chosen.period)
    rows = [_agent_row(each, _bars(states[each.agent], within, zone)) for each in found.agents]
    ends = [clock_text(at_ms, zone) for at_ms in within]
    line = f"{ends[0]} to {ends[1]}" if within != (chosen.period.from_ms, chosen.period.until_ms) else "The day"
    return {"rows": rows, "line": line, "legend": STATE_WORDS, "days": []}


def _day_by_day(found: TeamReport, chosen: Chosen) -> dict[str, object]:
    """For each agent how the time was spent, and everybody's days."""
    spent = {each.agent: time_by_state(_states_of(each)) for each in found.agents}
    most = _most(spent.values())
    days = [day for day in team_days(found, (piece.period for piece in pieces_of(chosen.period))) if day.states_ms]
    most_of_day = _most(day.states_ms for day in days)
    return {
        "rows": [_agent_row(each, stacked(spent[each.agent], most)) for each in found.agents],
        "line": "Time at work",
        "legend": {state: STATE_WORDS[state] for state in AT_WORK},
        "days": [_day_row(day, most_of_day) for day in days],
        "day_columns": DAY_COLUMNS.items(),
    }


def _most(spent: Iterable[Mapping[str, int]]) -> int:
    """The longest time at work."""
    return max((sum(states.get(state, 0) for state in AT_WORK) for states in spent), default=0)


def stacked(states_ms: Mapping[str, int], most_ms: int) -> list[Bar]:
    """Time at work by state, one after the other; `most_ms` fills the width."""
    bars: list[Bar] = []
    at_ms = 0
    for state in AT_WORK:
        length = states_ms.get(state, 0)
        if length:
            words = f"{STATE_WORDS[state]}: {duration_text(length / 1000)}"
            bars.append(Bar(state, round(100 * at_ms / most_ms, 3), round(100 * length / most_ms, 3), words))
        at_ms += length
    return bars


def _day_row(day: TeamDay, most_ms: int) -> DayRow:
    """One day."""
    date_of = local_day(day.period.from_ms, day.period.time_zone)
    return DayRow(date_of, day.agents, show_all(day.values), stacked(day.states_ms, most_ms))


def _agent_row(agent: AgentReport, bars: list[Bar]) -> AgentRow:
    """One agent."""
    return AgentRow(agent.agent, _about(agent), show_all(agent.values), bars)


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


def _lapse_row(lapse: Lapse, chosen: Chosen) -> LapseRow:
    """One event; its day too where there are several."""
    zone = chosen.period.time_zone
    at = clock_text(lapse.at_ms, zone)
    if not chosen.one_day:
        at = f"{short_date_text(local_day(lapse.at_ms, zone), chosen.office.plan.calendar)}, {at}"
    return LapseRow(at, lapse.agent, RULES[lapse.rule], duration_text(lapse.length_ms / 1000))


def _shown_span(states: dict[str, list[Interval]], period: Period) -> tuple[int, int]:
    """From the first to the last call of anybody: quiet hours around the work are left out."""
    calls = [each for found in states.values() for each in found if each.state in ("talk", "ringing")]
    if not calls:
        return period.from_ms, period.until_ms
    start, end = min(each.from_ms for each in calls), max(each.until_ms for each in calls)
    return start, max(end, start + SHORTEST_SHOWN_MS)


def _bars(intervals: Sequence[Interval], within: tuple[int, int], zone: str) -> list[Bar]:
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
