from dataclasses import replace

import pytest

from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.kpi.grid import grid
from cloud_sink.kpi.period import QUARTER_MS, Period
from cloud_sink.kpi.report import Report, report
from cloud_sink.web.describe import (
    FEWEST_QUARTERS,
    describe_fates,
    describe_level,
    describe_missed,
    describe_places,
    describe_quarters,
)

START = 1_780_272_000_000  # 2026-06-01 00:00 UTC
DAY = Period(START, START + 86_400_000)
NINE = START + 9 * 3_600_000


def contact(disposition: str = "answered", *, at_ms: int = NINE, wait_ms: int = 5000, **facts: object) -> Contact:
    """A customer's call to the queue "support"."""
    answered = at_ms + wait_ms if disposition == "answered" else None
    short = disposition == "abandoned" and wait_ms < 5000
    made = Contact(
        f"box-{at_ms}-{disposition}-{wait_ms}", "lab", "support", "442079460400", "in", "447700900001", at_ms, at_ms,
        at_ms, answered, at_ms + wait_ms + 1000, disposition, "101" if answered else "", "101", wait_ms, "queue", 1000,
        1000, 0, 0, 1, short, "exact", "T2", kind="queue",
    )  # fmt: skip
    return replace(made, **facts)


def day(*contacts: Contact) -> Report:
    """The report of a day with these contacts."""
    return report(contacts, [], period=DAY, plan=OfficePlan("lab"), coverage=1.0)


@pytest.mark.parametrize(
    ("in_time", "late", "verdict", "state"),
    [
        (40, 5, "On target", "good"),
        (8, 2, "On target, from few calls", "good"),
        (30, 10, "5.0 points below target", "bad"),
        (0, 0, "No calls to judge by", "unknown"),
    ],
)
def test_verdict(in_time: int, late: int, verdict: str, state: str):
    """80 % reached is reached; too few calls are said to be few."""
    calls = [contact(wait_ms=100 + n) for n in range(in_time)] + [contact(wait_ms=30_000 + n) for n in range(late)]
    level = describe_level(day(*calls))
    assert (verdict, state, in_time, in_time + late) == (level.verdict, level.state, level.in_time, level.judged)


def test_only_queues_and_groups_are_teams():
    """Nobody is to blame for an announcement that answers nobody; a place that was never reached is no row."""
    calls = [
        contact(), contact(queue="sales", kind="ring_group"), contact(queue="closed", kind="announcement"),
        contact(queue="101", kind="direct"), contact("blocked", queue="", kind=""),
    ]  # fmt: skip
    places = describe_places(day(*calls))
    assert ["sales", "support"] == [place.name for place in places["teams"]]
    assert {"101", "closed"} == {place.name for place in places["others"]}


def test_quarter_s_parts_are_its_calls():
    """In time, late, missed, hung up at once and unknown add up, in each row and over the day."""
    calls = [
        contact(), contact(wait_ms=30_000), contact("abandoned", wait_ms=1000), contact("abandoned", wait_ms=9000),
        contact("overflow"), contact("unknown"), contact("open", at_ms=NINE + QUARTER_MS),
    ]  # fmt: skip
    quarters = describe_quarters(grid(calls, period=DAY), DAY)
    first, second = (quarter for quarter in quarters if quarter.offered)
    assert (6, 1, 1, 2, 1, 1) == (first.offered, first.in_time, first.late, first.missed, first.short, first.other)
    assert second.provisional
    fates = describe_fates(quarters, "20 s")
    assert [1, 1, 2, 1, 2] == [fate.count for fate in fates]
    assert fates[-1].start + fates[-1].percent == pytest.approx(100)
    assert "answered within 20 s" == fates[0].title


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_chart_has_whole_hours_and_at_least_four(hour: int):
    """Wherever in the day the only call was."""
    quarters = describe_quarters(grid([contact(at_ms=START + hour * 3_600_000 + 1_200_000)], period=DAY), DAY)
    assert FEWEST_QUARTERS == len(quarters)
    assert 0 == quarters[0].at_s % 3600
    assert 1 == sum(quarter.offered for quarter in quarters)


def test_nobody_called():
    """No chart at all."""
    assert [] == describe_quarters(grid([], period=DAY), DAY)


def test_missed_callers_to_call_back_come_first():
    """Below them those who were reached since, and by whom."""
    reached = contact("abandoned", at_ms=NINE + 60_000, wait_ms=9000)
    waiting = contact("overflow", caller="447700900002", wait_ms=70_000)
    withheld = contact("abandoned", at_ms=NINE + 90_000, wait_ms=8000, caller="")
    back = contact(at_ms=NINE + 120_000, direction="out", caller="102", did="447700900001", agent="102")
    rows = describe_missed(day(reached, waiting, withheld, back))
    assert [("447700900002", "open"), ("withheld", "not_callable"), ("447700900001", "called_back")] == [
        (row.caller, row.state) for row in rows
    ]
    assert ("called back", "09:02 by 102", "9.0 s") == (rows[2].outcome, rows[2].cleared, rows[2].waited)
    assert "1:10 min" == rows[0].waited
