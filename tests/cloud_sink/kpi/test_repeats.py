from datetime import date

import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.repeats import DAY_MS, Calls, measure_repeats
from cloud_sink.kpi.report import report

PLAN = OfficePlan("lab", shared_numbers=("44800",))
DAY_S = 86_400


@pytest.fixture
def repeats(start):
    """Counters of a cohort among all calls, a month later unless told otherwise."""

    def measure(cohort, *others, now_s: float = 30 * DAY_S, same_queue: bool = False):
        calls = Calls([*cohort, *others], PLAN)
        found = measure_repeats(cohort, calls, PLAN, now_ms=start + round(now_s * 1000), same_queue=same_queue)
        return {name: (parts.numerator, parts.denominator) for name, parts in found.items()}

    return measure


@pytest.mark.parametrize(
    ("again_s", "solved"),
    [(3600, 0), (65 + 30, 1), (65 + 61, 0), (65 + 7 * DAY_S, 0), (65 + 7 * DAY_S + 1, 1)],
    ids=["an hour later", "line lost", "after a minute", "on the last day", "a week is over"],
)
def test_calling_again_revises_the_first_call(repeats, make_contact, again_s: float, solved: int):
    """Answered and over after 65 s; a call within a minute of that is a lost line, after seven days another matter."""
    assert (solved, 1) == repeats([make_contact()], make_contact(at_s=again_s))["fcr_repeat"]


@pytest.mark.parametrize(("again_s", "lost"), [(65 + 1, 1), (65 + 60, 1), (65 + 61, 0), (3600, 0)])
def test_a_lost_line_is_counted_apart(repeats, make_contact, again_s: float, lost: int):
    """Called again within a minute of the end: not a repeat, but a lost line; of another queue it is neither."""
    assert (lost, 1) == repeats([make_contact()], make_contact(at_s=again_s))["line_lost"]
    assert (0, 1) == repeats([make_contact()], make_contact(at_s=again_s, queue="sales"))["line_lost"]


def test_other_queue_is_another_matter_and_a_lost_call_is_no_answer(repeats, make_contact):
    """Only answered calls can be solved, and only the same queue unsolves them."""
    assert (1, 1) == repeats([make_contact()], make_contact(at_s=3600, queue="sales"))["fcr_repeat"]
    assert (0, 0) == repeats([make_contact("abandoned")])["fcr_repeat"]
    assert (0, 1) == repeats([make_contact()], make_contact("abandoned", at_s=3600))["fcr_repeat"]


@pytest.mark.parametrize("caller", ["", "44800"])
def test_callers_that_cannot_be_told_stay_out(repeats, make_contact, caller: str):
    """Withheld, or a number that many share."""
    found = repeats([make_contact(caller=caller)], make_contact(at_s=3600, caller=caller))
    assert {(0, 0)} == {found["fcr_repeat"], found["repeat_call_rate"]}


def test_calls_are_provisional_until_their_days_are_over(repeats, make_contact):
    """The window begins when the call ends."""
    assert (1, 1) == repeats([make_contact()], now_s=7 * DAY_S)["fcr_provisional"]
    assert (0, 1) == repeats([make_contact()], now_s=7 * DAY_S + 65)["fcr_provisional"]


def test_repeated_calls_look_back(repeats, make_contact):
    """Somebody who called in the seven days before, whatever became of it; per queue: that queue."""
    cohort = [make_contact(), make_contact(caller="447700900002")]
    before = make_contact("abandoned", at_s=-7 * DAY_S, queue="sales")
    assert (1, 2) == repeats(cohort, before)["repeat_call_rate"]
    assert (0, 2) == repeats(cohort, before, same_queue=True)["repeat_call_rate"]
    assert (0, 2) == repeats(cohort, make_contact(at_s=-7 * DAY_S - 1))["repeat_call_rate"]


def test_colleagues_are_no_customers(repeats, make_contact):
    """Internal calls are never repeats (R7)."""
    assert (0, 0) == repeats([make_contact(direction="int")])["repeat_call_rate"]


def test_report_takes_the_calls_around_its_period(make_contact):
    """A call of the next day revises this one's, one of the day before makes this one a repeat."""
    day = Period.of_days(date(2026, 6, 1), date(2026, 6, 1), "UTC")
    contacts = [make_contact(at_s=at) for at in (-DAY_S, 0, DAY_S)]
    now_ms = day.until_ms + 30 * DAY_MS
    found = report(contacts, [], period=day, plan=PLAN, coverage=1, now_ms=now_ms)
    assert (0.0, 100.0) == (found.total["fcr_repeat"].value, found.total["repeat_call_rate"].value)
    assert 0.0 == found.queues["support"]["fcr_repeat"].value
