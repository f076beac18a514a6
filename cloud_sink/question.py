"""What a visitor asks about: which office, which period. Errors say what is wrong and what would do."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud_sink.calendars import day_named, month_around, month_named
from cloud_sink.contacts.records import GREGORIAN, WEEK_STARTS, OfficePlan
from cloud_sink.kpi.period import Period, midnight_ms

LONGEST_DAYS = 400  # a report is computed from raw rows: a year and a bit, not a lifetime
FIRST_YEAR, LAST_YEAR = 1970, 9998  # of Unix time, and with a day after every day


class BadQuestion(Exception):
    """The visitor's mistake; its text is a line for him."""


@dataclass(frozen=True, slots=True)
class Question:
    """How a period is asked for: a day, a week, a month, or both ends, or nothing for the latest day with data."""

    day: str | None
    from_: str | None
    until: str | None
    week: str | None = None  # any day of it
    month: str | None = None  # 2026-06, or 1405-09 where the office counts Jalali months

    @property
    def ways(self) -> int:
        """In how many ways at once a period is asked for."""
        return sum(map(bool, (self.day, self.week, self.month, self.from_ or self.until)))


def parse_day(text: str, calendar: str = GREGORIAN) -> date:
    """A calendar day written as YYYY-MM-DD; where the office counts Jalali years, in either calendar."""
    try:
        return day_named(text, calendar)
    except ValueError as error:
        raise BadQuestion(str(error)) from error


def week_of(day: date, week_start: str) -> tuple[date, date]:
    """First and last day of the week that a day is in; `week_start` is one of WEEK_STARTS."""
    first = day - timedelta(days=(day.weekday() - WEEK_STARTS.index(week_start)) % 7)
    return first, first + timedelta(days=6)


def month_of(text: str, calendar: str = GREGORIAN) -> tuple[date, date]:
    """First and last day of a month of the office's calendar, written as YYYY-MM."""
    try:
        return month_named(text, calendar)
    except ValueError as error:
        raise BadQuestion(str(error)) from error


def ranges_around(day: date, plan: OfficePlan) -> list[tuple[str, date, date]]:
    """The day itself, its week and its month, as the office counts them: each with a word for it."""
    week, month = week_of(day, plan.week_start), month_around(day, plan.calendar)
    return [("the day", day, day), ("the week", *week), ("the month", *month)]


def local_days(first: date, last: date, time_zone: str) -> Period:
    """The period of whole local days, both included. Raises BadQuestion for days that no computer's clock shows."""
    if not FIRST_YEAR <= first.year <= last.year <= LAST_YEAR:
        raise BadQuestion(f"{first} is outside the calendar: choose a day between {FIRST_YEAR} and {LAST_YEAR}")
    return Period.of_days(first, last, time_zone)


def parse_period(from_: str, until: str, time_zone: str, calendar: str = GREGORIAN) -> Period:
    """A period given by both its ends; a plain day as the end includes that day."""
    from_ms = _parse_time(from_, time_zone, calendar, end=False)
    period = Period(from_ms, _parse_time(until, time_zone, calendar, end=True), time_zone)
    if period.from_ms >= period.until_ms:
        raise BadQuestion(f'"until" ({until}) must be later than "from" ({from_})')
    if period.length_ms > LONGEST_DAYS * 86_400_000:
        raise BadQuestion(f"a period may have at most {LONGEST_DAYS} days: ask for a shorter one")
    return period


def _parse_time(text: str, time_zone: str, calendar: str, *, end: bool) -> int:
    """Milliseconds of a day or a moment; without an offset it is meant in the office's zone."""
    try:
        if len(text) == len("2026-06-01"):
            day = day_named(text, calendar)
            return Period.of_days(day, day, time_zone).until_ms if end else midnight_ms(day, time_zone)
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))
        return round(zoned.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise BadQuestion(f'"{text}" is no time: write 2026-06-01 or 2026-06-01T09:00 or 2026-06-01T09:00Z') from error


def one_day(day: date, time_zone: str) -> Period:
    """The period of one local day. Raises BadQuestion for days that no computer's clock shows."""
    return local_days(day, day, time_zone)
