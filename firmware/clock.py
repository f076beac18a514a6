"""The time of day from an NTP server (SNTP, RFC 4330), without stopping anything else."""

import asyncio
import socket
import struct

from firmware.capture import readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PORT = 123
ANSWER_MS = 3000
REQUEST = b"\x23" + bytes(47)  # version 4, client
UNIX_1900_S = 2_208_988_800
MAX_TRIP_MS = 1000  # an answer that took longer says too little about the time
ERA_S = 1 << 32


async def fetch_offset(server: str, now_ms: "Callable[[], int]") -> int:
    """What to add to `now_ms()` for Unix milliseconds; raises OSError or ValueError. `server` may end in ":port"."""
    host, _, port = server.partition(":")
    address = socket.getaddrinfo(host, int(port or PORT), 0, socket.SOCK_DGRAM)[0]
    sock = socket.socket(address[0], socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(address[-1])
        sent_ms = now_ms()
        sock.send(REQUEST)
        await asyncio.wait_for_ms(readable(sock), ANSWER_MS)
        answer = sock.recv(64)
        return read_answer(answer, sent_ms, now_ms())
    except asyncio.TimeoutError:
        raise OSError("no answer from " + server) from None
    finally:
        sock.close()


def read_answer(answer: bytes, sent_ms: int, received_ms: int) -> int:
    """The offset by an answer's transmit time, half the trip added; raises ValueError for one that is no use."""
    if len(answer) < 48 or answer[0] & 7 != 4 or not 1 <= answer[1] <= 15 or answer[0] >> 6 == 3:
        raise ValueError("not the answer of a server that knows the time")
    if not 0 <= received_ms - sent_ms <= MAX_TRIP_MS:
        raise ValueError("the answer took too long")
    seconds, fraction = struct.unpack(">II", answer[40:48])
    if seconds < ERA_S >> 1:
        seconds += ERA_S  # the count starts again in 2036
    unix_ms = (seconds - UNIX_1900_S) * 1000 + (fraction * 1000 >> 32)
    return unix_ms - (sent_ms + received_ms) // 2
