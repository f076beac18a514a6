"""All offices beside each other: closed days from their rows, the open ones counted by the database.

What it costs grows with office-days, not with calls: only days without a row (today, and those that something arrived
for since) are counted from contacts, all offices of a time zone in one question.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.daybook import plan_key
from cloud_sink.kpi.coverage import Span, watched_ms, watched_spans
from cloud_sink.kpi.fleet import OfficeCounts, Watched, fleet_values
from cloud_sink.kpi.histogram import histogram, merge_histograms, percentiles_s
from cloud_sink.kpi.period import day_number, midnight_ms, numbered_day
from cloud_sink.kpi.value import Value
from cloud_sink.office import Office, Offices
from cloud_sink.store import Rollup, Store


@dataclass(frozen=True, slots=True)
class OfficeLine:
    """One office in the comparison."""

    office: str
    name: str
    time_zone: str
    target: float  # of the service level, 0 to 1
    values: dict[str, Value]
    waits_s: dict[str, float | None]  # p50, p90, p95 of those answered


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every office's days from `first` to `last`, each in its own time zone, and all of them together."""

    first: date
    last: date
    threshold_s: int | None  # None: each office's own
    offices: list[OfficeLine]  # the worst first
    total: OfficeLine


@dataclass(slots=True)
class _Tally:
    """What is known of one office so far."""

    counts: OfficeCounts
    watched: Watched
    waits: Mapping[int, int]

    def add(self, counts: OfficeCounts, watched: Watched) -> None:
        self.counts, self.watched = self.counts.plus(counts), self.watched.plus(watched)


def compare_offices(offices: Offices, first: date, last: date, threshold_s: int | None = None) -> Fleet:
    """Compare all offices over their local days; `threshold_s` one of the standard ones, or each office's own."""
    found = offices.all()
    tallies = {office.id: _Tally(OfficeCounts(), Watched(), {}) for office in found}
    from_day, until_day = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (first, last))
    _add_rows(offices.store, tallies, from_day, until_day)
    _add_open_days(offices, found, tallies, from_day, until_day)
    lines = [_line(office, tallies[office.id], threshold_s) for office in found]
    return Fleet(
        first, last, threshold_s, sorted(lines, key=_worst_first), _together(list(tallies.values()), threshold_s)
    )


def _add_rows(store: Store, tallies: dict[str, _Tally], from_day: int, until_day: int) -> None:
    """What computed days say."""
    for row in store.fleet_rows(from_day, until_day):
        if row.office in tallies:
            tallies[row.office] = _Tally(row.counts, row.watched, row.waits)


def _add_open_days(
    offices: Offices, found: Sequence[Office], tallies: dict[str, _Tally], from_day: int, until_day: int
) -> None:
    """Days without a row, of offices with the same day and threshold together."""
    store, now_ms = offices.store, offices.now_ms()
    rollups, dirty, spans = store.rollups(), store.dirty_days(from_day, until_day), _spans(store, now_ms)
    groups: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for office in found:
        if office.id in spans:
            plan = office.plan
            for day in _open_days(
                plan, rollups.get(office.id), dirty.get(office.id, {}), spans[office.id], from_day, until_day
            ):
                groups[plan.time_zone, day, plan.service_level_s].append(office.id)
    blind: dict[str, list[Span]] = {}
    if groups:
        ends = [_ends(zone, day) for zone, day, _ in groups]
        blind = store.all_gaps(min(start for start, _ in ends), max(end for _, end in ends))
    for (zone, day, threshold), names in groups.items():
        start, until = _ends(zone, day)
        counts = store.count_contacts(names, start, until, threshold)
        waits = store.answered_waits(names, start, until)
        for name in names:
            within = (start, max(start, min(until, now_ms)))
            seen = Watched(watched_ms(watched_spans(spans[name], blind.get(name, []), within)), within[1] - within[0])
            tallies[name].add(counts.get(name, OfficeCounts()), seen)
            tallies[name].waits = merge_histograms([tallies[name].waits, histogram(waits.get(name, []))])


def _ends(zone: str, day: int) -> Span:
    """Where a local day begins and ends."""
    return midnight_ms(numbered_day(day), zone), midnight_ms(numbered_day(day + 1), zone)


def _spans(store: Store, now_ms: int) -> dict[str, Span]:
    """When each office was watched; a box that is online is watching now."""
    online = {box.office for box in store.boxes() if box.online}
    return {
        office: (first, max(last, now_ms) if office in online else last)
        for office, (first, last) in store.observed_spans().items()
    }


def _open_days(
    plan: OfficePlan, rollup: Rollup | None, dirty: dict[int, int], span: Span, from_day: int, until_day: int
) -> list[int]:
    """The days in [from, until] that were watched at all and have no row that may be believed."""
    first, last = (day_number(at, plan.time_zone) for at in span)
    days = range(max(first, from_day), min(last, until_day) + 1)
    if rollup is None:
        return list(days)
    valid = rollup.plan_key == plan_key(plan) if days else False
    return [
        day
        for day in days
        if day >= rollup.kept_from and (not valid or not rollup.first_day <= day <= rollup.rolled_until or day in dirty)
    ]


def _line(office: Office, tally: _Tally, threshold_s: int | None) -> OfficeLine:
    """One office."""
    plan = office.plan
    values = fleet_values(tally.counts, tally.watched, threshold_s, plan.service_level_formula)
    return OfficeLine(
        office.id, office.title, plan.time_zone, plan.service_level_target, values, percentiles_s(tally.waits)
    )  # fmt: skip


def _together(tallies: Sequence[_Tally], threshold_s: int | None) -> OfficeLine:
    """All offices as one."""
    total = _Tally(OfficeCounts(), Watched(), merge_histograms(tally.waits for tally in tallies))
    for tally in tallies:
        total.add(tally.counts, tally.watched)
    return OfficeLine(
        "", "All offices", "", 0, fleet_values(total.counts, total.watched, threshold_s), percentiles_s(total.waits)
    )


def _worst_first(line: OfficeLine) -> tuple[bool, float, str]:
    """By how far the service level is from its target; offices of which nothing is known last."""
    level = line.values["service_level"].value
    return level is None, 0 if level is None else level / 100 - line.target, line.name
