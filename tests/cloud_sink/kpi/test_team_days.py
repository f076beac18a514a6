from cloud_sink.kpi.period import Period
from cloud_sink.kpi.team_days import team_days, time_by_state

from .test_team_report import MORNING, make
from .workday import at

HALVES = [Period(at(0), at(120)), Period(at(120), at(240))]
ADDED_UP = ("login_time", "available_time", "break_time", "answered", "agent_non_response", "rings", "ext_load")


def test_days_add_up_to_the_whole():
    """Each counter of the parts together is that of the period; so is the time spent in each state."""
    report = make()
    days = team_days(report, HALVES)
    for kpi in ADDED_UP:
        assert report.everybody[kpi].numerator == sum(day.values[kpi].numerator for day in days), kpi
    (whole,) = team_days(report, [MORNING])
    assert {kpi: report.everybody[kpi] for kpi in whole.values} == whole.values
    spent = [each for agent in report.agents for worker in agent.workers for each in worker.intervals]
    assert time_by_state(spent) == whole.states_ms
    for state, length in whole.states_ms.items():
        assert length == sum(day.states_ms.get(state, 0) for day in days)


def test_a_day_counts_whoever_was_on_duty():
    """Alice moves to another phone at half time, Bob stays; after the end there is nobody."""
    report = make()
    named = {each.agent for each in report.agents}
    assert {"Alice", "Bob"} <= named
    first, second, after = team_days(report, [*HALVES, Period(at(240), at(360))])
    assert len(named) >= first.agents >= 2 <= second.agents
    assert (0, {}) == (after.agents, after.states_ms)


def test_a_call_belongs_to_the_day_it_began_on():
    """Alice's call at the end of the first half is not in the second."""
    assert [1, 1] == [day.values["answered"].value for day in team_days(make(), HALVES)]
