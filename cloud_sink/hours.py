"""An office's business hours as written in the configuration: `monday = ["9:00-12:30", "13:30-18:00"]`.

Holidays are days, or days of every year. A day of every year is one of the office's own calendar; a year says itself
which calendar it is of, since nobody telephoned in the Gregorian year 1405.
"""

import re
from datetime import date
from itertools import pairwise

from cloud_sink.contacts.business_hours import DAY_MINUTES, WEEKDAYS, BusinessHours, Opening
from cloud_sink.contacts.records import GREGORIAN
from cloud_sink.sections import Section

_OPENING = re.compile(r"(\d{1,2}):(\d{2}) ?[-–] ?(\d{1,2}):(\d{2})")
_LEAP_YEAR = "2024-"  # in which every day of a calendar exists
_FIRST_YEAR, _LAST_YEAR = 2000, 2079  # in which a fixed day of another calendar is looked up: no PBX is older


def business_hours(section: Section, calendar: str = GREGORIAN) -> BusinessHours:
    """Read `[offices.NAME.business_hours]`. Raises ConfigurationError naming file and key."""
    week = tuple(tuple(_openings(section, weekday)) for weekday in WEEKDAYS)
    hours = BusinessHours(week, _holidays(section) if calendar == GREGORIAN else _other_holidays(section, calendar))
    section.close()
    if hours.holidays and not hours.known:
        section.refuse("holidays", 'are there, but no weekday has hours: write some, such as monday = ["9:00-17:00"]')
    return hours


def _openings(section: Section, weekday: str) -> list[Opening]:
    """The openings of one weekday in order."""
    openings = sorted(_opening(section, weekday, text) for text in section.texts(weekday))
    for before, after in pairwise(openings):
        if after[0] < before[1]:
            section.refuse(weekday, "has hours that overlap")
    return openings


def _opening(section: Section, weekday: str, text: str) -> Opening:
    """Minutes after midnight; one that ends before it begins ends the next day."""
    minutes = _minutes(text)
    if minutes is None:
        section.refuse(weekday, f'holds "{text}": write hours such as "9:00-17:30", or "22:00-6:00" through midnight')
    start, end = minutes
    return start, end if end > start else end + DAY_MINUTES


def _minutes(text: str) -> Opening | None:
    """Both times as minutes after midnight, None where they are none."""
    found = _OPENING.fullmatch(text.strip())
    hour, minute, end_hour, end_minute = map(int, found.groups()) if found else (0, 0, 0, 0)
    start, end = 60 * hour + minute, 60 * end_hour + end_minute
    return (start, end) if max(minute, end_minute) < 60 and start < DAY_MINUTES >= end and start != end else None


def _holidays(section: Section) -> tuple[str, ...]:
    """Days as `2026-12-25`, or as `12-25` for every year."""
    days = section.texts("holidays")
    for day in days:
        if not _is_day(day):
            section.refuse("holidays", f'holds "{day}": write a day as "2026-12-25", or "12-25" for every year')
    return days


def _other_holidays(section: Section, calendar: str) -> tuple[str, ...]:
    """The same of an office with another calendar, as days of the Gregorian one."""
    days = section.texts("holidays")
    if not days:
        return ()
    try:
        from cloud_sink.calendars import days_listed  # noqa: PLC0415 -- needs a package that only the sink has
    except ModuleNotFoundError as error:
        section.refuse("holidays", f'of a "{calendar}" calendar need {error.name}: pip install "ringtap[sink]"')
    found: set[str] = set()
    for day in days:
        try:
            found |= {each.isoformat() for each in days_listed(day, calendar, _FIRST_YEAR, _LAST_YEAR)}
        except ValueError as error:
            section.refuse("holidays", f'holds "{day}": {error}')
    return tuple(found)


def _is_day(text: str) -> bool:
    full = text if len(text) > len("12-25") else _LEAP_YEAR + text
    try:
        return date.fromisoformat(full).isoformat() == full  # other forms of ISO 8601 would equal no day
    except ValueError:
        return False
