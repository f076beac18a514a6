"""SIP over WebSocket (RFC 7118): the frames of one direction of a connection (RFC 6455 section 5), in bounded memory.

A connection may be joined in the middle: its frames are recognised by the SIP message in them. What is compressed
(RFC 7692) is counted and not read.
"""

from collector.core.counters import Counters
from collector.core.sip import looks_like_sip

MAX_MESSAGE_BYTES = 65_535  # as over TCP
MAX_HEAD_BYTES = 8_192  # of the request or response that turns HTTP into WebSocket: a browser's cookies fit

_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_FINAL = 0x80
_COMPRESSED = 0x40  # RSV1: permessage-deflate
_MASKED = 0x80  # in the second byte: what a client sends
_UNKNOWN = 0x30  # RSV2 and RSV3: nobody has given them a meaning
_CONTROL = 8  # close, ping, pong


class FrameReader:
    """From the bytes of one direction to SIP messages; `lost` where they are no frames of SIP (any more)."""

    __slots__ = ("_buffer", "_counters", "_in_head", "_message", "_readable", "lost")

    def __init__(self, counters: Counters, *, in_head: bool) -> None:
        self._counters = counters
        self._in_head = in_head
        self._buffer = b""
        self._message = b""  # frames of a message whose last one is to come
        self._readable = False  # that message is under way, and not compressed
        self.lost = False

    def receive(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete."""
        self._buffer += data
        if self._in_head and not self._skip_head():
            return []
        messages: list[bytes] = []
        while not self.lost:
            start, end = _first_frame(self._buffer)
            if not start:
                break
            first = self._buffer[0]
            if end + len(self._message) > MAX_MESSAGE_BYTES or not _is_known(first):
                self._counters.malformed += 1
                self.lost = True
            elif end > len(self._buffer):
                break
            else:
                self._take(first, _payload(self._buffer, start, end), messages)
                self._buffer = self._buffer[end:]
        return messages

    def _take(self, first: int, payload: bytes, messages: list[bytes]) -> None:
        kind = first & 15
        if kind >= _CONTROL:  # may stand between the frames of a message
            return
        if kind != _CONTINUATION:
            self._message = b""
            self._readable = not first & _COMPRESSED
            if not self._readable:
                self._counters.websocket += 1
        if self._readable:
            self._message += payload
        if first & _FINAL:
            if self._readable and self._message.strip(b"\r\n"):  # else a keep-alive (RFC 5626 section 3.5.1)
                messages.append(self._message)
            self._message = b""
            self._readable = False

    def _skip_head(self) -> bool:
        """True once the frames begin, behind the empty line of the HTTP message."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            self.lost = len(self._buffer) > MAX_HEAD_BYTES
            return False
        self.lost = not _speaks_sip(self._buffer[: end + 2])
        self._buffer = self._buffer[end + 4 :]
        self._in_head = False
        return not self.lost


def _first_frame(buffer: bytes) -> tuple[int, int]:
    """(where the payload begins, where it ends); (0, 0) while the frame's header is not whole."""
    if len(buffer) < 2:
        return 0, 0
    length = buffer[1] & 0x7F
    start = 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(buffer[2:start], "big")
    if buffer[1] & _MASKED:
        start += 4
    return (start, start + length) if len(buffer) >= start else (0, 0)


def _payload(buffer: bytes, start: int, end: int) -> bytes:
    """What is there of a frame's payload, unmasked (RFC 6455 section 5.3)."""
    payload = buffer[start:end]
    if not buffer[1] & _MASKED:
        return payload
    size = len(payload)
    key = (buffer[start - 4 : start] * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def _is_known(first: int) -> bool:
    return not first & _UNKNOWN and first & 15 in (_CONTINUATION, _TEXT, _BINARY, 8, 9, 10)


def _speaks_sip(head: bytes) -> bool:
    """True where the request offers, or the response chooses, the subprotocol "sip" (RFC 7118 section 4)."""
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip() == b"sec-websocket-protocol":
            return b"sip" in [word.strip() for word in value.split(b",")]
    return False


def begins_websocket(data: bytes) -> bool:
    """True for a frame with a message's beginning in it, and for an HTTP head that may lead to such frames."""
    if data[:4] == b"GET " or data[:12] == b"HTTP/1.1 101":
        end = data.find(b"\r\n\r\n")
        return end < 0 or _speaks_sip(data[: end + 2])
    if data[0] & ~_FINAL not in (_TEXT, _BINARY):
        return False
    start, end = _first_frame(data)
    return start > 0 and end <= MAX_MESSAGE_BYTES and looks_like_sip(_payload(data, start, end))


def open_reader(data: bytes, counters: Counters) -> FrameReader:
    """A reader for bytes that `begins_websocket` recognised."""
    return FrameReader(counters, in_head=data[:1] in (b"G", b"H"))
