"""Data-quality indicators from what boxes say of themselves once a minute: losses, delivery, clocks."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cloud_sink.contacts.facts import BoxHealth
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.value import Parts

BASELINE_MS = 120_000  # a report from so long before a period says from where its counters went on

INDICATORS = ("kernel_drops", "parse_errors", "encrypted_sip", "mqtt_lag_s", "clock_offset_ms")


def measure_indicators(reports: Iterable[BoxHealth], period: Period) -> dict[str, Parts]:
    """Every indicator of an office; null where no box reported in the period.

    `reports` in order of time, some from shortly before the period too.
    """
    lives: dict[tuple[str, int], list[BoxHealth]] = {}
    for each in reports:
        lives.setdefault((each.box, each.epoch), []).append(each)
    within = [each for life in lives.values() for each in life if period.holds(each.at_ms)]
    seen = int(bool(within))
    return {
        "kernel_drops": Parts(_grown(lives.values(), period, _drops), seen),
        "parse_errors": Parts(_grown(lives.values(), period, lambda counters: counters.get("malformed", 0)), seen),
        "encrypted_sip": Parts(_grown(lives.values(), period, lambda counters: counters.get("encrypted", 0)), seen),
        "mqtt_lag_s": Parts(sum(max(0, each.received_ms - each.at_ms) for each in within), len(within)),
        "clock_offset_ms": _clock_offset(within),
    }


def _drops(counters: Mapping[str, int]) -> int:
    """Packets that the kernel had no room for, of every source of a box."""
    return sum(count for name, count in counters.items() if name == "drops" or name.endswith("_drops"))


def _grown(lives: Iterable[Sequence[BoxHealth]], period: Period, count_of: Callable[[Mapping[str, int]], int]) -> int:
    """How far a counter grew in the period; one that fell began anew with the box's program."""
    total = 0
    for life in lives:
        before: int | None = None
        for each in life:
            count = count_of(each.counters)
            if period.holds(each.at_ms) and before is not None:
                total += count - before if count >= before else count
            before = count
    return total


def _clock_offset(reports: Iterable[BoxHealth]) -> Parts:
    """The largest of the boxes' offsets; of each its quickest report, the way through the network included."""
    quickest: dict[str, int] = {}
    for each in reports:
        offset = each.received_ms - each.at_ms
        quickest[each.box] = min(offset, quickest.get(each.box, offset))
    if not quickest:
        return Parts(0, 0)
    return Parts(max(quickest.values(), key=lambda offset: (abs(offset), offset)))
