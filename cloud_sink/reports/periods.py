"""The days that a saved report is about, as seen on the day it is made."""

from datetime import date, timedelta

from cloud_sink.calendars import month_around
from cloud_sink.contacts.records import GREGORIAN
from cloud_sink.question import week_of
from cloud_sink.reports.saved import DAYS_BACK, LAST_WEEK, MONTH, TODAY, WEEK, YESTERDAY

DAY = timedelta(days=1)


def days_of(period: str, today: date, week_start: str = "monday", calendar: str = GREGORIAN) -> tuple[date, date]:
    """First and last day of a relative period (one of PERIODS, or "30 days"), by the office's weeks and months."""
    if found := DAYS_BACK.fullmatch(period):
        return today - timedelta(days=int(found[1])), today - DAY
    if period == TODAY:
        return today, today
    if period == YESTERDAY:
        return today - DAY, today - DAY
    if period in (WEEK, LAST_WEEK):
        start = week_of(today, week_start)[0]
        return (start, today) if period == WEEK else week_of(start - DAY, week_start)
    first = month_around(today, calendar)[0]
    return (first, today) if period == MONTH else month_around(first - DAY, calendar)
