"""Readable builders of what routers and PBXs wrap SIP in."""

import struct

from builders import CARRIER, PBX, make_ethernet, make_ipv4, phone

# kinds of WebSocket frames (RFC 6455 section 5.2)
CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: pbx\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, SIP\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
WHOLE, MIDDLE, LAST, FIRST = 3, 0, 1, 2  # pieces of an SCTP message


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


def make_websocket_frame(
    payload: bytes, kind: int = TEXT, *, final: bool = True, mask: bytes = b"\x11\xa2\x33\xc4", reserved: int = 0
) -> bytes:
    """A frame (RFC 6455 section 5.2); what a client sends is masked, what a server sends is not (`mask` b"")."""
    size = len(payload)
    long = struct.pack("!BH", 126, size) if size < 65_536 else struct.pack("!BQ", 127, size)
    sizes = bytes([size]) if size < 126 else long
    if mask:
        sizes = bytes([sizes[0] | 0x80]) + sizes[1:] + mask
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([final << 7 | reserved << 4 | kind]) + sizes + payload


def make_data(payload: bytes, tsn: int = 1, flags: int = WHOLE, stream: int = 0) -> bytes:
    """A DATA chunk (RFC 9260 section 3.3.1), padded to four bytes."""
    head = struct.pack("!BBHIHHI", 0, flags, 16 + len(payload), tsn, stream, 0, 0)
    return (head + payload).ljust(-(-(16 + len(payload)) // 4) * 4, b"\0")


def make_i_data(payload: bytes, *, message: int = 1, number: int = 0, flags: int = WHOLE) -> bytes:
    """An I-DATA chunk (RFC 8260 section 2.1); `number` counts the pieces of a message."""
    head = struct.pack("!BBHIHHII", 64, flags, 20 + len(payload), 9, 0, 0, message, number)
    return (head + payload).ljust(-(-(20 + len(payload)) // 4) * 4, b"\0")


def make_sctp_frame(
    chunks: bytes, source: bytes = CARRIER, target: bytes = PBX, *, ports: tuple[int, int] = (5060, 5060), tag: int = 7
) -> bytes:
    """A frame with a packet of chunks."""
    return make_ethernet(make_ipv4(struct.pack("!HHII", *ports, tag, 0) + chunks, source, target, protocol=132))
