"""SIP over TCP: segments back in order, messages cut out by Content-Length (RFC 3261 section 18.3), in bounded memory.

A connection that speaks WebSocket is handed on to `websocket.py`.

A connection may be joined in the middle: it counts from the first segment that begins with a SIP message. Where bytes
were never seen the rest of that message is lost, the hole is counted, and reading goes on at the next message: at once
where the other side acknowledges what the tap has missed.
"""

from collector.core.counters import Counters
from collector.core.packet import CUT_SHIFT
from collector.core.sip import looks_like_sip
from collector.core.timers import TimerQueue, Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.core.websocket import FrameReader  # a board never needs it

    Key = tuple[bytes, int, bytes, int]
    Pieces = list[tuple[Key, bytes, int]]  # connection, message, when its last segment came

MAX_MESSAGE_BYTES = 65_535  # as in a UDP datagram; over TCP nobody sends more
MAX_LENGTH_DIGITS = 7  # of a Content-Length; a body of ten megabytes is none
MAX_CONNECTIONS = 512  # two halves each phone of a large office; the idlest goes first
MAX_AHEAD = 32  # segments kept while an earlier one is missing; then it is given up as lost
MAX_AHEAD_BYTES = 65_535
HOLE_MS = 2_000  # a segment that TCP sends again comes within a second or two; what the tap lost never comes
IDLE_MS = 3_600_000  # RFC 5923 connections are kept alive far more often
MAX_WINDOW = 1 << 24  # bytes that a segment can be off: farther away it is another connection on the same ports

_WEBSOCKET_BEGINNINGS = b"\x81\x82\x01\x02GH"  # text and binary frames; GET and HTTP/1.1 101, which lead to them
_SCHEMES = (b"sip:", b"sips", b"tel:")  # how the URI of a first line begins

FIN = 1
SYN = 2
RST = 4


class _Half(Waiting):
    """One direction of one connection."""

    __slots__ = ("ahead", "buffer", "frames", "in_step", "key", "next_sequence", "to_skip")

    def __init__(self, key: "Key", next_sequence: int) -> None:
        super().__init__()
        self.key = key
        self.next_sequence = next_sequence
        self.buffer = b""
        self.in_step = False  # the buffer begins where a message begins
        self.to_skip = 0  # bytes of a body that is too long to be kept
        self.ahead: list[tuple[int, bytes, int]] = []  # sequence number, bytes, time
        self.frames: FrameReader | None = None  # of a WebSocket


class StreamTable:
    """Halves of TCP connections, keyed by (source, port, destination, port)."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._halves: dict[Key, _Half] = {}
        self._idle = TimerQueue(IDLE_MS)
        self._waiting = TimerQueue(HOLE_MS)  # halves with a hole
        self._websockets: dict[Key, int] = {}

    def receive_segment(self, key: "Key", sequence: int, flags: int, payload: bytes, now_ms: int) -> "Pieces":
        """The messages that a segment completes, in order; `flags` are those of `packet.py`."""
        missing = flags >> CUT_SHIFT & 0xFFFF
        half = self._halves.get(key)
        messages: Pieces = []
        if flags & SYN or (half is not None and payload and _is_far(sequence, half.next_sequence)):
            messages = self._end(half)
            half = None
        if flags & SYN:
            sequence = (sequence + 1) & 0xFFFFFFFF
            half = self._open(key, sequence, now_ms)
            half.in_step = True  # data may come with it at once (RFC 7413)
        if half is None:
            if not payload or not (_begins_message(payload) or _begins_websocket(payload)):
                return messages
            half = self._open(key, sequence, now_ms)
        if payload:
            messages += self._place_whole(half, sequence, payload, now_ms)
        if missing and not half.ahead:
            messages += [(key, cut, now_ms) for cut in self._end_cut(half, sequence + len(payload) + missing)]
        if not half.ahead:
            self._idle.arm(half, now_ms)
            if flags & (FIN | RST):
                messages += self._end(half)
        return messages

    def is_websocket(self, key: "Key") -> bool:
        """True where the messages of a connection's half stood in WebSocket frames."""
        return key in self._websockets

    def next_deadline(self) -> int | None:
        """When the next hole is given up; None where there is none."""
        first = self._waiting.first()
        return None if first is None else first.deadline_ms

    @property
    def waits(self) -> bool:
        """True while something waits behind a hole."""
        return self._waiting.first() is not None

    def receive_acknowledgement(self, key: "Key", number: int, now_ms: int) -> "Pieces":
        """What waits behind a hole that the receiver has not: its tap has missed a segment that nobody will repeat."""
        half = self._halves.get(key)
        found: Pieces = []
        if half is None:
            return found
        while half.ahead and (number - half.ahead[0][0]) & 0xFFFFFFFF < MAX_WINDOW:
            found += self._skip_hole(half)
            (self._waiting if half.ahead else self._idle).arm(half, now_ms)
        return found

    def handle_deadline(self, now_ms: int) -> "Pieces":
        """What waited behind holes that never closed; idle connections are forgotten."""
        found: Pieces = []
        half = self._waiting.first()
        while isinstance(half, _Half) and half.deadline_ms <= now_ms:
            found += self._skip_hole(half)
            (self._waiting if half.ahead else self._idle).arm(half, now_ms)
            half = self._waiting.first()
        half = self._idle.first()
        while isinstance(half, _Half) and half.deadline_ms <= now_ms:
            self._forget(half)
            half = self._idle.first()
        return found

    def _open(self, key: "Key", next_sequence: int, now_ms: int) -> _Half:
        if len(self._halves) >= MAX_CONNECTIONS:
            idlest = self._idle.first() or self._waiting.first()
            self._forget(idlest if isinstance(idlest, _Half) else None)
        half = self._halves[key] = _Half(key, next_sequence)
        self._websockets.pop(key, None)
        self._idle.arm(half, now_ms)
        return half

    def _forget(self, half: _Half | None) -> None:
        if half is not None and half.queue is not None:
            half.queue.remove(half)
            del self._halves[half.key]

    def _end(self, half: _Half | None) -> "Pieces":
        """A connection is over: the last message, where its head is whole, and nothing else is kept of it."""
        found = _read_last(half) if half is not None else []
        self._forget(half)
        return found

    def _place_whole(self, half: _Half, sequence: int, payload: bytes, now_ms: int) -> "Pieces":
        """Places a segment; where memory does not suffice nothing has happened: a board reads it again."""
        ahead = list(half.ahead) if half.ahead else []
        before = (half.next_sequence, half.buffer, half.in_step, half.to_skip)
        try:
            return [(half.key, message, now_ms) for message in self._place(half, sequence, payload, now_ms)]
        except MemoryError:
            half.next_sequence, half.buffer, half.in_step, half.to_skip = before
            half.ahead = ahead
            raise

    def _place(self, half: _Half, sequence: int, payload: bytes, now_ms: int) -> list[bytes]:
        """Puts a segment where it belongs: now, later, or (seen before) nowhere."""
        distance = (sequence - half.next_sequence) & 0xFFFFFFFF
        if distance >= 0x80000000:  # begins before what is expected: a retransmission, perhaps with news at its end
            payload = payload[0x100000000 - distance :]
            distance = 0
            if not payload:
                return []
        if distance:
            if not half.ahead:
                self._waiting.arm(half, now_ms)
            half.ahead.append((sequence, payload, now_ms))
            half.ahead.sort(key=lambda piece: (piece[0] - half.next_sequence) & 0xFFFFFFFF)
            kept_bytes = sum([len(data) for _, data, _ in half.ahead])
            if len(half.ahead) <= MAX_AHEAD and kept_bytes <= MAX_AHEAD_BYTES:
                return []
            return [message for _, message, _ in self._skip_hole(half)]
        return self._append(half, payload) + [message for _, message, _ in self._take_overlapping(half)]

    def _take_overlapping(self, half: _Half) -> "Pieces":
        """Kept segments that are in order now, or begin before what is expected."""
        found: Pieces = []
        while half.ahead:
            distance = (half.ahead[0][0] - half.next_sequence) & 0xFFFFFFFF
            if 0 < distance < 0x80000000:
                break
            sequence, payload, at_ms = half.ahead.pop(0)
            payload = payload[(half.next_sequence - sequence) & 0xFFFFFFFF :]
            if payload:
                found += [(half.key, message, at_ms) for message in self._append(half, payload)]
        return found

    def _end_cut(self, half: _Half, following: int) -> list[bytes]:
        """The capture left a segment's end out: what is there of its last message is read, as of a datagram."""
        if (following - half.next_sequence) & 0xFFFFFFFF >= 0x80000000:  # seen before
            return []
        messages = [half.buffer] if looks_like_sip(half.buffer) else []
        _pass_over(half, following)
        return messages

    def _skip_hole(self, half: _Half) -> "Pieces":
        """The missing segment will not come: go on behind it. A head that is whole is read without its body."""
        self._counters.tcp_gaps += 1
        sequence, _, at_ms = half.ahead[0]
        found = [(half.key, half.buffer, at_ms)] if half.in_step and _head_end(half.buffer) else []
        _pass_over(half, sequence)
        return found + self._take_overlapping(half)

    def close(self) -> "Pieces":
        """Watching ends: what still waits behind holes, or for the end of its body."""
        found: Pieces = []
        for key in sorted(self._halves):  # MicroPython's dicts keep no order
            half = self._halves[key]
            while half.ahead:
                found += self._skip_hole(half)
            found += _read_last(half)
        return found

    def _append(self, half: _Half, payload: bytes) -> list[bytes]:
        half.next_sequence = (half.next_sequence + len(payload)) & 0xFFFFFFFF
        if half.frames is not None or (len(half.buffer) < 12 and _begins_websocket(half.buffer + payload)):
            return self._read_frames(half, payload)
        if not half.in_step:
            if not _begins_message(payload):
                return []
            half.in_step = True
            half.buffer = b""
        if half.to_skip:
            skipped = min(half.to_skip, len(payload))
            half.to_skip -= skipped
            payload = payload[skipped:]
        before = half.buffer
        half.buffer += payload
        if before and before.find(b"\n") < 0 and _is_foreign(half.buffer) and _begins_message(payload):
            half.buffer = payload  # before it stood the rest of a body, longer than its message said
        return self._cut(half)

    def _read_frames(self, half: _Half, payload: bytes) -> list[bytes]:
        if half.frames is None:
            payload = half.buffer + payload
            half.buffer = b""
            from collector.core.websocket import open_reader

            half.frames = open_reader(payload, self._counters)
            if len(self._websockets) >= MAX_CONNECTIONS:
                self._websockets.clear()
            self._websockets[half.key] = 1
        messages = half.frames.receive(payload)
        if half.frames.lost:
            half.frames = None
            half.in_step = False
        return messages

    def _cut(self, half: _Half) -> list[bytes]:
        """Whole messages at the front of the buffer."""
        messages: list[bytes] = []
        while True:
            half.buffer = half.buffer.lstrip(b"\r\n\0")  # keep-alives (RFC 5626 section 3.5.1), or zeros
            if _is_foreign(half.buffer):
                return _fall_out_of_step(half, messages)
            end = _message_end(half.buffer)
            if end < 0:
                messages.append(half.buffer[: _head_end(half.buffer)])
                return _fall_out_of_step(half, messages)
            if end == 0 and len(half.buffer) > MAX_MESSAGE_BYTES:
                self._counters.malformed += 1
                self._counters.count_message(half.buffer)
                return _fall_out_of_step(half, messages)
            if end == 0 or len(half.buffer) < end <= MAX_MESSAGE_BYTES:
                return messages
            whole = end == len(half.buffer)  # as nearly always: a board would copy it
            messages.append(half.buffer if whole else half.buffer[:end])
            half.to_skip = max(0, end - len(half.buffer))  # a longer body is passed over, its head is read
            half.buffer = b"" if whole else half.buffer[end:]


def split_messages(data: bytes) -> list[bytes]:
    """The SIP messages of one piece of a stream that begins where a message begins; the last may be cut short."""
    messages: list[bytes] = []
    data = data.lstrip(b"\r\n")
    while data:
        end = _message_end(data)
        if end <= 0 or end > len(data):
            end = len(data)
        messages.append(data[:end])
        data = data[end:].lstrip(b"\r\n")
    return messages


def is_tls(payload: bytes) -> bool:
    """A TLS record: handshake or application data, version 3.x (RFC 8446 section 5.1)."""
    return len(payload) > 5 and 20 <= payload[0] <= 23 and payload[1] == 3 and payload[2] <= 4


def _fall_out_of_step(half: _Half, messages: list[bytes]) -> list[bytes]:
    """Nobody knows where the next message begins; `messages` are those before."""
    half.buffer = b""
    half.in_step = False
    return messages


def _read_last(half: _Half) -> "Pieces":
    """A message whose body will not become whole any more: who calls whom stands in its head."""
    if not half.in_step or half.queue is None or not _head_end(half.buffer):
        return []
    return [(half.key, half.buffer, half.deadline_ms - half.queue.wait_ms)]  # as of its last segment


def _pass_over(half: _Half, following: int) -> None:
    """Goes on at `following`: in step where what nobody saw is of a body whose length is known."""
    missing = (following - half.next_sequence) & 0xFFFFFFFF
    if half.in_step and half.buffer and half.frames is None:
        half.to_skip = max(0, _message_end(half.buffer) - len(half.buffer))
    half.in_step = 0 < missing <= half.to_skip and half.frames is None
    half.to_skip = half.to_skip - missing if half.in_step else 0
    half.buffer = b""
    half.frames = None
    half.next_sequence = following & 0xFFFFFFFF


def _begins_message(payload: bytes) -> bool:
    """True where a segment begins with a message: its first line may go on in the next segment."""
    payload = payload.lstrip()
    if looks_like_sip(payload):
        return True
    method, _, uri = payload.partition(b" ")
    return uri[:4] in _SCHEMES and method.isalpha() and payload.find(b"\n") < 0


def _begins_websocket(payload: bytes) -> bool:
    if payload[0] not in _WEBSOCKET_BEGINNINGS:
        return False
    from collector.core.websocket import begins_websocket

    return begins_websocket(payload)


def _is_far(sequence: int, expected: int) -> bool:
    """True where a segment cannot belong to the connection that is followed."""
    return MAX_WINDOW < (sequence - expected) & 0xFFFFFFFF < 0x100000000 - MAX_WINDOW


def _is_foreign(buffer: bytes) -> bool:
    """True where the first line is whole and not SIP's: another protocol on the port."""
    return buffer.find(b"\n") >= 0 and not looks_like_sip(buffer)


def _message_end(buffer: bytes) -> int:
    """Length of the message at the front; 0 while its head is not whole, -1 where its length is beyond all reason.

    A missing Content-Length means no body, as practice has it (RFC 3261 section 20.14 demands the header on streams),
    and so does one that is no number: where there is a body all the same, reading goes on behind it.
    """
    head_end = _head_end(buffer)
    if not head_end:
        return 0
    at = buffer.find(b"\nContent-Length:", 0, head_end)
    low = buffer if at >= 0 else buffer[:head_end].lower()  # a copy, where it is not written as nearly everybody does
    if at < 0:
        at = low.find(b"\ncontent-length")
    if at < 0:
        at = low.find(b"\nl:")
        if at < 0:
            at = low.find(b"\nl ")
    if at < 0:
        return head_end
    value = low[at + 1 : low.find(b"\n", at + 1)].partition(b":")[2].strip()
    if not value:  # folded (RFC 3261 section 7.3.1), or the next header's name
        value = low[at + 1 : head_end].partition(b":")[2].lstrip().partition(b"\n")[0].rstrip()
    if not value.isdigit():
        return head_end
    value = value.lstrip(b"0")
    return head_end + int(value or b"0") if len(value) <= MAX_LENGTH_DIGITS else -1


def _head_end(buffer: bytes) -> int:
    """The position behind the empty line; 0 where there is none. Leniency: lines may end with a bare line feed."""
    end = buffer.find(b"\r\n\r\n")
    bare = buffer.find(b"\n\n", 0, end if end >= 0 else len(buffer))
    return bare + 2 if bare >= 0 else end + 4 if end >= 0 else 0
