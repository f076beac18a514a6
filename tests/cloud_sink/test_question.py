from datetime import date

import pytest

from cloud_sink.question import (
    LONGEST_DAYS,
    BadQuestion,
    Question,
    local_days,
    month_of,
    one_day,
    parse_day,
    parse_period,
    week_of,
)

LONDON = "Europe/London"
HOUR_MS = 3_600_000


def test_day_is_a_local_day():
    """With as many hours as the clock change leaves it."""
    lengths = [one_day(date(2026, *day), LONDON).length_ms // HOUR_MS for day in ((3, 29), (6, 1), (10, 25))]
    assert [23, 24, 25] == lengths


def test_plain_days_as_ends_are_both_included():
    """From the first midnight to the midnight after the last."""
    period = parse_period("2026-06-01", "2026-06-02", LONDON)
    assert 48 * HOUR_MS == period.length_ms
    assert one_day(date(2026, 6, 1), LONDON).from_ms == period.from_ms


def test_time_without_an_offset_is_the_office_s():
    """Nine in London in summer is eight in UTC."""
    assert parse_period("2026-06-01T09:00", "2026-06-01T10:00", LONDON) == parse_period(
        "2026-06-01T08:00Z", "2026-06-01T11:00+02:00", LONDON
    )


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "2026-6-1"])
def test_no_day(text: str):
    """The visitor is told how to write one."""
    with pytest.raises(BadQuestion, match="write it as 2026-06-01"):
        parse_day(text)


@pytest.mark.parametrize(
    ("from_", "until", "words"),
    [
        ("2026-06-02", "2026-06-01", "must be later"),
        ("2026-06-01T10:00", "2026-06-01T10:00", "must be later"),
        ("2025-01-01", "2026-06-01", f"at most {LONGEST_DAYS} days"),
        ("noon", "2026-06-01", '"noon" is no time'),
        ("2026-06-01", "9999-12-31", '"9999-12-31" is no time'),
    ],
)
def test_no_period(from_: str, until: str, words: str):
    """Each mistake has its own line."""
    with pytest.raises(BadQuestion, match=words):
        parse_period(from_, until, LONDON)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)])
def test_day_outside_the_calendar(day: date):
    """Refused rather than shown empty."""
    with pytest.raises(BadQuestion, match="outside the calendar"):
        one_day(day, LONDON)


@pytest.mark.parametrize(
    ("day", "start", "first", "last"),
    [
        ("2026-11-22", "monday", "2026-11-16", "2026-11-22"),
        ("2026-11-22", "sunday", "2026-11-22", "2026-11-28"),
        ("2026-11-22", "saturday", "2026-11-21", "2026-11-27"),
        ("2026-01-01", "monday", "2025-12-29", "2026-01-04"),
    ],
)
def test_a_week_begins_on_the_offices_own_day(day: str, start: str, first: str, last: str):
    """Monday, Sunday or Saturday: the seven days around the one that is named."""
    assert (parse_day(first), parse_day(last)) == week_of(parse_day(day), start)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", "2026-03-29", 167),  # clocks go forward on that Sunday
        ("Europe/London", "2026-10-25", 169),
        ("Australia/Lord_Howe", "2026-04-05", 168.5),  # by half an hour
        ("Asia/Kathmandu", "2026-03-29", 168),  # 45 minutes off the hour
        ("Asia/Tehran", "2026-03-22", 168),  # no clock change any more
    ],
)
def test_a_week_has_the_hours_its_clocks_show(zone: str, day: str, hours: float):
    """Local days from midnight to midnight, however long."""
    period = local_days(*week_of(parse_day(day), "monday"), zone)
    assert hours == period.length_ms / 3_600_000
    assert 0 == period.from_ms % 900_000


def test_a_month_is_its_days():
    """February of a leap year, and a month with a clock change."""
    assert (parse_day("2028-02-01"), parse_day("2028-02-29")) == month_of("2028-02")
    assert 31 * 24 - 1 == local_days(*month_of("2026-03"), "Europe/London").length_ms / 3_600_000


@pytest.mark.parametrize("text", ["2026", "2026-13", "june", "9999-12"])
def test_no_month(text: str):
    """One line that says how to write it."""
    with pytest.raises(BadQuestion, match="write it as 2026-06"):
        month_of(text)


def test_one_way_of_asking_at_a_time():
    """A day and a week are two periods."""
    assert [0, 1, 1, 2] == [
        Question(*asked).ways
        for asked in ((None, None, None), ("x", None, None), (None, "x", "y"), ("x", None, None, "z"))
    ]
