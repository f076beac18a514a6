"""A reporting period and the grid of quarter hours it is an exact union of (rule R3)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER_MS = 15 * 60 * 1000
_FIRST_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Period:
    """From `from_ms` up to but not including `until_ms`, milliseconds since the Unix epoch; shown in `time_zone`."""

    from_ms: int
    until_ms: int
    time_zone: str = "UTC"

    @classmethod
    def of_days(cls, first: date, last: date, time_zone: str) -> "Period":
        """Local days from `first` to `last`, both included; a day has 23, 24 or 25 hours."""
        return cls(midnight_ms(first, time_zone), midnight_ms(last + timedelta(days=1), time_zone), time_zone)

    @property
    def length_ms(self) -> int:
        """Real time between both ends."""
        return max(0, self.until_ms - self.from_ms)

    def holds(self, at_ms: int) -> bool:
        """Whether a moment lies inside."""
        return self.from_ms <= at_ms < self.until_ms

    def quarters(self) -> list[int]:
        """Starts of all quarter hours (UTC grid) that the period touches."""
        first = self.from_ms - self.from_ms % QUARTER_MS
        return list(range(first, self.until_ms, QUARTER_MS))

    def to_json(self) -> dict[str, str]:
        """Both ends in ISO 8601, with the office's offset at that moment."""
        return {
            "from": iso_time(self.from_ms, self.time_zone),
            "until": iso_time(self.until_ms, self.time_zone),
            "time_zone": self.time_zone,
        }


def midnight_ms(day: date, time_zone: str) -> int:
    """The moment a local day starts; where midnight is skipped by a clock change, the first moment that exists."""
    return int(datetime.combine(day, time(), ZoneInfo(time_zone)).timestamp() * 1000)


def local_day(at_ms: int, time_zone: str) -> date:
    """The calendar day of a moment in an office's zone."""
    return local_time(at_ms, time_zone).date()


def day_number(at_ms: int, time_zone: str) -> int:
    """The calendar day of a moment in an office's zone, counted since 1970-01-01."""
    return _day_of_quarter(at_ms // QUARTER_MS, time_zone)


@lru_cache(maxsize=8192)
def _day_of_quarter(quarter: int, time_zone: str) -> int:
    """Local midnights lie on the grid of quarter hours (R3): what arrives together is of few of them."""
    return local_day(quarter * QUARTER_MS, time_zone).toordinal() - _FIRST_DAY


def numbered_day(number: int) -> date:
    """The calendar day that is so many days after 1970-01-01."""
    return date.fromordinal(_FIRST_DAY + number)


def local_time(at_ms: int, time_zone: str) -> datetime:
    """A moment as the office's clocks show it, exact to the millisecond."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(time_zone))


def iso_time(at_ms: int, time_zone: str) -> str:
    """ISO 8601 with offset, milliseconds only where there are any."""
    local = local_time(at_ms, time_zone)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
