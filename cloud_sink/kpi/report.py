"""The report: all KPIs of a period, in total, per queue and per extension."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.kpi.accessibility import (
    ServiceCounts,
    count_service,
    measure_lost,
    measure_lost_by_day,
    measure_waiting,
    service_levels,
)
from cloud_sink.kpi.after_call import Works, after_call_work, measure_after_call, measure_own_after_call
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.definition import EXTENSIONS, QUEUES, TOTAL
from cloud_sink.kpi.extensions import SettledLeg, TakenOver, by_extension, measure_extension, parts_of
from cloud_sink.kpi.handling import handled, measure_handling, measure_left_on_hold
from cloud_sink.kpi.histogram import histogram, percentiles_s
from cloud_sink.kpi.measurement import DAY_HOURS, STANDARD_THRESHOLDS_S, Cohort, Measurement
from cloud_sink.kpi.missed import MissedCaller, measure_callbacks, missed_callers
from cloud_sink.kpi.money import measure_money
from cloud_sink.kpi.parts import taken_over
from cloud_sink.kpi.period import Period, local_time
from cloud_sink.kpi.quality import measure_ambiguity, measure_coverage, measure_partial
from cloud_sink.kpi.queue_occupancy import legs_of_queues, measure_queue_occupancy
from cloud_sink.kpi.repeats import Calls, measure_repeats
from cloud_sink.kpi.states import States, measure_states
from cloud_sink.kpi.surveys import Asked, asked, measure_surveys
from cloud_sink.kpi.value import RING, Parts, Value, value_of, weakest_basis
from cloud_sink.kpi.volume import (
    ANSWERED,
    WORK_OF_A_TEAM,
    measure_full_lines,
    measure_outbound,
    measure_trunk,
    measure_volume,
    offered,
)

__all__ = ["Period", "Report", "Value", "report"]

WAIT_START_BASIS = {"offer": "caller", "pbx_answer": "queue", "first_ring": "ring", "": RING}
NOT_OBSERVED = Parts(0, 0)
COVERAGE = "coverage"  # known even where nothing was observed
Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Report:
    """All KPIs of one office and period."""

    period: Period
    coverage: float  # 0 to 1
    threshold_s: float
    target: float  # 0 to 1
    formula: str  # which of the six formulas `service_level` is
    total: Values
    queues: dict[str, Values]  # by the name contacts carry: queues, ring groups, extensions called directly
    queue_kinds: dict[str, str]
    extensions: dict[str, Values]
    missed: list[MissedCaller]
    hours: list[int]  # customers' calls by local clock hour, 0 to 23
    percentiles: dict[str, dict[str, float | None]]  # wait, ring, talk: p50, p90, p95 in seconds, within 5 %

    def to_json(self) -> dict[str, object]:
        """What `ringtap replay --show kpis` and the API print."""
        return {
            "period": self.period.to_json(),
            "coverage": round(self.coverage, 6),
            "service_level": {"threshold_s": self.threshold_s, "target": self.target, "formula": self.formula},
            "total": _values_json(self.total),
            "queues": {name: _values_json(values) for name, values in self.queues.items()},
            "queue_kinds": self.queue_kinds,
            "extensions": {name: _values_json(values) for name, values in self.extensions.items()},
            "percentiles": self.percentiles,
        }


def _values_json(values: Values) -> dict[str, object]:
    """Every value in its written form, in the catalogue's order."""
    return {kpi_id: values[kpi_id].to_json() for kpi_id in CATALOGUE if kpi_id in values}


def report(
    contacts: Sequence[Contact],
    legs: Sequence[SettledLeg],
    *,
    period: Period,
    plan: OfficePlan,
    coverage: float,
    threshold_s: float | None = None,
    states: States | None = None,
    now_ms: int | None = None,
    surveyed: Sequence[Leg] = (),
) -> Report:
    """Compute a report; contacts from around the period are welcome: they clear missed callers and tell repeats.

    Without `states` what agents did between calls is unknown (null); `now_ms` is else the end of the last contact.
    `surveyed`: customers' legs, of which those to surveys are looked at.
    """
    threshold = plan.service_level_s if threshold_s is None else threshold_s
    measurement = measure(
        contacts, legs, period=period, plan=plan, observed=coverage > 0, threshold_s=threshold, states=states,
        now_ms=now_ms, surveyed=surveyed,
    )  # fmt: skip
    missed = missed_callers([contact for contact in contacts if period.holds(contact.t_offer)], contacts)
    return present(measurement, period=period, plan=plan, coverage=coverage, threshold_s=threshold, missed=missed)


def measure(
    contacts: Sequence[Contact],
    legs: Sequence[SettledLeg],
    *,
    period: Period,
    plan: OfficePlan,
    observed: bool,
    threshold_s: float,
    states: States | None = None,
    now_ms: int | None = None,
    surveyed: Sequence[Leg] = (),
    beside: dict[str, Parts] | None = None,
    taken: TakenOver | None = None,
    works: Works | None = None,
    queued: frozenset[str] | None = None,
) -> Measurement:
    """The counters of a period; `observed`: whether the tap watched any of it. Arguments as of `report`.

    `beside`: counters of the office that rest on neither calls nor phones' legs alone (`service_availability`).
    `taken`: what `taken_over` tells, where it was asked of more than these contacts and legs; `works`: the work after
    legs, where it is known otherwise than by `states`; `queued`: legs of queues' contacts, as with `taken`.
    """
    cohort = [contact for contact in contacts if period.holds(contact.t_offer)]
    in_period = [(leg, outcome) for leg, outcome in legs if period.holds(leg.t_invite)]
    frame = _Frame(
        plan,
        threshold_s,
        contacts,
        states,
        Calls(contacts, plan),
        _latest(contacts) if now_ms is None else now_ms,
        asked([leg for leg in surveyed if period.holds(leg.t_invite)], contacts, legs, plan),
        after_call_work(states, in_period, plan.agent_codes) if works is None else works,
        in_period,
        by_extension(legs) if states is not None else {},
        legs_of_queues(contacts) if queued is None else queued,
        beside or {},
        taken_over(contacts, legs, plan) if taken is None else taken,
    )
    phones = by_extension(in_period)
    names = sorted(phones.keys() | (states or {}).keys())
    return Measurement(
        observed=observed or bool(cohort) or bool(in_period),
        total=frame.total(cohort, in_period, period.time_zone),
        queues={name: frame.queue(group, period.time_zone) for name, group in by_queue(cohort).items()},
        extensions={name: frame.extension(name, phones.get(name, [])) for name in names},
        hours=_by_hour(cohort, period.time_zone),
        durations=_durations(cohort),
    )


def present(
    measurement: Measurement,
    *,
    period: Period,
    plan: OfficePlan,
    coverage: float,
    threshold_s: float,
    missed: list[MissedCaller],
) -> Report:
    """Counters into the values that are shown; a period nobody watched has nulls, never 0 (R6)."""
    promised = WAIT_START_BASIS.get(plan.wait_start, RING)
    formula = plan.service_level_formula
    total = measurement.total.with_measured(measure_coverage(coverage))
    queues = sorted(measurement.queues.items(), key=lambda item: (item[1].kind in ("direct", ""), item[0]))
    return Report(
        period=period,
        coverage=coverage,
        threshold_s=threshold_s,
        target=plan.service_level_target,
        formula=formula,
        total=_by_formula(_values(total, measurement.observed, promised), formula),
        queues={name: _by_formula(_values(cohort, measurement.observed, promised), formula) for name, cohort in queues},
        queue_kinds={name: cohort.kind for name, cohort in queues},
        extensions={
            name: _values(cohort, measurement.observed, RING) for name, cohort in sorted(measurement.extensions.items())
        },
        missed=missed,
        hours=measurement.hours,
        percentiles={name: percentiles_s(counts) for name, counts in measurement.durations.items()},
    )


def _by_formula(values: Values, formula: str) -> Values:
    """The same values, `service_level` by the formula that the office goes by."""
    return values | {"service_level": values[formula]} if formula in values else values


def _values(cohort: Cohort, observed: bool, promised_basis: str) -> Values:
    """Counters into values, in the catalogue's order; `promised_basis`: of waits, where nobody waited."""
    return {
        kpi_id: value_of(
            parts if observed or kpi_id == COVERAGE else NOT_OBSERVED,
            unit=CATALOGUE[kpi_id].unit,
            basis=cohort.basis or promised_basis,
            averaged=CATALOGUE[kpi_id].averaged,
        )
        for kpi_id, parts in cohort.measured().items()
    }


def _by_hour(cohort: Sequence[Contact], time_zone: str) -> list[int]:
    """Customers' calls by the local hour of their arrival; an hour that a clock change repeats is one."""
    hours = [0] * DAY_HOURS
    for contact in offered(cohort):
        hours[local_time(contact.t_offer, time_zone).hour] += 1
    return hours


def _durations(cohort: Sequence[Contact]) -> dict[str, dict[int, int]]:
    """Histograms of customers' calls: waits of the answered, ringing and talk."""
    answered = [contact for contact in offered(cohort) if contact.disposition == ANSWERED]
    return {
        "wait": histogram(c.wait_ms for c in answered if c.wait_ms is not None),
        "ring": histogram(c.ring_ms for c in answered if c.ring_ms is not None),
        "talk": histogram(c.talk_ms for c in handled(cohort)),
    }


def _latest(contacts: Sequence[Contact]) -> int:
    """The last moment that is known of."""
    return max((contact.t_end or contact.t_offer for contact in contacts), default=0)


def by_queue(cohort: Sequence[Contact]) -> dict[str, list[Contact]]:
    """Visits by where they waited, named places first, then extensions called directly.

    A caller who is transferred into another queue waits there too, as in Asterisk's queue_log; so does a colleague
    who calls the queue.
    """
    groups: dict[str, list[Contact]] = {}
    for contact in cohort:
        for visit in contact.queue_visits():
            if visit.direction == "in" or (visit.direction == "int" and visit.kind in WORK_OF_A_TEAM):
                groups.setdefault(visit.queue, []).append(visit)
    return dict(sorted(groups.items(), key=lambda item: (item[1][0].kind in ("direct", ""), item[0])))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all parts of one measurement share."""

    plan: OfficePlan
    threshold_s: float
    everything: Sequence[Contact]  # contacts after the period included
    states: States | None
    calls: Calls
    now_ms: int
    asked: Sequence[Asked]
    works: Works
    legs: Sequence[SettledLeg]  # of phones, in the period
    phones: dict[str, list[SettledLeg]]  # by extension, those begun before the period too; empty without states
    queued: frozenset[str]  # legs of queues' contacts
    beside: dict[str, Parts]
    taken: TakenOver

    def total(self, cohort: Sequence[Contact], legs: Sequence[SettledLeg], time_zone: str) -> Cohort:
        """All KPIs of the office; coverage is told when it is shown."""
        measured = (
            self._contacts(cohort, time_zone)
            | measure_outbound(cohort)
            | measure_trunk(cohort)
            | measure_full_lines(cohort, self.plan.trunk_channels)
            | self.beside
            | measure_partial(legs)
            | self._repeats(cohort)
            | measure_money(cohort, self.plan)
            | measure_surveys(self.asked, self.plan)
            | self._states(legs)
        )
        return Cohort.of(measured, TOTAL, basis=_basis(cohort), service=self._service(cohort))

    def queue(self, group: Sequence[Contact], time_zone: str) -> Cohort:
        """All KPIs of one queue, ring group, or extension called directly; only customers are called back."""
        visits = [replace(visit, direction="in") for visit in group]
        callbacks = measure_callbacks(missed_callers(group, self.everything))
        voices = measure_surveys(
            [each for each in self.asked if each.agent_leg and each.queue == group[0].queue], self.plan
        )
        measured = self._contacts(visits, time_zone) | callbacks | self._repeats(group, same_queue=True) | voices
        kind, service = group[0].kind, self._service(visits)
        return Cohort.of(measured, QUEUES, basis=_basis(visits), kind=kind, service=service)

    def _repeats(self, cohort: Sequence[Contact], *, same_queue: bool = False) -> dict[str, Parts]:
        """Whether callers had to call again; colleagues are no customers."""
        return measure_repeats(cohort, self.calls, self.plan, now_ms=self.now_ms, same_queue=same_queue)

    def extension(self, name: str, legs: Sequence[SettledLeg]) -> Cohort:
        """All KPIs of one extension: always what the phone itself showed."""
        own = measure_own_after_call(legs, self.works, self.taken)
        voices = measure_surveys([each for each in self.asked if each.extension == name], self.plan)
        measured = measure_extension(legs, self.taken) | measure_partial(legs) | own | voices
        states = None if self.states is None else self.states.get(name, [])
        time = measure_states(states, measured["answered"].numerator) | self._queue_occupancy(name)
        return Cohort.of(measured | time, EXTENSIONS, basis=RING)

    def _queue_occupancy(self, name: str) -> dict[str, Parts]:
        """Of one extension."""
        states = None if self.states is None else self.states.get(name, [])
        return measure_queue_occupancy(states, self.phones.get(name, []), self.taken, self.queued)

    def _states(self, legs: Sequence[SettledLeg]) -> dict[str, Parts]:
        """Agent time of all extensions together."""
        answered = len(parts_of(legs, self.taken))
        everybody = None if self.states is None else [each for states in self.states.values() for each in states]
        shares = [self._queue_occupancy(name)["queue_occupancy"] for name in self.states or ()]
        in_queues = Parts(sum(each.numerator for each in shares), sum(each.denominator for each in shares))
        return measure_states(everybody, answered) | {"queue_occupancy": in_queues}

    def _contacts(self, cohort: Sequence[Contact], time_zone: str) -> dict[str, Parts]:
        """Every KPI that rests on customers' contacts."""
        return (
            measure_volume(cohort)
            | measure_callbacks(missed_callers(cohort, self.everything))
            | service_levels(count_service(cohort, round(self.threshold_s * 1000)))
            | measure_waiting(cohort)
            | measure_lost(cohort)
            | measure_lost_by_day(cohort, time_zone, self.plan.business_hours)
            | measure_handling(cohort)
            | measure_after_call(handled(cohort), self.works)
            | measure_left_on_hold(cohort, self.legs)
            | measure_ambiguity(cohort)
        )

    def _service(self, cohort: Sequence[Contact]) -> dict[int, ServiceCounts]:
        """Counts within every standard threshold and the office's own, so that it can be changed afterwards."""
        thresholds = sorted({*STANDARD_THRESHOLDS_S, self.plan.service_level_s})
        return {threshold: count_service(cohort, threshold * 1000) for threshold in thresholds}


def _basis(cohort: Sequence[Contact]) -> str:
    """Where the cohort's waits start; "" where nobody waited."""
    return weakest_basis((contact.wait_basis for contact in offered(cohort)), otherwise="")
