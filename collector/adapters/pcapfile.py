"""Recordings as a source of frames: pcap and pcapng, compressed with gzip or not, from a file or standard input.

Read as a stream: some hundred frames are in memory at a time. Layouts: draft-ietf-opsawg-pcap (pcap: microseconds or
nanoseconds, either byte order) and draft-ietf-opsawg-pcapng (several sections and interfaces, each with link type and
time resolution). dpkt and PyPI's pcapng packages: none streams both formats with several interfaces and exact times.
"""

import gzip
import heapq
import io
import os
import stat
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from collector.errors import CaptureError
from collector.growing import PATIENCE_S, GrowingFile
from collector.ports import Frame
from collector.recorded import BATCH, Record, Timeline, in_order

MAX_FRAME_BYTES = 262_144  # the largest snapshot length libpcap allows: more is a damaged file
MAX_BLOCK_BYTES = 16 << 20  # a pcapng block beyond it is damage, not a packet
SKIP_BYTES = 65_536  # blocks of no interest are passed over in pieces of this size
MAX_WAITING_FRAMES = 4_096  # read from a pipe but not yet taken: a megabyte or two


class DamagedCapture(Exception):
    """The recording ends or breaks in the middle; what came before it is good."""


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
    return head, io.BufferedReader(_Rejoined(head, stream), SKIP_BYTES)


def _take(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise DamagedCapture(f"{len(data)} of {size} bytes are there")
    return data


def _skip(stream: BinaryIO, size: int) -> None:
    while size > 0:
        size -= len(_take(stream, min(size, SKIP_BYTES)))


# --- pcap -----------------------------------------------------------------------------------------------------------

_PCAP_MAGICS = {  # first four bytes -> byte order, fractions of a second to a millisecond
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000),
}


_PATCHED_MAGICS = {b"\xa1\xb2\xcd\x34": ">", b"\x34\xcd\xb2\xa1": "<"}  # a Linux of the nineties, and routers since


def _read_pcap(stream: BinaryIO) -> Iterator[Record]:
    """draft-ietf-opsawg-pcap section 4 (file header) and 5 (packet record)."""
    magic = _take(stream, 4)
    order, per_ms = _PCAP_MAGICS.get(magic) or (_PATCHED_MAGICS[magic], 1_000)
    size = 24 if magic in _PATCHED_MAGICS else 16  # with the interface, protocol and kind of each packet
    link_type = struct.unpack(order + "HHiIII", _take(stream, 20))[5] & 0xFFFF  # the high bits are about the FCS
    unpack = struct.Struct(order + "IIII").unpack
    read = stream.read
    while header := read(size):
        if len(header) < size:
            raise DamagedCapture(f"{len(header)} of {size} bytes are there")
        seconds, fraction, captured, original = unpack(header[:16])
        if captured > MAX_FRAME_BYTES:
            raise DamagedCapture(f"it says it has {captured} bytes")
        data = read(captured)
        if len(data) != captured:
            raise DamagedCapture(f"{len(data)} of {captured} bytes are there")
        yield data, seconds * 1000 + fraction // per_ms, link_type, original


# --- pcapng ---------------------------------------------------------------------------------------------------------

_SECTION_HEADER, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_OPTION_TSRESOL, _OPTION_TSOFFSET = 9, 14


class _Interface:
    """One capture interface of a section: link type, snapshot length, and how its clock counts."""

    def __init__(self, order: str, body: bytes) -> None:
        if len(body) < 8:
            raise DamagedCapture("an interface description is cut short")
        self.link_type, _, self.snap_bytes = struct.unpack_from(order + "HHI", body)
        self.units = 1_000_000  # a second, unless if_tsresol says otherwise
        self.offset_ms = 0
        for code, value in _options(order, body, 8):
            if code == _OPTION_TSRESOL and value:
                self.units = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            elif code == _OPTION_TSOFFSET and len(value) == 8:
                self.offset_ms = struct.unpack(order + "q", value)[0] * 1000

    def time_ms(self, high: int, low: int) -> int:
        """Unix milliseconds of a time stamp in this interface's units."""
        return ((high << 32) | low) * 1000 // self.units + self.offset_ms


def _options(order: str, body: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, start)
        if code == 0:
            return
        yield code, body[start + 4 : start + 4 + size]
        start += 4 + (size + 3) // 4 * 4


class _Section:
    """The state between two section headers: the byte order and the interfaces declared so far."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.interfaces: list[_Interface] = []

    def interface(self, number: int) -> _Interface:
        """The interface a packet names."""
        if number >= len(self.interfaces):
            raise DamagedCapture(f"it names interface {number}, which the file has not described")
        return self.interfaces[number]

    def enhanced_packet(self, body: bytes) -> Record:
        """Section 4.3: interface, time stamp in two halves, captured and original length."""
        number, *times_and_lengths = struct.unpack_from(self.order + "IIIII", body)
        return self._timed_packet(number, times_and_lengths, body)

    def old_packet(self, body: bytes) -> Record:
        """The obsolete packet block (appendix A): a drop counter shares the interface's word."""
        number, _, *times_and_lengths = struct.unpack_from(self.order + "HHIIII", body)
        return self._timed_packet(number, times_and_lengths, body)

    def simple_packet(self, body: bytes) -> Record:
        """Section 4.4: the first interface, no time stamp; the length may be cut by the snapshot length."""
        (original,) = struct.unpack_from(self.order + "I", body)
        interface = self.interface(0)
        captured = min(original, interface.snap_bytes or original, len(body) - 4)
        return body[4 : 4 + captured], None, interface.link_type, original

    def _timed_packet(self, number: int, times_and_lengths: list[int], body: bytes) -> Record:
        interface = self.interface(number)
        high, low, captured, original = times_and_lengths
        if captured > len(body) - 20:
            raise DamagedCapture(f"it says it has {captured} bytes")
        return body[20 : 20 + captured], interface.time_ms(high, low), interface.link_type, original


_PACKET_READERS: dict[int, Callable[[_Section, bytes], Record]] = {
    _ENHANCED_PACKET: _Section.enhanced_packet,
    _OLD_PACKET: _Section.old_packet,
    _SIMPLE_PACKET: _Section.simple_packet,
}


def _read_pcapng(stream: BinaryIO) -> Iterator[Record]:
    """Blocks of kind, length, body, length again (section 3.1); kinds that are not known are passed over."""
    section = _Section("<")
    while head := stream.read(4):
        if head == b"\x0a\x0d\x0d\x0a":  # reads the same in both byte orders
            section = _read_section_header(stream)
            continue
        (kind,) = struct.unpack(section.order + "I", head.ljust(4, b"\0"))
        body = _read_block(stream, section.order, wanted=kind in _PACKET_READERS or kind == _INTERFACE)
        if kind == _INTERFACE:
            section.interfaces.append(_Interface(section.order, body))
        elif kind in _PACKET_READERS:
            try:
                yield _PACKET_READERS[kind](section, body)
            except struct.error:
                raise DamagedCapture("its block is cut short") from None


def _read_section_header(stream: BinaryIO) -> _Section:
    lengths = _take(stream, 8)
    order = _BYTE_ORDERS.get(lengths[4:])
    if order is None:
        raise DamagedCapture("a section header has no byte order")
    (size,) = struct.unpack(order + "I", lengths[:4])
    if size < 28 or size % 4:
        raise DamagedCapture(f"a section header says it has {size} bytes")
    _skip(stream, size - 12)
    return _Section(order)


def _read_block(stream: BinaryIO, order: str, *, wanted: bool) -> bytes:
    (size,) = struct.unpack(order + "I", _take(stream, 4))
    if size < 12 or size % 4 or (wanted and size > MAX_BLOCK_BYTES):
        raise DamagedCapture(f"a block says it has {size} bytes")
    if wanted:
        return _take(stream, size - 8)[:-4]
    _skip(stream, size - 8)
    return b""


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
        head, self._stream = _peek(path, io.BufferedReader(self._growing, SKIP_BYTES) if self._growing else self._file)
        if head[:2] == b"\x1f\x8b":
            head, self._stream = _peek(path, gzip.GzipFile(fileobj=self._stream))
        self._records = self._reader_of(head)
        about = os.fstat(self._file.fileno())
        self._size = about.st_size if path != "-" else 0
        # of what is being written, or comes through a pipe, the latest packet cannot wait to be put in order
        self._is_whole = self._growing is None and stat.S_ISREG(about.st_mode)

    def _reader_of(self, head: bytes) -> Iterator[Record]:
        if head in _PCAP_MAGICS or head in _PATCHED_MAGICS:
            return _read_pcap(self._stream)
        if head == b"\x0a\x0d\x0d\x0a":
            return _read_pcapng(self._stream)
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
            for records in in_order(self._records) if self._is_whole else ([record] for record in self._records):
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
