"""What the centre costs: calls by tariffs, staff by paid planned time, other costs by their days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.money import MICRO
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import Report
from cloud_sink.kpi.roster import Cost, Employee, Planned
from cloud_sink.kpi.value import Parts, value_of

HOUR_MS = 3_600_000
UNKNOWN = Parts(0, 0)


@dataclass(frozen=True, slots=True)
class Spending:
    """Costs besides calls, in millionths of the office's currency; None where nothing tells."""

    staff: Mapping[str, int] | None  # by agent
    other: Mapping[str, int] | None  # by what for

    @property
    def staff_micro(self) -> int | None:
        """All staff."""
        return None if self.staff is None else sum(self.staff.values())

    @property
    def other_micro(self) -> int | None:
        """All other costs."""
        return None if self.other is None else sum(self.other.values())


def spending(
    planned: Iterable[Planned],
    staff: Sequence[Employee],
    hourly_cost: float | None,
    costs: Iterable[Cost],
    period: Period,
) -> Spending:
    """Costs of a period: paid planned time at the rate of the agent's contract then, else the office's."""
    return Spending(staff_costs(planned, staff, hourly_cost, period), other_costs(costs, period))


def staff_costs(
    planned: Iterable[Planned], staff: Sequence[Employee], hourly_cost: float | None, period: Period
) -> dict[str, int] | None:
    """What each agent's paid planned time costs; None where no rate or no paid time is known."""
    contracts: dict[str, list[Employee]] = {}
    for each in staff:
        contracts.setdefault(each.agent, []).append(each)
    found: dict[str, int] = {}
    for piece in planned:
        paid_ms = min(piece.until_ms, period.until_ms) - max(piece.from_ms, period.from_ms)
        if piece.paid and paid_ms > 0:
            rate = _rate(contracts.get(piece.agent, []), piece.from_ms, hourly_cost)
            if rate is not None:
                found[piece.agent] = found.get(piece.agent, 0) + paid_ms * round(rate * MICRO) // HOUR_MS
    return found or None


def _rate(contracts: Iterable[Employee], at_ms: int, hourly_cost: float | None) -> float | None:
    """Cost of an hour by the contract of that time."""
    own = [each.hourly_cost for each in contracts if each.joined_ms <= at_ms < each.left_ms]
    return next((rate for rate in own if rate is not None), hourly_cost)


def other_costs(costs: Iterable[Cost], period: Period) -> dict[str, int] | None:
    """The period's part of each other cost, spread evenly over its time; None where there is none."""
    found: dict[str, int] = {}
    for each in costs:
        shared = min(each.until_ms, period.until_ms) - max(each.from_ms, period.from_ms)
        if shared > 0:
            part = round(each.amount * MICRO) * shared // (each.until_ms - each.from_ms)
            found[each.what] = found.get(each.what, 0) + part
    return found or None


def with_spending(report: Report, spent: Spending) -> Report:
    """The report with `staff_cost`, `other_cost` and the complete `cost_per_contact`."""
    staff, other = spent.staff_micro, spent.other_micro
    if staff is None and other is None:
        return report
    total = dict(report.total)
    calls = round(total["call_cost"].numerator * MICRO)
    answered = round(total["answered"].numerator)
    measured = {
        "staff_cost": UNKNOWN if staff is None else Parts(staff),
        "other_cost": UNKNOWN if other is None else Parts(other),
        "cost_per_contact": Parts(calls + (staff or 0) + (other or 0), answered),
    }
    for kpi_id, parts in measured.items():
        kpi = CATALOGUE[kpi_id]
        total[kpi_id] = value_of(parts, unit=kpi.unit, basis=total["answered"].basis, averaged=kpi.averaged)
    return replace(report, total=total)
