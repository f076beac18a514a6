"""Readable builders of what routers and PBXs wrap SIP in."""

import struct

from builders import PBX, phone


def make_tzsp(frame: bytes, *, kind: int = 0, tags: bytes = b"", protocol: int = 1) -> bytes:
    """A TZSP datagram around a frame; kind 4 is a keep-alive."""
    return struct.pack("!BBH", 1, kind, protocol) + tags + b"\x01" + frame


def _chunk(kind: int, value: bytes) -> bytes:
    return struct.pack("!HHH", 0, kind, 6 + len(value)) + value


def make_hep(
    payload: bytes, source: bytes = PBX, target: bytes = phone(101), *, key: str = "", port: int = 5060, kind: int = 1
) -> bytes:
    """A HEP3 packet of a SIP message (kind 5: of RTCP) from port to the same port."""
    chunks = [
        _chunk(1, b"\x02"),
        _chunk(2, b"\x11"),
        _chunk(3, source),
        _chunk(4, target),
        _chunk(7, struct.pack("!H", port)),
        _chunk(8, struct.pack("!H", port)),
        _chunk(11, bytes((kind,))),
        *([_chunk(14, key.encode())] if key else []),
        _chunk(15, payload),
    ]
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body
