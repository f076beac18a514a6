"""Business hours: open times by the office's own clock."""

from datetime import UTC, date, datetime

from cloud_sink.contacts.business_hours import BusinessHours

NINE_TO_FIVE = ((540, 1020),)
OFFICE = BusinessHours((*(NINE_TO_FIVE,) * 5, (), ()), ("2026-12-25", "05-01"))
HOUR_MS = 3_600_000


def at(text: str) -> int:
    """Milliseconds since the epoch of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def test_week_of_an_office() -> None:
    """Five days of eight hours, and a closed week-end."""
    spans = OFFICE.open_spans(at("2026-11-23"), at("2026-11-30"), "UTC")
    assert 5 == len(spans)
    assert (at("2026-11-23T09:00"), at("2026-11-23T17:00")) == spans[0]


def test_only_what_lies_in_the_period() -> None:
    """A period that begins and ends within the hours gets no more than itself."""
    within = at("2026-11-23T10:00"), at("2026-11-23T11:00")
    assert [within] == OFFICE.open_spans(*within, "UTC")


def test_nine_o_clock_is_the_office_s() -> None:
    """In London nine o'clock is 08:00 UTC in summer and 09:00 UTC in winter."""
    summer = OFFICE.open_spans(at("2026-07-06"), at("2026-07-07"), "Europe/London")
    winter = OFFICE.open_spans(at("2026-11-23"), at("2026-11-24"), "Europe/London")
    assert [at("2026-07-06T08:00"), at("2026-11-23T09:00")] == [summer[0][0], winter[0][0]]


def test_night_shift_through_the_change_of_clocks() -> None:
    """From 22:00 to 06:00 are nine real hours in the night in which clocks go back."""
    nights = BusinessHours((*((),) * 5, ((1320, 1800),), ()))
    spans = nights.open_spans(at("2026-10-24"), at("2026-10-26"), "Europe/London")
    assert [(at("2026-10-24T21:00"), at("2026-10-25T06:00"))] == spans


def test_night_that_began_before_the_period() -> None:
    """The evening before reaches into the period."""
    nights = BusinessHours((((1320, 1800),), *((),) * 6))
    assert [(at("2026-11-24"), at("2026-11-24T06:00"))] == nights.open_spans(at("2026-11-24"), at("2026-11-25"), "UTC")


def test_hours_that_touch_are_one_span() -> None:
    """A night that ends where the day begins leaves no edge."""
    always = BusinessHours((((0, 1440),),) * 7)
    assert [(at("2026-11-23"), at("2026-11-30"))] == always.open_spans(at("2026-11-23"), at("2026-11-30"), "UTC")


def test_holidays() -> None:
    """A day by its date, and one of every year; the days around them are working days."""
    days = [date(2026, 12, 24), date(2026, 12, 25), date(2025, 12, 25), date(2025, 5, 1), date(2026, 5, 1)]
    assert [True, False, True, False, False] == [OFFICE.is_working_day(day) for day in days]
    assert [] == OFFICE.open_spans(at("2026-12-25"), at("2026-12-26"), "UTC")


def test_working_days_between() -> None:
    """Both ends count, week-ends and holidays do not."""
    assert 4 == OFFICE.working_days(date(2026, 12, 21), date(2026, 12, 27))
