"""A team's days one by one: what everybody together did on each, of the same intervals and legs as the whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_sink.kpi.crew import Worker, cut_intervals
from cloud_sink.kpi.extensions import measure_extension
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.queue_occupancy import measure_queue_occupancy
from cloud_sink.kpi.report import Values
from cloud_sink.kpi.states import Interval, measure_states
from cloud_sink.kpi.team_report import TeamReport, add_measured, team_values
from cloud_sink.kpi.value import Parts


@dataclass(frozen=True, slots=True)
class TeamDay:
    """One day: how many agents were on duty, everybody's numbers, and their time by state in milliseconds."""

    period: Period
    agents: int
    values: Values
    states_ms: dict[str, int]


def team_days(report: TeamReport, days: Iterable[Period]) -> list[TeamDay]:
    """Each of the days, in order; a call belongs to the day it began on, a state is cut at midnight."""
    workers = [worker for agent in report.agents for worker in agent.workers]
    return [_team_day(workers, report, day) for day in days]


def _team_day(workers: Sequence[Worker], report: TeamReport, day: Period) -> TeamDay:
    """One day."""
    cut = [(worker, cut_intervals(worker.intervals, day.from_ms, day.until_ms)) for worker in workers]
    on_duty = {worker.agent for worker, found in cut if any(each.logged_in for each in found)}
    measured = add_measured(_measure(worker, found, report, day) for worker, found in cut)
    return TeamDay(day, len(on_duty), team_values(measured), time_by_state(each for _, found in cut for each in found))


def _measure(worker: Worker, intervals: Sequence[Interval], report: TeamReport, day: Period) -> dict[str, Parts]:
    """One worker's counters of a day."""
    phone = measure_extension([each for each in worker.legs if day.holds(each[0].t_invite)], report.taken)
    in_queues = measure_queue_occupancy(intervals, worker.legs_of(report.phones), report.taken, report.queued)
    return phone | measure_states(intervals, phone["answered"].numerator) | in_queues


def time_by_state(intervals: Iterable[Interval]) -> dict[str, int]:
    """Milliseconds spent in each state that occurs."""
    total: dict[str, int] = {}
    for each in intervals:
        total[each.state] = total.get(each.state, 0) + each.length_ms
    return total
