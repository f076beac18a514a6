"""Reports of many days: closed days from their rows, the others from the calls, put together.

A day is the unit: a row says what the calls of a closed day added up to, and a day without one (today, or one that
something arrived for since) is measured from its calls. What does not add up over days (distinct callers, who was
called back) is made from the calls of the whole period, of which only the columns and rows that matter are read.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.kpi.accessibility import service_levels
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.definition import QUEUES, RECOMPUTE, TOTAL
from cloud_sink.kpi.measurement import DAY_HOURS, SCOPE_IDS, Cohort, Measurement, merge_measurements
from cloud_sink.kpi.missed import MissedCaller, measure_callbacks, missed_callers
from cloud_sink.kpi.packing import unpack_measurement
from cloud_sink.kpi.period import Period, day_number, local_day, numbered_day
from cloud_sink.kpi.repeats import DAY_MS, Calls, measure_repeats
from cloud_sink.kpi.report import by_queue
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import count_callers
from cloud_sink.store import Rollup, Store

REVISED = ("fcr_repeat", "fcr_provisional", "line_lost")  # of a day whose callers may still call again
MADE_ANEW = tuple(kpi.id for kpi in CATALOGUE.values() if kpi.roll == RECOMPUTE and kpi.id != "coverage")
VERSION = 2  # of what a row holds: a change makes every row be computed again
UNKNOWN = Parts(0, 0)
_SCOPES = repr(SCOPE_IDS)


def plan_key(plan: OfficePlan) -> str:
    """What a row was computed by: everything of the plan that a KPI may rest on, and the KPIs themselves."""
    settings = replace(
        plan,
        office="",
        name="",
        week_start="",
        calendar="",
        service_level_target=0,
        service_level_formula="",
        targets=(),
    )  # what is chosen when a report is shown stays out
    return hashlib.sha256(f"{VERSION} {_SCOPES} {settings!r}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Piece:
    """A local day, or the part of one that a period begins or ends with."""

    period: Period
    day: int | None  # since 1970-01-01; None: a part


def pieces_of(period: Period) -> list[Piece]:
    """The local days that a period touches, in order."""
    day, last = (local_day(at, period.time_zone) for at in (period.from_ms, max(period.from_ms, period.until_ms - 1)))
    found = []
    while day <= last:
        whole = Period.of_days(day, day, period.time_zone)
        part = Period(max(whole.from_ms, period.from_ms), min(whole.until_ms, period.until_ms), period.time_zone)
        found.append(Piece(part, day_number(whole.from_ms, period.time_zone) if part == whole else None))
        day += timedelta(days=1)
    return found


@dataclass(frozen=True, slots=True)
class Daybook:
    """The closed days of one office; `measure` measures a stretch of time from its calls."""

    store: Store
    plan: OfficePlan
    measure: Callable[[Period], Measurement]
    now_ms: int

    def put_together(self, period: Period) -> tuple[Measurement, list[MissedCaller]] | None:
        """Everything of a period, and who was missed; None where its calls tell that at once.

        That is where no closed day has a row, and of a single day as long as its calls are kept.
        """
        pieces = pieces_of(period)
        numbers = [piece.day for piece in pieces if piece.day is not None]
        rollup = self.store.rollup(self.plan.office)
        if not numbers or rollup is None or (len(pieces) == 1 and numbers[0] >= rollup.kept_from):
            return None
        rows = self._rows(rollup, numbers[0], numbers[-1])
        if not rows:
            return None
        open_days = [piece.period for piece in pieces if piece.day not in rows]
        parts = [*rows.values(), *(self.measure(each) for each in open_days), self._revised(rollup, rows)]
        lost, later = self._lost(period)
        merged = merge_measurements(parts)
        if rollup.kept_from <= numbers[0]:
            merged = self._with_made_anew(merged, period, lost, later)
        else:
            merged = _without(merged, MADE_ANEW)  # the calls of some day are gone
        return merged, missed_callers(lost, later)

    def by_day(self, period: Period) -> Iterator[tuple[Period, Measurement]]:
        """Every local day of the period by itself: from its row, else from its calls."""
        pieces = pieces_of(period)
        numbers = [piece.day for piece in pieces if piece.day is not None]
        rollup = self.store.rollup(self.plan.office)
        rows = self._rows(rollup, numbers[0], numbers[-1]) if numbers and rollup else {}
        for piece in pieces:
            known = None if piece.day is None else rows.get(piece.day)
            yield piece.period, self.measure(piece.period) if known is None else known

    def _rows(self, rollup: Rollup, first: int, last: int) -> dict[int, Measurement]:
        """The days whose rows may be believed; of those not settled yet without what may still be revised."""
        dirty = self.store.dirty_days(first, last).get(self.plan.office, {})
        valid = rollup.plan_key == plan_key(self.plan)
        rows = {}
        for day, packed in self.store.day_details(self.plan.office, first, last).items():
            computed = valid and rollup.first_day <= day <= rollup.rolled_until and day not in dirty
            if day < rollup.kept_from or computed:
                row = unpack_measurement(packed)
                rows[day] = row if day <= rollup.settled_until else _without(row, REVISED)
        return rows

    def _revised(self, rollup: Rollup, rows: Mapping[int, Measurement]) -> Measurement:
        """What became since of the callers of days that are not settled: nothing else of them is measured again."""
        zone = self.plan.time_zone
        unsettled = [day for day in rows if day > rollup.settled_until]
        if not unsettled:
            return Measurement(False, Cohort.of({}, TOTAL), {}, {}, [0] * DAY_HOURS, {})
        days = {day: Period.of_days(numbered_day(day), numbered_day(day), zone) for day in unsettled}
        since, until = min(each.from_ms for each in days.values()), max(each.until_ms for each in days.values())
        contacts = self.store.customers(self.plan.office, since, until + (self.plan.repeat_days + 1) * DAY_MS)
        cohort = [contact for contact in contacts if day_number(contact.t_offer, zone) in days]
        calls = Calls(contacts, self.plan)
        return Measurement(
            False,
            Cohort.of(self._repeats(cohort, calls, same_queue=False), TOTAL),
            {
                name: Cohort.of(self._repeats(group, calls, same_queue=True), QUEUES)
                for name, group in by_queue(cohort).items()
            },
            {},
            [0] * DAY_HOURS,
            {},
        )

    def _repeats(self, cohort: Sequence[Contact], calls: Calls, *, same_queue: bool) -> dict[str, Parts]:
        found = measure_repeats(cohort, calls, self.plan, now_ms=self.now_ms, same_queue=same_queue)
        return {kpi_id: found[kpi_id] for kpi_id in REVISED}

    def _with_made_anew(
        self, merged: Measurement, period: Period, lost: Sequence[Contact], later: Sequence[Contact]
    ) -> Measurement:
        """With the KPIs that days do not add up to."""
        callers = count_callers(self.store.callers(self.plan.office, period.from_ms, period.until_ms))
        groups = by_queue(lost)
        total = callers[""] | measure_callbacks(missed_callers(lost, later))
        return replace(
            merged,
            total=merged.total.with_measured(total),
            queues={
                name: cohort.with_measured(
                    callers.get(name, NOBODY) | measure_callbacks(missed_callers(groups.get(name, []), later))
                )
                for name, cohort in merged.queues.items()
            },
        )

    def _lost(self, period: Period) -> tuple[list[Contact], list[Contact]]:
        """Contacts of the period that may count as missed, and these with every conversation of their callers."""
        cleared_until = period.until_ms + clearing_ms(self.plan)
        found = self.store.lost_contacts(self.plan.office, period.from_ms, period.until_ms, cleared_until)
        return [contact for contact in found if period.holds(contact.t_offer)], found

    def missed(self, period: Period) -> list[MissedCaller]:
        """Callers nobody answered, the latest first."""
        return missed_callers(*self._lost(period))


NOBODY = {"unique_callers": Parts(0), "calls_per_caller": Parts(0, 0)}
CLEARING_MS = 7 * DAY_MS  # how long after a period a conversation still clears its missed callers


def clearing_ms(plan: OfficePlan) -> int:
    """How long after a period calls are still looked at: they clear missed callers, and tell who called again."""
    return max(CLEARING_MS, (plan.repeat_days + 1) * DAY_MS)


def within_threshold(measurement: Measurement, threshold_s: float) -> Measurement | None:
    """The same with the service levels of another threshold; None where that one was not counted."""
    total = _at_threshold(measurement.total, threshold_s)
    queues = {name: _at_threshold(cohort, threshold_s) for name, cohort in measurement.queues.items()}
    known = {name: cohort for name, cohort in queues.items() if cohort is not None}
    return None if total is None or len(known) < len(queues) else replace(measurement, total=total, queues=known)


def _at_threshold(cohort: Cohort, threshold_s: float) -> Cohort | None:
    counts = cohort.service_counts(int(threshold_s)) if threshold_s == int(threshold_s) else None
    return None if counts is None else cohort.with_measured(service_levels(counts))


def _without(measurement: Measurement, kpi_ids: Sequence[str]) -> Measurement:
    """The same as if some KPIs had not been measured."""
    nothing = dict.fromkeys(kpi_ids, UNKNOWN)
    return replace(
        measurement,
        total=measurement.total.with_measured(nothing),
        queues={name: cohort.with_measured(nothing) for name, cohort in measurement.queues.items()},
    )
