from datetime import date

import pytest

from cloud_sink.kpi.period import QUARTER_MS, Period, iso_time, local_day

HOUR_MS = 3_600_000


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 6, 1), 24), (date(2026, 10, 25), 25)])
def test_a_local_day_has_23_24_or_25_hours(day, hours):
    """R3: the clock changes in London make one short and one long day, each an exact union of quarter hours."""
    period = Period.of_days(day, day, "Europe/London")
    assert hours * HOUR_MS == period.length_ms
    assert hours * 4 == len(period.quarters())


def test_an_odd_offset_still_fits_the_grid():
    """Kathmandu is 5 h 45 min ahead: its midnight is a border of the UTC grid as well."""
    period = Period.of_days(date(2026, 6, 1), date(2026, 6, 1), "Asia/Kathmandu")
    assert 0 == period.from_ms % QUARTER_MS
    assert period.from_ms == period.quarters()[0]


def test_borders_belong_to_the_later_period():
    """From is inside, until is not."""
    period = Period(1000, 2000)
    assert [True, True, False] == [period.holds(1000), period.holds(1999), period.holds(2000)]


def test_times_are_shown_in_the_offices_zone():
    """ISO 8601 with the offset of that moment; milliseconds only where there are any."""
    assert "2026-06-01T10:00:00+01:00" == iso_time(1_780_304_400_000, "Europe/London")
    assert "2026-06-01T09:00:00.250+00:00" == iso_time(1_780_304_400_250, "UTC")


def test_the_day_of_a_moment_is_local():
    """23:30 UTC is the next day in Athens."""
    assert date(2026, 6, 2) == local_day(1_780_304_400_000 + int(14.5 * HOUR_MS), "Europe/Athens")
