"""What a stretch of time was measured to be, in counters: days put together in any order are the period (I5).

Counters stand in columns, in the catalogue's order, because a period of months is a sum over hundreds of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloud_sink.kpi.accessibility import ServiceCounts
from cloud_sink.kpi.catalogue import CATALOGUE, definitions_of
from cloud_sink.kpi.definition import EXTENSIONS, MAX, QUEUES, TOTAL
from cloud_sink.kpi.histogram import merge_histograms
from cloud_sink.kpi.value import Measured, Parts, weakest_basis

STANDARD_THRESHOLDS_S = (5, 10, 15, 20, 30, 60)  # counted beside the office's own; any other needs the calls themselves
DAY_HOURS = 24
SCOPE_IDS = {scope: tuple(kpi.id for kpi in definitions_of(scope)) for scope in (TOTAL, QUEUES, EXTENSIONS)}


@dataclass(frozen=True, slots=True)
class Cohort:
    """The counters of the office, of one queue or of one extension."""

    ids: tuple[str, ...]
    numerators: list[int]
    denominators: list[int]
    unseen: list[int]  # of how many parts it cannot be told
    basis: str = ""  # the weakest of its waits, "" where nobody waited
    kind: str = ""  # of a queue: what kind of destination it is
    service: dict[int, list[int]] = field(default_factory=dict)  # threshold in s -> the fields of ServiceCounts

    @classmethod
    def of(
        cls, measured: Measured, scope: str, *, basis: str = "", kind: str = "",
        service: Mapping[int, ServiceCounts] | None = None,
    ) -> "Cohort":  # fmt: skip
        """Put what was measured into the columns of a scope; KPIs that were not measured are nothing over nothing."""
        ids = SCOPE_IDS[scope]
        parts = [measured.get(kpi_id, _NOTHING) for kpi_id in ids]
        return cls(
            ids,
            [each.numerator for each in parts],
            [each.denominator for each in parts],
            [int(not each.seen) for each in parts],
            basis,
            kind,
            {threshold: counts.fields() for threshold, counts in (service or {}).items()},
        )

    def measured(self) -> dict[str, Parts]:
        """Every KPI's counters."""
        columns = zip(self.ids, self.numerators, self.denominators, self.unseen, strict=True)
        return {kpi_id: Parts(over, under, unseen == 0) for kpi_id, over, under, unseen in columns}

    def with_measured(self, newer: Measured) -> "Cohort":
        """The same with some KPIs measured anew."""
        found = self.measured() | {kpi_id: parts for kpi_id, parts in newer.items() if kpi_id in self.ids}
        return Cohort(
            self.ids,
            [found[kpi_id].numerator for kpi_id in self.ids],
            [found[kpi_id].denominator for kpi_id in self.ids],
            [int(not found[kpi_id].seen) for kpi_id in self.ids],
            self.basis, self.kind, self.service,
        )  # fmt: skip

    def service_counts(self, threshold_s: int) -> ServiceCounts | None:
        """The counters below every service level; None for a threshold that was not counted."""
        counts = self.service.get(threshold_s)
        return None if counts is None else ServiceCounts(*counts)


_NOTHING = Parts(0, 0)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything of one office that adds up over days."""

    observed: bool  # False: the tap saw nothing at all
    total: Cohort
    queues: dict[str, Cohort]
    extensions: dict[str, Cohort]
    hours: list[int]  # customers' calls by local clock hour of their arrival, 0 to 23
    durations: dict[str, dict[int, int]]  # wait, ring, talk of customers' calls: histograms


def merge_measurements(parts: Sequence[Measurement]) -> Measurement:
    """All of them together; of none, an unobserved nothing."""
    names = sorted({name for part in parts for name in part.durations})
    return Measurement(
        observed=any(part.observed for part in parts),
        total=_merge([part.total for part in parts], TOTAL),
        queues=_merge_groups([part.queues for part in parts], QUEUES),
        extensions=_merge_groups([part.extensions for part in parts], EXTENSIONS),
        hours=[sum(hour) for hour in zip([0] * DAY_HOURS, *(part.hours for part in parts), strict=True)],
        durations={name: merge_histograms(part.durations.get(name, {}) for part in parts) for name in names},
    )


def _merge_groups(parts: Sequence[Mapping[str, Cohort]], scope: str) -> dict[str, Cohort]:
    """Cohorts of the same name together."""
    groups: dict[str, list[Cohort]] = {}
    for part in parts:
        for name, cohort in part.items():
            groups.setdefault(name, []).append(cohort)
    return {name: _merge(group, scope) for name, group in sorted(groups.items())}


def _merge(cohorts: Sequence[Cohort], scope: str) -> Cohort:
    """Column by column: sums, but maxima and plain counts' denominators (1: it could be observed) by the largest."""
    if not cohorts:
        return Cohort.of({}, scope)
    alike = [_aligned(cohort, scope) for cohort in cohorts]
    if len(alike) == 1:
        return alike[0]
    over = list(zip(*(each.numerators for each in alike), strict=True))
    under = list(zip(*(each.denominators for each in alike), strict=True))
    ids = SCOPE_IDS[scope]
    return Cohort(
        ids,
        [max(each) if kpi_id in _MAXIMA else sum(each) for kpi_id, each in zip(ids, over, strict=True)],
        [max(each) if kpi_id in _COUNTS else sum(each) for kpi_id, each in zip(ids, under, strict=True)],
        [sum(each) for each in zip(*(each.unseen for each in alike), strict=True)],
        weakest_basis((each.basis for each in alike), otherwise=""),
        max(each.kind for each in alike),
        _merge_service([each.service for each in alike]),
    )


_MAXIMA = frozenset(kpi.id for kpi in CATALOGUE.values() if kpi.roll == MAX)
_COUNTS = _MAXIMA | frozenset(kpi.id for kpi in CATALOGUE.values() if kpi.is_count)


def _aligned(cohort: Cohort, scope: str) -> Cohort:
    """The cohort in today's columns: a day kept from an older version of ringtap may lack some."""
    ids = SCOPE_IDS[scope]
    if cohort.ids == ids:
        return cohort
    return Cohort.of(cohort.measured(), scope, basis=cohort.basis, kind=cohort.kind)


def _merge_service(parts: Sequence[Mapping[int, list[int]]]) -> dict[int, list[int]]:
    """Sums of the thresholds that all of them counted; those that counted none say nothing about waits."""
    counted = [part for part in parts if part]
    common = sorted(set(counted[0]).intersection(*counted[1:])) if counted else []
    return {
        threshold: [sum(each) for each in zip(*(part[threshold] for part in counted), strict=True)]
        for threshold in common
    }
