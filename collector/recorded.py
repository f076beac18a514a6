"""The time of recorded packets: out of order by a little is put in order, and a clock that was set goes on."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import TypeAlias, cast

from collector.ports import Frame

JITTER_MS = 100  # several queues of a network card, or several interfaces, write their packets out of order by less
BATCH = 128  # packets that are looked at together
MAX_HELD = 512  # and at most so many wait for a late one: a megabyte
STEP_MS = 2_000  # a clock that goes back further was set; less is packets that were written out of order

# what a reader of a format yields: data, time in ms as the file says (None: the file does not say), link type, length
Record: TypeAlias = tuple[bytes, int | None, int, int]


class DamagedCapture(Exception):
    """The recording ends or breaks in the middle; what came before it is good."""


def in_order(pieces: Iterator[list[Record]]) -> Iterator[list[Record]]:
    """The same records in order of time, where they are out of it by no more than JITTER_MS.

    Within a list times never go back; only its first record may be without one.
    """
    held: list[Record] = []
    newest_ms = 0
    disordered = False
    for chunk, damage in _with_damage(pieces):
        steady = _is_steady(chunk, newest_ms)  # as nearly all are: nothing to do for each of its packets
        if steady:
            held += chunk
            newest_ms = chunk[-1][1] or 0
        for record in [] if steady else chunk:
            stamp_ms = record[1]
            if stamp_ms is None or stamp_ms < newest_ms - JITTER_MS:  # no time, or a clock that was set
                yield _release(held, None, disordered=disordered)
                newest_ms = stamp_ms or 0
                disordered = False
            elif stamp_ms < newest_ms:
                disordered = True
            else:
                newest_ms = stamp_ms
            held.append(record)
        if len(held) >= BATCH and ((held[0][1] or 0) < newest_ms - JITTER_MS or len(held) >= MAX_HELD):
            yield _release(held, newest_ms - JITTER_MS, disordered=disordered)
        if damage is not None:  # what is held came before it
            yield _release(held, None, disordered=disordered)
            raise damage
    yield _release(held, None, disordered=disordered)


def _with_damage(pieces: Iterator[list[Record]]) -> Iterator[tuple[list[Record], Exception | None]]:
    """Each piece with None, at last an empty one with what was raised where the recording is damaged."""
    try:
        for piece in pieces:
            yield piece, None
    except Exception as damage:  # noqa: BLE001 - told to whoever reads, behind what came before it
        yield [], damage


def in_pieces(records: Iterator[Record]) -> Iterator[list[Record]]:
    """The same records, BATCH at once; what is raised comes behind those before it."""
    piece: list[Record] = []
    try:
        while True:
            piece.extend(islice(records, BATCH))
            if not piece:
                return
            yield piece
            piece = []
    except Exception:
        yield piece
        raise


def singly(pieces: Iterator[list[Record]]) -> Iterator[list[Record]]:
    """Each record by itself: the latest one of what is being written cannot wait for others."""
    for piece in pieces:
        for record in piece:
            yield [record]


def _is_steady(chunk: list[Record], newest_ms: int) -> bool:
    """True where every record has a time, none before another or before `newest_ms`."""
    stamps = list(map(itemgetter(1), chunk))
    try:
        return bool(stamps) and stamps[0] >= newest_ms and stamps == sorted(stamps)
    except TypeError:  # one without a time
        return False


def _release(held: list[Record], until_ms: int | None, *, disordered: bool) -> list[Record]:
    """Takes out what is older than `until_ms` (None: all of it); where nothing is, there is too much: a batch goes."""
    if disordered:
        held.sort(key=_stamp)
    count = len(held) if until_ms is None else bisect_left(held, until_ms, key=_stamp) or BATCH
    released = held[:count]
    del held[:count]
    return released


def _stamp(record: Record) -> int:
    return record[1] or 0


class Timeline:
    """Makes time stamps non-decreasing: what is slightly late is held, a clock that was set back goes on from there."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._shift_ms = 0

    def place(self, stamp_ms: int | None) -> int:
        """Where a frame belongs; one without a time stamp belongs to the frame before it."""
        if stamp_ms is not None:
            at_ms = stamp_ms + self._shift_ms
            if at_ms >= self.now_ms:
                self.now_ms = at_ms
            elif at_ms < self.now_ms - STEP_MS:
                self._shift_ms += self.now_ms - at_ms
        return self.now_ms

    def place_all(self, records: list[Record]) -> list[Frame]:
        """The same of records as `in_order` gives them: mostly they are frames as they stand."""
        if not records:
            return []
        first_ms, last_ms = records[0][1], records[-1][1]
        if self._shift_ms or first_ms is None or last_ms is None or first_ms < self.now_ms:
            return [(data, self.place(stamp_ms), link_type, length) for data, stamp_ms, link_type, length in records]
        self.now_ms = last_ms
        return cast("list[Frame]", records)
