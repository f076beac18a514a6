"""How the tap fares, once a minute: `collector.health`."""

from collector.core.counters import Counters
from collector.health import HealthReporter, measure_host


def test_a_report_is_due_once_a_minute():
    """The first a minute after the first call; a long silence brings one report, not many."""
    reporter = HealthReporter(Counters(), lambda: 7)
    times = [1_000, 60_999, 61_000, 61_001, 500_000, 500_001]
    assert [61_000, 500_000] == [report.at_ms for at in times if (report := reporter.report_if_due(at))]


def test_a_report_has_the_cores_counters_and_the_hosts_gauges():
    """Counters by name, the spool's depth, and what this process uses."""
    counters = Counters()
    counters.frames = 12
    report = HealthReporter(counters, lambda: 7).report(5)
    assert (5, 12, 7) == (report.at_ms, report.counters["frames"], report.counters["spool_depth"])
    assert counters.as_dict().keys() | measure_host().keys() | {"spool_depth"} == report.counters.keys()
    assert all(isinstance(value, int) for value in report.counters.values())
    assert measure_host()["memory_kib"] > 1000
