"""IP fragments put together again (RFC 791 section 3.2, RFC 8200 section 4.5), in bounded memory.

Fragments may come in any order, twice, or overlapping; bytes that came first are kept. What never completes is
given up after a time or when the table is full, oldest first, and counted.
"""

from collector.core.counters import Counters

MAX_DATAGRAMS = 64  # datagrams in pieces at once; an office has one or two
MAX_DATAGRAM_BYTES = 65_535
MAX_PIECES = 64  # 65,535 bytes over a 1,280-byte MTU make 52
TIMEOUT_MS = 15_000  # as long as most stacks wait; the second piece normally follows within a millisecond
DUPLICATE_MS = 100  # a mirror port repeats the pieces of a whole datagram at once; later the number may be used again
PATIENCE_MS = 2  # then the first piece is read alone: a port filter at the tap drops all others, which carry no ports


class _Pieces:
    __slots__ = ("length", "pieces", "read_alone", "started_ms")

    def __init__(self, started_ms: int) -> None:
        self.started_ms = started_ms
        self.length = -1  # known once the last fragment came
        self.read_alone = False
        self.pieces: list[tuple[int, bytes]] = []  # sorted by offset, not overlapping


class FragmentTable:
    """Datagrams in pieces, keyed by (source, destination, protocol, identification)."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._tables: dict[tuple[bytes, bytes, int, int], _Pieces] = {}
        self._order: list[tuple[bytes, bytes, int, int]] = []  # oldest first; MicroPython's dicts keep no order
        self._done_key: tuple[bytes, bytes, int, int] | None = None  # the datagram that became whole last
        self._done_ms = 0
        self.unread = 0  # at most so many datagrams wait for `take_first_pieces`

    def receive_fragment(
        self, key: tuple[bytes, bytes, int, int], offset: int, more: bool, data: bytes, now_ms: int
    ) -> bytes | None:
        """The whole payload once its last missing piece is here, else None. `offset` is in bytes."""
        self._counters.fragments += 1
        self._give_up_old(now_ms)
        pieces = self._tables.get(key)
        if pieces is None:
            if key == self._done_key and now_ms - self._done_ms <= DUPLICATE_MS:
                return None
            pieces = self._open(key, now_ms)
        if offset + len(data) > MAX_DATAGRAM_BYTES or len(pieces.pieces) >= MAX_PIECES:
            self._give_up(key)
            return None
        if not more and pieces.length < 0:
            pieces.length = offset + len(data)
        _insert(pieces.pieces, offset, data)
        whole = _join(pieces)
        if whole is not None:
            self._remove(key)
            self._done_key = key
            self._done_ms = now_ms
        return whole

    def take_first_pieces(self, now_ms: int) -> list[tuple[tuple[bytes, bytes, int, int], int, bytes]]:
        """(key, its time, data) of the first pieces that wait too long for the others: each once.

        The first piece of a SIP message holds its headers, and calls can be timed by them. The datagram stays in the
        table: if it does become whole, it comes out again.
        """
        found = []
        for key in self._order:
            pieces = self._tables[key]
            if not pieces.read_alone and now_ms - pieces.started_ms >= PATIENCE_MS:
                pieces.read_alone = True
                if pieces.pieces[0][0] == 0:
                    found.append((key, pieces.started_ms, pieces.pieces[0][1]))
        self.unread = sum([not self._tables[key].read_alone for key in self._order])
        return found

    def _open(self, key: tuple[bytes, bytes, int, int], now_ms: int) -> _Pieces:
        if len(self._order) >= MAX_DATAGRAMS:
            self._give_up(self._order[0])
        pieces = self._tables[key] = _Pieces(now_ms)
        self._order.append(key)
        self.unread += 1
        return pieces

    def _give_up_old(self, now_ms: int) -> None:
        while self._order and now_ms - self._tables[self._order[0]].started_ms > TIMEOUT_MS:
            self._give_up(self._order[0])

    def _give_up(self, key: tuple[bytes, bytes, int, int]) -> None:
        self._counters.fragments_incomplete += 1
        self._remove(key)

    def give_up_all(self) -> None:
        """The capture ended: what is still in pieces never completes."""
        while self._order:
            self._give_up(self._order[0])

    def _remove(self, key: tuple[bytes, bytes, int, int]) -> None:
        del self._tables[key]
        self._order.remove(key)


def _insert(pieces: list[tuple[int, bytes]], offset: int, data: bytes) -> None:
    """Adds what `data` brings that is not there yet, keeping the list sorted and free of overlaps."""
    position = 0
    for start, piece in list(pieces):
        if offset + len(data) <= start:
            break
        if offset < start:
            pieces.insert(position, (offset, data[: start - offset]))
            position += 1
        covered = start + len(piece)
        if covered > offset:
            data = data[covered - offset :] if covered < offset + len(data) else b""
            offset = covered
        position += 1
        if not data:
            return
    pieces.insert(position, (offset, data))


def _join(pieces: _Pieces) -> bytes | None:
    """The payload if nothing is missing up to its known length."""
    if pieces.length < 0:
        return None
    reached = 0
    for start, piece in pieces.pieces:
        if start != reached:
            return None
        reached += len(piece)
        if reached >= pieces.length:
            break
    return b"".join([piece for _, piece in pieces.pieces])[: pieces.length] if reached >= pieces.length else None
