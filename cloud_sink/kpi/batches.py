"""A long period measured in batches, of which one at a time is in memory, to the same counters as all at once.

Most counters add up whatever is in a batch. Those of people (unique callers, callbacks, repeats) do where each batch
has every contact with some outside numbers, so contacts come a second time, party by party. What spans them all is
told or counted beside: days, lines taken at once, a phone's time in calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce

from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.kpi.accessibility import days_with_calls
from cloud_sink.kpi.after_call import AfterCall, Works
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.measurement import Cohort, Measurement, merge_measurements
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import by_queue, measure
from cloud_sink.kpi.states import STATE_KPIS, States
from cloud_sink.kpi.value import Measured, Parts

BATCH_LEGS = 2_000  # a batch costs as much as a hundred contacts, and some three megabytes
OF_PEOPLE = (
    "unique_callers", "calls_per_caller", "callback_open", "callback_time_avg", "fcr_repeat", "fcr_provisional",
    "line_lost", "repeat_call_rate",
)  # fmt: skip


TIME_KPIS = (*STATE_KPIS, "queue_occupancy")


@dataclass(frozen=True, slots=True)
class Call:
    """A contact, its legs with their outcome words, and the work after these as far as it is known."""

    contact: Contact
    legs: Sequence[SettledLeg]
    works: Works = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentTime:
    """What agents did between calls."""

    of: Mapping[str, Measured] = field(default_factory=dict)  # extension -> TIME_KPIS; calls_per_hour without calls
    beside: Measured = field(default_factory=dict)  # of the office: `service_availability`


class Batches:
    """The counters of a period, from everything that is in it."""

    def __init__(self, period: Period, plan: OfficePlan, *, observed: bool, now_ms: int) -> None:
        """Arguments as of `report.measure`."""
        self._period, self._plan, self._now_ms = period, plan, now_ms
        self._contacts: list[Contact] = []
        self._legs: list[SettledLeg] = []
        self._surveyed: list[Leg] = []
        self._works: dict[str, AfterCall] = {}
        self._measured = self._measure([], [], observed=observed)
        self._people = self._measured
        self._days: dict[str, set[date]] = {}  # by queue
        self._office_days: set[date] = set()
        self._first: dict[str, tuple[int, str, str]] = {}  # queue -> start, id and kind of its first contact

    def add_all(self, calls: Iterable[Call]) -> None:
        """Every contact with its legs, in any order."""
        for call in calls:
            self._contacts.append(call.contact)
            self._legs.extend(each for each in call.legs if each[0].role == "phone")
            self._surveyed.extend(leg for leg, _ in call.legs if leg.role == "trunk")
            self._works |= call.works
            if len(self._contacts) + len(self._legs) >= BATCH_LEGS:
                self._take_batch()
        self._take_batch()

    def add_people(self, parties: Iterable[Sequence[Contact]]) -> None:
        """Every contact again, all those with one outside number together; their legs are not looked at."""
        waiting: list[Contact] = []
        for contacts in parties:
            waiting.extend(contacts)
            if len(waiting) >= BATCH_LEGS:
                self._take_people(waiting)
                waiting = []
        self._take_people(waiting)

    def total(self, *, peak: int, full_ms: int, busy_ms: Mapping[str, int], time: AgentTime) -> Measurement:
        """Everything together; `peak`: most calls on the trunk at once, `full_ms`: how long all its lines were taken.

        `busy_ms`: how long each extension was in calls; `time`: what else it was doing.
        """
        whole, people = self._with_time(self._measured, time), self._people
        known = whole.total.measured()
        lines = {
            "trunk_peak": Parts(peak, known["trunk_peak"].denominator),
            "trunk_full_time": Parts(
                full_ms * known["trunk_full_time"].denominator, known["trunk_full_time"].denominator
            ),
        }
        return replace(
            whole,
            total=_with_people(_per_day(whole.total.with_measured(lines), self._office_days), people.total),
            queues={
                name: _with_people(self._queue(name, cohort), people.queues[name])
                for name, cohort in whole.queues.items()
            },
            extensions={
                name: cohort.with_measured({"ext_load": Parts(busy_ms.get(name, 0))})
                for name, cohort in whole.extensions.items()
            },
        )

    def _with_time(self, whole: Measurement, time: AgentTime) -> Measurement:
        """With what agents did between calls; an extension that only registered is there too."""
        extensions: dict[str, Cohort] = {}
        for name in sorted(whole.extensions.keys() | time.of.keys()):
            cohort = whole.extensions.get(name) or self._silent(name)
            extensions[name] = cohort.with_measured(_per_hour(time.of.get(name, {}), _answered(cohort)))
        added = add_time(time.of.values()) if time.of else {}
        total = _per_hour(added, sum(map(_answered, extensions.values()))) | dict(time.beside)
        return replace(whole, total=whole.total.with_measured(total), extensions=extensions)

    def _silent(self, name: str) -> Cohort:
        """An extension without any call."""
        return self._measure([], [], observed=False, states={name: []}).extensions[name]

    def _queue(self, name: str, cohort: Cohort) -> Cohort:
        return _per_day(replace(cohort, kind=self._first[name][2]), self._days[name])

    def _take_batch(self) -> None:
        self._contacts.sort(key=lambda contact: (contact.t_offer, contact.contact_id))
        self._measured = merge_measurements([self._measured, self._measure(self._contacts, self._legs, observed=False)])
        self._note_days()
        self._contacts, self._legs, self._surveyed, self._works = [], [], [], {}

    def _take_people(self, contacts: list[Contact]) -> None:
        contacts.sort(key=lambda contact: (contact.t_offer, contact.contact_id))
        self._people = merge_measurements([self._people, self._measure(contacts, [], observed=False)])

    def _measure(
        self,
        contacts: Sequence[Contact],
        legs: Sequence[SettledLeg],
        *,
        observed: bool,
        states: States | None = None,
    ) -> Measurement:
        return measure(
            contacts, legs, period=self._period, plan=self._plan, observed=observed,
            threshold_s=self._plan.service_level_s, now_ms=self._now_ms, surveyed=self._surveyed, works=self._works,
            states=states,
        )  # fmt: skip

    def _note_days(self) -> None:
        zone, hours = self._period.time_zone, self._plan.business_hours
        self._office_days |= days_with_calls(self._contacts, zone, hours)
        for name, visits in by_queue(self._contacts).items():
            customers = [replace(visit, direction="in") for visit in visits]
            self._days.setdefault(name, set()).update(days_with_calls(customers, zone, hours))
            first = (visits[0].t_offer, visits[0].contact_id, visits[0].kind)
            self._first[name] = min(first, self._first.get(name, first))


def _per_hour(measured: Measured, answered: int) -> dict[str, Parts]:
    """With the calls answered in the time logged in."""
    if not measured:
        return {}
    return {**measured, "calls_per_hour": Parts(answered, measured["calls_per_hour"].denominator)}


def _answered(cohort: Cohort) -> int:
    return cohort.measured()["answered"].numerator


def add_time(parts: Iterable[Measured]) -> dict[str, Parts]:
    """TIME_KPIS of several days or extensions together."""
    found = list(parts)
    return {kpi_id: _add(kpi_id, [each[kpi_id] for each in found]) for kpi_id in TIME_KPIS}


def _add(kpi_id: str, parts: Sequence[Parts]) -> Parts:
    """Sums; a plain count's denominator (1: it could be observed) stays that."""
    whole = reduce(Parts.plus, parts, Parts(0, 0))
    if not CATALOGUE[kpi_id].is_count:
        return whole
    return replace(whole, denominator=max((each.denominator for each in parts), default=0))


def _with_people(cohort: Cohort, people: Cohort) -> Cohort:
    """With what was measured of whole parties."""
    known = people.measured()
    return cohort.with_measured({kpi_id: known[kpi_id] for kpi_id in OF_PEOPLE if kpi_id in known})


def _per_day(cohort: Cohort, days: set[date]) -> Cohort:
    """With the number of days on which customers called."""
    abandons = cohort.measured()["avg_abandons_per_day"]
    return cohort.with_measured({"avg_abandons_per_day": replace(abandons, denominator=len(days))})
