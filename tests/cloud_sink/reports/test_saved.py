from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.calendars import day_of_month
from cloud_sink.contacts.records import JALALI
from cloud_sink.reports.periods import days_of
from cloud_sink.reports.saved import TABLES, Condition, Schedule
from cloud_sink.reports.tables import EXPORTS

LONDON = ZoneInfo("Europe/London")
WEDNESDAY = date(2026, 6, 3)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(LONDON))  # noqa: DTZ001 - zone is added
SCHEDULES = st.builds(
    Schedule,
    st.times().map(lambda each: time(each.hour, each.minute)),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 28),
)


def test_every_table_can_be_in_a_saved_report():
    """What the configuration accepts is what there is."""
    assert set(EXPORTS) == set(TABLES)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-06-03", "2026-06-03"),
        ("yesterday", "2026-06-02", "2026-06-02"),
        ("week", "2026-06-01", "2026-06-03"),
        ("last_week", "2026-05-25", "2026-05-31"),
        ("month", "2026-06-01", "2026-06-03"),
        ("last_month", "2026-05-01", "2026-05-31"),
        ("30 days", "2026-05-04", "2026-06-02"),
    ],
)
def test_relative_periods(period: str, first: str, last: str):
    """Seen on a Wednesday; both days belong to it."""
    assert (date.fromisoformat(first), date.fromisoformat(last)) == days_of(period, WEDNESDAY)


def test_weeks_begin_where_the_office_begins_them():
    """In Iran on Saturday (5): the week that Wednesday is in began on 30 May."""
    assert (date(2026, 5, 30), WEDNESDAY) == days_of("week", WEDNESDAY, "saturday")
    assert (date(2026, 5, 23), date(2026, 5, 29)) == days_of("last_week", WEDNESDAY, "saturday")


def test_months_are_those_of_the_offices_calendar():
    """The third of June 2026 is the 13th of Khordad; Ordibehesht before it has 31 days."""
    assert (date(2026, 5, 22), WEDNESDAY) == days_of("month", WEDNESDAY, "saturday", JALALI)
    assert (date(2026, 4, 21), date(2026, 5, 21)) == days_of("last_month", WEDNESDAY, "saturday", JALALI)


def test_a_day_of_the_month_is_counted_by_the_offices_calendar():
    """On the first of Azar 1405, which is 22 November 2026."""
    first = Schedule(time(7), month_day=1)
    now = datetime(2026, 11, 24, 12, tzinfo=LONDON)
    assert datetime(2026, 11, 22, 7, tzinfo=LONDON) == first.latest_due(now, day_of_month(JALALI))
    assert datetime(2026, 12, 22, 7, tzinfo=LONDON) == first.next_due(now, day_of_month(JALALI))
    assert datetime(2026, 11, 1, 7, tzinfo=LONDON) == first.latest_due(now)


@given(SCHEDULES, MOMENTS)
def test_due_moments_are_of_the_schedule(schedule: Schedule, now: datetime):
    """The latest is not after now, the next is; both are at its time on one of its days, and nothing lies between."""
    latest, following = schedule.latest_due(now), schedule.next_due(now)
    assert latest <= now < following
    for due in (latest, following):
        assert schedule.at == due.time()
        assert due.day == schedule.month_day if schedule.month_day else due.weekday() in schedule.weekdays
    day = latest.date() + timedelta(days=1)
    while day < following.date():
        assert day.day != schedule.month_day if schedule.month_day else day.weekday() not in schedule.weekdays
        day += timedelta(days=1)


def test_a_time_that_the_clock_skips_is_due_once_that_day():
    """In London 01:30 does not exist on 29 March 2026: the report of that day goes out all the same."""
    schedule = Schedule(time(1, 30))
    due = schedule.latest_due(datetime(2026, 3, 29, 12, tzinfo=LONDON))
    assert date(2026, 3, 29) == due.date()
    assert date(2026, 3, 30) == schedule.next_due(due).date()


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("asa > 20", 20.5, True),
        ("asa>20", 20, False),
        ("offered >= 10", 10, True),
        ("offered < 10", 10, False),
        ("offered <= 10.5", 10, True),
        ("missed = 0", 0, True),
        ("asa > 20", None, False),
        ("asa > 20", "30", False),
        ("met = 1", True, False),
    ],
)
def test_conditions_compare_numbers(text: str, value: object, kept: bool):
    """A row without a number in that column is not kept."""
    condition = Condition.parse(text)
    assert condition is not None
    assert kept == condition.holds(value)


@pytest.mark.parametrize("text", ["", "asa", "asa >", "asa ! 3", "asa > x", "a b > 3"])
def test_what_is_no_condition(text: str):
    """Nothing is guessed."""
    assert Condition.parse(text) is None
