"""Events until the sink has them: a ring in memory, and files in flash only while they cannot be sent.

Every start counts under a new epoch, so a number is never used twice whatever a power cut took with it. Events that
stand in a file keep the epoch and the numbers under which they may have been sent already.

One file holds what fits into one flash block and grows, at most once a minute, until it does: a write for every event
would erase a block for each. The file system (littlefs) shows what was appended whole or not at all after a power cut;
a checksum tells the rest. A file is removed once the sink has all of it; a board that is online writes nothing.

    file  = chunk, chunk, ...                of one epoch, their numbers without a hole
    chunk = b"RTS2", epoch (4), first seq (4), clock (1), count (2), length of the rows (2), crc32 of the rows (4), rows
    row   = length (2), then as in memory: t_ms (8), MessagePack of the event's array
"""

import binascii
import gc
import os
import struct

from collector.core import wire
from collector.core.events import GapObserved
from firmware.packer import TIME_BYTES, pack, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SEGMENT_BYTES = 4000  # a block of 4,096 bytes holds one file; littlefs needs none of it for itself
ROW_OVERHEAD = 28  # of memory: an object, a list's slot, what is left of the last block
FLUSH_AFTER_MS = 60_000  # offline: what a power cut may take; one block a minute wears a 4 MB flash out in decades
HEADER = ">4sIIBHHI"
HEADER_BYTES = 21
ROW_BYTES = 2
MAGIC = b"RTS2"
FULL, TORN = "spool_full", "spool_corrupt"  # reasons of gaps


class Segment:
    """One file: which numbers of which epoch it holds, and the times of its first and last event."""

    __slots__ = ("clock", "count", "epoch", "first", "from_ms", "name", "size", "until_ms")

    def __init__(self, name: str, epoch: int, first: int, clock: int) -> None:
        self.name = name
        self.epoch = epoch
        self.first = first
        self.clock = clock
        self.count = 0
        self.size = 0
        self.from_ms = 0
        self.until_ms = 0

    def take(self, rows: list[bytes], size: int) -> None:
        """Rows that follow those that it has, in `size` bytes of the file."""
        if not self.count:
            self.from_ms = time_of(rows[0])
        self.until_ms = time_of(rows[-1])
        self.count += len(rows)
        self.size += size

    @property
    def last(self) -> int:
        """The highest number in it."""
        return self.first + self.count - 1


class Spool:
    """The events of one board. `folder` is in flash; `ring_bytes` bounds the memory, `max_bytes` the files.

    The head is the oldest epoch that still has events: `epoch`, `first_seq` and `last_seq` speak of it, and only its
    events are handed out; once the sink has them all, the next epoch is the head.
    """

    def __init__(self, folder: str, epoch: int, ring_bytes: int, max_bytes: int) -> None:
        self.counters = {"spooled": 0, "flushes": 0, "flash_errors": 0, "dropped_events": 0, "torn_files": 0}
        self.clock_known = False  # until then times are the board's own, and events wait
        self._offset_ms = 0  # from the board's own time to Unix milliseconds
        self._folder = folder
        self._epoch = epoch  # of this start
        self._ring_bytes = ring_bytes
        self._max_segments = max(1, max_bytes // 4096)
        self._rows: list[bytes] = []
        self._used = 0
        self._first = 1  # number of the oldest row in memory
        self._acked = 0  # of the head's epoch
        self._flushed_ms = 0
        self._order = 0
        self.left_ms = 0  # Unix time of the newest event that an earlier start left in flash; 0 without any
        self._segments: list[Segment] = []
        self._load_folder()

    # --- what there is ---

    @property
    def epoch(self) -> int:
        """The head's epoch."""
        return self._segments[0].epoch if self._segments else self._epoch

    @property
    def first_seq(self) -> int:
        """Number of the head's oldest event that the sink does not have; `last_seq + 1` if there is none."""
        return max(self._acked + 1, self._segments[0].first if self._segments else self._first)

    @property
    def first_ms(self) -> int:
        """About when the oldest event was, in Unix milliseconds; 0 without any."""
        if self._segments:
            return self._segments[0].from_ms
        return time_of(self._rows[0]) if self._rows else 0

    @property
    def last_seq(self) -> int:
        """Number of the head's newest event."""
        epoch = self.epoch
        if epoch == self._epoch:
            return self._first + len(self._rows) - 1
        return max([segment.last for segment in self._segments if segment.epoch == epoch])

    def undelivered(self) -> int:
        """How many events the sink does not have."""
        waiting = sum([segment.count for segment in self._segments]) + len(self._rows)
        if self._segments and self._acked >= self._segments[0].first:
            waiting -= self._acked - self._segments[0].first + 1
        return waiting

    # --- in ---

    def append(self, t_ms: int, body: bytes) -> None:
        """Keep one event; when the ring is full, its oldest part goes to flash."""
        self._append(t_ms, body)
        self.counters["spooled"] += 1
        try:
            if self._used > self._ring_bytes and not self._flush_segment():
                self._drop_rows(max(1, len(self._rows) >> 2))
        except MemoryError:  # it is kept: the next one tries again
            gc.collect()

    def set_clock(self, offset_ms: int) -> None:
        """Wall time is known now: what waits in memory under the board's own time gets it."""
        self._rows = [_later(row, offset_ms) for row in self._rows]
        self._offset_ms = offset_ms
        self.clock_known = True

    # --- out ---

    def pending(self, after_seq: int, limit: int, limit_bytes: int) -> tuple[int, int, list[bytes]]:
        """(first number, clock, rows) of the head's events after `after_seq`; no rows when there are none.

        A row is `packer.time_of` and the event's bytes behind it.
        """
        seq = max(after_seq + 1, self.first_seq)
        if not self.clock_known:
            return seq, 0, []
        for segment in self._segments:
            if segment.epoch != self.epoch:
                break
            if segment.first <= seq <= segment.last:
                rows = self._read(segment, seq - segment.first, limit, limit_bytes)
                return seq, int(bool(segment.clock) or segment.epoch == self._epoch), rows
        if self.epoch != self._epoch or seq < self._first:
            return seq, 0, []
        return seq, 1, _fitting(self._rows, seq - self._first, limit, limit_bytes)

    def discard_through(self, epoch: int, seq: int) -> None:
        """The sink has the head's events up to `seq`; an acknowledgement of another epoch changes nothing."""
        if epoch != self.epoch or seq < self.first_seq:
            return
        self._acked = min(seq, self.last_seq)
        while self._segments and self._segments[0].epoch == epoch and self._segments[0].last <= self._acked:
            self._remove_oldest()
        if epoch == self._epoch:
            self._forget_rows(self._acked - self._first + 1)
        elif self.epoch != epoch:
            self._acked = 0

    def handle_time(self, now_ms: int, online: bool) -> None:
        """Write what waits, at most once a minute, while it cannot be sent; `now_ms` never goes back."""
        if online or not self._rows or not self.clock_known:
            self._flushed_ms = now_ms
        elif now_ms - self._flushed_ms >= FLUSH_AFTER_MS:
            self._flushed_ms = now_ms
            self.flush()

    def flush(self) -> bool:
        """Write everything in memory to flash; False where that failed (it stays in memory)."""
        while self._rows:
            if not self._flush_segment():
                return False
        return True

    # --- files ---

    def _flush_segment(self) -> bool:
        """Move the oldest rows to the newest file, or to a new one; False where flash refuses."""
        segment = self._open_segment()
        if segment is None:
            while len(self._segments) >= self._max_segments:
                self._drop_segment()
            segment = Segment("%08d.seg" % self._order, self._epoch, self._first, int(self.clock_known))
        rows = _fitting(self._rows, 0, len(self._rows), SEGMENT_BYTES - HEADER_BYTES - segment.size)
        try:
            with open(self._folder + "/" + segment.name, "ab") as file:
                size = _write_chunk(file, self._epoch, self._first, segment.clock, rows)
        except OSError:
            self.counters["flash_errors"] += 1
            self._order += 1  # nothing follows what may stand there half written
            segment.size = SEGMENT_BYTES
            return False
        self.counters["flushes"] += 1
        if not segment.count:
            self._order += 1
            self._segments.append(segment)
        segment.take(rows, size)
        self._forget_rows(len(rows))
        return True

    def _open_segment(self) -> Segment | None:
        """The newest file, where the next rows may follow its last."""
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.epoch != self._epoch or segment.clock != int(self.clock_known):
            return None
        room = SEGMENT_BYTES - segment.size - HEADER_BYTES
        return segment if segment.last + 1 == self._first and room > len(self._rows[0]) + ROW_BYTES else None

    def _load_folder(self) -> None:
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            names = []
            self._make_folder()
        for name in names:
            segment = self._load_segment(name)
            if segment is None:
                self.counters["torn_files"] += 1
                self._unlink(name)
            else:
                self._segments.append(segment)
                self._order = int(name[:8]) + 1
                if segment.clock:
                    self.left_ms = max(self.left_ms, segment.until_ms)

    def _make_folder(self) -> None:
        try:
            os.mkdir(self._folder)
        except OSError:
            self.counters["flash_errors"] += 1

    def _load_segment(self, name: str) -> Segment | None:
        """What a file holds, as far as it is whole; None where that is nothing."""
        segment = None
        try:
            with open(self._folder + "/" + name, "rb") as file:
                for epoch, first, clock, rows in _chunks(file):
                    if segment is None:
                        segment = Segment(name, epoch, first, clock)
                    segment.take(rows, HEADER_BYTES + sum([ROW_BYTES + len(row) for row in rows]))
        except OSError:
            return None
        return segment if name[:8].isdigit() else None

    def _read(self, segment: Segment, skip: int, limit: int, limit_bytes: int) -> list[bytes]:
        """Rows of a file in Unix time, as many as fit; a file is read again for each batch, memory is dearer."""
        with open(self._folder + "/" + segment.name, "rb") as file:
            rows = _fitting(_whole_rows(file), skip, limit, limit_bytes)
        if segment.clock:
            return rows
        # written before the time was known: of an earlier start nobody knows the time any more, it ended, at the
        # latest, when this one began
        offset_ms = self._offset_ms - (0 if segment.epoch == self._epoch else segment.until_ms)
        return [_later(row, offset_ms) for row in rows]

    def _remove_oldest(self) -> None:
        self._unlink(self._segments.pop(0).name)

    def _unlink(self, name: str) -> None:
        try:
            os.remove(self._folder + "/" + name)
        except OSError:
            self.counters["flash_errors"] += 1

    # --- bounds ---

    def _drop_segment(self) -> None:
        """Flash is full: the oldest file goes, and a gap says how much that was."""
        segment = self._segments[0]
        lost = segment.last - self.first_seq + 1
        self._remove_oldest()
        if self.epoch != segment.epoch:
            self._acked = 0
        self._note_loss(segment.from_ms, segment.until_ms, lost)

    def _drop_rows(self, count: int) -> None:
        from_ms, until_ms = time_of(self._rows[0]), time_of(self._rows[count - 1])
        self._forget_rows(count)
        self._note_loss(from_ms, until_ms, count)

    def _note_loss(self, from_ms: int, until_ms: int, count: int) -> None:
        self.counters["dropped_events"] += count
        t_ms, body = wire.encode_event(GapObserved(from_ms, until_ms, FULL, count))
        self._append(t_ms, pack(body))

    def _append(self, t_ms: int, body: bytes) -> None:
        self._rows.append(t_ms.to_bytes(TIME_BYTES, "big") + body)
        self._used += TIME_BYTES + len(body) + ROW_OVERHEAD

    def _forget_rows(self, count: int) -> None:
        if count > 0:
            self._used -= sum([len(row) + ROW_OVERHEAD for row in self._rows[:count]])
            self._rows = self._rows[count:]
            self._first += count


def _later(row: bytes, by_ms: int) -> bytes:
    return (time_of(row) + by_ms).to_bytes(TIME_BYTES, "big") + row[TIME_BYTES:]


def _fitting(rows: "Iterable[bytes]", skip: int, limit: int, limit_bytes: int) -> list[bytes]:
    """Rows behind the first `skip`, as many as fit; always at least one where there is one."""
    found: list[bytes] = []
    used = 0
    for row in rows:
        if skip:
            skip -= 1
            continue
        used += len(row) + ROW_BYTES
        if len(found) == limit or (used > limit_bytes and found):
            break
        found.append(row)
    return found


def _write_chunk(file: object, epoch: int, first: int, clock: int, rows: list[bytes]) -> int:
    """Write rows without building them in memory first; returns the bytes of the chunk."""
    crc = length = 0
    for row in rows:
        crc = binascii.crc32(row, binascii.crc32(len(row).to_bytes(ROW_BYTES, "big"), crc))
        length += ROW_BYTES + len(row)
    file.write(struct.pack(HEADER, MAGIC, epoch, first, clock, len(rows), length, crc))
    for row in rows:
        file.write(len(row).to_bytes(ROW_BYTES, "big"))
        file.write(row)
    return HEADER_BYTES + length


def _chunks(file: object):  # type: ignore[no-untyped-def]
    """(epoch, first seq, clock, rows) of each chunk of a file, up to the first damage."""
    header = file.read(HEADER_BYTES)
    while len(header) == HEADER_BYTES:
        magic, epoch, first, clock, count, _, expected = struct.unpack(HEADER, header)
        rows = []
        crc = 0
        for _ in range(count if magic == MAGIC else 0):
            head = file.read(ROW_BYTES)
            row = file.read(int.from_bytes(head, "big"))
            crc = binascii.crc32(row, binascii.crc32(head, crc))
            rows.append(row)
        if not rows or crc != expected or min([len(row) for row in rows]) <= TIME_BYTES:
            return
        yield epoch, first, clock, rows
        header = file.read(HEADER_BYTES)


def _whole_rows(file: object):  # type: ignore[no-untyped-def]
    """The rows of a file that was found whole when it was opened first, or that this start has written."""
    header = file.read(HEADER_BYTES)
    while len(header) == HEADER_BYTES:
        for _ in range(struct.unpack(HEADER, header)[4]):
            yield file.read(int.from_bytes(file.read(ROW_BYTES), "big"))
        header = file.read(HEADER_BYTES)
