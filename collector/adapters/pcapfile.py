"""Recordings as a source of frames: pcap and pcapng, compressed with gzip or not, from a file or standard input.

Read as a stream: some hundred frames are in memory at a time. The formats are read by `collector.pcap` (microseconds or
nanoseconds, either byte order) and `collector.pcapng` (several sections and interfaces, each with link type and time
resolution). dpkt and PyPI's pcapng packages: none streams both formats with several interfaces and exact times.
"""

import gzip
import heapq
import io
import os
import stat
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path

from collector.errors import CaptureError
from collector.growing import PATIENCE_S, GrowingFile
from collector.pcap import MAGICS, PIECE_BYTES, read_pcap
from collector.pcapng import read_pcapng
from collector.ports import Frame
from collector.recorded import BATCH, DamagedCapture, Record, Timeline, in_order, in_pieces, singly

MAX_WAITING_FRAMES = 4_096  # read from a pipe but not yet taken: a megabyte or two


# --- the stream -----------------------------------------------------------------------------------------------------


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were already read (standard input cannot go back)."""

    def __init__(self, head: bytes, rest: io.BufferedIOBase) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] or self._rest.read1(len(buffer))  # what is there, not all that fits
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._rest.close()
        super().close()


def _open_stream(path: str) -> io.BufferedReader:
    if path == "-":
        return os.fdopen(os.dup(0), "rb")  # not sys.stdin, whose lock a reading thread would hold at exit
    try:
        return Path(path).open("rb")
    except IsADirectoryError as error:
        raise CaptureError(f"{path}: is a directory; name the recordings in it, such as {path}/*.pcap") from error
    except OSError as error:
        raise CaptureError(f"{path}: cannot be read: {error.strerror}") from error


def _peek(path: str, stream: io.BufferedIOBase) -> tuple[bytes, io.BufferedReader]:
    """The first four bytes, and a stream that still has them."""
    try:
        head = stream.read(4)
    except OSError as error:  # gzip.BadGzipFile is one
        raise CaptureError(f"{path}: cannot be read: {error}") from error
    except (EOFError, zlib.error) as error:
        raise CaptureError(f"{path}: is damaged gzip from its first bytes on; copy it again") from error
    return head, io.BufferedReader(_Rejoined(head, stream), PIECE_BYTES)


# --- the sources ----------------------------------------------------------------------------------------------------


class PcapFileSource:
    """One recording; `path` "-" is standard input. Raises CaptureError at once where there is nothing to read.

    `follow`: a file that is being written, from its present end on (`from_start`: from its beginning); it ends only
    where another file takes its place.
    """

    def __init__(self, path: str, *, follow: bool = False, from_start: bool = False) -> None:
        self.problems: list[str] = []
        self._path = path
        self._file = _open_stream(path)
        self._growing = GrowingFile(path, self._file) if follow else None
        self._from_start = from_start
        head, self._stream = _peek(path, io.BufferedReader(self._growing, PIECE_BYTES) if self._growing else self._file)
        if head[:2] == b"\x1f\x8b":
            head, self._stream = _peek(path, gzip.GzipFile(fileobj=self._stream))
        about = os.fstat(self._file.fileno())
        self._size = about.st_size if path != "-" else 0
        # of what is being written, or comes through a pipe, the latest packet cannot wait to be put in order
        self._is_whole = self._growing is None and stat.S_ISREG(about.st_mode)
        self._pieces = self._reader_of(head)

    def _reader_of(self, head: bytes) -> Iterator[list[Record]]:
        if head in MAGICS:
            return read_pcap(self._stream)
        if head == b"\x0a\x0d\x0d\x0a":
            records = read_pcapng(self._stream)
            return in_pieces(records) if self._is_whole else ([record] for record in records)
        if not head:
            raise CaptureError(f"{self._path}: is empty; record again, for example: tcpdump -i any -w {self._path}")
        raise CaptureError(f"{self._path}: is no capture; pcap and pcapng can be read, plain or compressed with gzip")

    def frames(self) -> Iterator[Frame]:
        """Frames on one non-decreasing timeline of Unix milliseconds; damage ends them and becomes a problem."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Frame]]:
        """The same frames, many at once; what is being written comes one by one."""
        timeline = Timeline()
        growing = None if self._from_start else self._growing
        count = 0
        try:
            for records in in_order(self._pieces) if self._is_whole else singly(self._pieces):
                count += len(records)
                frames = timeline.place_all(records)
                if growing is None or growing.at_end:
                    yield frames
        except DamagedCapture as damage:
            self.problems.append(
                f"{self._path}: cut short or damaged in packet {count + 1}: {damage}; {count} were read"
            )
        except (EOFError, OSError, zlib.error) as error:
            self.problems.append(f"{self._path}: cannot be read after packet {count}: {error}")
        finally:
            self._stream.close()

    def stop(self) -> None:
        """Wait no more for a file that is followed."""
        if self._growing is not None:
            self._growing.stopped = True

    @property
    def replaced(self) -> bool:
        """True where a file that is followed has ended because another one took its place."""
        return self._growing is not None and self._growing.replaced

    def progress(self) -> float:
        """Share of the file that has been read; 0 for standard input."""
        return self._file.tell() / self._size if self._size and not self._file.closed else float(self._file.closed)


class MergedSource:
    """Several recordings as one stream in order of time."""

    def __init__(self, sources: Sequence[PcapFileSource]) -> None:
        self._sources = sources

    @property
    def problems(self) -> list[str]:
        """The problems of all recordings."""
        return [problem for source in self._sources for problem in source.problems]

    def frames(self) -> Iterator[Frame]:
        """Frames of all recordings, each in its own order, interleaved by time."""
        if len(self._sources) == 1:
            return self._sources[0].frames()
        return heapq.merge(*(source.frames() for source in self._sources), key=itemgetter(1))

    def batches(self) -> Iterator[list[Frame]]:
        """The same frames, many at once."""
        if len(self._sources) == 1:
            return self._sources[0].batches()
        frames = self.frames()
        return iter(lambda: list(islice(frames, BATCH)), [])

    def progress(self) -> float:
        """Share of all recordings that has been read."""
        return sum(source.progress() for source in self._sources) / max(1, len(self._sources))


class PipedSource:
    """A recording that is still being written: yields None where nothing arrived for a while.

    A thread of its own waits for the pipe, so that whoever takes the frames can do other things meanwhile.
    """

    def __init__(self, source: PcapFileSource) -> None:
        self.problems = source.problems
        self._source = source
        self._waiting: deque[Frame] = deque()
        self._arrived = threading.Event()
        self._ended = False

    def batches(self) -> Iterator[list[Frame]]:
        """Frames as they come; none after every `PATIENCE_S` without one: whoever reads a pipe gets a turn."""
        threading.Thread(target=self._read, name="recording", daemon=True).start()
        while not self._ended or self._waiting:
            self._arrived.wait(PATIENCE_S)
            self._arrived.clear()
            yield [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if self._waiting:
                self._arrived.set()

    def frames(self) -> Iterator[Frame]:
        """The same frames one by one."""
        for batch in self.batches():
            yield from batch

    def progress(self) -> float:
        """Nobody knows how much is to come: 0 until the end."""
        return float(self._ended)

    def _read(self) -> None:
        try:
            for frame in self._source.frames():
                self._waiting.append(frame)
                self._arrived.set()
                while len(self._waiting) >= MAX_WAITING_FRAMES:
                    time.sleep(PATIENCE_S / 10)
        finally:
            self._ended = True
            self._arrived.set()


def open_captures(paths: Sequence[str]) -> MergedSource | PipedSource:
    """All of these recordings; raises CaptureError for the first that cannot be read."""
    sources = [PcapFileSource(path) for path in paths]
    return PipedSource(sources[0]) if list(paths) == ["-"] else MergedSource(sources)
