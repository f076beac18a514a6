"""Tables in people's words: the headline numbers of a period, and a period beside an earlier one."""

from cloud_sink.contacts.work_rules import Target
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.comparison import PREVIOUS, Change, changes, earlier
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import Report, Values
from cloud_sink.kpi.targets import Judged, judge, targets_of
from cloud_sink.kpi.value import NUMBER, PERCENT, SECONDS, Value
from cloud_sink.kpi.volume import WORK_OF_A_TEAM
from cloud_sink.office import Office
from cloud_sink.reports.cells import value_cell
from cloud_sink.sheets import Cell, FewText, Table
from cloud_sink.shown import NOTHING, duration_text, note_text, value_text

HEADLINES = (
    "offered", "answered", "abandoned", "missed_contacts", "callback_open", "service_level", "abandon_rate", "asa",
    "max_wait", "aht", "fcr_repeat", "outbound_attempts", "connect_rate", "occupancy", "coverage",
)  # fmt: skip
ALL = "all"


def summary_table(office: Office, period: Period, compare: str = "", kpis: tuple[str, ...] = HEADLINES) -> Table:
    """One row for each KPI and place: its value, what it rests on, and what it was before where that is asked."""
    now = office.report(period)
    before = office.report(earlier(period, compare)) if compare else None
    heads = ("about", "kpi", "value", "rests on", "formula", *(("before", "change") if before else ()))
    places = _places(now)
    known = dict(_places(before)) if before else {}
    rows = [
        _summary_row(about, kpi_id, values[kpi_id], known.get(about, {}).get(kpi_id) if before else None, bool(before))
        for about, values in places
        for kpi_id in kpis
        if kpi_id in values
    ]
    return Table("summary", heads, rows)


def _places(report: Report) -> list[tuple[str, Values]]:
    """The office as a whole, then its queues and ring groups."""
    teams = [(name, values) for name, values in report.queues.items() if report.queue_kinds[name] in WORK_OF_A_TEAM]
    return [(ALL, report.total), *teams]


def _summary_row(about: str, kpi_id: str, now: Value, before: Value | None, compared: bool) -> list[Cell]:
    """One KPI in words."""
    kpi = CATALOGUE[kpi_id]
    row: list[Cell] = [about, kpi.title, _words(now), note_text(now), kpi.formula]
    if compared:
        row += [NOTHING, NOTHING] if before is None else [_words(before), change_text(Change(now, before))]
    return row


def _words(value: Value) -> str:
    """A value as people read it, marked where it rests on few observations."""
    return FewText(value_text(value)) if value.small else value_text(value)


def targets_table(office: Office, period: Period) -> Table:
    """What the office aims at, for itself and each queue and group: one row a target."""
    heads = ("about", "kpi", "title", "value", "unit", "target", "met")
    aims = targets_of(office.plan)
    rows = [
        [about, *_judged_cells(each)]
        for about, values in _places(office.report(period))
        for each in judge(values, aims)
    ]
    return Table("targets", heads, rows, (heads[0], *heads[2:]))


def _judged_cells(judged: Judged) -> list[Cell]:
    """One target."""
    kpi = CATALOGUE[judged.target.kpi]
    return [kpi.id, kpi.title, value_cell(judged.value), kpi.unit, target_text(judged.target), judged.met]


def target_text(target: Target) -> str:
    """As it is written: "<= 28"."""
    return f"{'<=' if target.at_most else '>='} {target.limit:g}"


def change_text(change: Change) -> str:
    """A difference with its sign and unit: "+4.2 points", "-3", "+1:05 min"."""
    difference, unit = change.difference, change.now.unit
    if difference is None:
        return NOTHING
    if unit == PERCENT:
        return f"{difference:+.1f} points"
    if unit == NUMBER:
        return f"{difference:+.0f}"
    if unit != SECONDS:
        return f"{difference:+.2f}"
    return f"{'-' if difference < 0 else '+'}{duration_text(abs(difference))}"


def comparison_table(office: Office, period: Period, compare: str = "") -> Table:
    """Every KPI of the office, its queues, extensions, teams and agents in both periods: one row each."""
    past = earlier(period, compare or PREVIOUS)
    now, before = office.report(period), office.report(past)
    heads = ("scope", "name", "kpi", "title", "unit", "before", "now", "difference", "percent", "beyond_chance")
    parts = [("total", {"": now.total}, {"": before.total}), ("queue", now.queues, before.queues)]
    parts += [("extension", now.extensions, before.extensions), *_staff(office, period, past)]
    rows = [
        [scope, name, *row]
        for scope, values_now, values_before in parts
        for name, values in values_now.items()
        if name in values_before
        for row in _change_rows(values, values_before[name])
    ]
    return Table("comparison", heads, rows, ("scope", "name", "title", "unit", "before", "now", "difference"))


def _staff(office: Office, period: Period, past: Period) -> list[tuple[str, dict[str, Values], dict[str, Values]]]:
    """Teams and agents by name; none where nobody was named: every extension would stand there twice."""
    if not office.roster(period).seats or not office.roster(past).seats:
        return []
    now, before = office.team(period), office.team(past)
    agents = [{each.agent: each.values for each in found.agents if each.teams} for found in (now, before)]
    return [("team", now.teams, before.teams), ("agent", agents[0], agents[1])]


def _change_rows(now: Values, before: Values) -> list[list[Cell]]:
    """The KPIs that both have a value of, in the catalogue's order."""
    found = changes(now, before)
    return [
        [kpi_id, kpi.title, kpi.unit, *_change_cells(found[kpi_id])]
        for kpi_id, kpi in CATALOGUE.items()
        if kpi_id in found and found[kpi_id].difference is not None
    ]


def _change_cells(change: Change) -> list[Cell]:
    """Before, now, difference, and how sure that is."""
    numbers = (change.difference, change.percent)
    both = (value_cell(change.before), value_cell(change.now))
    return [*both, *(None if number is None else round(number, 6) for number in numbers), change.certain]
