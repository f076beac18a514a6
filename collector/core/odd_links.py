"""Link layers and tags that recordings have and a box's own interfaces do not; `links.py` asks here for what it lacks.

As there, every function gives (offset of the network header, its EtherType), b"" where what follows is no IP.
"""

from collector.core.links import (
    LINK_CAPWAP,
    LINK_ETHERNET,
    LINK_GRE,
    LINK_MPLS,
    LINK_PPP,
    find_in_llc,
    find_in_ppp,
    find_network_layer,
    skip_gre,
    skip_tags,
)

LINK_TOKEN_RING = 6
LINK_FDDI = 10
LINK_ATM_LLC = 100
LINK_WLAN = 105
LINK_FRAME_RELAY = 107
LINK_PFLOG = 117
LINK_PRISM = 119
LINK_RADIOTAP = 127
LINK_FIREWIRE = 138
LINK_AVS = 163
LINK_PPI = 192
LINK_PKTAP = 258
LINK_OLD_PKTAP = 149  # as Macs numbered it before

_SNAP = b"\xaa\xaa\x03\x00\x00\x00"  # RFC 1042; an EtherType follows
_PRISM_BYTES = 144
_RING_BYTES = 14
_FDDI_BYTES = 13
_NLPIDS = {0xCC: b"\x08\x00", 0x8E: b"\x86\xdd"}  # frame relay (RFC 2427 section 4)

# EtherType of a tag -> bytes from it to the EtherType of what follows: VN-Tag, 802.1BR, Cisco metadata, HSR
_TAG_BYTES = {b"\x89\x26": 4, b"\x89\x3f": 6, b"\x89\x09": 6, b"\x89\x2f": 4}
# a switch's chip (Broadcom, Marvell) marks frames for the router: bytes that its tag adds before the EtherType
_CHIP_TAG_BYTES = {281: 4, 282: 4, 283: 4, 284: 8}
# Juniper's PPPoE, Ethernet, PPP, frame relay and Cisco HDLC, behind a header of its own -> link type of what follows
_JUNIPER = {167: LINK_ETHERNET, 178: LINK_ETHERNET, 179: LINK_PPP, 180: LINK_FRAME_RELAY, 181: 104}
_ENCRYPTED = 0x08  # in a MACsec tag (IEEE 802.1AE section 9.5)
_NSH_PROTOCOLS = {1: b"\x08\x00", 2: b"\x86\xdd"}


def find_in_odd_link(frame: bytes, link_type: int) -> tuple[int, bytes]:
    """The network header of a captured frame whose link layer is rare."""
    wireless = _wireless_header(frame, link_type)
    if wireless >= 0:
        return _find_in_wlan(frame, wireless)
    if link_type == LINK_ATM_LLC:
        return find_in_llc(frame, 0, b"")
    if link_type == LINK_FDDI:
        return find_in_llc(frame, _FDDI_BYTES, b"")
    if link_type == LINK_TOKEN_RING:  # the source address's first bit announces a route
        return find_in_llc(frame, _RING_BYTES + (frame[_RING_BYTES] & 31 if frame[8] & 0x80 else 0), b"")
    if link_type == LINK_FRAME_RELAY:
        return _find_in_frame_relay(frame)
    if link_type == LINK_PFLOG:  # OpenBSD's firewall: the first byte says how long its header is
        return frame[0] + 3 & ~3, b"IP"
    if link_type == LINK_FIREWIRE:
        return skip_tags(frame, 18, frame[16:18])
    if link_type == LINK_MPLS:
        return skip_tags(frame, 0, b"\x88\x47")
    if link_type == LINK_GRE:
        return skip_gre(frame, 0)
    if link_type == LINK_CAPWAP:
        return _find_in_capwap(frame)
    return _find_behind_own_header(frame, link_type)


def _find_behind_own_header(frame: bytes, link_type: int) -> tuple[int, bytes]:
    """Link types that put a header before a frame of another one."""
    if link_type in (LINK_PKTAP, LINK_OLD_PKTAP):  # says how long it is, and the link type of what follows
        return _find_behind(frame, int.from_bytes(frame[:4], "little"), int.from_bytes(frame[8:12], "little"))
    if link_type == LINK_PPI:
        return _find_behind(frame, frame[2] | frame[3] << 8, int.from_bytes(frame[4:8], "little"))
    if link_type in _CHIP_TAG_BYTES:
        return _enter_ethernet(frame, _CHIP_TAG_BYTES[link_type])
    if link_type in _JUNIPER and frame[:3] == b"MGC":
        start = 6 + (frame[4] << 8 | frame[5]) if frame[3] & 0x80 else 4  # with what it adds
        if frame[3] & 2:  # no link layer of its own
            return start + 4, b"IP"
        return _find_behind(frame, start, _JUNIPER[link_type])
    return 0, b""


def _find_behind(frame: bytes, start: int, link_type: int) -> tuple[int, bytes]:
    """The same of what follows a header; no real one follows another."""
    if link_type in (LINK_PKTAP, LINK_OLD_PKTAP, LINK_PPI):
        return 0, b""
    offset, ethertype = find_network_layer(frame[start:], link_type)
    return start + offset, ethertype


def find_behind_odd_tag(frame: bytes, start: int, ethertype: bytes) -> tuple[int, bytes]:
    """The network header behind a tag that is rare; `start` is behind its EtherType."""
    size = _TAG_BYTES.get(ethertype, -1)
    if ethertype == b"\x88\xe5":
        if frame[start] & _ENCRYPTED:
            return start, b""
        size = 14 if frame[start] & 0x20 else 6  # with the sender's own number
    if size >= 0:
        return skip_tags(frame, start + size + 2, frame[start + size : start + size + 2])
    if ethertype == b"\x88\xe7":  # provider backbone bridging (802.1ah): a whole frame behind four bytes
        return _enter_ethernet(frame, start + 4)
    if ethertype == b"\x88\x70":  # jumbo frames with LLC
        return find_in_llc(frame, start, b"")
    if ethertype == b"\x89\x4f":  # network service header (RFC 8300 section 2.2)
        behind = start + ((frame[start + 1] & 0x3F) << 2)
        if frame[start + 3] == 3:
            return _enter_ethernet(frame, behind)
        return behind, _NSH_PROTOCOLS.get(frame[start + 3], b"")
    return start, ethertype


def find_behind_odd_snap(frame: bytes, start: int) -> tuple[int, bytes]:
    """The network header behind SNAP of another organisation than usual."""
    if frame[start + 4] == 0:  # 802.1H
        return skip_tags(frame, start + 8, frame[start + 6 : start + 8])
    return _enter_ethernet(frame, start + 10)  # a DSL line in bridging mode: two bytes of padding first


def find_in_odd_ppp(frame: bytes, start: int) -> tuple[int, bytes]:
    """The network header in PPP's Ethernet, or in a packet that is whole on one of several lines."""
    if frame[start + 1] == 0x31:
        return _enter_ethernet(frame, start + 4)
    if frame[start + 2] & 0xC0 != 0xC0:  # a piece
        return start, b""
    short = find_in_ppp(frame, start + 4)  # what is numbered with 12 bits, or else with 24
    return short if short[1] else find_in_ppp(frame, start + 6)


def _enter_ethernet(frame: bytes, start: int) -> tuple[int, bytes]:
    return skip_tags(frame, start + 14, frame[start + 12 : start + 14])


def _wireless_header(frame: bytes, link_type: int) -> int:
    """Where the 802.11 header begins; -1 where there is none."""
    if link_type == LINK_WLAN:
        return 0
    if link_type == LINK_RADIOTAP:
        return frame[2] | frame[3] << 8
    if link_type == LINK_PRISM:
        return _PRISM_BYTES
    return int.from_bytes(frame[4:8], "big") if link_type == LINK_AVS else -1


def _find_in_wlan(frame: bytes, start: int) -> tuple[int, bytes]:
    """Data frames that are not encrypted (IEEE 802.11 section 9.3.2)."""
    kind, flags = frame[start], frame[start + 1]
    if kind & 0x4C != 0x08 or flags & 0x40:  # no data, or protected
        return start, b""
    behind = start + (30 if flags & 3 == 3 else 24)
    if kind & 0x80:  # with quality of service
        several = frame[behind] & 0x80
        behind += 6 if flags & 0x80 else 2
        if several:
            return _find_in_several(frame, behind)
    if frame[behind + 2 : behind + 8] == _SNAP:  # some cards pad headers to four bytes
        behind += 2
    return find_in_llc(frame, behind, b"")


def _find_in_several(frame: bytes, start: int) -> tuple[int, bytes]:
    """The first packet of IP among several in one frame (A-MSDU): each has addresses and length, and is padded."""
    while True:
        found, ethertype = find_in_llc(frame, start + 14, b"")
        if ethertype in (b"\x08\x00", b"\x86\xdd"):
            return found, ethertype
        start += 14 + (frame[start + 12] << 8 | frame[start + 13]) + 3 & ~3


def _find_in_frame_relay(frame: bytes) -> tuple[int, bytes]:
    """Behind two bytes of address: Cisco's EtherType, or a control byte and the protocol's identifier."""
    if frame[2] != 3:
        return 4, frame[2:4]
    start = 4 if frame[3] == 0 else 3  # padded
    if frame[start : start + 4] == b"\x80\x00\x80\xc2":  # a whole Ethernet frame
        return _enter_ethernet(frame, start + 6)
    if frame[start] == 0x80:
        return start + 6, frame[start + 4 : start + 6]
    return start + 1, _NLPIDS.get(frame[start], b"")


def _find_in_capwap(frame: bytes) -> tuple[int, bytes]:
    """RFC 5415 section 4.3: an Ethernet frame, or an 802.11 frame, whose first two bytes Cisco exchanges."""
    start = frame[1] >> 3 << 2
    if frame[0] & 15 or frame[3] & 0x80:  # encrypted, or in pieces
        return 0, b""
    if not frame[2] & 1:
        return _enter_ethernet(frame, start)
    if frame[start] & 0x0C != 0x08 and frame[start + 1] & 0x0C == 0x08:
        frame = frame[:start] + bytes([frame[start + 1], frame[start]]) + frame[start + 2 :]
    return _find_in_wlan(frame, start)
