"""Saved reports: what an office wants to see again and again, and when it is mailed.

Written in the configuration, so that a report is reviewed, copied and restored like every other setting.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
# the tables there are; `reports/tables.py` makes them (a test compares the two)
TABLES = (
    "report", "queues", "extensions", "contacts", "missed", "grid", "summary", "comparison", "targets", "callers",
    "outbound", "insights", "agents", "teams", "agent_states", "timeline", "discipline", "scorecards", "spending",
    "staffing", "planning", "results", "signalling", "sound", "quality",
)  # fmt: skip
CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*")
TODAY, YESTERDAY, WEEK, LAST_WEEK, MONTH, LAST_MONTH = (
    "today", "yesterday", "week", "last_week", "month", "last_month",
)  # fmt: skip
PERIODS = (TODAY, YESTERDAY, WEEK, LAST_WEEK, MONTH, LAST_MONTH)
DAYS_BACK = re.compile(r"(\d{1,3}) days")  # "30 days": so many whole days before today

DayOfMonth = Callable[[date], int]


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows are kept where a column compares so: `asa > 20`; a row without a value is not kept."""

    column: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Condition | None":
        """Read "asa > 20"; None where it is no condition."""
        found = CONDITION.fullmatch(text)
        return cls(found[1], found[2], float(found[3])) if found else None

    def holds(self, value: object) -> bool:
        """Whether a cell meets it."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return OPERATORS[self.sign](value, self.limit)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a report is mailed: at a time of the office's clock, on some weekdays or on one day of the month.

    `day_of_month` counts the days of the office's calendar; without, those of the Gregorian.
    """

    at: time
    weekdays: frozenset[int] = frozenset(range(7))  # 0 is Monday
    month_day: int = 0  # 1 to 28; 0: by weekdays

    def latest_due(self, now: datetime, day_of_month: DayOfMonth = attrgetter("day")) -> datetime:
        """The last moment at or before `now` (with the office's zone) at which a report was due."""
        day = now.date()
        while True:
            due = datetime.combine(day, self.at, now.tzinfo)
            if due <= now and self._is_day(day, day_of_month):
                return due
            day -= timedelta(days=1)

    def next_due(self, now: datetime, day_of_month: DayOfMonth = attrgetter("day")) -> datetime:
        """The first moment after `now` at which one will be due."""
        day = now.date()
        while True:
            due = datetime.combine(day, self.at, now.tzinfo)
            if due > now and self._is_day(day, day_of_month):
                return due
            day += timedelta(days=1)

    def _is_day(self, day: date, day_of_month: DayOfMonth) -> bool:
        return day_of_month(day) == self.month_day if self.month_day else day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class SavedReport:
    """One report as its office defined it; an empty tuple means everything."""

    name: str
    title: str
    tables: tuple[str, ...]
    kpis: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # queues, groups or extensions
    where: tuple[Condition, ...] = ()
    period: str = YESTERDAY
    compare: str = ""
    file_kind: str = "pdf"
    schedule: Schedule | None = None
    recipients: tuple[str, ...] = ()


def local_now(at_ms: int, time_zone: str) -> datetime:
    """A moment with the office's zone, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, ZoneInfo(time_zone))
