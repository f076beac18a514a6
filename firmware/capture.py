"""Datagrams off the socket: received first, read later.

The network stack of an ESP32 keeps about six datagrams; what comes while one is being read would be gone. So everything
that waits is taken into a bounded backlog before and after each datagram is read. `recv` gives one datagram at a time;
the streams of asyncio and `readinto` would merge them.
"""

import asyncio
import gc
import select
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DATAGRAM = 1472  # the most in one Ethernet frame; a longer TZSP datagram arrives in fragments, or not at all
MAX_BACKLOG = 64  # datagrams
DRAIN = 16  # taken at once: a flood must not keep the reader from its turn


async def readable(sock):
    """Wait until there is something to receive."""
    yield asyncio.core._io_queue.queue_read(sock)


class Capture:
    """A UDP socket and its backlog.

    `receive(sock)` gives (datagram, time it came) or raises OSError. Where the system counts what it drops itself
    (`system_counts`), a full backlog leaves datagrams to it; elsewhere they are taken, dropped and counted here.
    `limit` bytes fill the backlog: it may be changed at any time.
    """

    def __init__(
        self, sock: object, receive: "Callable[[object], tuple[bytes, int]]", backlog_bytes: int, system_counts: bool
    ) -> None:
        self.sock = sock
        self.dropped = 0
        self.starved = 0  # how often in a row there was no memory for a datagram
        self.delayed = 0  # how often at all: the datagram waits in the socket
        self._receive = receive
        self._backlog = deque((), MAX_BACKLOG)
        self._used = 0
        self.limit = backlog_bytes
        self._system_counts = system_counts
        self._poller = select.poll()
        self._poller.register(sock, select.POLLIN)

    def next_datagram(self) -> tuple[bytes, int] | None:
        """The oldest datagram and when it came; None when there is none."""
        self._drain()
        if not self._backlog:
            return None
        received = self._backlog.popleft()
        self._used -= len(received[0])
        return received

    def forget(self) -> None:
        """Give up what waits, counted, for the memory it takes."""
        self.dropped += len(self._backlog)
        self._backlog = deque((), 1)
        self.limit = self._used = 0

    def is_empty(self) -> bool:
        """True where nothing that was received waits to be read."""
        return not self._backlog

    def _drain(self) -> None:
        for _ in range(DRAIN):
            full = self._used > self.limit or len(self._backlog) >= MAX_BACKLOG
            if (full and self._system_counts) or not self._poller.poll(0):
                return
            try:
                received = self._receive(self.sock)
            except OSError:
                return
            except MemoryError:  # the datagram stays in the socket; reading what is here gives memory back
                self.starved += 1
                self.delayed += 1
                gc.collect()
                return
            self.starved = 0
            if full:
                self.dropped += 1
            else:
                self._backlog.append(received)
                self._used += len(received[0])
