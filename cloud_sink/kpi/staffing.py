"""Agents needed beside agents there: `occupancy_forecast_gap`, hour by hour.

Needed: what the weeks before let expect of that hour of the week (`plan_week`). There: agents logged in, on average
over the part of the hour that was watched.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.period import QUARTER_MS, Period, local_time
from cloud_sink.kpi.planning import PlannedHour
from cloud_sink.kpi.states import States
from cloud_sink.kpi.volume import offered


@dataclass(frozen=True, slots=True)
class StaffedHour:
    """One local hour of a period, or the part of it that lies in the period."""

    from_ms: int
    until_ms: int
    offered: int
    expected: float | None  # calls of such an hour; None where that was never watched
    needed: int | None  # agents; None where that cannot be told
    there: float | None  # agents logged in; None where nothing was watched

    @property
    def gap(self) -> float | None:
        """`occupancy_forecast_gap`: above 0 too few agents, below 0 more than needed."""
        return None if self.needed is None or self.there is None else self.needed - self.there


def staffed_hours(
    planned: Sequence[PlannedHour],
    contacts: Sequence[Contact],
    states: States,
    *,
    period: Period,
    watched: Sequence[Span],
) -> list[StaffedHour]:
    """Every hour of a period by the office's clock; a repeated one is two, a skipped one none."""
    calls, seen, logged_in = _Quarters(), _Quarters(), _Quarters()
    for contact in offered(contacts):
        calls.add(contact.t_offer, contact.t_offer + 1)
    for span in watched:
        seen.add(*span)
    for intervals in states.values():
        for each in intervals:
            if each.logged_in:
                logged_in.add(each.from_ms, each.until_ms)
    return [_hour(group, planned, (calls, seen, logged_in), period) for group in _hours(period)]


class _Quarters:
    """Milliseconds of something by quarter hour of the UTC grid."""

    def __init__(self) -> None:
        self._ms: dict[int, int] = {}

    def add(self, from_ms: int, until_ms: int) -> None:
        """Add a span to the quarters it touches."""
        for quarter in range(from_ms - from_ms % QUARTER_MS, until_ms, QUARTER_MS):
            shared = min(until_ms, quarter + QUARTER_MS) - max(from_ms, quarter)
            self._ms[quarter] = self._ms.get(quarter, 0) + shared

    def total(self, quarters: Sequence[int]) -> int:
        """Of some quarters together."""
        return sum(self._ms.get(quarter, 0) for quarter in quarters)


def _hours(period: Period) -> list[list[int]]:
    """The period's quarters by local hour, in order."""
    groups: list[list[int]] = []
    before: object = None
    for quarter in period.quarters():
        local = local_time(quarter, period.time_zone)
        now = (local.date(), local.hour, local.utcoffset())
        if now == before:
            groups[-1].append(quarter)
        else:
            groups.append([quarter])
        before = now
    return groups


def _hour(
    quarters: Sequence[int],
    planned: Sequence[PlannedHour],
    counted: tuple[_Quarters, _Quarters, _Quarters],
    period: Period,
) -> StaffedHour:
    """One hour."""
    calls, seen, logged_in = counted
    local = local_time(quarters[0], period.time_zone)
    plan = planned[local.weekday() * 24 + local.hour]
    watched_ms = seen.total(quarters)
    return StaffedHour(
        from_ms=max(period.from_ms, quarters[0]),
        until_ms=min(period.until_ms, quarters[-1] + QUARTER_MS),
        offered=calls.total(quarters),
        expected=plan.hour.mean,
        needed=None if plan.staffing is None else plan.staffing.agents,
        there=logged_in.total(quarters) / watched_ms if watched_ms else None,
    )
