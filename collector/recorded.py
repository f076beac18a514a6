"""The time of recorded packets: out of order by a little is put in order, and a clock that was set goes on."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import TypeAlias

JITTER_MS = 100  # several queues of a network card, or several interfaces, write their packets out of order by less
BATCH = 256  # packets that are looked at together
MAX_HELD = 512  # and at most so many wait for a late one: a megabyte
STEP_MS = 2_000  # a clock that goes back further was set; less is packets that were written out of order

# what a reader of a format yields: data, time in ms as the file says (None: the file does not say), link type, length
Record: TypeAlias = tuple[bytes, int | None, int, int]


def in_order(records: Iterator[Record]) -> Iterator[Record]:
    """The same records, in order of time where they are out of it by no more than JITTER_MS."""
    held: list[Record] = []
    newest_ms = 0
    disordered = False
    try:
        for record in records:
            stamp_ms = record[1]
            if stamp_ms is None or stamp_ms < newest_ms - JITTER_MS:  # no time, or a clock that was set
                yield from _release(held, None, disordered=disordered)
                newest_ms = stamp_ms or 0
                disordered = False
            elif stamp_ms < newest_ms:
                disordered = True
            else:
                newest_ms = stamp_ms
            held.append(record)
            if len(held) >= BATCH and ((held[0][1] or 0) < newest_ms - JITTER_MS or len(held) >= MAX_HELD):
                yield from _release(held, newest_ms - JITTER_MS, disordered=disordered)
    except Exception:  # the recording is damaged: what is held came before that
        yield from _release(held, None, disordered=disordered)
        raise
    yield from _release(held, None, disordered=disordered)


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
