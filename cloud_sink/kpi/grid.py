"""The day by quarter hour: one row of counters per 15-minute bucket of the UTC grid (rules R2 and R3).

A contact belongs to the bucket it arrived in, whatever happened to it later. Rows add up: an hour, a day or a week is
the sum of its buckets, in any order (invariant I5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.accessibility import DEFAULT_FORMULA, ServiceCounts, count_service, service_levels
from cloud_sink.kpi.period import QUARTER_MS, Period, iso_time
from cloud_sink.kpi.value import PERCENT, value_of, weakest_basis
from cloud_sink.kpi.volume import ABANDONED, ANSWERED, OPEN, is_missed, offered


@dataclass(frozen=True, slots=True)
class Bucket:
    """Counters of the customers' contacts that arrived in one quarter hour."""

    from_ms: int
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    missed: int = 0
    open: int = 0  # still going on: the row is provisional
    wait_ms: int = 0  # summed over the answered ones whose wait was seen
    service: ServiceCounts = field(default_factory=ServiceCounts)

    def plus(self, other: "Bucket") -> "Bucket":
        """Both cohorts together, named by the earlier start."""
        return Bucket(
            min(self.from_ms, other.from_ms),
            self.offered + other.offered,
            self.answered + other.answered,
            self.abandoned + other.abandoned,
            self.short_abandoned + other.short_abandoned,
            self.missed + other.missed,
            self.open + other.open,
            self.wait_ms + other.wait_ms,
            self.service.plus(other.service),
        )

    def to_json(self, time_zone: str, basis: str, formula: str) -> dict[str, object]:
        """One row of the grid as the API shows it."""
        level = value_of(service_levels(self.service)[formula], unit=PERCENT, basis=basis, averaged=True)
        waits = self.service.answered
        return {
            "from": iso_time(self.from_ms, time_zone),
            "until": iso_time(self.from_ms + QUARTER_MS, time_zone),
            "offered": self.offered,
            "answered": self.answered,
            "answered_within": self.service.answered_within,
            "abandoned": self.abandoned,
            "short_abandoned": self.short_abandoned,
            "missed": self.missed,
            "open": self.open,
            "service_level": level.to_json(),
            "asa": None if waits == 0 else self.wait_ms / 1000 / waits,
            "provisional": self.open > 0,
        }


def grid(contacts: Sequence[Contact], *, period: Period, threshold_s: float = 20) -> list[Bucket]:
    """Every quarter hour of the period, in order; those in which nobody called are there with zeros."""
    arrivals: dict[int, list[Contact]] = {start: [] for start in period.quarters()}
    for contact in offered(contacts):
        if period.holds(contact.t_offer):
            arrivals[contact.t_offer - contact.t_offer % QUARTER_MS].append(contact)
    return [_count(start, cohort, threshold_s) for start, cohort in arrivals.items()]


def _count(start: int, cohort: Sequence[Contact], threshold_s: float) -> Bucket:
    """One bucket's counters."""
    answered = [c for c in cohort if c.disposition == ANSWERED]
    abandoned = [c for c in cohort if c.disposition == ABANDONED]
    return Bucket(
        from_ms=start,
        offered=len(cohort),
        answered=len(answered),
        abandoned=len(abandoned),
        short_abandoned=sum(c.short for c in abandoned),
        missed=sum(is_missed(c) for c in cohort),
        open=sum(c.disposition == OPEN for c in cohort),
        wait_ms=sum(c.wait_ms or 0 for c in answered),
        service=count_service(cohort, int(threshold_s * 1000)),
    )


def merge(buckets: Iterable[Bucket]) -> Bucket | None:
    """One row for all of them; None of none."""
    total: Bucket | None = None
    for bucket in buckets:
        total = bucket if total is None else total.plus(bucket)
    return total


def grid_json(
    contacts: Sequence[Contact], *, period: Period, threshold_s: float = 20, formula: str = DEFAULT_FORMULA
) -> list[dict[str, object]]:
    """The grid as the API shows it, with the basis its waits rest on."""
    basis = weakest_basis(c.wait_basis for c in offered(contacts) if period.holds(c.t_offer))
    return [
        bucket.to_json(period.time_zone, basis, formula)
        for bucket in grid(contacts, period=period, threshold_s=threshold_s)
    ]
