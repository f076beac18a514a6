"""The collector's loop: frames into the core, events out of it and on to where they go.

Knows the core and the ports only. Time is the packets' time: deadlines of the core fall due as frames pass by.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

from collector.core.monitor import CallMonitor
from collector.health import HealthReporter
from collector.ports import Event, EventSink, Frame, FrameSource

COMMIT_EVENTS = 500
COMMIT_S = 1.0  # spares the card: an idle box writes once a second at most
MAX_AHEAD_EVENTS = 20_000  # a recording can wait; it must not fill the spool faster than the sink empties it
LOOK_MS = 100  # deadlines are looked for this often while frames come
PATIENCE_S = 0.2  # how long a wait may keep the service from noticing that it shall stop


class Service:
    """Drives one CallMonitor from one source into one sink. `protect` changes an event before it leaves."""

    def __init__(
        self,
        monitor: CallMonitor,
        sink: EventSink,
        protect: Callable[[Event], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monitor = monitor
        self._sink = sink
        self._protect = protect
        self._health = HealthReporter(monitor.counters, sink.undelivered)
        self._monotonic = monotonic
        self._waiting: list[Event] = []  # not yet written
        self._written_at = monotonic()
        self.first_ms: int | None = None  # times of the first and the latest frame
        self.last_ms = 0
        self._next_look_ms = 0
        self._stopping = False
        self._skip_events = 0

    def stop(self) -> None:
        """End soon; what waits is written."""
        self._stopping = True

    def watch(
        self,
        source: FrameSource,
        *,
        speed: float = 0.0,
        on_progress: Callable[[float], object] = abs,
        skip_events: int = 0,
        resumable: bool = False,
    ) -> bool:
        """Take every frame of the source, `speed` times as fast as it happened (0: as fast as it goes), to its end.

        The first `skip_events` events were written before an interruption. False: told to stop before the end; a
        `resumable` source will go on from there, of any other the open legs are reported as partial.
        """
        pace = Pace(speed, self._monotonic)
        self._skip_events = skip_events
        for frames in _singly(source.batches()) if speed > 0 else source.batches():
            if frames and not self._skip_events:  # what was written before an interruption is caught up with at once
                self._keep_pace(pace, frames[0][1])
            self._receive(frames)
            self._take_turn()
            on_progress(source.progress())
            if self._stopping:
                break
        if not (self._stopping and resumable):
            self._close_monitor()
        self._write()
        self._sink.pump()
        on_progress(1.0)
        return not self._stopping

    def deliver(self) -> None:
        """Wait until the sink has everything, or until told to stop."""
        while self._sink.undelivered() and not self._stopping:
            self._sink.pump(PATIENCE_S)

    def stay(self) -> None:
        """Keep the connection up until told to stop."""
        while not self._stopping:
            self._sink.pump(PATIENCE_S)

    def _receive(self, frames: Sequence[Frame]) -> None:
        """Frames in order of time; deadlines are looked for wherever one is due."""
        start = 0
        while start < len(frames):
            before_ms, now_ms = self.last_ms, frames[start][1]
            if self.first_ms is None:
                self.first_ms = now_ms
            if now_ms >= self._next_look_ms:
                self.last_ms = now_ms
                self._meet_deadlines(before_ms)
            until = bisect_left(frames, self._next_look_ms, start, key=_time_of)
            self._monitor.receive_frames(frames[start:until])
            self.last_ms = frames[until - 1][1]
            self._collect()
            start = until

    def _meet_deadlines(self, before_ms: int) -> None:
        """What fell due by now, each at its own time if that is not before the last frame."""
        self._next_look_ms = self.last_ms + LOOK_MS
        deadline = self._monitor.next_deadline()
        while deadline is not None and deadline <= self.last_ms:
            self._monitor.handle_deadline(max(deadline, before_ms))
            deadline = self._monitor.next_deadline()

    def _collect(self) -> None:
        while (event := self._monitor.next_event()) is not None:
            self._protect(event)
            self._keep(event)
        if (report := self._health.report_if_due(self.last_ms)) is not None:
            self._keep(report)

    def _keep(self, event: Event) -> None:
        if self._skip_events > 0:
            self._skip_events -= 1
        else:
            self._waiting.append(event)

    def _take_turn(self) -> None:
        self._write_if_due()
        self._sink.pump()
        while self._sink.undelivered() > MAX_AHEAD_EVENTS and not self._stopping:
            self._sink.pump(PATIENCE_S)

    def _write_if_due(self) -> None:
        if len(self._waiting) >= COMMIT_EVENTS or self._monotonic() - self._written_at >= COMMIT_S:
            self._write()

    def _write(self) -> None:
        self._written_at = self._monotonic()
        if self._waiting:
            self._sink.write(self._waiting)
            self._waiting = []

    def _keep_pace(self, pace: "Pace", at_ms: int) -> None:
        while (rest_s := pace.rest_s(at_ms)) > 0 and not self._stopping:
            self._write_if_due()
            self._sink.pump(min(rest_s, PATIENCE_S))

    def _close_monitor(self) -> None:
        self._monitor.close(self.last_ms)
        self._collect()
        if self.first_ms is not None:
            self._keep(self._health.report(self.last_ms))


_time_of = itemgetter(1)  # of a frame


def _singly(batches: Iterable[Sequence[Frame]]) -> Iterator[Sequence[Frame]]:
    """Each frame by itself, since it has to wait for its time; an empty batch says that nothing came."""
    for batch in batches:
        yield from ([frame] for frame in batch) if batch else [batch]


class Pace:
    """Says how long to wait for a frame so that time runs `speed` times as fast as it did."""

    def __init__(self, speed: float, monotonic: Callable[[], float]) -> None:
        self._speed = speed
        self._monotonic = monotonic
        self._start: tuple[int, float] | None = None

    def rest_s(self, at_ms: int) -> float:
        """Seconds until it is this frame's turn; 0 or less: now."""
        if self._speed <= 0:
            return 0.0
        if self._start is None:
            self._start = at_ms, self._monotonic()
        from_ms, from_s = self._start
        return from_s + (at_ms - from_ms) / 1000 / self._speed - self._monotonic()
