"""`ringtap bench sink`, its second part: what reports of one office and of a fleet cost on a database of many calls."""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cloud_sink.fleet import compare_offices
from cloud_sink.kpi.period import Period
from cloud_sink.office import Offices
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.bench.office_days import DAYS, LEGS_A_WEEKDAY, TODAY, Filled, fill_database

OFFICES, QUICK_OFFICES = 1_040, 10  # 10 million legs
GOAL_DAY_MS, GOAL_DAYS_MS, GOAL_FLEET_MS, GOAL_LEGS = 20, 100, 1_000, 10_000
TIMES = 7
FLEET_DAYS = 30
GROWN = 3  # times as many calls in the same office-days
GOAL_GROWTH = 2  # a fleet view that grew with calls would cost GROWN times as much


def run_query_benchmark(*, quick: bool) -> int:
    """Measure and print; returns 1 where a goal was missed."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ringtap-bench-") as folder:
        filled = fill_database(Path(folder) / "sink.db", QUICK_OFFICES if quick else OFFICES)
        try:
            figures += _measure(filled, (Path(folder) / "sink.db").stat().st_size)
        finally:
            filled.store.close()
    figures.append(_growth(QUICK_OFFICES))
    return print_figures("ringtap bench sink: reports", figures)


def _measure(filled: Filled, size: int) -> list[Figure]:
    """One office's reports and a fleet's."""
    offices = Offices(filled.store, filled.plans, lambda: filled.now_ms)
    office = offices.get(next(reversed(filled.plans)))

    def days(first_back: int, last_back: int) -> Period:
        return Period.of_days(TODAY - timedelta(days=first_back), TODAY - timedelta(days=last_back), "UTC")

    count = len(filled.plans)
    fleet_ms = _median_ms(lambda: _compare(offices, FLEET_DAYS))
    half_ms = _median_ms(lambda: _compare(offices, FLEET_DAYS // 2))
    return [
        Figure("legs in the database", filled.legs, "legs"),
        Figure("size of its file", size / 1e9, "GB"),
        Figure("ingest: stored, stitched, closed days marked", filled.ingest_legs_a_cpu_second, "legs/CPU-s",
               at_least=GOAL_LEGS),
        Figure("one office's closed day, all KPIs", _median_ms(lambda: office.report(days(7, 7))), "ms",
               at_most=GOAL_DAY_MS),
        Figure("one office's today", _median_ms(lambda: office.report(days(0, 0))), "ms", at_most=GOAL_DAY_MS),
        Figure(f"one office's {DAYS} days", _median_ms(lambda: office.report(days(DAYS - 1, 0))), "ms",
               at_most=GOAL_DAYS_MS),
        Figure(f"fleet of {count:,} offices, {FLEET_DAYS} days", fleet_ms, "ms", at_most=GOAL_FLEET_MS),
        Figure(f"fleet of {count:,} offices, {FLEET_DAYS // 2} days", half_ms, "ms"),
    ]  # fmt: skip


def _growth(offices: int) -> Figure:
    """The same office-days with more calls: how many times as much a fleet view costs."""
    usual, grown = (_closed_days_ms(offices, LEGS_A_WEEKDAY * times) for times in (1, GROWN))
    what = f"closed days of a fleet with {GROWN} times the calls"
    return Figure(what, grown / usual, "times the cost", at_most=GOAL_GROWTH)


def _closed_days_ms(offices: int, legs_a_weekday: int) -> float:
    with tempfile.TemporaryDirectory(prefix="ringtap-bench-") as folder:
        filled = fill_database(Path(folder) / "sink.db", offices, legs_a_weekday)
        fleet = Offices(filled.store, filled.plans, lambda: filled.now_ms)
        cost = _median_ms(lambda: _compare_closed(fleet))
        filled.store.close()
    return cost


def _compare(offices: Offices, days: int) -> object:
    return compare_offices(offices, TODAY - timedelta(days=days - 1), TODAY)


def _compare_closed(offices: Offices) -> object:
    return compare_offices(offices, TODAY - timedelta(days=FLEET_DAYS), TODAY - timedelta(days=1))


def _median_ms(action: Callable[[], object]) -> float:
    """Processor time of some runs after a first one, which finds the database cold: SQLite works in this thread."""
    action()
    costs = []
    for _ in range(TIMES):
        begun = time.thread_time()
        action()
        costs.append(time.thread_time() - begun)
    return 1000 * statistics.median(costs)
