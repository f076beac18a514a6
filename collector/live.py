"""The loop of a box that listens: every source gets its turn, none can stop another, and silence is noticed.

Once a second the sources look after themselves, and whatever blinds the box becomes a gap event.
"""

import logging
import select
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from operator import itemgetter

from collector.blindness import Facts, Lookout
from collector.core.events import GapObserved
from collector.core.monitor import CallMonitor
from collector.health import HealthReporter
from collector.journal import tell
from collector.ports import Event, EventSink, LiveSource, Packet
from collector.supervisor import Supervisor
from collector.timeline import Timeline, shift_event

TURN_S = 0.1  # how long nothing may happen before the loop looks at everything else
LOOK_S = 1.0
COMMIT_EVENTS = 500
COMMIT_S = 1.0  # spares the card: an idle box writes once a second at most
MIN_ABSENCE_MS = 1_000  # a shorter one is no loss worth telling
SETTLE_MS = 200  # packets may still be on their way through a ring: time is handled this much later
HOLD_S = 0.02  # a commit that takes longer lets packets be fetched meanwhile
MAX_HELD = 32_768  # packets: 25 MB, seconds of the busiest tap; beyond it the ring fills, and the kernel counts
ROUNDS_A_TURN = 16  # of reading, before the broker and the disk get their turn
LAST_ROUNDS = 64  # of reading, after the order to stop: more than every buffer holds

_log = logging.getLogger(__name__)


class LiveService:
    """Drives one CallMonitor from any number of live sources into one sink, until told to stop."""

    def __init__(
        self,
        monitor: CallMonitor,
        sink: EventSink,
        protect: Callable[[Event], None],
        sources: Sequence[LiveSource],
        lookout: Lookout,
        *,
        timeline: Timeline | None = None,
        supervisor: Supervisor | None = None,
        on_health: Callable[[dict[str, int]], object] = len,
    ) -> None:
        self._monitor = monitor
        self._sink = sink
        self._protect = protect
        self._sources = list(sources)
        self._lookout = lookout
        self._timeline = timeline or Timeline()
        self._supervisor = supervisor or Supervisor()
        self._on_health = on_health
        self._health = HealthReporter(monitor.counters, sink.undelivered, self._own_gauges)
        self._receivers = {
            "frame": lambda packet, now_ms: monitor.receive_frame(packet[1], now_ms, packet[2], packet[3]),
            "tzsp": lambda packet, now_ms: monitor.receive_tzsp(packet[1], now_ms),
            "hep": lambda packet, now_ms: monitor.receive_hep(packet[1], now_ms),
        }
        monitor.message_listener = lookout.flows.receive_message
        self._waiting: list[Event] = []
        self._held: list[tuple[int, str, Packet]] = []  # fetched while the disk was busy
        self._writer = ThreadPoolExecutor(1, "writer")
        self._written_at = self._looked_at = 0.0
        self._stopping = False
        self._reload: Callable[[list[LiveSource]], list[LiveSource]] | None = None

    def tell_absence(self, since_ms: int) -> None:
        """The service did not run from this moment (by the wall clock) on until now."""
        since_ms -= self._timeline.wall_ahead_ms()
        until_ms = self._timeline.now_ms()
        if until_ms - since_ms >= MIN_ABSENCE_MS:
            self._waiting.append(GapObserved(since_ms, until_ms, "not_running", 0))
            tell(_log, "info", "was_absent", seconds=(until_ms - since_ms) // 1000)

    def stop(self) -> None:
        """End soon; what waits is written."""
        self._stopping = True

    def reload(self, choose: Callable[[list[LiveSource]], list[LiveSource]]) -> None:
        """At the next turn `choose` turns the list of sources into the one to go on with."""
        self._reload = choose

    def open_sources(self) -> None:
        """Open what can be opened now; what cannot is told, and tried again every second."""
        self._look()

    def run(self) -> None:
        """Listen until told to stop."""
        for source in self._sources:
            tell(
                _log, "info", "source_started", source=source.name, form=source.form, trouble=source.trouble() or "none"
            )
        self._say_ready()
        while not self._stopping:
            self._wait()
            self._read()
            self._take_turn()
        self._supervisor.say("STOPPING=1")
        self._finish()
        counters = self._monitor.counters
        tell(_log, "info", "stopped", frames=counters.frames, sip_messages=counters.sip_messages)

    # --- packets ---

    def _wait(self) -> None:
        poll = select.poll()
        for source in self._sources:
            for file in source.files():
                poll.register(file, select.POLLIN)
        poll.poll(TURN_S * 1000)

    def _read(self) -> None:
        """Take what has arrived; time goes on as far as it is certain that nothing older comes."""
        for _ in range(ROUNDS_A_TURN):
            if not self._read_once():
                now_ms = self._timeline.advance(self._timeline.now_ms() - SETTLE_MS)
                self._monitor.handle_deadline(now_ms)
                break
        self._collect()

    def _read_once(self) -> int:
        """Take in what there is; returns the latest packet's place on the timeline in ns, 0 without any."""
        arrived = self._held + self._fetch()
        self._held = []
        if len(self._sources) > 1:
            arrived.sort(key=itemgetter(0))
        for at_ns, form, packet in arrived:
            self._receivers[form](packet, self._timeline.advance(at_ns // 1_000_000))
        return arrived[-1][0] if arrived else 0

    def _fetch(self) -> list[tuple[int, str, Packet]]:
        """(Place on the timeline in ns, form, packet) of what the sources have."""
        place = self._timeline.placer()
        return [(place(packet[0]), source.form, packet) for source in self._sources for packet in self._receive(source)]

    def _receive(self, source: LiveSource) -> list[Packet]:
        """What a source has; one whose socket broke is closed, and opened again at the next look."""
        try:
            return source.receive()
        except OSError as error:
            tell(_log, "warning", "source_broke", source=source.name, reason=error)
            source.close()
            return []

    def _collect(self) -> None:
        while (event := self._monitor.next_event()) is not None:
            self._lookout.receive_event(event)
            self._keep(event)

    def _keep(self, event: Event) -> None:
        self._protect(event)
        self._waiting.append(event)

    # --- everything else ---

    def _take_turn(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_at >= LOOK_S:
            self._looked_at = now_s
            self._look()
        if len(self._waiting) >= COMMIT_EVENTS or now_s - self._written_at >= COMMIT_S:
            self._write()
        self._sink.pump()
        self._supervisor.handle_time()

    def _look(self) -> None:
        """Sources look after themselves; what blinds the box is told, once."""
        if self._reload is not None:
            self._supervisor.say_reloading()
            self._sources = self._reload(self._sources)
            self._reload = None
            self._say_ready()
        for source in self._sources:
            source.handle_time()
        now_ms = self._timeline.now_ms()
        if slept_ms := self._timeline.slept_ms():
            self._keep(GapObserved(now_ms - slept_ms, now_ms, "asleep", 0))
            tell(_log, "warning", "was_asleep", seconds=slept_ms // 1000)
        states = {source.name: (source.trouble(), source.counters()) for source in self._sources}
        for gap in self._lookout.look(now_ms, Facts(self._monitor.counters.as_dict(), states)):
            self._keep(gap)
        for event, condition in self._lookout.next_changes():
            level = "warning" if event == "condition_began" else "info"
            tell(_log, level, event, condition=condition.name, evidence=condition.evidence, remedy=condition.remedy)
        self._report_health(now_ms)

    def _say_ready(self) -> None:
        self._supervisor.say("READY=1", f"STATUS=listening to {len(self._sources)} source(s)")

    def _report_health(self, now_ms: int) -> None:
        report = self._health.report_if_due(now_ms)
        if report is not None:
            self._on_health(report.counters)
            self._keep(report)

    def _own_gauges(self) -> dict[str, int]:
        """Every source's counters, and a 1 for each condition that holds."""
        gauges = {
            f"{source.name}_{name}": value for source in self._sources for name, value in source.counters().items()
        }
        return gauges | {condition.name: 1 for condition in self._lookout.conditions()}

    def _write(self) -> None:
        """Write what waits. A card may take seconds for that: packets are fetched meanwhile, and held."""
        self._written_at = time.monotonic()
        if not self._waiting:
            return
        ahead_ms = self._timeline.wall_ahead_ms()  # the sink notes the clock's offset at the same moment
        for event in self._waiting:
            shift_event(event, ahead_ms)
        writing = self._writer.submit(self._sink.write, self._waiting)
        self._waiting = []
        while not wait([writing], HOLD_S).done:
            self._hold()
        writing.result()  # raises what the writing raised

    def _hold(self) -> None:
        if len(self._held) < MAX_HELD:
            self._held += self._fetch()

    def _finish(self) -> None:
        """What has arrived is read, open legs are told as far as they were seen, and blindness as far as it went."""
        until_ns = self._timeline.now_ms() * 1_000_000
        for _ in range(LAST_ROUNDS):
            self._wait()  # a ring hands over what it has after 40 ms
            latest_ns = self._read_once()
            self._collect()
            if not latest_ns or latest_ns >= until_ns:  # nothing more, or what came after the order to stop
                break
        now_ms = self._timeline.advance(self._timeline.now_ms())
        self._monitor.close(now_ms)
        self._collect()
        last: list[Event] = [self._health.report(now_ms)]
        for event in (*self._lookout.close(now_ms), *last):
            self._keep(event)
        self._write()
        self._sink.pump()
        self._writer.shutdown()
        for source in self._sources:
            source.close()
