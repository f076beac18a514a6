"""One office as the store and its plan know it: everything the API and the page ask for, in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from cloud_sink.calendars import short_date_text
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.daybook import Daybook, clearing_ms, pieces_of, within_threshold
from cloud_sink.disguise import Disguise
from cloud_sink.imports.loading import load_asked, load_roster, load_shared_numbers, load_spending, load_tariffs
from cloud_sink.kpi.answers import with_answers
from cloud_sink.kpi.availability import measure_availability
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.coverage import coverage, watched_spans
from cloud_sink.kpi.erlang import Goal
from cloud_sink.kpi.indicators import BASELINE_MS, measure_indicators
from cloud_sink.kpi.insights import Insight, insights
from cloud_sink.kpi.measurement import Measurement
from cloud_sink.kpi.missed import MissedCaller, missed_callers
from cloud_sink.kpi.parts import taken_over
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.planning import PlannedHour, arrival_profile, demand, plan_week
from cloud_sink.kpi.queue_occupancy import legs_of_queues
from cloud_sink.kpi.report import Report, Values, measure, present
from cloud_sink.kpi.roster import Roster
from cloud_sink.kpi.signalling import SignallingReport, signalling_report
from cloud_sink.kpi.spending import Spending, with_spending
from cloud_sink.kpi.staffing import StaffedHour, staffed_hours
from cloud_sink.kpi.states import Interval, Registered, agent_states
from cloud_sink.kpi.surveys import asks_questions
from cloud_sink.kpi.team_report import TeamFacts, TeamReport, team_report
from cloud_sink.kpi.value import CALLER, Value, value_of
from cloud_sink.question import BadQuestion, Question, local_days, month_of, one_day, parse_day, parse_period, week_of
from cloud_sink.store import BoxStatus, Gap, Store

DAY_MS = 86_400_000
LONGEST_RING_MS = 3_600_000  # a leg of the period may belong to a contact that began so long before it
FORECAST_MS = 8 * 7 * DAY_MS  # of so many weeks an hour of the week is expected to be like
LOOK_BACK_MS = DAY_MS  # how long before a period a feature code still says how an agent began it

Clock = Callable[[], int]  # Unix milliseconds


class UnknownOffice(Exception):
    """No such office; the text names those there are."""


@dataclass(frozen=True, slots=True)
class Watch:
    """When the taps of an office were watching, within a period."""

    share: float  # 0 to 1, of the period up to now
    spans: list[tuple[int, int]]
    gaps: list[Gap]


@dataclass(frozen=True, slots=True)
class Office:
    """An office: its plan, and what the store holds of it; with a `disguise` no caller's number is handed out."""

    plan: OfficePlan
    store: Store
    now_ms: Clock
    disguise: Disguise | None = None

    @property
    def id(self) -> str:
        """Its name in addresses and configuration."""
        return self.plan.office

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.plan.name or self.plan.office

    def span(self) -> tuple[int, int] | None:
        """First and last moment it was watched; a box that is online is watching now."""
        seen = self.store.observed_span(self.id)
        if seen is None or not any(box.online for box in self.boxes()):
            return seen
        return seen[0], max(seen[1], self.now_ms())

    def today(self) -> date:
        """The day it is there."""
        return local_day(self.now_ms(), self.plan.time_zone)

    def latest_day(self) -> date:
        """The latest day anything was observed on; today before the first event."""
        seen = self.store.observed_span(self.id)
        return self.today() if seen is None else local_day(seen[1], self.plan.time_zone)

    def period(self, question: Question) -> Period:
        """The period asked for. Raises BadQuestion."""
        zone = self.plan.time_zone
        if question.ways > 1:
            raise BadQuestion('ask for a "day", a "week", a "month", or for "from" and "until": for one of them')
        if question.week:
            return local_days(*week_of(parse_day(question.week, self.plan.calendar), self.plan.week_start), zone)
        if question.month:
            return local_days(*month_of(question.month, self.plan.calendar), zone)
        if question.from_ or question.until:
            if not (question.from_ and question.until):
                raise BadQuestion('a period needs both "from" and "until"')
            return parse_period(question.from_, question.until, zone, self.plan.calendar)
        return one_day(parse_day(question.day, self.plan.calendar) if question.day else self.latest_day(), zone)

    def contacts(self, period: Period) -> list[Contact]:
        """Contacts that arrived in the period."""
        found = self.store.contacts(self.id, period.from_ms, period.until_ms)
        return found if self.disguise is None else [self.disguise.contact(each) for each in found]

    def contact(self, contact_id: str) -> tuple[Contact, list[tuple[Leg, str]]] | None:
        """One contact with its legs."""
        found = self._contact(contact_id)
        if found is None or self.disguise is None:
            return found
        contact, legs = found
        return self.disguise.contact(contact), [(self.disguise.leg(leg), outcome) for leg, outcome in legs]

    def _contact(self, contact_id: str) -> tuple[Contact, list[tuple[Leg, str]]] | None:
        legs = self.store.legs_of(self.id, contact_id)
        if not legs:
            logged = self.store.logged_contact(self.id, contact_id)
            return None if logged is None else (logged, [])
        first = min(leg.t_invite for leg, _ in legs)
        last = max(leg.t_end or leg.t_invite for leg, _ in legs)
        found = [c for c in self.store.contacts(self.id, first, last + 1) if c.contact_id == contact_id]
        return (found[0], legs) if found else None

    def watch(self, period: Period) -> Watch:
        """When it was watched; the part of the period that is still to come is left out."""
        within = (period.from_ms, max(period.from_ms, min(period.until_ms, self.now_ms())))
        gaps = self.store.gaps(self.id, *within)
        blind = [(gap.from_ms, gap.until_ms) for gap in gaps]
        span = self.span()
        return Watch(coverage(span, blind, within), watched_spans(span, blind, within), gaps)

    def states(self, period: Period, watch: Watch | None = None) -> dict[str, list[Interval]]:
        """What each extension was doing in the watched part of the period: day by day, as days are counted."""
        spans = (watch or self.watch(period)).spans
        found: dict[str, list[Interval]] = {}
        for piece in pieces_of(period):
            within = (piece.period.from_ms, piece.period.until_ms)
            watched = [(max(a, within[0]), min(b, within[1])) for a, b in spans if a < within[1] and b > within[0]]
            for name, intervals in self._states_of_day(piece.period, watched).items():
                found.setdefault(name, []).extend(intervals)
        return found

    def _states_of_day(self, period: Period, watched: list[tuple[int, int]]) -> dict[str, list[Interval]]:
        since = period.from_ms - LOOK_BACK_MS
        changes = self.store.registrations(self.id, since, period.until_ms)
        return agent_states(
            self.store.phone_legs(self.id, since, period.until_ms),
            [Registered(change.at_ms, change.extension, change.registered) for change in changes],
            watched=watched,
            codes=self.plan.agent_codes,
            told=self.store.told(self.id, since, period.until_ms),
            wrap_up=self._wrap_up(since, period.until_ms),
            log=self.store.agent_log(self.id, since, period.until_ms),
        )

    def _wrap_up(self, from_ms: int, until_ms: int) -> dict[str, int]:
        """How long the PBX spares the agent after each leg, where it is configured to."""
        lengths = {place.name: place.wrap_up_ms for place in self.plan.destinations if place.wrap_up_ms}
        if not lengths:
            return {}
        contacts = self.store.contacts(self.id, from_ms, until_ms)
        return {leg_id: lengths.get(contact.queue, 0) for contact in contacts for leg_id in contact.legs}

    def measure(self, period: Period) -> Measurement:
        """Everything of the period that adds up, from its calls."""
        return self._measure(period, self._contacts_around(period), self.watch(period), self.plan.service_level_s)

    def _measure(self, period: Period, contacts: list[Contact], watch: Watch, threshold_s: float) -> Measurement:
        states = self.states(period, watch)
        legs = self.store.phone_legs(self.id, period.from_ms - LONGEST_RING_MS, period.until_ms)
        begun_before = self.store.contacts(self.id, period.from_ms - LONGEST_RING_MS, period.from_ms)
        in_period = [contact for contact in contacts if period.holds(contact.t_offer)]
        return measure(
            contacts,
            legs,
            period=period,
            plan=self.plan,
            observed=watch.share > 0,
            threshold_s=threshold_s,
            states=states,
            now_ms=self.now_ms(),
            surveyed=self._surveyed(period),
            beside=measure_availability(states, self._trunk(period), self.plan, watch.spans),
            taken=taken_over([*begun_before, *in_period], legs, self.plan),
            queued=legs_of_queues([*begun_before, *in_period]),
        )

    def _trunk(self, period: Period) -> list[Registered]:
        """When the PBX registered with its carriers, and when it was gone there."""
        changes = self.store.trunk_registrations(self.id, period.from_ms, period.until_ms)
        return [Registered(change.at_ms, change.extension, change.registered) for change in changes]

    def roster(self, period: Period) -> Roster:
        """What was imported about the team, around the period."""
        return load_roster(self.store, self.id, period)

    def team(self, period: Period) -> TeamReport:
        """All KPIs of agents and teams, what they did against the plan, and the scorecards."""
        since, repeats = period.from_ms - LONGEST_RING_MS, self.plan.repeat_days * DAY_MS
        facts = TeamFacts(
            report=self.report(period),
            contacts=self.store.contacts(self.id, since, period.until_ms + repeats + DAY_MS),
            legs=self.store.phone_legs(self.id, since, period.until_ms),
            states=self.states(period),
            watched=self.watch(period).spans,
            surveyed=self._surveyed(period),
            told=load_asked(self.store, self.id, period),
        )
        return team_report(facts, self.roster(period), self.plan)

    def staffing(self, period: Period) -> list[StaffedHour]:
        """Agents needed and agents there in each hour, expected from the eight weeks that end with the period."""
        return staffed_hours(
            self.planned_week(period),
            self.contacts(period),
            self.states(period),
            period=period,
            watched=self.watch(period).spans,
        )

    def planned_week(self, period: Period) -> list[PlannedHour]:
        """All hours of the week with the agents they need, as the eight weeks were that end with the period."""
        history = Period(period.until_ms - FORECAST_MS, period.until_ms, period.time_zone)
        contacts = self.contacts(history)
        hours = arrival_profile(contacts, period=history, watched=self.watch(history).spans)
        goal = Goal(min(0.99, self.plan.service_level_target), self.plan.service_level_s)
        return plan_week(hours, demand(contacts), goal)

    def missed(self, period: Period) -> list[MissedCaller]:
        """Callers nobody answered, the latest first, with what came of each since."""
        found = self._daybook().missed(period)
        return found if self.disguise is None else self.disguise.missed(found)

    def _daybook(self) -> Daybook:
        return Daybook(self.store, self.plan, self.measure, self.now_ms())

    def report(self, period: Period, threshold_s: float | None = None, formula: str = "") -> Report:
        """All KPIs of the period: of closed days from what was counted then, of the others from their calls.

        Threshold and formula of the service level are the office's own unless given.
        """
        threshold = self.plan.service_level_s if threshold_s is None else threshold_s
        plan = replace(self.plan, service_level_formula=formula or self.plan.service_level_formula)
        watch = self.watch(period)
        measurement, missed = self._put_together(period, threshold) or self._from_calls(period, watch, threshold)
        if self.disguise is not None:
            missed = self.disguise.missed(missed)
        shown = present(
            measurement, period=period, plan=plan, coverage=watch.share, threshold_s=threshold, missed=missed
        )  # fmt: skip
        return with_answers(
            with_spending(shown, self.spending(period)), load_asked(self.store, self.id, period), self.plan
        )

    def by_day(self, period: Period) -> list[tuple[date, Values]]:
        """The office's own numbers of each local day of the period on which it was watched, in order."""
        spans = self.watch(period).spans
        if not spans:
            return []
        watched = Period(*_whole_days(spans[0][0], spans[-1][1], period), period.time_zone)
        found = []
        for day, measurement in self._daybook().by_day(watched):
            share = self._share(spans, day)
            if share:
                shown = present(
                    measurement, period=day, plan=self.plan, coverage=share, threshold_s=self.plan.service_level_s,
                    missed=[],
                )  # fmt: skip
                found.append((local_day(day.from_ms, day.time_zone), shown.total))
        return found

    def _share(self, spans: list[tuple[int, int]], day: Period) -> float:
        """The part of a day, up to now, that the spans cover."""
        within = (day.from_ms, max(day.from_ms, min(day.until_ms, self.now_ms())))
        length = sum(max(0, min(within[1], end) - max(within[0], start)) for start, end in spans)
        return length / max(1, within[1] - within[0])

    def _put_together(self, period: Period, threshold_s: float) -> tuple[Measurement, list[MissedCaller]] | None:
        found = self._daybook().put_together(period)
        if found is None or threshold_s == self.plan.service_level_s:
            return found
        measurement = within_threshold(found[0], threshold_s)
        return None if measurement is None else (measurement, found[1])

    def _from_calls(self, period: Period, watch: Watch, threshold_s: float) -> tuple[Measurement, list[MissedCaller]]:
        contacts = self._contacts_around(period)
        missed = missed_callers([contact for contact in contacts if period.holds(contact.t_offer)], contacts)
        return self._measure(period, contacts, watch, threshold_s), missed

    def spending(self, period: Period) -> Spending:
        """What staff and the rest cost in the period, as far as it was imported."""
        return load_spending(self.store, self.plan, period)

    def _contacts_around(self, period: Period) -> list[Contact]:
        """Its contacts, and what their callers did around it: who was reached since, who had to call again."""
        since, to = period.from_ms - self.plan.repeat_days * DAY_MS, period.until_ms + clearing_ms(self.plan)
        return self.store.contacts_around(self.id, period.from_ms, period.until_ms, since, to)

    def signalling(self, period: Period) -> SignallingReport:
        """Signalling health by vantage point, and how calls sounded."""
        within = (self.id, period.from_ms, period.until_ms)
        contacts = self.store.contacts(self.id, period.from_ms - LONGEST_RING_MS, period.until_ms)
        return signalling_report(
            [leg for leg, _ in self.store.legs(*within)],
            {leg_id: contact.contact_id for contact in contacts for leg_id in contact.legs},
            self.store.registers(*within),
            self.store.voices(*within),
            period=period,
        )

    def indicators(self, period: Period) -> dict[str, Value]:
        """How far the period's numbers can be trusted, as the boxes tell."""
        reports = self.store.health(self.id, period.from_ms - BASELINE_MS, period.until_ms)
        measured = measure_indicators(reports, period)
        return {
            kpi_id: value_of(parts, unit=CATALOGUE[kpi_id].unit, basis=CALLER, averaged=CATALOGUE[kpi_id].averaged)
            for kpi_id, parts in measured.items()
        }

    def _surveyed(self, period: Period) -> list[Leg]:
        """Every leg of an office that has surveys."""
        if not asks_questions(self.plan):
            return []
        return [leg for leg, _ in self.store.legs(self.id, period.from_ms, period.until_ms)]

    def insights(self, period: Period) -> list[Insight]:
        """What stands out in the period."""
        legs = self.store.phone_legs(self.id, period.from_ms, period.until_ms)
        day_text = partial(short_date_text, calendar=self.plan.calendar)
        return insights(
            self.contacts(period), legs, self.states(period), period=period, plan=self.plan, day_text=day_text
        )

    def boxes(self) -> list[BoxStatus]:
        """Its boxes, as they reported last."""
        return self.store.boxes(self.id)


def _whole_days(from_ms: int, until_ms: int, period: Period) -> tuple[int, int]:
    """The local days around a stretch of time, as far as the period has them."""
    zone = period.time_zone
    days = Period.of_days(local_day(from_ms, zone), local_day(until_ms - 1, zone), zone)
    return max(days.from_ms, period.from_ms), min(days.until_ms, period.until_ms)


@dataclass(frozen=True, slots=True)
class Offices:
    """All offices: those configured, and those the store has data of; or, for some who ask, those granted to them."""

    store: Store
    plans: Mapping[str, OfficePlan]
    now_ms: Clock
    granted: frozenset[str] | None = None  # None: every one
    disguise: Disguise | None = None  # of callers' numbers

    def names(self) -> list[str]:
        """In the order of the configuration, then by name."""
        names = [*self.plans, *(name for name in self.store.offices() if name not in self.plans)]
        return names if self.granted is None else [name for name in names if name in self.granted]

    def get(self, name: str) -> Office:
        """One office. Raises UnknownOffice."""
        names = self.names()
        if name not in names:
            raise UnknownOffice(f'there is no office "{name}"; there is: {", ".join(names) or "none yet"}')
        return self.known(name)

    def known(self, name: str) -> Office:
        """The same of a name that is certain to be one."""
        return Office(self._plan(name), self.store, self.now_ms, self.disguise)

    def _plan(self, name: str) -> OfficePlan:
        """The office's plan with the tariffs and shared numbers that were imported; these tariffs go first."""
        plan = self.plans.get(name, OfficePlan(name))
        tariffs = (*load_tariffs(self.store, name), *plan.tariffs)
        shared = (*plan.shared_numbers, *load_shared_numbers(self.store, name))
        return replace(plan, tariffs=tariffs, shared_numbers=shared)

    def all(self) -> list[Office]:
        """Every office; of those nothing was imported for, no more is asked."""
        importing = self.store.importing_offices()
        plans = {name: self.plans.get(name, OfficePlan(name)) for name in self.names()}
        return [
            self.known(name) if name in importing else Office(plan, self.store, self.now_ms, self.disguise)
            for name, plan in plans.items()
        ]

    def boxes(self) -> list[BoxStatus]:
        """The boxes of these offices; those that no office lists belong to whoever may see every office."""
        return [box for box in self.store.boxes() if self.granted is None or box.office in self.granted]
