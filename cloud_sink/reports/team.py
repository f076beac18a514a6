"""Tables of agents and teams: their numbers, what they were doing, what broke the rules, and the KPI matrix."""

from collections.abc import Iterable, Mapping

from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.crew import IN_CALL
from cloud_sink.kpi.discipline import RULES, Lapse
from cloud_sink.kpi.money import MICRO, price
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.kpi.report import Values
from cloud_sink.kpi.scorecard import Scored
from cloud_sink.kpi.staffing import StaffedHour
from cloud_sink.kpi.state_sources import ACW, DND, PAUSE
from cloud_sink.kpi.states import AVAILABLE, OFFLINE, OTHER, RINGING, Interval
from cloud_sink.kpi.team_report import TEAM_IDS, AgentReport
from cloud_sink.office import Office
from cloud_sink.reports.cells import value_cell
from cloud_sink.sheets import Cell, Table

UNPRICED = "without a tariff"
BUSY = frozenset((*IN_CALL, RINGING))
PRINTED_KPIS = (
    "answered", "agent_answer_rate", "aht", "login_time", "occupancy", "schedule_adherence", "conformance",
    "success_rate", "qa_score", "scorecard",
)  # fmt: skip


def agents_table(office: Office, period: Period) -> Table:
    """One row per agent, one column per KPI; its unit stands in the head."""
    heads = ("agent", "teams", "extensions", *map(_head, TEAM_IDS))
    rows = [_agent_row(each) for each in office.team(period).agents]
    return Table("agents", heads, rows, ("agent", "teams", *map(_head, PRINTED_KPIS)))


def _agent_row(agent: AgentReport) -> list[Cell]:
    """One agent."""
    return [agent.agent, " ".join(agent.teams), " ".join(agent.extensions), *_values(agent.values)]


def teams_table(office: Office, period: Period) -> Table:
    """One row for everybody, one per team."""
    found = office.team(period)
    places: Mapping[str, Values] = {"all": found.everybody, **found.teams}
    rows: list[list[Cell]] = [[name, *_values(values)] for name, values in places.items()]
    return Table("teams", ("team", *map(_head, TEAM_IDS)), rows, ("team", *map(_head, PRINTED_KPIS)))


def _head(kpi_id: str) -> str:
    unit = CATALOGUE[kpi_id].unit
    return kpi_id if unit == "n" else f"{kpi_id} ({unit})"


def _values(values: Values) -> list[Cell]:
    """Every KPI's value, rounded as the API does; nothing where there is none."""
    return [value_cell(values.get(kpi_id)) for kpi_id in TEAM_IDS]


def agent_states_table(office: Office, period: Period) -> Table:
    """The occupancy report: how long each agent was busy, waiting, on break and out of the queue, in seconds."""
    heads = ("agent", "teams", "logged_in_s", "busy_s", "in_calls_s", "after_call_s", "ringing_s", "available_s",
             "break_s", "do_not_disturb_s", "out_of_queue_s", "offline_s", "occupancy (%)")  # fmt: skip
    rows = [_states_row(each) for each in office.team(period).agents]
    return Table("agent_states", heads, rows)


def _states_row(agent: AgentReport) -> list[Cell]:
    """One agent's seconds by state."""
    intervals = [each for worker in agent.workers for each in worker.intervals]
    return [
        agent.agent,
        " ".join(agent.teams),
        sum(each.length_ms for each in intervals if each.logged_in) / 1000,
        _seconds(intervals, BUSY),
        _seconds(intervals, IN_CALL - {ACW}),
        _seconds(intervals, (ACW,)),
        _seconds(intervals, (RINGING,)),
        _seconds(intervals, (AVAILABLE,)),
        _seconds(intervals, (PAUSE,)),
        _seconds(intervals, (DND,)),
        _seconds(intervals, (OTHER,)),
        _seconds(intervals, (OFFLINE,)),
        value_cell(agent.values["occupancy"]),
    ]


def _seconds(intervals: Iterable[Interval], states: Iterable[str]) -> float:
    """Seconds in some states."""
    wanted = frozenset(states)
    return sum(each.length_ms for each in intervals if each.state in wanted) / 1000


def timeline_table(office: Office, period: Period) -> Table:
    """What every agent was doing from when until when."""
    heads = ("agent", "team", "state", "from", "until", "seconds", "logged_in")
    rows: list[list[Cell]] = [
        [worker.agent, worker.team, *_interval_cells(each, period.time_zone)]
        for agent in office.team(period).agents
        for worker in agent.workers
        for each in worker.intervals
    ]
    return Table("timeline", heads, rows)


def _interval_cells(interval: Interval, zone: str) -> list[Cell]:
    """One state, from when until when."""
    start, end = iso_time(interval.from_ms, zone), iso_time(interval.until_ms, zone)
    return [interval.state, start, end, interval.length_ms / 1000, interval.logged_in]


def discipline_table(office: Office, period: Period) -> Table:
    """The discipline report: one row for each time a rule was broken, in order."""
    heads = ("at", "agent", "team", "rule", "what", "seconds", "leg")
    rows = [_lapse_row(each, period.time_zone) for each in office.team(period).lapses]
    return Table("discipline", heads, rows, heads[:-1])


def _lapse_row(lapse: Lapse, time_zone: str) -> list[Cell]:
    """One event."""
    at, seconds = iso_time(lapse.at_ms, time_zone), lapse.length_ms / 1000
    return [at, lapse.agent, lapse.team, lapse.rule, RULES[lapse.rule], seconds, lapse.leg_id]


def scorecards_table(office: Office, period: Period) -> Table:
    """The KPI matrix: each team's criteria with what was reached, and the scorecard itself."""
    heads = ("team", "kpi", "title", "value", "unit", "target", "worst", "weight", "points")
    found = office.team(period)
    rows: list[list[Cell]] = []
    for team, scored in found.scorecards.items():
        rows += [_scored_row(team, each) for each in scored]
        total = value_cell(found.teams[team]["scorecard"])
        rows.append([team, "scorecard", CATALOGUE["scorecard"].title, total, "of 100", 100, 0, None, total])
    return Table("scorecards", heads, rows)


def _scored_row(team: str, scored: Scored) -> list[Cell]:
    """One criterion."""
    aim, kpi = scored.criterion, CATALOGUE[scored.criterion.kpi]
    return [
        team,
        aim.kpi,
        kpi.title,
        value_cell(scored.value),
        kpi.unit,
        aim.target,
        aim.worst,
        aim.weight,
        _rounded(scored.points),
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def spending_table(office: Office, period: Period) -> Table:
    """The spending report, in the office's currency: calls by tariff, staff by agent, other costs by what for."""
    calls: dict[str, tuple[int, int]] = {}
    for tariff, micro in price(office.contacts(period), office.plan):
        name = UNPRICED if tariff is None else tariff.name
        number, total = calls.get(name, (0, 0))
        calls[name] = number + 1, total + micro
    spent = office.spending(period)
    rows: list[list[Cell]] = [
        ["calls", name, number, None if name == UNPRICED else micro / MICRO]
        for name, (number, micro) in sorted(calls.items())
    ]
    rows += [["staff", agent, None, micro / MICRO] for agent, micro in sorted((spent.staff or {}).items())]
    rows += [["other", what, None, micro / MICRO] for what, micro in sorted((spent.other or {}).items())]
    return Table("spending", ("kind", "name", "calls", "amount"), rows)


def staffing_table(office: Office, period: Period) -> Table:
    """Agents needed and agents there, one row per local hour."""
    heads = ("from", "until", "offered", "expected", "agents_needed", "agents_there", "missing")
    return Table("staffing", heads, [_staffed_row(each, period.time_zone) for each in office.staffing(period)])


def _staffed_row(hour: StaffedHour, zone: str) -> list[Cell]:
    """One hour."""
    ends = [iso_time(at, zone) for at in (hour.from_ms, hour.until_ms)]
    return [*ends, hour.offered, _rounded(hour.expected), hour.needed, _rounded(hour.there), _rounded(hour.gap)]


TABLES = {
    "agents": agents_table,
    "teams": teams_table,
    "agent_states": agent_states_table,
    "timeline": timeline_table,
    "discipline": discipline_table,
    "scorecards": scorecards_table,
    "spending": spending_table,
    "staffing": staffing_table,
}
