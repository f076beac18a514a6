"""Service availability: when a customer could have been served, of the office's business hours."""

from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.contacts.records import QUEUE, Destination, OfficePlan
from cloud_sink.kpi.availability import common, measure_availability, trunk_up
from cloud_sink.kpi.states import Interval, Registered

from .conftest import START

ALWAYS = OfficePlan("lab", business_hours=BusinessHours((((0, 1440),),) * 7))
HOUR = [(START, START + 3_600_000)]


def state(word: str, from_s: float, until_s: float, *, logged_in: bool = True) -> Interval:
    """What a phone was doing."""
    return Interval(word, START + round(from_s * 1000), START + round(until_s * 1000), logged_in)


def served(states, trunk=(), plan=ALWAYS):
    """Seconds in which a customer could be served, and seconds of business in all."""
    parts = measure_availability(states, trunk, plan, HOUR)["service_availability"]
    return parts.numerator / 1000, parts.denominator / 1000


def test_one_agent_is_enough() -> None:
    """Two phones overlap; in a call or ringing is at work, on break, refusing, logged out and offline are not."""
    first = [
        state("available", 0, 600),
        state("pause", 600, 900),
        state("talk", 900, 1000),
        state("offline", 1000, 3600),
    ]
    second = [state("ringing", 500, 700), state("dnd", 700, 2000), state("available", 2000, 3000, logged_in=False)]
    assert (800.0, 3600.0) == served({"101": first, "102": second})


def test_trunk_that_lost_its_registration() -> None:
    """Gone for ten minutes; a second account that stayed keeps the office open."""
    agents = {"101": [state("available", 0, 3600)]}
    gone = [Registered(START + 600_000, "one", registered=False), Registered(START + 1_200_000, "one", registered=True)]
    assert (3000.0, 3600.0) == served(agents, gone)
    assert (3600.0, 3600.0) == served(agents, [*gone, Registered(START, "two", registered=True)])
    assert 1 == len(trunk_up([]))


def test_only_agents_phones_count() -> None:
    """The phone in the lobby serves no queue."""
    plan = OfficePlan(
        "lab", business_hours=ALWAYS.business_hours, destinations=(Destination("support", QUEUE, (), ("101",)),)
    )
    assert (0.0, 3600.0) == served({"140": [state("available", 0, 3600)]}, plan=plan)


def test_business_hours_only() -> None:
    """Closed all day: nothing to be available in; hours not told: nothing is said."""
    closed = OfficePlan("lab", business_hours=BusinessHours((((0, 1),), *((),) * 6), ("2000-01-01",)))
    agents = {"101": [state("available", 0, 3600)]}
    assert served(agents, plan=closed)[0] <= 60
    parts = measure_availability(agents, (), OfficePlan("lab"), HOUR)["service_availability"]
    assert (0, 0) == (parts.numerator, parts.denominator)


def test_time_that_both_cover() -> None:
    """Pieces of one within pieces of the other."""
    assert [(5, 10), (20, 25), (30, 31)] == common([(0, 10), (20, 25), (30, 40)], [(5, 26), (27, 31)])
