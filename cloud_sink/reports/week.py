"""The week as a heat map: when customers call, and how many agents each hour of the week needs."""

from cloud_sink.contacts.records import WEEK_STARTS
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.planning import PlannedHour
from cloud_sink.office import Office
from cloud_sink.sheets import Cell, Table

CLOCK_HOURS = 24


def planning_table(office: Office, period: Period) -> Table:
    """One row per clock hour; of each weekday the calls an hour and the agents at the phone that they need.

    Expected from the eight weeks that end with the period; an hour nobody watched in them is empty, never 0.
    """
    first = WEEK_STARTS.index(office.plan.week_start)
    weekdays = [(first + number) % len(WEEK_STARTS) for number in range(len(WEEK_STARTS))]
    heads = [f"{WEEK_STARTS[day][:3]}_{what}" for day in weekdays for what in ("calls", "agents")]
    planned = {(each.hour.weekday, each.hour.clock_hour): each for each in office.planned_week(period)}
    rows: list[list[Cell]] = [
        [f"{hour:02d}:00", *(cell for day in weekdays for cell in _cells(planned[day, hour]))]
        for hour in range(CLOCK_HOURS)
    ]
    return Table("planning", ("hour", *heads), rows)


def _cells(planned: PlannedHour) -> tuple[float | None, int | None]:
    """Calls and agents of one hour of the week."""
    calls = planned.hour.mean
    return None if calls is None else round(calls, 2), None if planned.staffing is None else planned.staffing.agents
