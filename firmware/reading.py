"""From a datagram to packed events in the spool, and what becomes of both when the heap is short.

After a while a small heap has no large piece left, however much of it is free. So one such piece is kept in reserve: it
is given back for the message that finds no room, and taken again behind it. Reading a message asks for its largest
pieces before it changes anything, so it may be tried again.
"""

import asyncio
import gc

from collector.core import wire
from collector.core.sip import CSEQS, STATUSES
from collector.core.tzsp import find_tzsp_frame
from firmware.packer import pack

RESERVE_BYTES = (3072, 2048, 1024)  # two copies of the longest message; of a usual one; better than nothing
STARVED_MS = 10
TRIES = 40  # of reading a datagram while memory is short


class Reader:
    """Drives a CallMonitor; `counters` are the application's, `offset_ms` goes from the board's time to Unix time."""

    def __init__(self, monitor: object, spool: object, privacy: object, counters: dict[str, int]) -> None:
        self.offset_ms = 0
        self.reserve_used = 0  # how often the reserve was given back
        self._monitor = monitor
        self._spool = spool
        self._protect = privacy.protect
        self._append = self._append_event  # bound once: that takes memory, too
        self._counters = counters
        self._reserve = bytes(RESERVE_BYTES[0])

    # --- packets in ---

    async def read_again(self, datagram: bytes, at_ms: int) -> None:
        """The heap was short: with the reserve, then without the events that wait, once others gave theirs back."""
        self.give_reserve()
        for attempt in range(TRIES):
            if self.read(datagram, at_ms):
                self.take_reserve()
                return
            if attempt % 8 == 1:
                self._spare()
            await asyncio.sleep_ms(STARVED_MS)
        self.give_up()

    def _spare(self) -> None:
        """What waits in memory goes to flash, a write is cheaper than a datagram; what was learned is learned again."""
        try:
            self._spool.flush()
        except MemoryError:
            pass
        CSEQS.clear()
        STATUSES.clear()
        gc.collect()

    def give_up(self) -> None:
        """A datagram came, and could not be read."""
        self._monitor.counters.frames += 1
        self._counters["memory_errors"] += 1

    def read(self, datagram: bytes, at_ms: int) -> bool:
        """False where memory does not suffice: nothing has happened then."""
        seen = self._monitor.counters
        frames, datagrams = seen.frames, seen.datagrams
        try:
            found = find_tzsp_frame(datagram)
            if found is None:
                self._counters["not_tzsp"] += 1
                return True
            start, link_type = found
            self.handle_deadlines(at_ms)
            self._monitor.receive_frame(datagram, at_ms, link_type, len(datagram), start)
        except MemoryError:
            seen.frames, seen.datagrams = frames, datagrams
            gc.collect()
            return False
        except Exception as error:
            self._counters["core_errors"] += 1
            print("core:", repr(error))
        self.take_events()
        return True

    def handle_deadlines(self, now_ms: int) -> None:
        """What was due until now, each at its own time; raises MemoryError."""
        deadline = self._monitor.next_deadline()
        while deadline is not None and deadline <= now_ms:
            self._monitor.handle_deadline(deadline)
            deadline = self._monitor.next_deadline()

    # --- events out ---

    def take_events(self) -> None:
        """Put the core's events into the spool."""
        event = self._monitor.next_event()
        while event is not None:
            self.keep(event)
            event = self._monitor.next_event()

    def keep(self, event: object) -> None:
        """Protect an event's numbers and put it into the spool; counted as lost where even the reserve does not do."""
        if not (self._has_done(self._protect, event) and self._has_done(self._append, event)):
            self._counters["memory_errors"] += 1
            self._counters["lost_events"] += 1

    def _has_done(self, step: object, event: object) -> bool:
        for _ in range(2):
            try:
                step(event)
            except MemoryError:
                self.give_reserve()
            else:
                return True
        return False

    def _append_event(self, event: object) -> None:
        t_ms, body = wire.encode_event(event)
        self._spool.append(t_ms + self.offset_ms, pack(body))

    # --- the reserve ---

    def give_reserve(self) -> None:
        """Let the heap have it."""
        if self._reserve:
            self.reserve_used += 1
            self._reserve = b""
        gc.collect()

    def take_reserve(self) -> None:
        """Have it again, as much of it as there is a piece for by now."""
        for size in RESERVE_BYTES:
            if len(self._reserve) >= size:
                return
            try:
                self._reserve = bytes(size)
            except MemoryError:
                pass

    @property
    def has_reserve(self) -> bool:
        """False while the heap is short."""
        return bool(self._reserve)
