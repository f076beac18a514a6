"""What `firmware.board.Board` is on hardware, on MicroPython's unix port; the tests' programs say how it restarts."""

import gc
import socket
import struct
import time

from firmware.capture import MAX_DATAGRAM

SO_RCVBUF = 8
MSG_PEEK = 2
STAMP = b"\x0d\x08"  # tag and length of a TZSP field: Unix milliseconds
STAMPS_FROM_MS = 1_795_000_000_000  # a board's own time is a small number; with stamps it begins some days before them


class UnixBoard:
    """A board of the machine that runs the tests."""

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
