import pytest

from cloud_sink.contacts.records import OfficePlan, Tariff
from cloud_sink.kpi.money import cost_micro, measure_money, tariff_of

HOME = Tariff("home", ("44",), per_minute=0.02)
MOBILE = Tariff("mobile", ("447", "4477"), per_minute=0.12, connect_fee=0.05, first_s=30, step_s=6)
PLAN = OfficePlan("lab", tariffs=(HOME, MOBILE))


def call(make_contact, number: str, talk_s: float, **fields):
    """An outgoing call that was answered at once."""
    return make_contact(direction="out", did=number, wait_s=0, talk_s=talk_s, **fields)


@pytest.mark.parametrize(
    ("talk_s", "cost"),
    [(0.2, 110_000), (30, 110_000), (30.001, 122_000), (36, 122_000), (60, 170_000), (3600, 7_250_000)],
)
def test_time_is_charged_in_steps_after_the_first(talk_s: float, cost: int):
    """At least 30 s, then each begun 6 s, at 12 cents a minute and 5 to be answered; in millionths."""
    assert cost == cost_micro(round(talk_s * 1000), MOBILE)


def test_longest_prefix_decides():
    """A mobile is a mobile, a landline a landline, abroad is unknown."""
    found = [tariff_of(number, PLAN.tariffs) for number in ("447700900001", "442079460000", "33612345678")]
    assert [MOBILE, HOME, None] == found


def test_cost_of_a_day(make_contact):
    """Two calls with a price, one without; per customer's answered call; hold is paid too."""
    calls = [
        call(make_contact, "442079460000", 60, hold_s=60),
        call(make_contact, "447700900001", 30),
        call(make_contact, "33612345678", 60),
        make_contact("no_answer", direction="out", did="442079460000"),
        make_contact(),
        make_contact(),
    ]
    found = measure_money(calls, PLAN)
    assert (40_000 + 110_000, 1) == (found["call_cost"].numerator, found["call_cost"].denominator)
    assert (1, 2) == (found["unpriced"].numerator, found["cost_per_contact"].denominator)


def test_without_tariffs_the_cost_is_unknown(make_contact):
    """Null, not nothing."""
    found = measure_money([call(make_contact, "442079460000", 60), make_contact()], OfficePlan("lab"))
    assert {0} == {parts.denominator for parts in found.values()}
