"""What stands beside the day's numbers on the page: an earlier day, and what stands out."""

from dataclasses import dataclass, replace

from cloud_sink.calendars import days_text, short_date_text
from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.kpi.comparison import Change, changes, earlier
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.report import Report, Values
from cloud_sink.kpi.targets import Judged, judge, targets_of
from cloud_sink.office import Office
from cloud_sink.reports.summaries import change_text
from cloud_sink.shown import Shown, clock_text, duration_text, show, value_text

COMPARED = (
    "offered", "answered", "abandoned", "missed_contacts", "service_level", "abandon_rate", "asa", "max_wait", "aht",
    "outbound_attempts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One KPI in both periods."""

    now: Shown
    before: Shown
    change: str
    remark: str


@dataclass(frozen=True, slots=True)
class ComparedWith:
    """The earlier day and the rows."""

    title: str  # "Saturday, 21 November 2026", or both ends of several days
    watched: str  # "watched 100 %"
    rows: list[ComparedRow]


def describe_comparison(report: Report, office: Office, compare: str) -> ComparedWith | None:
    """The headline numbers beside those of earlier days; None where nobody asked."""
    if not compare:
        return None
    period = earlier(report.period, compare)
    before = office.report(period, report.threshold_s, report.formula)
    found = changes(report.total, before.total)
    rows = [_describe_change(kpi_id, found[kpi_id]) for kpi_id in COMPARED if kpi_id in found]
    first, last = (local_day(at, period.time_zone) for at in (period.from_ms, period.until_ms - 1))
    return ComparedWith(
        days_text(first, last, office.plan.calendar), f"{100 * before.coverage:.0f} % of it watched", rows
    )


def _describe_change(kpi_id: str, change: Change) -> ComparedRow:
    """One row."""
    remark = {True: "more than chance", False: "may be chance", None: ""}[change.certain]
    if change.percent is not None:
        remark = f"{change.percent:+.0f} %"
    return ComparedRow(show(kpi_id, change.now), show(kpi_id, change.before), change_text(change), remark)


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One call that shows it."""

    contact_id: str
    at: str
    caller: str
    waited: str
    disposition: str


@dataclass(frozen=True, slots=True)
class ToldInsight:
    """One sentence with its calls."""

    text: str
    evidence: list[EvidenceRow]


@dataclass(frozen=True, slots=True)
class Aim:
    """One target with what was reached."""

    shown: Shown
    target: str  # "at most 28.0 s"
    state: str  # good | bad | "": nothing to measure


def describe_targets(values: Values, plan: OfficePlan) -> list[Aim]:
    """What the office aims at; nothing where only the service level has a target, which the page shows anyway."""
    return [_describe_aim(each) for each in judge(values, targets_of(plan))] if plan.targets else []


def _describe_aim(judged: Judged) -> Aim:
    limit = value_text(replace(judged.value, value=judged.target.limit))
    words = f"at {'most' if judged.target.at_most else 'least'} {limit}"
    state = "" if judged.met is None else "good" if judged.met else "bad"
    return Aim(show(judged.target.kpi, judged.value), words, state)


def describe_insights(office: Office, period: Period) -> list[ToldInsight]:
    """What stands out, each with its calls."""
    contacts = {contact.contact_id: contact for contact in office.contacts(period)}
    return [
        ToldInsight(
            insight.text,
            [_describe_evidence(contacts[each], period, office.plan.calendar) for each in insight.contacts],
        )
        for insight in office.insights(period)
    ]


def _describe_evidence(contact: Contact, period: Period, calendar: str) -> EvidenceRow:
    """One call; of more than one day it says which."""
    at, zone = clock_text(contact.t_offer, period.time_zone), period.time_zone
    first, last = (local_day(each, zone) for each in (period.from_ms, period.until_ms - 1))
    return EvidenceRow(
        contact.contact_id,
        at if first == last else f"{short_date_text(local_day(contact.t_offer, zone), calendar)} {at}",
        contact.caller or "withheld",
        duration_text(None if contact.wait_ms is None else contact.wait_ms / 1000),
        contact.disposition.replace("_", " "),
    )
