"""SIP over SCTP (RFC 4168): user messages out of the chunks of packets, put together in bounded memory.

DATA chunks (RFC 9260 section 3.3.1) and I-DATA chunks (RFC 8260 section 2.1), several in a packet, a message in one or
in many. Each SIP message is one user message, whatever its payload protocol identifier says.
"""

from collector.core.counters import Counters

TYPE_CHECKING = False
if TYPE_CHECKING:
    Direction = tuple[bytes, int, bytes, int, int]  # source, port, target, port, verification tag
    Key = tuple[Direction, int, int]  # stream, message of I-DATA or -1

MAX_UNFINISHED = 64  # messages in pieces at once; nearly every SIP message fits into one chunk
MAX_PIECES = 64  # of one message: 65,535 bytes over a 1,280-byte path make 52
MAX_MESSAGE_BYTES = 65_535

_DATA = 0
_I_DATA = 64
_END = 1
_BEGIN = 2


class _Unfinished:
    """Pieces of the messages of one stream (or, of I-DATA, of one message) by their number."""

    __slots__ = ("pieces", "size")

    def __init__(self) -> None:
        self.pieces: dict[int, tuple[int, bytes]] = {}  # number -> whether it begins or ends a message, bytes
        self.size = 0


class SctpTable:
    """Messages in pieces, by (association's direction, stream, message); the oldest is given up for a new one."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._tables: dict[Key, _Unfinished] = {}
        self._order: list[Key] = []  # oldest first; MicroPython's dicts keep no order

    def receive_packet(self, direction: "Direction", chunks: bytes) -> list[bytes]:
        """The user messages that a packet holds or completes, in order; `direction` names association and sender."""
        messages = []
        at = 0
        while at + 4 <= len(chunks):
            kind, flags = chunks[at], chunks[at + 1]
            length = chunks[at + 2] << 8 | chunks[at + 3]
            header = 16 if kind == _DATA else 20
            if kind in (_DATA, _I_DATA) and length > header and at + header < len(chunks):
                chunk = chunks[at : at + length]
                whole = chunk[header:] if flags & 3 == _BEGIN | _END else self._add(direction, chunk, kind, flags & 3)
                if whole:
                    messages.append(whole)
            at += max(4, length + 3 & ~3)
        return messages

    def _add(self, direction: "Direction", chunk: bytes, kind: int, flags: int) -> bytes:
        """A piece of a message; the message once all of its pieces are here, else b""."""
        stream = chunk[8] << 8 | chunk[9]
        if kind == _DATA:  # pieces of a message have transmission sequence numbers without a hole
            key, number, data = (direction, stream, -1), int.from_bytes(chunk[4:8], "big"), chunk[16:]
        else:
            key, data = (direction, stream, int.from_bytes(chunk[12:16], "big")), chunk[20:]
            number = 0 if flags & _BEGIN else int.from_bytes(chunk[16:20], "big")
        unfinished = self._tables.get(key) or self._open(key)
        if number in unfinished.pieces:
            return b""
        unfinished.pieces[number] = flags, data
        unfinished.size += len(data)
        whole = _join(unfinished, number)
        if len(unfinished.pieces) > MAX_PIECES or unfinished.size > MAX_MESSAGE_BYTES:
            self._give_up(key)
        elif not unfinished.pieces:
            self._forget(key)
        return whole

    def _open(self, key: "Key") -> _Unfinished:
        if len(self._order) >= MAX_UNFINISHED:
            self._give_up(self._order[0])
        self._order.append(key)
        unfinished = self._tables[key] = _Unfinished()
        return unfinished

    def _give_up(self, key: "Key") -> None:
        self._counters.fragments_incomplete += 1
        self._forget(key)

    def _forget(self, key: "Key") -> None:
        del self._tables[key]
        self._order.remove(key)

    def close(self) -> None:
        """Watching ends: counts the messages that never became whole."""
        while self._order:
            self._give_up(self._order[0])


def _join(unfinished: _Unfinished, number: int) -> bytes:
    """Takes the message that piece `number` belongs to out of the table, if it is whole; else b""."""
    pieces = unfinished.pieces
    first = last = number
    while not pieces[first][0] & _BEGIN:
        first = (first - 1) & 0xFFFFFFFF
        if first not in pieces:
            return b""
    while not pieces[last][0] & _END:
        last = (last + 1) & 0xFFFFFFFF
        if last not in pieces:
            return b""
    taken = []
    while True:
        taken.append(pieces.pop(first)[1])
        if first == last:
            break
        first = (first + 1) & 0xFFFFFFFF
    whole = b"".join(taken)
    unfinished.size -= len(whole)
    return whole
