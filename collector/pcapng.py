"""The records of a pcapng recording (draft-ietf-opsawg-pcapng): sections, interfaces, each with a clock of its own."""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from collector.recorded import DamagedCapture, Record

MAX_BLOCK_BYTES = 16 << 20  # a block beyond it is damage, not a packet
SKIP_BYTES = 65_536  # blocks of no interest are passed over in pieces of this size

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


def read_pcapng(stream: BinaryIO) -> Iterator[Record]:
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


def _take(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise DamagedCapture(f"{len(data)} of {size} bytes are there")
    return data


def _skip(stream: BinaryIO, size: int) -> None:
    while size > 0:
        size -= len(_take(stream, min(size, SKIP_BYTES)))
