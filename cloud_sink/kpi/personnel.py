"""Absence, turnover and evaluations: mostly what was imported, beside signs of life at the phone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.adherence import AT_WORK, Shift, overlapping, shifts_of
from cloud_sink.kpi.crew import Worker
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.roster import Absence, Employee, Evaluation, Roster
from cloud_sink.kpi.value import Parts

YEAR_DAYS = 365
EARLIER_MS = 30 * 60_000  # signs of life count from half an hour before the shift
THOUSAND = 1000  # scores are counted in thousandths, so that adding them up is exact in any order
PRESENT, SUSPECTED, CONFIRMED = "present", "suspected", "confirmed"


@dataclass(frozen=True, slots=True)
class Attendance:
    """Whether an agent came to a shift."""

    shift: Shift
    word: str  # present, suspected (to be absent), confirmed (to be absent)


def attendance(
    worker: Worker, absences: Iterable[Absence], *, period: Period, absent_after_ms: int
) -> list[Attendance]:
    """Every shift that began in the period and can be judged.

    Confirmed: the personnel office says so. Suspected: in the first hour the phone was away all the time, or it rang
    and nothing was answered, dialled or switched. A phone that was there and never rang tells nothing.
    """
    off = [each for each in absences if each.agent == worker.agent]
    found = []
    for shift in shifts_of(worker.planned):
        if period.holds(shift.from_ms):
            confirmed = any(each.from_ms <= shift.from_ms < each.until_ms for each in off)
            word = CONFIRMED if confirmed else _seen(worker, shift, absent_after_ms)
            found += [Attendance(shift, word)] if word else []
    return found


def _seen(worker: Worker, shift: Shift, absent_after_ms: int) -> str:
    """What the phone tells of a shift's beginning; "" where it was not watched or tells nothing."""
    until = min(shift.until_ms, shift.from_ms + absent_after_ms)
    states = list(overlapping(worker.intervals, shift.from_ms, until))
    watched = sum(min(each.until_ms, until) - max(each.from_ms, shift.from_ms) for each in states)
    if watched < until - shift.from_ms:
        return ""
    if _shows_life(worker, shift.from_ms - EARLIER_MS, until):
        return PRESENT
    called = any(leg.direction == "in" and shift.from_ms <= leg.t_invite < until for leg, _ in worker.legs)
    return SUSPECTED if called or not any(each.logged_in for each in states) else ""


def _shows_life(worker: Worker, from_ms: int, until_ms: int) -> bool:
    """Whether somebody took, refused or made a call, or switched something; ringing alone needs nobody."""
    by_hand = {
        (each.state, each.logged_in)
        for each in overlapping(worker.intervals, from_ms, until_ms)
        if each.state not in AT_WORK
    }
    return len(by_hand) > 1 or any(
        leg.direction != "in" or outcome in ("answered", "declined")
        for leg, outcome in worker.legs
        if from_ms <= leg.t_invite < until_ms
    )


def measure_attendance(found: Sequence[Attendance]) -> dict[str, Parts]:
    """`absence_rate` and `absences_suspected`; null without shifts that can be judged."""
    words = [each.word for each in found]
    return {
        "absence_rate": Parts(len(words) - words.count(PRESENT), len(words)),
        "absences_suspected": Parts(words.count(SUSPECTED), int(bool(words))),
    }


def absence_days(absences: Iterable[Absence], agents: set[str], last: date, plan: OfficePlan) -> int:
    """Working days off of these agents in the 365 days that end with `last`."""
    first = last - timedelta(days=YEAR_DAYS - 1)
    days = {
        (each.agent, day)
        for each in absences
        if each.agent in agents
        for day in _local_days(each.from_ms, each.until_ms, plan.time_zone, first, last)
        if is_working_day(day, plan)
    }
    return len(days)


def is_working_day(day: date, plan: OfficePlan) -> bool:
    """Whether the office opens; without business hours, whether it is Monday to Friday."""
    hours = plan.business_hours
    return hours.is_working_day(day) if hours.known else day.weekday() < 5


def _local_days(from_ms: int, until_ms: int, time_zone: str, first: date, last: date) -> Iterable[date]:
    """The local days of a stretch of time, of those from `first` to `last`."""
    day, end = max(first, local_day(from_ms, time_zone)), min(last, local_day(until_ms - 1, time_zone))
    return [day + timedelta(days=ahead) for ahead in range((end - day).days + 1)]


def measure_absence_days(roster: Roster, agents: set[str], period: Period, plan: OfficePlan) -> dict[str, Parts]:
    """`absence_days`: of the year that ends with the period, per agent that a list names; null without absences."""
    last, people = local_day(period.until_ms - 1, plan.time_zone), agents & roster.names
    days = absence_days(roster.absences, people, last, plan)
    return {"absence_days": Parts(days, len(people) if roster.absences else 0)}


def measure_turnover(staff: Sequence[Employee], period: Period) -> dict[str, Parts]:
    """`headcount` and `turnover_rate`: leavers in the period over the mean of employed people; null without staff."""
    first, last = local_day(period.from_ms, period.time_zone), local_day(period.until_ms - 1, period.time_zone)
    days = (last - first).days + 1
    employed = sum(
        len(list(_local_days(each.joined_ms, min(each.left_ms, period.until_ms), period.time_zone, first, last)))
        for each in staff
        if each.joined_ms < period.until_ms
    )
    leavers = sum(period.from_ms < each.left_ms <= period.until_ms for each in staff)
    return {"headcount": Parts(employed, days * bool(staff)), "turnover_rate": Parts(leavers * days, employed)}


def measure_evaluations(evaluations: Iterable[Evaluation]) -> dict[str, Parts]:
    """`qa_score`: mean share of the points possible, as points of 100."""
    points = [round(100 * THOUSAND * each.score / each.out_of) for each in evaluations]
    return {"qa_score": Parts(sum(points), len(points))}
