"""Business hours as written in the configuration, and how every mistake in them is named."""

from datetime import date
from pathlib import Path

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.errors import ConfigurationError


def hours_of(folder: Path, text: str) -> BusinessHours:
    """Return the hours of an office whose section holds these lines."""
    path = folder / "sink.toml"
    path.write_text(f"[offices.a.business_hours]\n{text}\n")
    return office_plans(path)["a"].business_hours


def test_several_spans_a_day(tmp_path: Path) -> None:
    """Hours come in order, whatever order they were written in; a day without any is a day off."""
    hours = hours_of(tmp_path, 'monday = ["13:30-18:00", "9:00-12:30"]\nsaturday = ["00:00-24:00"]')
    assert ((540, 750), (810, 1080)) == hours.week[0]
    assert [(), ((0, 1440),)] == [hours.week[4], hours.week[5]]


def test_hours_through_midnight(tmp_path: Path) -> None:
    """An opening that ends before it begins ends the next day."""
    assert ((1320, 1800),) == hours_of(tmp_path, 'friday = ["22:00-6:00"]').week[4]


def test_office_without_hours(tmp_path: Path) -> None:
    """Without a word nothing is claimed about business time."""
    assert not hours_of(tmp_path, "").known


def test_holidays_by_the_offices_calendar(tmp_path: Path) -> None:
    """A day of every year is one of the Jalali calendar there; a year says itself which calendar it is of."""
    path = tmp_path / "sink.toml"
    hours = 'monday = ["9:00-12:00"]\nholidays = ["01-01", "12-30", "1405-09-02", "2026-12-25"]'
    path.write_text(f'[offices.a]\ncalendar = "jalali"\n[offices.a.business_hours]\n{hours}\n')
    found = office_plans(path)["a"].business_hours
    nowruz, leap_day = date(2026, 3, 21), date(2025, 3, 20)  # 1 Farvardin 1405; 30 Esfand 1403, a leap year
    for day in (nowruz, date(2027, 3, 21), leap_day, date(2026, 11, 23), date(2026, 12, 25)):
        assert found.is_holiday(day), day
    for day in (date(2026, 1, 1), date(2026, 3, 20), date(2027, 11, 23), date(2027, 12, 25)):
        assert not found.is_holiday(day), day


@pytest.mark.parametrize(
    ("holiday", "problem"),
    [("13-01", 'holds "13-01": "13-01" is no day of a year: write it as 09-01'),
     ("1405-12-30", 'holds "1405-12-30": "1405-12-30" is no day: write it as 1405-09-01'),
     ("1 Azar", 'holds "1 Azar": "1 Azar" is no day')],
)  # fmt: skip
def test_mistakes_in_jalali_holidays_are_named(tmp_path: Path, holiday: str, problem: str) -> None:
    """The key, what it holds, and how a day is written there."""
    path = tmp_path / "sink.toml"
    hours = f'monday = ["9:00-12:00"]\nholidays = ["{holiday}"]'
    path.write_text(f'[offices.a]\ncalendar = "jalali"\n[offices.a.business_hours]\n{hours}\n')
    with pytest.raises(ConfigurationError) as caught:
        office_plans(path)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('monday = ["9-17"]', 'monday holds "9-17": write hours such as "9:00-17:30"'),
        ('monday = ["9:00-9:00"]', 'monday holds "9:00-9:00": write hours'),
        ('monday = ["9:00-24:30"]', 'monday holds "9:00-24:30": write hours'),
        ('monday = ["9:60-17:00"]', 'monday holds "9:60-17:00": write hours'),
        ('monday = ["9:00-12:00", "11:00-15:00"]', "monday has hours that overlap"),
        ('monday = ["9:00-12:00"]\nholidays = ["2026-02-29"]', 'holidays holds "2026-02-29": write a day as'),
        ('monday = ["9:00-12:00"]\nholidays = ["20261225"]', 'holidays holds "20261225": write a day as'),
        ('holidays = ["12-25"]', "holidays are there, but no weekday has hours"),
        ('mnday = ["9:00-12:00"]', 'unknown key "mnday" in [offices.a.business_hours] (did you mean "monday"?)'),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, problem: str) -> None:
    """The key, what it holds, and what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        hours_of(tmp_path, text)
    assert problem in str(caught.value)
