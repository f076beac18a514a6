"""Data-quality indicators from what boxes say of themselves once a minute."""

from cloud_sink.contacts.facts import BoxHealth
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.definition import TAP
from cloud_sink.kpi.indicators import INDICATORS, measure_indicators
from cloud_sink.kpi.period import Period

from .conftest import START

HOUR = Period(START, START + 3_600_000)


def report(at_s: float, late_ms: int = 500, box: str = "one", epoch: int = 1, **counters: int) -> BoxHealth:
    """What a box said `at_s` seconds after the start, received a moment later."""
    at_ms = START + round(at_s * 1000)
    return BoxHealth(box, epoch, at_ms, at_ms + late_ms, counters)


def value(reports, kpi_id: str) -> tuple[int, int]:
    """The counters of one indicator."""
    parts = measure_indicators(reports, HOUR)[kpi_id]
    return parts.numerator, parts.denominator


def test_counters_grow_from_the_report_before() -> None:
    """What was lost before the period is not the period's; every source of a box counts."""
    reports = [report(-60, eth0_drops=5, pbx_drops=1), report(0, eth0_drops=7, pbx_drops=2)]
    assert (3, 1) == value(reports, "kernel_drops")
    assert (5, 1) == value([*reports, report(60, eth0_drops=9, pbx_drops=2)], "kernel_drops")


def test_program_that_began_anew() -> None:
    """A counter that fell began at 0: all of it is new."""
    reports = [report(0, malformed=50), report(60, malformed=3), report(120, malformed=4)]
    assert (4, 1) == value(reports, "parse_errors")


def test_boxes_and_lives_are_apart() -> None:
    """Two boxes, and one of them with another spool: none continues the other."""
    reports = [
        report(0, encrypted=10), report(0, box="two", encrypted=100), report(60, encrypted=11),
        report(60, box="two", encrypted=103), report(90, epoch=2, encrypted=500), report(120, epoch=2, encrypted=501),
    ]  # fmt: skip
    assert (1 + 3 + 1, 1) == value(reports, "encrypted_sip")


def test_delivery() -> None:
    """The mean of what each report was under way; a clock that is ahead makes nothing arrive before it was sent."""
    assert (3_000, 3) == value([report(0, 1_000), report(60, 2_000), report(120, -5_000)], "mqtt_lag_s")


def test_clock_that_goes_wrong() -> None:
    """The quickest report tells a box's offset, held up ones do not; the worst box is shown, ahead is negative."""
    reports = [report(0, 300), report(60, 90_000), report(0, -4_000, box="two"), report(60, -3_900, box="two")]
    assert (-4_000, 1) == value(reports, "clock_offset_ms")


def test_nothing_reported_is_null() -> None:
    """Reports from before the period say nothing of it."""
    found = measure_indicators([report(-60, malformed=5)], HOUR)
    assert [0] * len(INDICATORS) == [found[kpi_id].denominator for kpi_id in INDICATORS]


def test_every_indicator_is_in_the_catalogue() -> None:
    """And none that nobody measures."""
    assert set(INDICATORS) == {kpi.id for kpi in CATALOGUE.values() if TAP in kpi.scopes}
