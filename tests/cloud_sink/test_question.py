from datetime import date

import pytest

from cloud_sink.question import LONGEST_DAYS, BadQuestion, one_day, parse_day, parse_period

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
