"""The calendars an office may count its months in, and the one place where a date becomes words.

Only what people read is written here; data columns and the API keep ISO 8601, whatever the office's calendar.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from persiantools.jdatetime import JalaliDate

from cloud_sink.contacts.records import GREGORIAN, JALALI

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
DAY_OF_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}")
LAST_OTHER_YEAR = 1699  # years up to here are no Gregorian ones: nobody telephoned then
MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Calendar:
    """How days are counted: both ways between a day and its year, month and day of the month, and months' names."""

    numbers: Callable[[date], tuple[int, int, int]]
    day_of: Callable[[int, int, int], date]  # raises ValueError where there is no such day
    months: tuple[str, ...]
    example: str  # of a month, as it is asked for


def _jalali_numbers(day: date) -> tuple[int, int, int]:
    jalali = JalaliDate(day)
    return jalali.year, jalali.month, jalali.day


def _jalali_day(year: int, month: int, day: int) -> date:
    return JalaliDate(year, month, day).to_gregorian()


_CALENDARS = {
    GREGORIAN: Calendar(
        lambda day: (day.year, day.month, day.day),
        date,
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
         "November", "December"),
        "2026-06",
    ),
    JALALI: Calendar(
        _jalali_numbers,
        _jalali_day,
        ("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar", "Mehr", "Aban", "Azar", "Dey",
         "Bahman", "Esfand"),
        "1405-09",
    ),
}  # fmt: skip
_SHORT = {GREGORIAN: 3}  # letters of a month's name where there is little room; Jalali names have no usual short form


def date_text(day: date, calendar: str) -> str:
    """A date: "22 November 2026", "1 Azar 1405"."""
    year, month, number = _CALENDARS[calendar].numbers(day)
    return f"{number} {_CALENDARS[calendar].months[month - 1]} {year}"


def weekday_text(day: date, calendar: str) -> str:
    """A date with its day of the week: "Sunday, 1 Azar 1405"."""
    return f"{WEEKDAYS[day.weekday()]}, {date_text(day, calendar)}"


def short_date_text(day: date, calendar: str) -> str:
    """A date of a year that is known: "22 Nov", "1 Azar"."""
    _, month, number = _CALENDARS[calendar].numbers(day)
    return f"{number} {_CALENDARS[calendar].months[month - 1][: _SHORT.get(calendar)]}"


def days_text(first: date, last: date, calendar: str) -> str:
    """Days in words: one with its day of the week, a whole month by its name, others by both ends."""
    if first == last:
        return weekday_text(first, calendar)
    if (first, last) == month_around(first, calendar):
        return month_text(first, calendar)
    return f"{date_text(first, calendar)} to {date_text(last, calendar)}"


def day_of_month(calendar: str) -> Callable[[date], int]:
    """How the days of a month are counted: 22 November is 1, the first of Azar, in the Jalali calendar."""
    return lambda day: _CALENDARS[calendar].numbers(day)[2]


def month_text(day: date, calendar: str) -> str:
    """The month that a day is in: "November 2026", "Azar 1405"."""
    year, month, _ = _CALENDARS[calendar].numbers(day)
    return f"{_CALENDARS[calendar].months[month - 1]} {year}"


def month_id(day: date, calendar: str) -> str:
    """The month that a day is in, as it is asked for: "2026-11", "1405-09"."""
    year, month, _ = _CALENDARS[calendar].numbers(day)
    return f"{year:04d}-{month:02d}"


def month_around(day: date, calendar: str) -> tuple[date, date]:
    """First and last day of the month that a day is in."""
    year, month, _ = _CALENDARS[calendar].numbers(day)
    return _month(_CALENDARS[calendar], year, month)


def day_id(day: date, calendar: str) -> str:
    """A day as it is asked for on pages: "2026-11-22", "1405-09-01"."""
    return "{:04d}-{:02d}-{:02d}".format(*_CALENDARS[calendar].numbers(day))


def day_named(text: str, calendar: str) -> date:
    """A day as `day_id` writes it, or in ISO 8601: years up to LAST_OTHER_YEAR are the calendar's own.

    Raises ValueError where there is no such day; its text says how to write one.
    """
    found = DAY.fullmatch(text)
    try:
        if found is None or int(found[1]) > LAST_OTHER_YEAR:
            return date.fromisoformat(text)
        return _CALENDARS[calendar].day_of(int(found[1]), int(found[2]), int(found[3]))
    except ValueError as error:
        raise ValueError(f'"{text}" is no day: write it as {_CALENDARS[calendar].example}-01') from error


def days_listed(text: str, calendar: str, first_year: int, last_year: int) -> list[date]:
    """A day as `day_named` reads it; written without its year, that day of every year of the calendar.

    The years are Gregorian ones. A day that only leap years have is missing in the others. Raises ValueError where
    there is no such day; its text says how to write one.
    """
    known = _CALENDARS[calendar]
    if not DAY_OF_YEAR.fullmatch(text):
        return [day_named(text, calendar)]
    first, last = known.numbers(date(first_year, 1, 1))[0], known.numbers(date(last_year, 12, 31))[0]
    found = []
    for year in range(first, last + 1):
        try:
            found.append(known.day_of(year, *map(int, text.split("-"))))
        except ValueError:
            continue
    if not found:
        raise ValueError(f'"{text}" is no day of a year: write it as {known.example[5:]}-01')
    return found


def month_named(text: str, calendar: str) -> tuple[date, date]:
    """First and last day of a month as `month_id` writes it. Raises ValueError; its text says how to write one."""
    known, found = _CALENDARS[calendar], MONTH.fullmatch(text)
    problem = f'"{text}" is no month: write it as {known.example}'
    if found is None:
        raise ValueError(problem)
    try:
        return _month(known, int(found[1]), int(found[2]))
    except (ValueError, OverflowError) as error:
        raise ValueError(problem) from error


def _month(calendar: Calendar, year: int, month: int) -> tuple[date, date]:
    following = (year, month + 1) if month < len(calendar.months) else (year + 1, 1)
    return calendar.day_of(year, month, 1), calendar.day_of(*following, 1) - timedelta(days=1)
