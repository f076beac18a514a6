from datetime import date

from cloud_sink.kpi.erlang import Goal
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.planning import Demand, Hour, plan_week
from cloud_sink.kpi.staffing import staffed_hours
from cloud_sink.kpi.states import AVAILABLE, OFFLINE
from cloud_sink.kpi.value import Parts

from .conftest import build_contact
from .workday import at, did

WEEK = [Hour(index, 200, 3_600_000, 1) for index in range(168)]
NEEDS = Demand(180.0, 10, Parts(0, 0), None)
PLANNED = plan_week(WEEK, NEEDS, Goal(0.8, 20))
MORNING = Period(at(0), at(120))


def test_agents_needed_less_agents_there():
    """Fourteen for 200 calls of three minutes (Erlang C); one was there all the time and one for half an hour."""
    states = {"101": did((AVAILABLE, 240)), "102": did((OFFLINE, 60), (AVAILABLE, 30), (OFFLINE, 30))}
    hours = staffed_hours(PLANNED, [build_contact(at_s=10)], states, period=MORNING, watched=[(at(0), at(120))])
    assert [(1, 200.0, 14, 1.0, 13.0), (0, 200.0, 14, 1.5, 12.5)] == [
        (each.offered, each.expected, each.needed, each.there, each.gap) for each in hours
    ]


def test_only_watched_time_counts():
    """Of an hour watched for a quarter, the agents of that quarter; of one not watched, nobody knows."""
    hours = staffed_hours(PLANNED, [], {"101": did((AVAILABLE, 15))}, period=MORNING, watched=[(at(0), at(15))])
    assert [1.0, None] == [each.there for each in hours]
    assert [13.0, None] == [each.gap for each in hours]


def test_what_was_never_watched_cannot_be_expected():
    """No need is told for hours of the week without history."""
    planned = plan_week([Hour(index, 0, 0, 0) for index in range(168)], NEEDS, Goal(0.8, 20))
    (hour, _) = staffed_hours(planned, [], {"101": did((AVAILABLE, 240))}, period=MORNING, watched=[(at(0), at(120))])
    assert (None, None, 1.0, None) == (hour.expected, hour.needed, hour.there, hour.gap)


def test_days_of_clock_changes_have_their_own_hours():
    """23 and 25 of them; an hour that comes twice is two, each as long as it was."""
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        found = staffed_hours(PLANNED, [], {}, period=Period.of_days(day, day, "Europe/London"), watched=[])
        assert hours == len(found)
        assert {3_600_000} == {each.until_ms - each.from_ms for each in found}
    half = staffed_hours(
        PLANNED, [], {}, period=Period.of_days(date(2026, 6, 1), date(2026, 6, 1), "Asia/Kolkata"), watched=[]
    )
    assert 24 == len(half)
