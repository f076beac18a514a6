"""A report in the words and rows of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.kpi.accessibility import DEFAULT_FORMULA, service_levels
from cloud_sink.kpi.grid import Bucket
from cloud_sink.kpi.missed import WAITING, MissedCaller
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import Report, Values
from cloud_sink.kpi.value import PERCENT, value_of
from cloud_sink.shown import KIND_WORDS, STATE_WORDS, Shown, clock_text, duration_text, show, show_all, value_text

FEWEST_QUARTERS = 16  # the chart shows at least four hours, so that a short recording does not fill it with two bars


FATES = {
    "in_time": "answered within {}",
    "late": "later",
    "missed": "missed",
    "short": "hung up at once",
    "other": "unknown",
}
TEAMS = ("queue", "ring_group")


@dataclass(frozen=True, slots=True)
class Level:
    """The service level against its target; shares in percent."""

    shown: Shown
    target: float
    threshold: str  # "20 s"
    verdict: str
    state: str  # good | bad | unknown
    in_time: int
    judged: int  # calls that count: short abandons left out
    low: float  # 95 % interval
    high: float


def describe_level(report: Report) -> Level:
    """Say whether the target was met, and whether so few calls can tell."""
    value, target = report.total["service_level"], 100 * report.target
    low, high = value.interval or (0.0, 0.0)
    verdict, state = _judge(value.value, target)
    if value.small and value.value is not None:
        verdict += ", from few calls"
    counts = (round(value.numerator), round(value.denominator))
    return Level(show("service_level", value), target, f"{report.threshold_s:g} s", verdict, state, *counts, low, high)


def _judge(level: float | None, target: float) -> tuple[str, str]:
    """The verdict in words, and its colour."""
    if level is None:
        return "No calls to judge by", "unknown"
    if level >= target:
        return "On target", "good"
    return f"{target - level:.1f} points below target", "bad"


@dataclass(frozen=True, slots=True)
class Place:
    """A queue, ring group or direct line."""

    name: str
    kind: str
    values: dict[str, Shown]
    state: str  # good | bad | unknown


def describe_places(report: Report) -> dict[str, list[Place]]:
    """Queues and groups apart from all other places: only there somebody's work is to answer."""
    places: dict[str, list[Place]] = {"teams": [], "others": []}
    for name, values in report.queues.items():
        kind = report.queue_kinds[name]
        if values["offered"].value:
            group = "teams" if kind in TEAMS else "others"
            places[group].append(_describe_place(name, kind, values, 100 * report.target))
    return places


def _describe_place(name: str, kind: str, values: Values, target: float) -> Place:
    """One row of the table."""
    _, state = _judge(values["service_level"].value, target)
    return Place(name or "other numbers", KIND_WORDS.get(kind, ""), show_all(values), state)


@dataclass(frozen=True, slots=True)
class Fate:
    """One part of the day's calls: how many ended this way, and their share of all in percent."""

    id: str
    title: str
    count: int
    percent: float
    start: float  # percent of all that come before it


def describe_fates(quarters: "Sequence[Quarter]", threshold: str) -> list[Fate]:
    """What became of all calls; the parts add up to the whole."""
    fates: list[Fate] = []
    offered = sum(quarter.offered for quarter in quarters)
    for name, title in FATES.items():
        count = sum(getattr(quarter, name) for quarter in quarters)
        start = fates[-1].start + fates[-1].percent if fates else 0.0
        fates.append(
            Fate(
                name,
                title.format(threshold),
                count,
                100 * count / offered if offered else 0.0,
                start,
            )
        )
    return fates


@dataclass(frozen=True, slots=True)
class MissedRow:
    """One caller nobody answered."""

    contact_id: str  # of his last attempt
    at: str
    caller: str
    place: str
    attempts: int
    waited: str
    state: str
    outcome: str  # "called back"
    cleared: str  # "14:05 by 102"


def describe_missed(report: Report) -> list[MissedRow]:
    """The list: callers to be called back first, the latest of them on top."""
    callers = sorted(report.missed, key=lambda missed: missed.state != WAITING)
    return [_describe_caller(missed, report.period.time_zone) for missed in callers]


def _describe_caller(missed: MissedCaller, time_zone: str) -> MissedRow:
    """One row of the list."""
    waits = [contact.wait_ms for contact in missed.attempts if contact.wait_ms is not None]
    cleared = "" if missed.cleared_ms is None else clock_text(missed.cleared_ms, time_zone)
    if missed.cleared_by:
        cleared += f" by {missed.cleared_by}"
    return MissedRow(
        contact_id=missed.last.contact_id,
        at=clock_text(missed.last.t_offer, time_zone),
        caller=missed.caller or "withheld",
        place=missed.last.queue or missed.last.did,
        attempts=len(missed.attempts),
        waited=duration_text(max(waits) / 1000 if waits else None),
        state=missed.state,
        outcome=STATE_WORDS[missed.state],
        cleared=cleared,
    )


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter hour: a row of the table, a bar of the chart. The counts below `offered` add up to it."""

    at_s: int  # Unix seconds
    label: str  # "09:15"
    offered: int
    in_time: int
    late: int
    missed: int
    short: int
    other: int  # still going on, or its end was not seen
    level: str
    provisional: bool


def describe_quarters(buckets: Sequence[Bucket], period: Period, formula: str = DEFAULT_FORMULA) -> list[Quarter]:
    """The hours in which anybody called, whole hours, at least four of them."""
    busy = [index for index, bucket in enumerate(buckets) if bucket.offered]
    if not busy:
        return []
    first, last = busy[0] - busy[0] % 4, busy[-1] - busy[-1] % 4 + 4
    missing = max(0, FEWEST_QUARTERS - (last - first))
    first = max(0, first - (missing // 8) * 4)
    last = min(len(buckets), max(last, first + FEWEST_QUARTERS))
    first = max(0, min(first, last - FEWEST_QUARTERS))
    return [_describe_quarter(bucket, period.time_zone, formula) for bucket in buckets[first:last]]


def _describe_quarter(bucket: Bucket, time_zone: str, formula: str) -> Quarter:
    """One row."""
    level = value_of(service_levels(bucket.service)[formula], unit=PERCENT, basis="queue", averaged=True)
    late = bucket.answered - bucket.service.answered_within
    known = bucket.answered + bucket.missed + bucket.short_abandoned
    return Quarter(
        at_s=bucket.from_ms // 1000,
        label=clock_text(bucket.from_ms, time_zone),
        offered=bucket.offered,
        in_time=bucket.service.answered_within,
        late=late,
        missed=bucket.missed,
        short=bucket.short_abandoned,
        other=bucket.offered - known,
        level=value_text(level),
        provisional=bucket.open > 0,
    )
