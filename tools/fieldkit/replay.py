"""The whole pipeline in one process: recordings in, what the sink would say about them out.

Frames go through the collector's own service; events go through the wire's encoding and back, so that nothing is shown
here that a sink could not know. Only the Call-ID is kept beside, for whoever wants to look a call up in the capture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import msgpack

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.kpi.batches import Batches
from cloud_sink.kpi.coverage import coverage, watched_spans
from cloud_sink.kpi.extensions import busy_by_extension
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import Report, present
from cloud_sink.kpi.signalling import SignallingReport, SignallingTally
from cloud_sink.kpi.states import Registered
from cloud_sink.kpi.volume import most_at_once, time_at
from collector.core import wire, wire_reader
from collector.core.events import (
    GapObserved,
    LegEnded,
    RegistersCounted,
    RegistrationChanged,
    StateTold,
    VoiceReported,
)
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.ports import Event, FrameSource
from collector.service import Service
from fieldkit.agent_time import AgentClock
from fieldkit.kept import Kept
from fieldkit.ladder import Ladder

BATCH_EVENTS = 50  # as a box sends them
EPOCH = 0  # a replay has no spool, so no numbering of its own

# where a leg's field is called otherwise than the event's
_EVENT_FIELDS = {"t_invite": "invite_ms", "t_ring": "ring_ms", "t_answer": "answer_ms", "t_end": "end_ms"}


@dataclass
class Replayed:
    """What a recording holds. Times are Unix milliseconds; None where there is no frame.

    Of a long recording only what `kept` yields fits into memory: the lists are for those who know that it is short.
    """

    plan: OfficePlan
    counters: dict[str, int]
    first_ms: int | None
    last_ms: int | None
    kept: Kept
    tally: SignallingTally  # of registrations and phones' reports on sound
    gaps: list[tuple[int, int]]
    ladder: Ladder
    problems: list[str]

    @cached_property
    def legs(self) -> list[Leg]:
        """All legs in order of their INVITE."""
        return [leg for leg, _ in self.kept.legs()]

    @cached_property
    def call_ids(self) -> dict[str, str]:
        """leg_id -> SIP Call-ID."""
        return {leg.leg_id: call_id for leg, call_id in self.kept.legs()}

    @cached_property
    def outcomes(self) -> dict[str, str]:
        """leg_id -> the settled outcome word."""
        return {leg.leg_id: outcome for leg, outcome, _ in self.kept.settled_legs()}

    @cached_property
    def contacts(self) -> list[Contact]:
        """All contacts in order of time."""
        return [contact for contact, _ in self.kept.contacts()]

    def report(self) -> Report:
        """All KPIs, from the first frame to the last; without the list of missed callers."""
        span = (self.first_ms or 0, (self.last_ms or 0) + 1)
        period, watched = Period(*span, self.plan.time_zone), coverage(span, self.gaps, span)
        time = AgentClock(self.kept, self.plan, period, watched_spans(span, self.gaps, span)).measure()
        batches = Batches(period, self.plan, observed=watched > 0, now_ms=self.kept.latest_ms)
        batches.add_all(self.kept.with_legs())
        batches.add_people(self.kept.parties())
        phones = ((leg, outcome) for leg, outcome, _ in self.kept.settled_legs() if leg.role == "phone")
        channels = self.plan.trunk_channels
        measurement = batches.total(
            peak=most_at_once(self.kept.trunk_changes()),
            full_ms=time_at(self.kept.trunk_changes(), channels) if channels else 0,
            busy_ms=busy_by_extension(phones),
            time=time,
        )
        return present(
            measurement, period=period, plan=self.plan, coverage=watched, threshold_s=self.plan.service_level_s,
            missed=[],
        )  # fmt: skip

    @cached_property
    def signalling(self) -> SignallingReport:
        """Signalling health and sound, from the first frame to the last."""
        for call in self.kept.with_legs():
            self.tally.add_contact(leg for leg, _ in call.legs)
        return self.tally.report(Period(self.first_ms or 0, (self.last_ms or 0) + 1, self.plan.time_zone))


class ReceivedEvents:
    """An event sink that keeps what a cloud sink would receive. `box` and `office` are names for ids.

    `with_legs`: False where nobody will look at the legs, of which a long recording has very many.
    """

    def __init__(self, box: str, office: str, *, with_legs: bool = True) -> None:
        self.kept = Kept()
        self.tally = SignallingTally()
        self.gaps: list[tuple[int, int]] = []
        self.problems: list[str] = []
        self._box = box
        self._office = office
        self._with_legs = with_legs
        self._last_seq = 0

    def write(self, events: Sequence[Event]) -> None:
        """Through the wire and back, in batches as a box makes them."""
        for start in range(0, len(events), BATCH_EVENTS):
            self._receive(events[start : start + BATCH_EVENTS])

    def pump(self, wait_s: float = 0.0) -> None:
        """Nothing waits here."""

    def undelivered(self) -> int:
        """Everything has arrived."""
        return 0

    def close(self) -> None:
        """Nothing to leave in order."""

    def _receive(self, events: Sequence[Event]) -> None:
        rows = [wire.encode_event(event) for event in events]
        payload = msgpack.packb(wire.encode_batch(EPOCH, self._last_seq + 1, wire.CLOCK_SYNCHRONISED, rows))
        batch = wire_reader.decode_batch(msgpack.unpackb(payload))
        for sent, item in zip(events, batch.items, strict=True):
            self._last_seq = item.seq
            if isinstance(item.event, LegEnded) and isinstance(sent, LegEnded):
                if self._with_legs:
                    self._keep_leg(item.event, item.seq, sent.call_id)
            elif isinstance(item.event, StateTold):
                told = item.event
                self.kept.keep_told(Told(told.at_ms, told.extension, told.state, told.count, told.reason, item.seq))
            elif isinstance(item.event, RegistrationChanged):
                change = Registered(item.event.at_ms, item.event.extension, item.event.registered)
                self.kept.keep_registration(item.event.role, change, item.seq)
            elif isinstance(item.event, VoiceReported):
                self.tally.add_voice(_voice(item.event))
            elif isinstance(item.event, RegistersCounted):
                self.tally.add_registers(_registers(item.event))
            elif isinstance(item.event, GapObserved):
                self.gaps.append((item.event.from_ms, item.event.until_ms))
            elif item.event is None:
                self.problems.append(f"event {item.seq} would be put into quarantine: {item.error}")

    def _keep_leg(self, event: LegEnded, seq: int, call_id: bytes) -> None:
        known: dict[str, object] = {
            "leg_id": f"{self._box}-{EPOCH:08x}-{seq}",
            "office": self._office,
            "box": self._box,
            "epoch": EPOCH,
            "seq": seq,
        }
        for item in fields(Leg):
            if item.name not in known:
                value = getattr(event, _EVENT_FIELDS.get(item.name, item.name))
                known[item.name] = value.hex() if isinstance(value, bytes) else value
        self.kept.keep_leg(Leg(**known), call_id.decode("utf-8", "backslashreplace"))  # type: ignore[arg-type]


def _voice(event: VoiceReported) -> Voice:
    figures = (event.mos_lq, event.mos_cq, event.loss, event.delay_ms, event.jitter_ms)
    return Voice(event.at_ms, event.extension, event.call_key.hex(), *figures)


def _registers(event: RegistersCounted) -> Registers:
    delays = tuple(high << 8 | low for high, low in zip(event.delays[::2], event.delays[1::2], strict=True))
    counts = (event.attempts, event.failed, event.code)
    return Registers(event.from_ms, event.until_ms, event.role, event.extension, *counts, delays)


def replay(
    source: FrameSource,
    settings: MonitorSettings,
    plan: OfficePlan,
    *,
    box: str,
    with_ladder: bool,
    with_legs: bool = True,
    on_progress: Callable[[float], object],
) -> Replayed:
    """Run a source to its end; memory does not grow with the recording."""
    monitor = CallMonitor(settings)
    ladder = Ladder()
    if with_ladder:
        monitor.message_listener = ladder.receive_message
    received = ReceivedEvents(box, plan.office, with_legs=with_legs)
    service = Service(monitor, received, lambda _event: None)
    service.watch(source, on_progress=on_progress)
    received.kept.stitch(plan)
    return Replayed(
        plan=plan,
        counters=monitor.counters.as_dict(),
        first_ms=service.first_ms,
        last_ms=service.last_ms if service.first_ms is not None else None,
        kept=received.kept,
        tally=received.tally,
        gaps=received.gaps,
        ladder=ladder,
        problems=[*source.problems, *received.problems],
    )
