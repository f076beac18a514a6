"""From a captured frame to a datagram: IPv4 and IPv6, tunnels, UDP, TCP header; `links.py` finds where they begin.

A datagram is the tuple `(protocol, source, source_port, destination, destination_port, payload, sequence, flags)`;
addresses are 4 or 16 packed bytes, `sequence` and `flags` are 0 for UDP. Of SCTP the payload is its chunks, and
`sequence` its verification tag.
"""

import struct

from collector.core.counters import Counters
from collector.core.fragments import FragmentTable
from collector.core.links import LINK_ETHERNET, find_network_layer, skip_gre, skip_tags

PROTOCOL_ICMP = 1
PROTOCOL_IPIP = 4
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_IPV6 = 41
PROTOCOL_GRE = 47
PROTOCOL_AH = 51
PROTOCOL_ICMPV6 = 58
PROTOCOL_ETHERIP = 97
PROTOCOL_SCTP = 132
PROTOCOL_UDP_LITE = 136
PROTOCOL_MPLS = 137

QUOTED = 0x100  # in `flags`: not a datagram that was sent, but one that an ICMP error quotes
CUT_SHIFT = 16  # in `flags` of a segment: above it stand 16 bits, how many bytes of its payload the capture left out
ACK_SHIFT = 32  # and above this one its acknowledgement number

ACK = 16  # a TCP flag

MAX_TUNNELS = 4  # IP in IP in GRE ...: nobody nests deeper, a hostile packet might
_IPV6_EXTENSIONS = (0, 43, 51, 60, 140)  # hop-by-hop, routing, authentication, destination options, Shim6 (RFC 8200)
_IPV6_FRAGMENT = 44

# Nearly every frame: Ethernet without tags, IPv4 without options (RFC 791 section 3.1), whole, and UDP (RFC 768). From
# its EtherType on: that and the first byte of IP, total length, fragment, protocol; addresses and ports; UDP's length.
# The payload begins 42 bytes behind the frame's start.
PLAIN_UDP = "!3sxHxxIxx12sH"
PLAIN_IPV4 = b"\x08\x00\x45"  # EtherType, then version 4 with a header of five words
FLAG_BITS = 0x3FFF00FF  # more fragments, and where this one belongs; protocol


class PacketDecoder:
    """Decodes frames one by one; only IP fragments make it remember anything, within the bounds of `FragmentTable`."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.fragments = FragmentTable(counters)

    def decode(
        self, frame: bytes, link_type: int, now_ms: int, start: int = 0
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        """The datagram that a frame carries or completes; None (and a counter) where there is none.

        `start`: where the frame begins, of bytes that hold something before it.
        """
        try:
            if link_type == LINK_ETHERNET and len(frame) >= start + 42:
                kind, total, flags, hop, length = struct.unpack_from(PLAIN_UDP, frame, start + 12)
                end = start + 34 + length
                whole = total == length + 20 and end <= len(frame) and flags & FLAG_BITS == PROTOCOL_UDP
                if kind == PLAIN_IPV4 and whole:
                    self._counters.datagrams += 1
                    source_port, target_port = hop[8] << 8 | hop[9], hop[10] << 8 | hop[11]
                    payload = frame[start + 42 : end]
                    return (PROTOCOL_UDP, hop[:4], source_port, hop[4:8], target_port, payload, 0, 0)
            frame = frame[start:]
            offset, ethertype = find_network_layer(frame, link_type)
            return self._decode_network(frame, offset, ethertype, now_ms, 0)
        except IndexError:
            self._counters.truncated += 1
            return None

    def take_first_pieces(self, now_ms: int) -> list[tuple[int, tuple[int, bytes, int, bytes, int, bytes, int, int]]]:
        """(time, datagram as far as its first fragment goes) of UDP datagrams whose other fragments do not come."""
        found = []
        for (source, destination, protocol, _), started_ms, data in self.fragments.take_first_pieces(now_ms):
            if protocol == PROTOCOL_UDP and len(data) > 8:
                datagram = self._decode_transport(data, 0, len(data), protocol, source, destination, started_ms, 0)
                if datagram is not None:
                    self._counters.truncated += 1
                    found.append((started_ms, datagram))
        return found

    def close(self) -> None:
        """The capture ended: counts the datagrams that never became whole."""
        self.fragments.give_up_all()

    def _decode_network(
        self, frame: bytes, offset: int, ethertype: bytes, now_ms: int, depth: int
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        if ethertype == b"\x08\x00":
            return self._decode_ipv4(frame, offset, now_ms, depth)
        if ethertype == b"\x86\xdd":
            return self._decode_ipv6(frame, offset, now_ms, depth)
        if ethertype == b"IP":  # the link layer does not say which version
            version = frame[offset] >> 4
            if version == 4:
                return self._decode_ipv4(frame, offset, now_ms, depth)
            if version == 6:
                return self._decode_ipv6(frame, offset, now_ms, depth)
        self._counters.ignored += 1
        return None

    def _decode_ipv4(
        self, frame: bytes, offset: int, now_ms: int, depth: int
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        header = (frame[offset] & 15) << 2
        end = offset + (frame[offset + 2] << 8 | frame[offset + 3])
        source = frame[offset + 12 : offset + 16]
        destination = frame[offset + 16 : offset + 20]
        fragment = (frame[offset + 6] << 8 | frame[offset + 7]) & 0x3FFF
        protocol = frame[offset + 9]
        start = offset + header
        if end == offset:  # total length 0: left to the network card (segmentation offload)
            end = len(frame)
        if fragment or end > len(frame) or start > end:
            return self._decode_odd_ipv4(
                frame, offset, start, end, protocol, source, destination, fragment, now_ms, depth
            )
        return self._decode_transport(frame, start, end, protocol, source, destination, now_ms, depth)

    def _decode_odd_ipv4(
        self,
        frame: bytes,
        offset: int,
        start: int,
        end: int,
        protocol: int,
        source: bytes,
        destination: bytes,
        fragment: int,
        now_ms: int,
        depth: int,
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        """Truncated packets and fragments (RFC 791 section 3.2)."""
        missing = max(0, end - len(frame))
        if missing:
            self._counters.truncated += 1
            end = len(frame)
        if start > end:
            self._counters.ignored += 1
            return None
        if not fragment:
            found = self._decode_transport(frame, start, end, protocol, source, destination, now_ms, depth)
            return _cut(found, missing) if missing else found
        key = (source, destination, protocol, frame[offset + 4] << 8 | frame[offset + 5])
        more = bool(fragment & 0x2000)
        whole = self.fragments.receive_fragment(key, (fragment & 0x1FFF) << 3, more, frame[start:end], now_ms)
        if whole is None:
            return None
        return self._decode_transport(whole, 0, len(whole), protocol, source, destination, now_ms, depth)

    def _decode_ipv6(
        self, frame: bytes, offset: int, now_ms: int, depth: int
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        end = offset + 40 + (frame[offset + 4] << 8 | frame[offset + 5])
        protocol = frame[offset + 6]
        source = frame[offset + 8 : offset + 24]
        destination = frame[offset + 24 : offset + 40]
        start = offset + 40
        missing = 0
        if end == start or end > len(frame):
            if end != start:
                self._counters.truncated += 1
                missing = end - len(frame)
            end = len(frame)
        while protocol in _IPV6_EXTENSIONS:
            length = (frame[start + 1] + 2) << 2 if protocol == 51 else (frame[start + 1] + 1) << 3
            protocol = frame[start]
            start += length
        if protocol != _IPV6_FRAGMENT:
            found = self._decode_transport(frame, start, end, protocol, source, destination, now_ms, depth)
            return _cut(found, missing) if missing else found
        position = frame[start + 2] << 8 | frame[start + 3]
        key = (source, destination, frame[start], int.from_bytes(frame[start + 4 : start + 8], "big"))
        protocol = frame[start]
        whole = self.fragments.receive_fragment(
            key, position & 0xFFF8, bool(position & 1), frame[start + 8 : end], now_ms
        )
        if whole is None:
            return None
        return self._decode_transport(whole, 0, len(whole), protocol, source, destination, now_ms, depth)

    def _decode_transport(
        self,
        frame: bytes,
        start: int,
        end: int,
        protocol: int,
        source: bytes,
        destination: bytes,
        now_ms: int,
        depth: int,
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        if protocol == PROTOCOL_UDP:
            source_port = frame[start] << 8 | frame[start + 1]
            destination_port = frame[start + 2] << 8 | frame[start + 3]
            stated = start + (frame[start + 4] << 8 | frame[start + 5])
            if start + 8 <= stated < end:  # bytes behind the UDP length are not part of the datagram
                end = stated
            self._counters.datagrams += 1
            payload = frame[start + 8 : end]
            return (PROTOCOL_UDP, source, source_port, destination, destination_port, payload, 0, 0)
        if protocol == PROTOCOL_TCP:
            return self._decode_tcp(frame, start, end, source, destination)
        if protocol == PROTOCOL_SCTP and end >= start + 12:  # RFC 9260 section 3.1
            return self._decode_sctp(frame, start, end, source, destination)
        if protocol == PROTOCOL_UDP_LITE and end >= start + 8:  # RFC 3828: no length, but what is checked
            lite = frame[: start + 4] + b"\0\0" + frame[start + 6 :]
            return self._decode_transport(lite, start, end, PROTOCOL_UDP, source, destination, now_ms, depth)
        if depth < MAX_TUNNELS:
            return self._decode_nested(frame, start, end, protocol, source, destination, now_ms, depth + 1)
        self._counters.ignored += 1
        return None

    def _decode_nested(
        self,
        frame: bytes,
        start: int,
        end: int,
        protocol: int,
        source: bytes,
        destination: bytes,
        now_ms: int,
        depth: int,
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        """Packets in packets, and headers between IP and its transport."""
        if protocol in (PROTOCOL_IPIP, PROTOCOL_IPV6):
            return self._decode_network(frame[:end], start, b"IP", now_ms, depth)
        if protocol == PROTOCOL_GRE:
            offset, ethertype = skip_gre(frame, start)
            return self._decode_network(frame[:end], offset, ethertype, now_ms, depth)
        if protocol == PROTOCOL_ETHERIP:  # RFC 3378: two bytes, then an Ethernet frame
            offset, ethertype = skip_tags(frame, start + 16, frame[start + 14 : start + 16])
            return self._decode_network(frame[:end], offset, ethertype, now_ms, depth)
        if protocol == PROTOCOL_MPLS:  # RFC 4023
            offset, ethertype = skip_tags(frame, start, b"\x88\x47")
            return self._decode_network(frame[:end], offset, ethertype, now_ms, depth)
        if protocol in _IPV6_EXTENSIONS:  # behind a fragment header, or RFC 4302's in IPv4
            after = start + ((frame[start + 1] + 2) << 2 if protocol == PROTOCOL_AH else (frame[start + 1] + 1) << 3)
            return self._decode_transport(frame, after, end, frame[start], source, destination, now_ms, depth)
        if protocol in (PROTOCOL_ICMP, PROTOCOL_ICMPV6) and end > start + 28:
            return self._decode_quoted(frame[:end], start, protocol, now_ms)
        self._counters.ignored += 1
        return None

    def _decode_quoted(
        self, frame: bytes, start: int, protocol: int, now_ms: int
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
        """The datagram that an ICMP error is about (RFC 792, RFC 4443 section 3), as far as it is quoted."""
        errors = (3, 4, 5, 11, 12) if protocol == PROTOCOL_ICMP else (1, 2, 3, 4)
        if frame[start] not in errors:
            self._counters.ignored += 1
            return None
        truncated = self._counters.truncated
        inner = self._decode_network(frame, start + 8, b"IP", now_ms, MAX_TUNNELS)
        self._counters.truncated = truncated  # a quotation is short by design
        return inner[:7] + (QUOTED,) if inner is not None else None

    def _decode_sctp(
        self, frame: bytes, start: int, end: int, source: bytes, destination: bytes
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int]:
        source_port = frame[start] << 8 | frame[start + 1]
        destination_port = frame[start + 2] << 8 | frame[start + 3]
        tag = int.from_bytes(frame[start + 4 : start + 8], "big")
        self._counters.datagrams += 1
        payload = frame[start + 12 : end]
        return (PROTOCOL_SCTP, source, source_port, destination, destination_port, payload, tag, 0)

    def _decode_tcp(
        self, frame: bytes, start: int, end: int, source: bytes, destination: bytes
    ) -> tuple[int, bytes, int, bytes, int, bytes, int, int]:
        source_port = frame[start] << 8 | frame[start + 1]
        destination_port = frame[start + 2] << 8 | frame[start + 3]
        sequence = int.from_bytes(frame[start + 4 : start + 8], "big")
        header = (frame[start + 12] >> 4) << 2
        flags = frame[start + 13]
        if flags & ACK:
            flags |= int.from_bytes(frame[start + 8 : start + 12], "big") << ACK_SHIFT
        self._counters.datagrams += 1
        payload = frame[start + header : end]
        return (PROTOCOL_TCP, source, source_port, destination, destination_port, payload, sequence, flags)


def _cut(
    datagram: tuple[int, bytes, int, bytes, int, bytes, int, int] | None, missing: int
) -> tuple[int, bytes, int, bytes, int, bytes, int, int] | None:
    """The same, a segment's flags saying how many bytes are not there."""
    if datagram is None or datagram[0] != PROTOCOL_TCP or datagram[7] >> CUT_SHIFT & 0xFFFF or datagram[7] == QUOTED:
        return datagram
    return datagram[:7] + (datagram[7] | missing << CUT_SHIFT,)
