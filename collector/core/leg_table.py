"""All open legs: found by Call-ID, stepped by the table in `legs.py`, given up when their time runs out; bounded."""

from collector.core.counters import Counters
from collector.core.ended import EndedCalls
from collector.core.ends import EndWatch
from collector.core.events import LegEnded
from collector.core.legs import (
    ACTIONS,
    CALLING,
    CANCELLING,
    CHALLENGED,
    ENDED,
    LEAVING,
    PROCEEDING,
    RINGING,
    SIGNAL_NAMES,
    STATE_NAMES,
    TALKING,
    TIMEOUT,
    TRANSITIONS,
    WAIT_MS,
    TrackedLeg,
)
from collector.core.message import Message
from collector.core.timers import TimerQueue, Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.core.events import Event

    Entry = tuple[int, Callable[[TrackedLeg, Message | None, int], None] | None, TimerQueue | None]

RESERVED_LEGS = 512  # tables up to this size get their memory at once: a small heap has no large piece left later
UNANSWERED = (CALLING, PROCEEDING, RINGING)


class LegTable:
    """The open legs and their timers; where there are too many, the longest unanswered goes first."""

    def __init__(
        self, counters: Counters, events: "list[Event]", max_legs: int, max_ended: int, max_call_ms: int
    ) -> None:
        self._counters = counters
        self._events = events
        self._max_legs = max_legs
        self._calls: dict[bytes, list[TrackedLeg]] = {}
        self._ended = EndedCalls(max_ended, reserved=max_legs <= RESERVED_LEGS)
        # told when a leg begins, rings, is answered and ends: its facts so far, its state, now_ms
        self.progress_listener: Callable[[LegEnded, int, int], None] | None = None
        self._ends = EndWatch(max_call_ms)
        self._timers = [TimerQueue(WAIT_MS[state]) for state in range(ENDED)]
        self._timers[TALKING] = self._ends.unlimited
        self._doubted = self._ends.doubted
        self._queues = [queue for queue in self._timers if queue is not self._ends.unlimited] + self._ends.queues
        self._table = _compile(self._timers)

    def receive_loss(self, extension: str, now_ms: int) -> None:
        """A phone's registration is gone: its calls are probably over."""
        self._ends.doubt(extension, now_ms, was_up=False)

    def receive_idle(self, extension: str, now_ms: int) -> None:
        """The PBX says that an extension is in no call any more (RFC 4235)."""
        self._ends.doubt(extension, now_ms, was_up=True)

    def _step(self, leg: TrackedLeg, signal: int, message: Message | None, now_ms: int) -> None:
        before = leg.state
        entry = self._table[before][signal]
        if entry is None:
            return
        state, action, queue = entry
        if action is not None:
            action(leg, message, now_ms)
        if queue is None:
            self._finish(leg)
        else:
            leg.state = state  # behind what may want memory: a board reads the message again
            queue.arm(leg, now_ms)
        if self.progress_listener is not None and state != before:
            self.progress_listener(leg.facts, state, now_ms)

    def _finish(self, leg: TrackedLeg) -> None:
        """Reports a leg and forgets it, but for its Call-ID; what may want memory goes first."""
        self._ended.remember(leg)
        self._events.append(leg.facts)
        leg.state = ENDED
        if leg.queue is not None:
            leg.queue.remove(leg)
        self._counters.legs_open -= 1
        legs = self._calls[leg.call_id]
        if len(legs) > 1:
            legs.remove(leg)
        else:
            del self._calls[leg.call_id]
        if leg.phone:
            self._ends.forget(leg)

    def next_deadline(self) -> int | None:
        """When the first leg's time runs out."""
        deadline = None
        for queue in self._queues:
            first = queue.first()
            if first is not None and (deadline is None or first.deadline_ms < deadline):
                deadline = first.deadline_ms
        return deadline

    def handle_deadline(self, now_ms: int) -> None:
        """Steps every leg whose time has run out."""
        for queue in self._queues:
            first = queue.first()
            while first is not None and first.deadline_ms <= now_ms:
                self._step(self._awake(first), TIMEOUT, None, now_ms)
                first = queue.first()

    def _awake(self, waiting: Waiting) -> TrackedLeg:
        """The leg itself of what stands in a queue (`resting.py` keeps most of them in another form)."""
        return waiting  # type: ignore[return-value]  # nothing else is armed here

    def _evict(self, now_ms: int) -> None:
        """Makes room: the oldest leg in the least valuable state goes, reported as partial."""
        timers = self._timers
        unanswered = [timers[state] for state in (CALLING, PROCEEDING, CHALLENGED, CANCELLING, LEAVING, RINGING)]
        for queue in unanswered + self._ends.queues:
            first = queue.first()
            if first is not None:
                leg = self._awake(first)
                leg.facts.partial = True
                leg.finish_hold(now_ms)
                self._finish(leg)
                self._counters.legs_evicted += 1
                return

    def close(self, now_ms: int) -> None:
        """Watching ends: what is still up is reported as partial, without an end where none was seen."""
        legs = [leg for call in self._calls.values() for leg in call]
        for leg in sorted(legs, key=_age):
            self._close_leg(leg, now_ms)

    def _close_leg(self, leg: TrackedLeg, now_ms: int) -> None:
        if leg.state == LEAVING or self._ends.is_doubted(leg):
            self._step(leg, TIMEOUT, None, now_ms)
            return
        leg.facts.partial = leg.facts.partial or leg.state in UNANSWERED or leg.state == TALKING
        leg.finish_hold(now_ms)
        self._finish(leg)


def _age(leg: TrackedLeg) -> tuple[int, bytes, str]:
    return leg.age


def _compile(timers: list[TimerQueue]) -> "list[list[Entry | None]]":
    """The table as a list for each state, by signal; None where nothing changes."""
    table: list[list[Entry | None]] = [[None] * len(SIGNAL_NAMES) for _ in STATE_NAMES]
    entries: dict[tuple[int, str], Entry] = {}  # each once: half of a board's memory for it
    for (state, signal), (following, action) in TRANSITIONS.items():
        queue = None if following == ENDED else timers[following]
        entry = (following, ACTIONS[action], queue)
        table[state][signal] = entries.setdefault((following, action), entry)
    return table
