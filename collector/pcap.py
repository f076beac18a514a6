"""The records of a pcap recording (draft-ietf-opsawg-pcap), many at once: those of a piece of the file."""

import struct
from collections.abc import Iterator
from io import BufferedIOBase

from collector.recorded import DamagedCapture, Record

MAX_FRAME_BYTES = 262_144  # the largest snapshot length libpcap allows: more is a damaged file
PIECE_BYTES = 32_768

MAGICS = {  # first four bytes -> byte order, fractions of a second to a millisecond, bytes before a packet
    b"\xa1\xb2\xc3\xd4": (">", 1_000, 16),
    b"\xd4\xc3\xb2\xa1": ("<", 1_000, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000, 16),
    # a Linux of the nineties, and routers since: with the interface, protocol and kind of each packet
    b"\xa1\xb2\xcd\x34": (">", 1_000, 24),
    b"\x34\xcd\xb2\xa1": ("<", 1_000, 24),
}


def read_pcap(stream: BufferedIOBase) -> Iterator[list[Record]]:
    """All records from the file header (section 4) on; what a file that is being written has now comes at once."""
    header = stream.read(24)
    if len(header) < 24:
        raise DamagedCapture(f"{len(header)} of 24 bytes are there")
    order, per_ms, header_bytes = MAGICS[header[:4]]
    link_type = struct.unpack_from(order + "I", header, 20)[0] & 0xFFFF  # the high bits are about the FCS
    unpack = struct.Struct(order + "IIII").unpack_from
    data = b""
    while piece := stream.read1(PIECE_BYTES):
        data += piece
        records: list[Record] = []
        start, last, size = 0, len(data) - header_bytes, len(data)
        captured = 0
        second = second_ms = 0
        while start <= last:  # section 5: time, captured and original length, packet
            seconds, fraction, captured, original = unpack(data, start)
            begin = start + header_bytes
            end = begin + captured
            if end > size:
                break
            if seconds != second:
                second, second_ms = seconds, seconds * 1000
            records.append((data[begin:end], second_ms + fraction // per_ms, link_type, original))
            start = end
        yield records
        if captured > MAX_FRAME_BYTES:
            raise DamagedCapture(f"it says it has {captured} bytes")
        data = data[start:]
    if data:
        raise DamagedCapture(_missing(data, header_bytes, order))


def _missing(data: bytes, header_bytes: int, order: str) -> str:
    """How much of the last record there is."""
    if len(data) < header_bytes:
        return f"{len(data)} of {header_bytes} bytes are there"
    captured = struct.unpack_from(order + "I", data, 8)[0]
    return f"{len(data) - header_bytes} of {captured} bytes are there"
