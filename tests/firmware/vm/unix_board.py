"""On MicroPython's unix port: the firmware's own application with this board in place of an ESP32.

arguments: SETTINGS.json CLOCK [RECEIVE_BUFFER_BYTES [RESTART_AFTER_S [TIMES [FLASH]]]]
CLOCK is "stamped" (every datagram says in a tagged field when it was: the same events in every run; right behind the
word may follow the board's time at its start) or a number: the board's time runs so many times as fast as the
machine's. RESTART_AFTER_S: restarts so long after the last datagram; 0: when it is told to. TIMES: a file for the
board's time of each datagram, eight bytes each. FLASH: a folder for `flash_file`, mounted at /flash.
Prints the status line, and at the end one line of JSON with figures.
"""

import asyncio
import gc
import socket
import struct
import sys
import time

from firmware.app import App
from firmware.capture import MAX_DATAGRAM
from firmware.settings import load

SO_RCVBUF = 8
MSG_PEEK = 2
STAMP = b"\x0d\x08"  # tag and length of a TZSP field: Unix milliseconds
STAMPS_FROM_MS = 1_795_000_000_000  # a board's own time is a small number; with stamps it begins some days before them


class UnixBoard:
    """What `firmware.board.Board` is on hardware."""

    counts_drops = True

    def __init__(self, clock: str, port: int, receive_buffer: int, times: str) -> None:
        self.heap_used = 0
        self.received_ticks = 0
        self._stamped = clock.startswith("stamped")
        self._speed = 0 if self._stamped else int(clock)
        self._ticks = time.ticks_us()
        self._now_ms = int(clock[7:] or 0) if self._stamped else 0
        self._times = open(times, "wb") if times else None  # noqa: SIM115 - as long as the board
        self._time = bytearray(8)
        self._row = ":%04X" % port
        self._receive_buffer = receive_buffer

    def now_ms(self) -> int:
        """The board's time."""
        if not self._stamped:
            elapsed_ms = time.ticks_diff(time.ticks_us(), self._ticks) * self._speed // 1000
            self._now_ms += elapsed_ms
            self._ticks = time.ticks_add(self._ticks, elapsed_ms * 1000 // self._speed)
        return self._now_ms

    def clock_offset(self) -> int | None:
        """Known from the start where datagrams say what time it is."""
        return STAMPS_FROM_MS if self._stamped else None

    def set_clock(self, unix_ms: int) -> None:
        """The machine's clock is right."""

    def network_up(self) -> bool:
        """It is; measures what the heap needs, four times a second."""
        gc.collect()
        self.heap_used = max(self.heap_used, gc.mem_alloc())
        return True

    def address(self) -> str:
        """Loopback."""
        return "127.0.0.1"

    def open_capture(self, port: int) -> socket.socket:
        """A UDP socket, on request with the receive buffer of a board."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if self._receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUF, self._receive_buffer)
        sock.bind(socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_DGRAM)[0][-1])
        sock.setblocking(False)
        return sock

    def receive(self, sock: socket.socket) -> tuple[bytes, int]:
        """One datagram and the time it came."""
        datagram = sock.recv(MAX_DATAGRAM, MSG_PEEK)  # this port copies what it received: without memory it is gone
        self.received_ticks = time.ticks_ms()
        if self._stamped and datagram[4:6] == STAMP:
            self._now_ms = struct.unpack(">Q", datagram[6:14])[0] - STAMPS_FROM_MS
        received = datagram, self.now_ms()
        if self._times is not None:
            struct.pack_into(">Q", self._time, 0, received[1])
            self._times.write(self._time)
        sock.recv(0)
        return received

    def dropped(self) -> int:
        """What Linux dropped on this socket."""
        with open("/proc/net/udp") as table:
            for line in table:
                fields = line.split()
                if fields[1].endswith(self._row):
                    return int(fields[-1])
        return 0

    def gauges(self) -> dict[str, int]:
        """None here."""
        return {}

    def reset_cause(self) -> str:
        """A test started it."""
        return "test"

    def start_watchdog(self, seconds: int) -> "UnixBoard":
        """Nobody watches."""
        return self

    def feed(self) -> None:
        """Of the watchdog."""

    def restart(self) -> None:
        """A process ends instead; the figures one by one: there may be no memory left for all at once."""
        print("{", end="")
        for counters in (app.counters, app.spool.counters):
            for name in counters:
                print('"%s": %d, ' % (name, counters[name]), end="")
        for name in app.monitor.counters.NAMES:
            print('"%s": %d, ' % (name, getattr(app.monitor.counters, name)), end="")
        print('"heap_before": %d, "heap_app": %d, "heap_used": %d, ' % (heap_before, heap_app, self.heap_used), end="")
        print('"heap_free": %d, "receive_delays": %d, ' % (gc.mem_free(), app.capture.delayed), end="")
        print('"reserve_used": %d, "offset_ms": %d, ' % (app.reader.reserve_used, app.reader.offset_ms), end="")
        print('"undelivered": %d}' % app.spool.undelivered())
        sys.exit(0)


settings = load(sys.argv[1])
gc.collect()
heap_before = gc.mem_alloc()
options = sys.argv[3:] + [""] * 4
if options[3]:
    __import__("flash_file").mount(options[3])
board = UnixBoard(sys.argv[2], settings.board["tzsp_port"], int(options[0] or 0), options[2])
app = App(settings, board)
del settings
gc.collect()
heap_app = gc.mem_alloc()
gc.threshold(8192)


async def run(restart_after_ms: int) -> None:
    """The application, and on request its restart when the router has gone silent."""
    running = asyncio.create_task(app.run())
    while not running.done() and (
        not restart_after_ms
        or not board.received_ticks
        or time.ticks_diff(time.ticks_ms(), board.received_ticks) < restart_after_ms
    ):
        await asyncio.sleep_ms(100)
    if running.done():
        await running  # raises what ended it
    await app.restart()
    await running


asyncio.run(run(int(options[1] or 0) * 1000))
