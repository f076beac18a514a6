"""Planning: when callers come, how long they stay, and how many agents and lines that needs.

Everything rests on hours that were watched: an hour of the week nobody watched is null, never 0 (rules R3 and R6).
A local hour that a clock change repeats counts twice, one that it skips not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.accessibility import QUEUED
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.erlang import Goal, Staffing, lines_needed, staff
from cloud_sink.kpi.handling import handled
from cloud_sink.kpi.period import QUARTER_MS, Period, local_time
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ABANDONED, TRUNK_SEEN, offered

HOUR_MS = 3_600_000
WEEK_HOURS = 168
LEAST_WATCHED_MS = QUARTER_MS  # an hour of the week watched for less says nothing about it
MOST_BLOCKED = 0.01  # share of calls that may find all lines busy
FEWEST_ABANDONS = 20  # below, patience is guessed rather than measured


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the week, Monday 00:00 first: what arrived in it and how long it was watched."""

    index: int  # 0 to 167
    offered: int
    watched_ms: int
    weeks: int  # on how many days it was watched at all

    @property
    def weekday(self) -> int:
        """0 Monday to 6 Sunday."""
        return self.index // 24

    @property
    def clock_hour(self) -> int:
        """0 to 23, as the office's clocks show it."""
        return self.index % 24

    @property
    def mean(self) -> float | None:
        """Calls per such hour; None where it was watched for less than a quarter of an hour."""
        return self.offered * HOUR_MS / self.watched_ms if self.watched_ms >= LEAST_WATCHED_MS else None


def arrival_profile(contacts: Sequence[Contact], *, period: Period, watched: Sequence[Span]) -> list[Hour]:
    """`arrival_profile`: all 168 hours of the week."""
    calls, time, days = [0] * WEEK_HOURS, [0] * WEEK_HOURS, [set[object]() for _ in range(WEEK_HOURS)]
    for start, length in _watched_quarters(period, watched):
        local = local_time(start, period.time_zone)
        hour = local.weekday() * 24 + local.hour
        time[hour] += length
        days[hour].add(local.date())
    for contact in offered(contacts):
        if period.holds(contact.t_offer):
            local = local_time(contact.t_offer, period.time_zone)
            calls[local.weekday() * 24 + local.hour] += 1
    return [Hour(index, calls[index], time[index], len(days[index])) for index in range(WEEK_HOURS)]


def _watched_quarters(period: Period, watched: Sequence[Span]) -> Iterable[tuple[int, int]]:
    """Each quarter hour that was watched, and for how many milliseconds; only those that spans touch are visited."""
    for start, end in watched:
        first, last = max(start, period.from_ms), min(end, period.until_ms)
        for quarter in range(first - first % QUARTER_MS, last, QUARTER_MS):
            yield quarter, min(last, quarter + QUARTER_MS) - max(first, quarter)


def patience(contacts: Sequence[Contact]) -> Parts:
    """`patience_mean`: time waited by everybody who queued / those who gave up (exponential, censored).

    Short abandons are in it, leaving them out would bias it upwards. Without the trunk the waiting before the first
    ring is not seen, so there is no patience to be told (null).
    """
    cohort = [c for c in offered(contacts) if c.visibility == TRUNK_SEEN and c.wait_ms is not None]
    queued = [c for c in cohort if c.disposition in QUEUED]
    return Parts(sum(c.wait_ms or 0 for c in queued), sum(c.disposition == ABANDONED for c in queued))


@dataclass(frozen=True, slots=True)
class BusyHour:
    """The clock hour (UTC grid of hours) with the most traffic on the lines; erlangs."""

    from_ms: int
    load: float


def busy_hour(contacts: Sequence[Contact], *, period: Period, watched: Sequence[Span]) -> BusyHour | None:
    """The hour with most traffic on the lines, of those watched for a quarter of an hour; None without a trunk."""
    seen: dict[int, int] = {}
    for quarter, length in _watched_quarters(period, watched):
        seen[_hour_of(quarter)] = seen.get(_hour_of(quarter), 0) + length
    held: dict[int, int] = {}
    for contact in contacts:
        if contact.visibility == TRUNK_SEEN and contact.direction in ("in", "out") and contact.t_end is not None:
            for hour in range(_hour_of(contact.t_offer), contact.t_end, HOUR_MS):
                shared = min(contact.t_end, hour + HOUR_MS) - max(contact.t_offer, hour)
                held[hour] = held.get(hour, 0) + shared
    loads = [(held[hour] / seen[hour], -hour) for hour in held if seen.get(hour, 0) >= LEAST_WATCHED_MS]
    load, hour = max(loads, default=(0.0, 0))
    return BusyHour(-hour, load) if loads else None


def _hour_of(at_ms: int) -> int:
    """Start of the hour (UTC grid) that a moment lies in."""
    return at_ms - at_ms % HOUR_MS


def trunks_required(busiest: BusyHour | None) -> int | None:
    """`trunks_required`: fewest lines with Erlang B at most 1 % in the busy hour."""
    return None if busiest is None else lines_needed(busiest.load, MOST_BLOCKED)


@dataclass(frozen=True, slots=True)
class Demand:
    """What staffing is computed from, besides the arrivals."""

    handle_s: float | None  # None: nobody was answered, so nobody knows
    handle_from: int  # answered calls it was measured from, 0 where it was given
    patience: Parts  # milliseconds over abandons
    patience_s: float | None  # used for Erlang A; None: Erlang C


def demand(contacts: Sequence[Contact], *, handle_s: float | None = None, model: str = "auto") -> Demand:
    """Measure handle time and patience; `model` "c" leaves patience out, "a" uses it however few gave up."""
    waited = patience(contacts)
    fewest = {"auto": FEWEST_ABANDONS, "a": 1, "c": len(contacts) + 1}[model]
    patient_s = waited.numerator / 1000 / waited.denominator if waited.denominator >= max(1, fewest) else None
    if handle_s is not None:
        return Demand(handle_s, 0, waited, patient_s or None)
    done = handled(contacts)
    measured = sum(c.talk_ms + c.hold_ms for c in done) / 1000 / len(done) if done else None
    return Demand(measured, len(done), waited, patient_s or None)


@dataclass(frozen=True, slots=True)
class PlannedHour:
    """An hour of the week with what it needs; None where it was not watched or handle time is not known."""

    hour: Hour
    staffing: Staffing | None


def plan_week(hours: Sequence[Hour], needs: Demand, goal: Goal) -> list[PlannedHour]:
    """`agents_required` of every hour; hours alike are computed once."""
    known: dict[float, Staffing] = {}
    planned = []
    for hour in hours:
        staffing = None
        if hour.mean is not None and needs.handle_s is not None:
            if hour.mean not in known:
                known[hour.mean] = staff(hour.mean / 3600, needs.handle_s, goal, needs.patience_s)
            staffing = known[hour.mean]
        planned.append(PlannedHour(hour, staffing))
    return planned


def visits_of(contacts: Sequence[Contact], queue: str) -> list[Contact]:
    """Only what waited in one queue: transfers into it included, transfers out of it left where they came from."""
    return [visit for contact in contacts for visit in contact.queue_visits() if visit.queue == queue]
