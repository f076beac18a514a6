"""Packets that the field kit makes itself, and recordings of them (pcap).

A datagram as a frame, as a router's stream (TZSP) and as a PBX's mirror (HEP3). Addresses are four bytes. Checksums are
left zero: taps see unfinished ones every day, and nobody here looks at them.
"""

import struct
from collections.abc import Iterable
from typing import BinaryIO

from collector.core.links import LINK_ETHERNET

ETHERNET = b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0"  # from one locally administered address to another, IPv4
TZSP_HEAD = b"\x01\0\0\x01\x01"  # version 1, a received packet, Ethernet, no tags
PROTOCOL_UDP = 17
SIP_PORT = 5060


def make_ip(
    payload: bytes, source: bytes, target: bytes, protocol: int, *, number: int = 0, fragment: int = 0
) -> bytes:
    """An Ethernet frame with one IPv4 packet; `fragment` is its field of flags and offset (RFC 791 section 3.1)."""
    size = 20 + len(payload)
    return (
        ETHERNET
        + struct.pack("!BBHHHBBH", 0x45, 0, size, number & 0xFFFF, fragment, 64, protocol, 0)
        + (source + target + payload)
    )


def make_udp(payload: bytes, source: bytes, target: bytes, port: int = SIP_PORT, *, number: int = 0) -> bytes:
    """A frame with one datagram to a port, from the SIP port."""
    datagram = struct.pack("!HHHH", SIP_PORT, port, 8 + len(payload), 0) + payload
    return make_ip(datagram, source, target, PROTOCOL_UDP, number=number)


def make_tzsp(payload: bytes, source: bytes, target: bytes) -> bytes:
    """What a MikroTik router sends of a datagram between SIP ports."""
    return TZSP_HEAD + make_udp(payload, source, target)


def make_hep(payload: bytes, source: bytes, target: bytes) -> bytes:
    """What a PBX sends of it (HEP3): chunks of vendor 0, addresses and ports among them."""
    port = struct.pack("!H", SIP_PORT)
    chunks = ((1, b"\2"), (2, bytes([PROTOCOL_UDP])), (3, source), (4, target), (7, port), (8, port), (11, b"\1"),
              (15, payload))  # fmt: skip
    body = b"".join(struct.pack("!HHH", 0, kind, 6 + len(value)) + value for kind, value in chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def write_pcap(file: BinaryIO, frames: Iterable[tuple[bytes, int]], link_type: int = LINK_ETHERNET) -> None:
    """Frames with their Unix milliseconds, as a pcap with microseconds."""
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, link_type))
    file.writelines(
        struct.pack("<IIII", at_ms // 1000, at_ms % 1000 * 1000, len(frame), len(frame)) + frame
        for frame, at_ms in frames
    )
