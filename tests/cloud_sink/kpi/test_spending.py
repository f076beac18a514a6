from dataclasses import replace

from cloud_sink.contacts.records import OfficePlan, Tariff
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report
from cloud_sink.kpi.roster import Cost, Employee
from cloud_sink.kpi.spending import Spending, other_costs, spending, staff_costs, with_spending

from .conftest import build_contact
from .workday import at, plan

MORNING = Period(at(0), at(240))
FAR = 1 << 62
EVERYWHERE = Tariff("all", ("",), per_minute=1.0)


def test_staff_costs_its_paid_planned_time():
    """At the rate of its contract at that time, else the office's; nothing tells where there is neither."""
    planned = plan(("on_queue", 60), ("break", 60), ("on_queue", 60))
    planned[1] = replace(planned[1], paid=False)
    staff = [Employee("Alice", at(-100_000), at(90), 20.0), Employee("Alice", at(90), FAR, 30.0)]
    assert {"Alice": 50_000_000} == staff_costs(planned, staff, None, MORNING)
    assert {"Alice": 24_000_000} == staff_costs(planned, [], 12.0, MORNING)
    assert {"Alice": 15_000_000} == staff_costs(planned, staff, None, Period(at(150), at(240)))
    assert staff_costs(planned, [], None, MORNING) is None
    assert staff_costs([], staff, None, MORNING) is None


def test_other_costs_are_spread_over_their_time():
    """A tenth of the time is a tenth of the cost; what ended before costs nothing."""
    costs = [Cost("rent", at(0), at(2400), 1800.0), Cost("lines", at(-10), at(0), 10.0)]
    assert {"rent": 180_000_000} == other_costs(costs, MORNING)
    assert other_costs(costs[1:], MORNING) is None


def test_cost_per_contact_is_complete_as_far_as_it_is_known():
    """Calls, staff and the rest over the customers' calls that were answered; calls alone without the others."""
    office = OfficePlan("lab", tariffs=(EVERYWHERE,))
    contacts = [
        build_contact(),
        build_contact(at_s=5),
        build_contact(direction="out", wait_s=0, talk_s=60, caller="101"),
    ]
    calls = report(contacts, [], period=MORNING, plan=office, coverage=1.0)
    assert 0.5 == calls.total["cost_per_contact"].value
    assert calls == with_spending(calls, Spending(None, None))
    planned = plan(("on_queue", 60))
    spent = spending(planned, [], 20.0, [Cost("rent", at(0), at(240), 9.0)], MORNING)
    found = with_spending(calls, spent).total
    assert (20, 9, (1 + 20 + 9) / 2) == tuple(
        found[name].value for name in ("staff_cost", "other_cost", "cost_per_contact")
    )
    alone = with_spending(
        report(contacts, [], period=MORNING, plan=OfficePlan("lab"), coverage=1.0), Spending({"A": 10 * 10**6}, None)
    )
    assert (None, 5) == (alone.total["other_cost"].value, alone.total["cost_per_contact"].value)
