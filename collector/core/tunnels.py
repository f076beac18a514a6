"""Tunnels over UDP: from a datagram's payload to (frame, its link type), or None where it is none of theirs.

Routers, clouds and mobile networks carry whole packets in datagrams; a recording taken there shows SIP only inside.
"""

from collector.core.links import LINK_CAPWAP, LINK_ETHERNET, LINK_GRE, LINK_MPLS, LINK_PPP, LINK_RAW
from collector.core.tzsp import PORT as TZSP_PORT
from collector.core.tzsp import unwrap_tzsp

_LINKS = {b"\x65\x58": LINK_ETHERNET, b"\x08\x00": LINK_RAW, b"\x86\xdd": LINK_RAW}


def _unwrap_vxlan(data: bytes) -> tuple[bytes, int] | None:
    """RFC 7348 section 5: flags with the bit "this is a network's number", eight bytes in all."""
    return (data[8:], LINK_ETHERNET) if len(data) > 8 and data[0] & 8 else None


def _unwrap_vxlan_gpe(data: bytes) -> tuple[bytes, int] | None:
    """draft-ietf-nvo3-vxlan-gpe: the fourth byte names what follows."""
    link_type = {1: LINK_RAW, 2: LINK_RAW, 3: LINK_ETHERNET}.get(data[3]) if len(data) > 8 else None
    return (data[8:], link_type) if link_type is not None else None


def _unwrap_geneve(data: bytes) -> tuple[bytes, int] | None:
    """RFC 8926 section 3.4: the length of the options in words, then an EtherType."""
    link_type = _LINKS.get(data[2:4])
    return (data[8 + ((data[0] & 0x3F) << 2) :], link_type) if link_type is not None else None


def _unwrap_gtp(data: bytes) -> tuple[bytes, int] | None:
    """A mobile network's user plane (3GPP TS 29.281 section 5): T-PDUs of version 1, extension headers skipped."""
    if len(data) < 12 or data[0] >> 4 != 3 or data[1] != 255:
        return None
    start = 8
    if data[0] & 7:
        start = 12
        while data[start - 1]:  # type of the next extension header; each begins with its length in words
            if start >= len(data) or not data[start]:
                return None
            start += data[start] << 2
            if start > len(data):
                return None
    return data[start:], LINK_RAW


def _unwrap_l2tp(data: bytes) -> tuple[bytes, int] | None:
    """RFC 2661 section 3.1: a data message, its optional length, sequence numbers and offset skipped; PPP follows."""
    if len(data) < 8 or data[0] & 0x80 or data[1] & 15 != 2:
        return None
    start = 6
    if data[0] & 0x40:
        start += 2
    if data[0] & 0x08:
        start += 4
    if data[0] & 0x02:
        start += 2 + int.from_bytes(data[start : start + 2], "big")
    return data[start:], LINK_PPP


def _unwrap_teredo(data: bytes) -> tuple[bytes, int] | None:
    """RFC 4380 section 5.1.1: IPv6, behind an authentication and an origin header where there are such."""
    start = 0
    if data[:2] == b"\0\1" and len(data) > 4:
        start = 13 + data[2] + data[3]
    if data[start : start + 2] == b"\0\0":
        start += 8
    return (data[start:], LINK_RAW) if len(data) > start and data[start] >> 4 == 6 else None


def _unwrap_lisp(data: bytes) -> tuple[bytes, int] | None:
    """RFC 9300 section 5: eight bytes, then IP."""
    return data[8:], LINK_RAW


def _unwrap_mpls(data: bytes) -> tuple[bytes, int] | None:
    """RFC 7510: labels, then IP."""
    return data, LINK_MPLS


def _unwrap_gre(data: bytes) -> tuple[bytes, int] | None:
    """RFC 8086: a GRE header."""
    return data, LINK_GRE


def _unwrap_capwap(data: bytes) -> tuple[bytes, int] | None:
    """RFC 5415 section 4.3: what a wireless access point hands to its controller, where it is not encrypted."""
    return data, LINK_CAPWAP


# UDP port of either side -> how its datagrams are unwrapped
TUNNELS = {
    TZSP_PORT: unwrap_tzsp,
    1701: _unwrap_l2tp,
    2152: _unwrap_gtp,
    3544: _unwrap_teredo,
    4341: _unwrap_lisp,
    4754: _unwrap_gre,
    4789: _unwrap_vxlan,
    4790: _unwrap_vxlan_gpe,
    5247: _unwrap_capwap,
    6081: _unwrap_geneve,
    6635: _unwrap_mpls,
}
