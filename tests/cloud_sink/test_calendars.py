from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.calendars import (
    date_text,
    day_id,
    day_named,
    days_text,
    month_around,
    month_id,
    month_named,
    month_text,
    short_date_text,
    weekday_text,
)
from cloud_sink.contacts.records import CALENDARS, GREGORIAN, JALALI
from cloud_sink.kpi.period import Period
from cloud_sink.question import BadQuestion, local_days, month_of, parse_day

DAYS = st.dates(date(2015, 1, 1), date(2036, 12, 31))
LEAP_YEARS = {1395, 1399, 1403, 1408, 1412}  # of 1394 to 1414, as Iran's calendar centre has them
NOWRUZ = {  # the first of Farvardin, by the same
    1394: date(2015, 3, 21), 1395: date(2016, 3, 20), 1399: date(2020, 3, 20), 1400: date(2021, 3, 21),
    1403: date(2024, 3, 20), 1404: date(2025, 3, 21), 1405: date(2026, 3, 21), 1409: date(2030, 3, 21),
}  # fmt: skip


@given(DAYS, st.sampled_from(CALENDARS))
def test_every_day_lies_in_its_own_month_and_in_no_other(day: date, calendar: str):
    """The month is found by its name again, and the months before and after begin and end beside it."""
    first, last = month_around(day, calendar)
    assert first <= day <= last
    assert (first, last) == month_named(month_id(day, calendar), calendar)
    assert first - timedelta(days=1) == month_around(first - timedelta(days=1), calendar)[1]
    assert last + timedelta(days=1) == month_around(last + timedelta(days=1), calendar)[0]


@given(DAYS, st.sampled_from(CALENDARS), st.sampled_from(["Asia/Tehran", "Europe/London", "UTC"]))
def test_every_day_of_a_month_is_whole_in_its_period(day: date, calendar: str, zone: str):
    """From its first to its last millisecond; also the short days of clock changes, which Iran had until 2022."""
    month = local_days(*month_of(month_id(day, calendar), calendar), zone)
    own = Period.of_days(day, day, zone)
    assert month.from_ms <= own.from_ms < own.until_ms <= month.until_ms


@given(DAYS, st.sampled_from(CALENDARS))
def test_a_date_in_words_names_one_day(day: date, calendar: str):
    """Counted from the first of its month: words, number and month agree."""
    first, _ = month_around(day, calendar)
    assert f"{(day - first).days + 1} {month_text(day, calendar)}" == date_text(day, calendar)


@given(DAYS, st.sampled_from(CALENDARS))
def test_a_day_is_found_by_its_name_in_either_calendar(day: date, calendar: str):
    """As the office writes it, and in ISO 8601."""
    assert [day, day] == [day_named(name, calendar) for name in (day_id(day, calendar), day.isoformat())]


@pytest.mark.parametrize("text", ["1404-12-30", "1405-07-31", "1405-13-01", "2026-02-30", "1405-9-1", "azar", ""])
def test_no_jalali_day(text: str):
    """One line that says how to write one; 1404 is no leap year."""
    with pytest.raises(BadQuestion, match="write it as 1405-09-01"):
        parse_day(text, JALALI)


@given(DAYS)
def test_gregorian_words_are_python_s(day: date):
    """In the C locale."""
    assert f"{day:%A, %-d %B %Y}" == weekday_text(day, GREGORIAN)
    assert f"{day:%-d %b}" == short_date_text(day, GREGORIAN)
    assert f"{day:%Y-%m}" == month_id(day, GREGORIAN)


@pytest.mark.parametrize("year", range(1394, 1415))
def test_jalali_months_have_31_30_or_29_days(year: int):
    """Six of 31, five of 30, and Esfand of 29, of 30 in a leap year."""
    spans = [month_named(f"{year}-{month:02d}", JALALI) for month in range(1, 13)]
    assert [31] * 6 + [30] * 5 + [30 if year in LEAP_YEARS else 29] == [(b - a).days + 1 for a, b in spans]
    assert NOWRUZ.get(year, spans[0][0]) == spans[0][0]


@pytest.mark.parametrize(
    ("first", "last", "gregorian", "jalali"),
    [
        ("2026-11-22", "2026-11-22", "Sunday, 22 November 2026", "Sunday, 1 Azar 1405"),
        ("2026-11-01", "2026-11-30", "November 2026", "10 Aban 1405 to 9 Azar 1405"),
        ("2026-11-22", "2026-12-21", "22 November 2026 to 21 December 2026", "Azar 1405"),
    ],
)
def test_days_in_words(first: str, last: str, gregorian: str, jalali: str):
    """One day, a month, or both ends."""
    both = date.fromisoformat(first), date.fromisoformat(last)
    assert [gregorian, jalali] == [days_text(*both, calendar) for calendar in (GREGORIAN, JALALI)]


@pytest.mark.parametrize("text", ["1405", "1405-13", "1405-00", "1405-9", "azar", "9377-12", "0000-01", "-405-09", ""])
def test_no_jalali_month(text: str):
    """One line that says how to write it."""
    with pytest.raises(BadQuestion, match="write it as 1405-09"):
        month_of(text, JALALI)
