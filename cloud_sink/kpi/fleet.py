"""Many offices at a glance: the few counters of each that a comparison rests on, and the KPIs made of them.

The counters are counted by the database (`cloud_sink.store.counting`), so that a fleet costs what its office-days
cost and not what its calls cost; a test holds them against the KPIs of the report, which are made from the calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import add, attrgetter

from cloud_sink.kpi.accessibility import DEFAULT_FORMULA, ServiceCounts, service_levels
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.value import CALLER, QUEUE, RING, Parts, Value, value_of

FLEET_KPIS = (
    "offered", "answered", "missed_contacts", "service_level", "abandon_rate", "asa", "avg_talk_time", "aht",
    "outbound_attempts", "connect_rate", "coverage",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfficeCounts:
    """What is counted of an office's customers' contacts in some time; times are milliseconds. All of it adds up."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    in_vain: int = 0  # rang in vain at a hosted PBX: whether their callers left is not known
    missed: int = 0
    overflow: int = 0  # F of the formulas: overflow, voicemail and those that rang in vain
    waits: int = 0  # answered whose wait was seen: A of the formulas
    wait_ms: int = 0
    in_time: int = 0  # of them within the office's own threshold
    abandoned_in_time: int = 0
    in_5: int = 0  # answered within so many seconds ...
    in_10: int = 0
    in_15: int = 0
    in_20: int = 0
    in_30: int = 0
    in_60: int = 0
    abandoned_in_5: int = 0  # ... and abandoned
    abandoned_in_10: int = 0
    abandoned_in_15: int = 0
    abandoned_in_20: int = 0
    abandoned_in_30: int = 0
    abandoned_in_60: int = 0
    handled: int = 0  # answered and over
    talk_ms: int = 0
    hold_ms: int = 0
    outbound: int = 0
    connected: int = 0
    from_caller: int = 0  # offered by where their wait begins
    from_queue: int = 0
    from_ring: int = 0

    def plus(self, other: "OfficeCounts") -> "OfficeCounts":
        """Both together."""
        return OfficeCounts(*map(add, _counters(self), _counters(other)))

    @property
    def basis(self) -> str:
        """The weakest that any wait rests on (R6)."""
        return RING if self.from_ring else QUEUE if self.from_queue else CALLER if self.from_caller else RING

    def service(self, threshold_s: int | None) -> ServiceCounts:
        """The counters below the service level; None: within each office's own threshold. Raises AttributeError."""
        suffix = "time" if threshold_s is None else str(threshold_s)
        return ServiceCounts(
            self.waits, getattr(self, f"in_{suffix}"), self.abandoned, getattr(self, f"abandoned_in_{suffix}"),
            self.short_abandoned, self.overflow,
        )  # fmt: skip


COUNTED = tuple(each.name for each in fields(OfficeCounts))
_counters = attrgetter(*COUNTED)  # `astuple` copies each number deeply: fifty times as slow


@dataclass(frozen=True, slots=True)
class Watched:
    """How much of the time was watched."""

    watched_ms: int = 0
    length_ms: int = 0

    def plus(self, other: "Watched") -> "Watched":
        """Both together."""
        return Watched(self.watched_ms + other.watched_ms, self.length_ms + other.length_ms)


def measure_fleet(
    counts: OfficeCounts, watched: Watched, threshold_s: int | None = None, formula: str = DEFAULT_FORMULA
) -> dict[str, Parts]:
    """The counters of FLEET_KPIS; those of the standard thresholds are the only others than the office's own."""
    seen = counts.in_vain == 0
    left = counts.abandoned - counts.short_abandoned
    return {
        "offered": Parts(counts.offered),
        "answered": Parts(counts.answered),
        "missed_contacts": Parts(counts.missed),
        "service_level": service_levels(counts.service(threshold_s))[formula],
        "abandon_rate": Parts(left, counts.offered - counts.short_abandoned, seen),
        "asa": Parts(counts.wait_ms, counts.waits),
        "avg_talk_time": Parts(counts.talk_ms, counts.handled),
        "aht": Parts(counts.talk_ms + counts.hold_ms, counts.handled),
        "outbound_attempts": Parts(counts.outbound),
        "connect_rate": Parts(counts.connected, counts.outbound),
        "coverage": Parts(watched.watched_ms, watched.length_ms),
    }


def fleet_values(
    counts: OfficeCounts, watched: Watched, threshold_s: int | None = None, formula: str = DEFAULT_FORMULA
) -> dict[str, Value]:
    """FLEET_KPIS as they are shown; all but coverage null where nothing was observed (R6)."""
    observed = watched.watched_ms > 0 or counts.offered > 0 or counts.outbound > 0
    found: Mapping[str, Parts] = measure_fleet(counts, watched, threshold_s, formula)
    return {
        kpi_id: value_of(
            parts if observed or kpi_id == "coverage" else Parts(0, 0),
            unit=CATALOGUE[kpi_id].unit,
            basis=counts.basis,
            averaged=CATALOGUE[kpi_id].averaged,
        )
        for kpi_id, parts in found.items()
    }
