"""HEP3 (EEP, revision 12), the format in which a PBX mirrors its own SIP, also the SIP that it encrypts.

"HEP3" | total length (2) | chunk ...        chunk = vendor (2) | type (2) | length with these six bytes (2) | value
"""

MAGIC = b"HEP3"
PORT = 9060

_SIP = 1  # value of chunk 11

_FAMILY = 1
_PROTOCOL = 2
_SOURCE_4 = 3
_DESTINATION_4 = 4
_SOURCE_6 = 5
_DESTINATION_6 = 6
_SOURCE_PORT = 7
_DESTINATION_PORT = 8
_PROTOCOL_TYPE = 11
_AUTH_KEY_CHUNK = b"\0\0\0\x0e"  # vendor 0, type 14
_PAYLOAD = 15


class HepPacket:
    """What one HEP3 packet carries: who sent what to whom. Addresses are packed, `protocol` is IP's (17 UDP, 6 TCP)."""

    __slots__ = ("payload", "protocol", "source", "source_port", "target", "target_port")

    def __init__(self) -> None:
        self.protocol = 17
        self.source = b""
        self.source_port = 0
        self.target = b""
        self.target_port = 0
        self.payload = b""


def hep_length(data: bytes) -> int:
    """Length of the packet at the front of a stream; 0 while its head is not whole, -1 where it is no HEP3."""
    if data[:4] != MAGIC[: len(data)]:
        return -1
    if len(data) < 6:
        return 0
    length = data[4] << 8 | data[5]
    return length if length >= 6 else -1


def unwrap_hep(data: bytes) -> HepPacket | None:
    """The SIP of a HEP3 packet; None for other protocols (RTCP, logs) and for what is malformed.

    A cut packet still gives its payload as far as it goes: the first bytes of a SIP message hold its headers.
    """
    if data[:4] != MAGIC or len(data) < 6:
        return None
    packet = HepPacket()
    kind = _SIP
    at = 6
    end = min(len(data), data[4] << 8 | data[5])
    while at + 6 <= end:
        length = data[at + 4] << 8 | data[at + 5]
        if length < 6:
            return None
        if data[at] == 0 and data[at + 1] == 0:  # vendor 0: the generic chunks
            value = data[at + 6 : min(at + length, len(data))]
            chunk = data[at + 2] << 8 | data[at + 3]
            if chunk == _PROTOCOL_TYPE:
                kind = value[0] if value else 0
            else:
                _take_chunk(packet, chunk, value)
        at += length
    return packet if kind == _SIP and packet.payload and packet.source and packet.target else None


def hep_auth_key(data: bytes) -> bytes:
    """The key that a HEP3 packet of any kind carries, b"" without one."""
    at = 6
    while at + 6 <= len(data):
        length = data[at + 4] << 8 | data[at + 5]
        if data[at : at + 4] == _AUTH_KEY_CHUNK:
            return data[at + 6 : at + length]
        at += max(length, 6)
    return b""


def _take_chunk(packet: HepPacket, chunk: int, value: bytes) -> None:
    if chunk == _PAYLOAD:
        packet.payload = value
    elif chunk == _PROTOCOL and value:
        packet.protocol = value[0]
    elif (chunk == _SOURCE_4 and len(value) == 4) or (chunk == _SOURCE_6 and len(value) == 16):
        packet.source = value
    elif (chunk == _DESTINATION_4 and len(value) == 4) or (chunk == _DESTINATION_6 and len(value) == 16):
        packet.target = value
    elif chunk == _SOURCE_PORT:
        packet.source_port = int.from_bytes(value[:2], "big")
    elif chunk == _DESTINATION_PORT:
        packet.target_port = int.from_bytes(value[:2], "big")
