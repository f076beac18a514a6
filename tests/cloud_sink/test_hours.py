"""Business hours as written in the configuration, and how every mistake in them is named."""

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
