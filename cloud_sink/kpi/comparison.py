"""A period beside an earlier one, and which differences chance alone would hardly make."""

from dataclasses import dataclass
from datetime import timedelta

from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.report import Report, Values
from cloud_sink.kpi.value import PERCENT, Z_95, Value

PREVIOUS, WEEK = "previous", "week"  # right before it; the same weekdays, a week or more before
COMPARISONS = (PREVIOUS, WEEK)


def earlier(period: Period, comparison: str) -> Period:
    """The period to compare with: local days with local days, however long they are, else the same length before."""
    first, last = (local_day(at, period.time_zone) for at in (period.from_ms, period.until_ms - 1))
    days = (last - first).days + 1
    whole_days = Period.of_days(first, last, period.time_zone) == period
    shift = days if comparison == PREVIOUS else 7 * -(-days // 7)
    if whole_days:
        back = timedelta(days=shift)
        return Period.of_days(first - back, last - back, period.time_zone)
    length = period.length_ms if comparison == PREVIOUS else shift * 86_400_000
    return Period(period.from_ms - length, period.until_ms - length, period.time_zone)


@dataclass(frozen=True, slots=True)
class Change:
    """One KPI in both periods."""

    now: Value
    before: Value

    @property
    def difference(self) -> float | None:
        """In the KPI's unit, points for shares; None where either is unknown."""
        if self.now.value is None or self.before.value is None:
            return None
        return self.now.value - self.before.value

    @property
    def percent(self) -> float | None:
        """Relative to before; None for shares (their difference is in points) and where there was nothing before."""
        if self.difference is None or not self.before.value or self.now.unit == PERCENT:
            return None
        return 100 * self.difference / self.before.value

    @property
    def certain(self) -> bool | None:
        """For shares: whether two such cohorts would differ by chance in less than one of twenty cases; else None."""
        if self.now.unit != PERCENT or not self.now.averaged or self.difference is None:
            return None
        pooled = (self.now.numerator + self.before.numerator) / (self.now.denominator + self.before.denominator)
        variance = pooled * (1 - pooled) * (1 / self.now.denominator + 1 / self.before.denominator)
        return variance > 0 and (self.difference / 100) ** 2 > Z_95**2 * variance

    def to_json(self) -> dict[str, object]:
        """What the API prints."""
        return {
            "before": self.before.to_json(),
            "difference": None if self.difference is None else round(self.difference, 6),
            "percent": None if self.percent is None else round(self.percent, 3),
            "certain": self.certain,
        }


def changes(now: Values, before: Values) -> dict[str, Change]:
    """Every KPI that both have."""
    return {kpi_id: Change(value, before[kpi_id]) for kpi_id, value in now.items() if kpi_id in before}


def comparison_json(now: Report, before: Report) -> dict[str, object]:
    """The earlier period and every change, in the report's own order."""
    return {
        "period": before.period.to_json(),
        "coverage": round(before.coverage, 6),
        "total": _changes_json(now.total, before.total),
        "queues": {name: _changes_json(each, before.queues[name]) for name, each in _both(now.queues, before.queues)},
        "extensions": {
            name: _changes_json(each, before.extensions[name])
            for name, each in _both(now.extensions, before.extensions)
        },
    }


def _both(now: dict[str, Values], before: dict[str, Values]) -> list[tuple[str, Values]]:
    """Parts that both periods have."""
    return [(name, values) for name, values in now.items() if name in before]


def _changes_json(now: Values, before: Values) -> dict[str, object]:
    """The changes of one part."""
    return {kpi_id: change.to_json() for kpi_id, change in changes(now, before).items()}
