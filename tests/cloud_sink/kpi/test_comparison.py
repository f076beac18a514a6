from datetime import date

import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.comparison import Change, comparison_json, earlier
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report
from cloud_sink.kpi.value import Parts, value_of

LONDON = "Europe/London"
DAY_MS = 86_400_000


def share(good: int, of: int):
    """A share in percent."""
    return value_of(Parts(good, of), unit="%", basis="queue", averaged=True)


def days(first: date, last: date) -> Period:
    """London days."""
    return Period.of_days(first, last, LONDON)


@pytest.mark.parametrize(
    ("now", "comparison", "before"),
    [
        ((date(2026, 6, 2),) * 2, "previous", (date(2026, 6, 1),) * 2),
        ((date(2026, 6, 9),) * 2, "week", (date(2026, 6, 2),) * 2),
        ((date(2026, 6, 8), date(2026, 6, 14)), "previous", (date(2026, 6, 1), date(2026, 6, 7))),
        ((date(2026, 6, 10), date(2026, 6, 19)), "week", (date(2026, 5, 27), date(2026, 6, 5))),
        ((date(2026, 3, 30),) * 2, "previous", (date(2026, 3, 29),) * 2),
    ],
)
def test_days_are_compared_with_days(now, comparison: str, before):
    """As many local days before, or the same weekdays, whether they have 23, 24 or 25 hours."""
    assert days(*before) == earlier(days(*now), comparison)


def test_hours_are_compared_with_hours():
    """The same length right before, or the same hours a week before."""
    morning = Period(days(date(2026, 6, 9), date(2026, 6, 9)).from_ms, 1_780_963_200_000 + 3_600_000, LONDON)
    assert morning.from_ms == earlier(morning, "previous").until_ms
    assert morning.length_ms == earlier(morning, "previous").length_ms
    assert morning.from_ms - 7 * DAY_MS == earlier(morning, "week").from_ms


def test_difference_of_shares_is_in_points_and_says_whether_chance_would_do():
    """80 of 100 against 50 of 100 is no chance, 8 of 10 against 7 of 10 may be."""
    clear, small = Change(share(80, 100), share(50, 100)), Change(share(8, 10), share(7, 10))
    assert (pytest.approx(30), None, True) == (clear.difference, clear.percent, clear.certain)
    assert (pytest.approx(10), False) == (small.difference, small.certain)
    assert Change(share(5, 5), share(5, 5)).certain is False


def test_unknown_before_is_no_change():
    """Null, not plus one hundred percent."""
    change = Change(share(8, 10), share(0, 0))
    assert (None, None, None) == (change.difference, change.percent, change.certain)


def test_counts_change_by_percent():
    """Ten calls after eight are a quarter more; after none there is no percentage."""
    ten, eight, none = (value_of(Parts(n), unit="n", basis="queue", averaged=False) for n in (10, 8, 0))
    assert (2, 25.0) == (Change(ten, eight).difference, Change(ten, eight).percent)
    assert (10, None) == (Change(ten, none).difference, Change(ten, none).percent)


def test_report_beside_the_day_before(make_contact):
    """Two calls now, one the day before: every part that both days have."""
    day = Period.of_days(date(2026, 6, 1), date(2026, 6, 1), "UTC")
    contacts = [make_contact(), make_contact(at_s=5), make_contact(at_s=-86_400)]
    plan = OfficePlan("lab")
    now, before = (report(contacts, [], period=p, plan=plan, coverage=1) for p in (day, earlier(day, "previous")))
    found = comparison_json(now, before)
    assert 1 == found["total"]["offered"]["difference"] == found["queues"]["support"]["offered"]["difference"]
    assert "2026-05-31T00:00:00+00:00" == found["period"]["from"]
