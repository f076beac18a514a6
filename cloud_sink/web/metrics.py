"""`/metrics` for Prometheus: today's KPIs, what rings now, and the health of boxes, office by office.

Label values are what the configuration names (offices, queues, ring groups) and the boxes of an office, of which there
are at most MOST_BOXES. What is measured of a day costs some milliseconds an office, so it is kept for FRESH_S, and one
scrape measures for BUDGET_S at most: of a large fleet the offices that were measured longest ago come first, and each
says when it was measured.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response

from cloud_sink.boxes import troubles
from cloud_sink.contacts.records import QUEUE, RING_GROUP
from cloud_sink.exposition import CONTENT_TYPE, COUNTER, Family, expose
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.report import Values
from cloud_sink.kpi.value import PERCENT, SECONDS
from cloud_sink.live import LivePicture
from cloud_sink.office import Office, Offices
from cloud_sink.question import one_day
from cloud_sink.store import BoxStatus
from cloud_sink.web.api import AllOffices

FRESH_S = 10.0  # Prometheus asks every 15 to 60 s
BUDGET_S = 2.0  # of one scrape, well below its usual time-out of 10 s
MOST_BOXES = 100  # of one office

OFFICE_KPIS = (
    "offered", "answered", "abandoned", "missed_contacts", "callback_open", "outbound_attempts", "outbound_connected",
    "service_level", "abandon_rate", "blocked_rate", "asa", "max_wait", "avg_talk_time", "aht", "occupancy", "coverage",
)  # fmt: skip
QUEUE_KPIS = ("offered", "answered", "abandoned", "missed_contacts", "service_level", "asa", "max_wait")
SUFFIXES = {PERCENT: "_ratio", SECONDS: "_seconds"}
BOX_COUNTERS = {
    "frames": "Frames that the box received.",
    "sip_messages": "SIP messages that it read.",
    "malformed": "SIP messages that could not be read.",
    "truncated": "Packets that the capture cut short.",
    "tcp_gaps": "Holes in TCP streams.",
    "encrypted": "Encrypted packets on a SIP port: calls that cannot be observed.",
    "legs_evicted": "Open legs given up because the table was full.",
}
MILLISECONDS = 1000

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Today:
    """An office's day as it was measured last."""

    at_ms: int
    total: Values
    queues: dict[str, Values]


@dataclass(slots=True)
class Measured:
    """The days of all offices, measured one scrape at a time."""

    monotonic: Callable[[], float] = time.monotonic
    _found: dict[str, tuple[float, Today]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, offices: Iterable[Office]) -> list[tuple[Office, Today]]:
        """Every office that was ever measured, those of before anew as far as the budget goes; by name."""
        with self._lock:
            begun = self.monotonic()
            wanted = sorted(offices, key=lambda office: self._found.get(office.id, (float("-inf"),))[0])
            for office in wanted:
                at = self.monotonic()
                known = self._found.get(office.id)
                if at - begun > BUDGET_S or (known is not None and at - known[0] < FRESH_S):
                    break
                self._found[office.id] = (at, measure_today(office))
            found = [(office, self._found[office.id][1]) for office in wanted if office.id in self._found]
        return sorted(found, key=lambda each: each[0].id)


def measure_today(office: Office) -> Today:
    """Today so far, in total and by the queues and ring groups of the configuration."""
    report = office.report(one_day(office.today(), office.plan.time_zone))
    named = {place.name for place in office.plan.destinations if place.kind in (QUEUE, RING_GROUP)}
    queues = {name: values for name, values in report.queues.items() if name in named}
    return Today(office.now_ms(), report.total, queues)


@router.get("/metrics")
def scrape(request: Request, offices: AllOffices) -> Response:
    """Everything of the offices that are open to whoever asks."""
    measured: Measured = request.app.state.measured
    live: LivePicture | None = getattr(request.app.state, "live", None)
    return Response(expose(describe(offices, measured, live, request.app.version)), media_type=CONTENT_TYPE)


def describe(offices: Offices, measured: Measured, live: LivePicture | None, version: str) -> list[Family]:
    """Every family, filled."""
    known = offices.all()
    families = make_families()
    families["ringtap_info"].add(1, version)
    families["ringtap_quarantined"].add(offices.store.quarantined())
    for office, today in measured.of(known):
        _add_today(families, office, today)
    for office in known:
        _add_boxes(families, office)
        if live is not None:
            _add_live(families, office, live)
    return list(families.values())


def make_families() -> dict[str, Family]:
    """All families without their samples, in the order in which they are told."""
    office, queue, box = ("office",), ("office", "queue"), ("office", "box")
    found = [
        Family("ringtap_info", "Version of the sink.", labels=("version",)),
        Family("ringtap_quarantined", "Kinds of messages that could not be used."),
        Family("ringtap_legs", "Phones that ring or talk now.", labels=("office", "phase")),
        Family("ringtap_today_measured_timestamp_seconds", "When the numbers of today were measured.", labels=office),
        *(
            Family(metric_name("today", kpi), f"Today so far: {CATALOGUE[kpi].says}", labels=office)
            for kpi in OFFICE_KPIS
        ),
        *(
            Family(metric_name("queue_today", kpi), f"Today so far: {CATALOGUE[kpi].says}", labels=queue)
            for kpi in QUEUE_KPIS
        ),
        Family("ringtap_box_online", "Whether the box is connected.", labels=box),
        Family("ringtap_box_troubles", "How much is wrong with the box; the API says what.", labels=box),
        Family("ringtap_box_clock_synchronised", "Whether its clock is set by a time server.", labels=box),
        Family("ringtap_box_last_seen_timestamp_seconds", "When the sink last heard of it.", labels=box),
        Family("ringtap_box_last_event_timestamp_seconds", "Time of its newest event.", labels=box),
        Family("ringtap_box_health_timestamp_seconds", "When it reported what is below.", labels=box),
        Family("ringtap_box_events_waiting", "Events in its spool that the sink has not acknowledged.", labels=box),
        Family("ringtap_box_kernel_drops_total", "Packets that its kernel had no room for.", COUNTER, box),
        *(Family(f"ringtap_box_{name}_total", says, COUNTER, box) for name, says in BOX_COUNTERS.items()),
    ]
    return {family.name: family for family in found}


def metric_name(prefix: str, kpi_id: str) -> str:
    """A KPI's name by Prometheus' rules: base units, shares from 0 to 1."""
    return f"ringtap_{prefix}_{kpi_id}{SUFFIXES.get(CATALOGUE[kpi_id].unit, '')}"


def _add_today(families: Mapping[str, Family], office: Office, today: Today) -> None:
    """An office's numbers; what could not be observed is absent."""
    families["ringtap_today_measured_timestamp_seconds"].add(today.at_ms / MILLISECONDS, office.id)
    for kpi in OFFICE_KPIS:
        families[metric_name("today", kpi)].add(_plain(today.total, kpi), office.id)
    for queue, values in today.queues.items():
        for kpi in QUEUE_KPIS:
            families[metric_name("queue_today", kpi)].add(_plain(values, kpi), office.id, queue)


def _plain(values: Values, kpi_id: str) -> float | None:
    """A value in its base unit."""
    value = values[kpi_id].value if kpi_id in values else None
    return None if value is None else value / 100 if CATALOGUE[kpi_id].unit == PERCENT else value


def _add_live(families: Mapping[str, Family], office: Office, live: LivePicture) -> None:
    """Phones' legs, as boxes tell them on their live channel."""
    phases = [leg.phase for leg in live.legs(office.id, office.now_ms()) if leg.role == "phone"]
    for phase in ("ringing", "talking"):
        families["ringtap_legs"].add(phases.count(phase), office.id, phase)


def _add_boxes(families: Mapping[str, Family], office: Office) -> None:
    """The boxes that were heard of last."""
    boxes = sorted(office.boxes(), key=lambda box: -box.last_seen_ms)[:MOST_BOXES]
    for box in sorted(boxes, key=lambda each: each.box):
        _add_box(families, (office.id, box.box), box)


def _add_box(families: Mapping[str, Family], labels: tuple[str, str], box: BoxStatus) -> None:
    """One box; its counters as it reported them last."""
    told: dict[str, float | None] = {
        "online": box.online,
        "troubles": len(troubles(box)),
        "clock_synchronised": box.clock_ok,
        "last_seen_timestamp_seconds": box.last_seen_ms / MILLISECONDS,
        "last_event_timestamp_seconds": _seconds(box.last_event_ms),
        "health_timestamp_seconds": _seconds(box.health_ms),
        "events_waiting": box.health.get("spool_depth"),
    }
    if box.health_ms is not None:
        told |= {f"{name}_total": box.health.get(name) for name in BOX_COUNTERS}
        drops = [count for name, count in box.health.items() if name == "drops" or name.endswith("_drops")]
        told["kernel_drops_total"] = sum(drops)
    for name, value in told.items():
        families[f"ringtap_box_{name}"].add(value, *labels)


def _seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else at_ms / MILLISECONDS
