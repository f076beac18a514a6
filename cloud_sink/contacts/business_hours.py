"""When an office is open: hours of the week by its own clock, and the days on which it stays closed."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 24 * 60
Opening = tuple[int, int]  # minutes after local midnight, from and until; until passes 1440 where it ends the next day


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """The openings of each weekday, Monday first; a holiday's own openings do not take place."""

    week: tuple[tuple[Opening, ...], ...] = ((),) * 7
    holidays: tuple[str, ...] = ()  # "2026-12-25", or "12-25" of every year

    def __post_init__(self) -> None:
        """Holidays in order, however they were written: they are looked up often."""
        object.__setattr__(self, "holidays", tuple(sorted(self.holidays)))

    @property
    def known(self) -> bool:
        """Whether the office told any; without, nothing can be said of business time."""
        return any(self.week)

    def is_holiday(self, day: date) -> bool:
        """Whether the office stays closed on a day on which it else opens."""
        text = day.isoformat()
        return self._has(text) or self._has(text[5:])

    def _has(self, text: str) -> bool:
        """Whether that day is listed; an office of another calendar lists a fixed day for decades."""
        place = bisect_left(self.holidays, text)
        return self.holidays[place : place + 1] == (text,)

    def is_working_day(self, day: date) -> bool:
        """Whether the office opens on a local day."""
        return bool(self.openings(day))

    def openings(self, day: date) -> tuple[Opening, ...]:
        """The openings that begin on a local day."""
        return () if self.is_holiday(day) else self.week[day.weekday()]

    def working_days(self, first: date, last: date) -> int:
        """How many days from `first` to `last`, both included, the office opens on."""
        return sum(self.is_working_day(first + timedelta(days=ahead)) for ahead in range((last - first).days + 1))

    def open_spans(self, from_ms: int, until_ms: int, time_zone: str) -> list[tuple[int, int]]:
        """The open times of [from, until) in order, apart from each other; milliseconds since the Unix epoch."""
        spans: list[tuple[int, int]] = []
        for start, end in sorted(self._openings_around(from_ms, until_ms, ZoneInfo(time_zone))):
            begin, finish = max(start, from_ms), min(end, until_ms)
            if spans and begin <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], finish))
            elif begin < finish:
                spans.append((begin, finish))
        return spans

    def _openings_around(self, from_ms: int, until_ms: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
        """Every opening that may touch [from, until): one that began the evening before as well."""
        day, last = _day_of(from_ms, zone) - timedelta(days=1), _day_of(until_ms, zone)
        while day <= last:
            for start, end in self.openings(day):
                yield _moment_ms(day, start, zone), _moment_ms(day, end, zone)
            day += timedelta(days=1)


def _day_of(at_ms: int, zone: ZoneInfo) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone).date()


def _moment_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    """What the office's clock shows as that minute of the day: nine o'clock stays nine o'clock through the year."""
    days, minute = divmod(minute, DAY_MINUTES)
    moment = datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), zone)
    return int(moment.timestamp()) * 1000
