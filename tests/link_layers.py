"""Frames with one datagram in every link layer, tag and tunnel below UDP: name -> (frame, pcap's link type)."""

import struct

from builders import make_ethernet, make_ipv4, make_ipv6

_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_OUTER = b"\1\1\1\1", b"\2\2\2\2"
VLAN = struct.pack("!HH", 0x8100, 7)
QINQ = struct.pack("!HHHH", 0x88A8, 3, 0x8100, 7)
MPLS_LAST = b"\0\x06\x51\x40"
SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"
ADDRESSES = b"\2\0\0\0\0\1" * 3
DATA = b"\x08\x01\0\0" + ADDRESSES + b"\0\0"
QOS = b"\x88\x01\0\0" + ADDRESSES + bytes(4)
RING = b"\2\0\0\0\0\1\2\0\0\0\0\2"


def _in_gre(data: bytes) -> bytes:
    """A frame with a tunnel's packet; `data` begins with GRE's own header."""
    return _within(data, 47)


def _within(data: bytes, protocol: int) -> bytes:
    """A frame with a packet between two routers."""
    return make_ethernet(make_ipv4(data, *_OUTER, protocol))


def _in_amsdu(*packets: bytes) -> bytes:
    """Several packets in one 802.11 frame."""
    parts = [ADDRESSES[:12] + struct.pack("!H", len(packet)) + packet for packet in packets]
    return QOS[:-2] + b"\x80\0" + b"".join([part + bytes(-len(part) % 4) for part in parts])


def make_pktap(link_type: int, frame: bytes) -> bytes:
    """A Mac's header before a frame, 108 bytes long."""
    return struct.pack("<III", 108, 1, link_type) + bytes(96) + frame


def usual_links(udp: bytes, source: bytes, target: bytes) -> dict[str, tuple[bytes, int]]:
    """What a tap in an office or at its provider sees."""
    packet = make_ipv4(udp, source, target)
    pppoe = struct.pack("!BBHH", 0x11, 0, 1, len(packet) + 2)
    return {
        "Ethernet": (make_ethernet(packet), _ETHERNET),
        "Ethernet with padding": (make_ethernet(packet) + bytes(18), _ETHERNET),
        "one VLAN tag": (make_ethernet(packet, tags=VLAN), _ETHERNET),
        "two VLAN tags": (make_ethernet(packet, tags=QINQ), _ETHERNET),
        "PPPoE": (make_ethernet(pppoe + b"\x00\x21" + packet, 0x8864), _ETHERNET),
        "PPPoE, short protocol field": (make_ethernet(pppoe + b"\x21" + packet, 0x8864), _ETHERNET),
        "VLAN tag in SNAP": (make_ethernet(SNAP[:6] + VLAN + b"\x08\0" + packet, len(packet) + 12), _ETHERNET),
        "LLC and SNAP": (make_ethernet(b"\xaa\xaa\x03\0\0\0\x08\x00" + packet, len(packet) + 8), _ETHERNET),
        "Linux cooked": (bytes(14) + b"\x08\x00" + packet, _SLL),
        "Linux cooked, VLAN": (bytes(14) + VLAN + b"\x08\x00" + packet, _SLL),
        "Linux cooked 2": (b"\x08\x00" + bytes(18) + packet, _SLL2),
        "raw IP": (packet, 101),
        "null": (struct.pack("<I", 2) + packet, _NULL),
        "loop": (struct.pack(">I", 2) + packet, _LOOP),
        "PPP": (b"\xff\x03\x00\x21" + packet, 9),
        "IP options": (make_ethernet(make_ipv4(udp, source, target, options=bytes(8))), 1),
        "IP in IP": (make_ethernet(make_ipv4(packet, b"\1\1\1\1", b"\2\2\2\2", 4)), _ETHERNET),
        "GRE": (make_ethernet(make_ipv4(b"\0\0\x08\x00" + packet, b"\1\1\1\1", b"\2\2\2\2", 47)), _ETHERNET),
        "GRE with key": (make_ethernet(make_ipv4(b"\x20\0\x08\0\0\0\0\1" + packet, b"\1" * 4, b"\2" * 4, 47)), 1),
        "GRE, number and checksum": (_in_gre(b"\x90\0\x08\0" + bytes(8) + packet), 1),
        "Ethernet in GRE": (_in_gre(b"\0\0\x65\x58" + make_ethernet(packet)), 1),
        "VLAN tag in Ethernet in GRE": (_in_gre(b"\0\0\x65\x58" + make_ethernet(packet, tags=VLAN)), 1),
        "PPTP": (_in_gre(b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03\x00\x21" + packet), 1),
        "ERSPAN I": (_in_gre(b"\0\0\x88\xbe" + make_ethernet(packet)), 1),
        "ERSPAN II": (_in_gre(b"\x10\0\x88\xbe" + bytes(4) + b"\x10" + bytes(7) + make_ethernet(packet)), 1),
        "ERSPAN III": (_in_gre(b"\x10\0\x22\xeb" + bytes(4) + b"\x20" + bytes(11) + make_ethernet(packet)), 1),
        "ERSPAN III, longer": (_in_gre(b"\x10\0\x22\xeb" + bytes(15) + b"\1" + bytes(8) + make_ethernet(packet)), 1),
        "MPLS": (make_ethernet(MPLS_LAST + packet, 0x8847), _ETHERNET),
        "MPLS, two labels": (make_ethernet(b"\0\x06\x40\x40" + MPLS_LAST + packet, 0x8847), _ETHERNET),
        "IP by its LLC number": (make_ethernet(b"\x06\x06\x03" + packet, len(packet) + 3), _ETHERNET),
        "authentication header": (make_ethernet(make_ipv4(b"\x11\4" + bytes(22) + udp, source, target, 51)), 1),
        "RFC 2684": (b"\xaa\xaa\x03\0\0\0\x08\x00" + packet, 11),
        "PPPoE without Ethernet": (pppoe + b"\x00\x21" + packet, 51),
        "PPP with direction": (b"\1\xff\x03\x00\x21" + packet, 204),
        "Cisco HDLC": (b"\x0f\0\x08\0" + packet, 104),
        "OpenBSD's enc": (bytes(12) + packet, 109),
        "firewall log": (b"\2\0\0\0" + b"\5\0\x0a\0\0\0\0\0" + struct.pack("<HH", 4 + len(packet), 9) + packet, 239),
    }


def rare_links(udp: bytes, source: bytes, target: bytes) -> dict[str, tuple[bytes, int]]:
    """What only some recordings hold."""
    packet = make_ipv4(udp, source, target)
    tags = {
        "VN-Tag": (0x8926, bytes(4) + b"\x08\0" + packet),
        "802.1BR": (0x893F, bytes(6) + b"\x08\0" + packet),
        "Cisco metadata": (0x8909, b"\1\1\0\1\0\x09\x08\0" + packet),
        "HSR": (0x892F, b"\0\x64\0\1\x08\0" + packet),
        "MACsec, not encrypted": (0x88E5, bytes(6) + b"\x08\0" + packet + bytes(16)),
        "MACsec with the sender's number": (0x88E5, b"\x20" + bytes(13) + b"\x08\0" + packet + bytes(16)),
        "provider backbone": (0x88E7, b"\0\0\0\1" + make_ethernet(packet)),
        "jumbo frame with LLC": (0x8870, SNAP + packet),
        "network service header": (0x894F, b"\x0f\xc2\2\1\0\0\1\xff" + packet),
        "network service header, Ethernet": (0x894F, b"\x0f\xc2\2\3\0\0\1\xff" + make_ethernet(packet)),
    }
    tagged = {name: (make_ethernet(behind, tag), _ETHERNET) for name, (tag, behind) in tags.items()}
    nested = {
        "EtherIP": _within(b"\x30\0" + make_ethernet(packet), 97),
        "MPLS in IP": _within(MPLS_LAST + packet, 137),
        "MPLS in GRE": _in_gre(b"\0\0\x88\x47" + MPLS_LAST + packet),
        "MikroTik's EoIP": _in_gre(b"\x20\1\x64\0" + struct.pack("!HH", len(packet) + 14, 1) + make_ethernet(packet)),
        "WCCP": _in_gre(b"\0\0\x88\x3e" + packet),
        "WCCP 2": _in_gre(b"\0\0\x88\x3e" + bytes(4) + packet),
    }
    return tagged | {name: (frame, _ETHERNET) for name, frame in nested.items()} | _odd_layers(packet)


def _odd_layers(packet: bytes) -> dict[str, tuple[bytes, int]]:
    wireless = {
        "802.11": (DATA + SNAP + packet, 105),
        "802.11 with quality of service": (QOS + SNAP + packet, 105),
        "802.11, header padded": (QOS + b"\0\0" + SNAP + packet, 105),
        "802.11, control of high throughput": (b"\x88\x81\0\0" + ADDRESSES + bytes(8) + SNAP + packet, 105),
        "802.11 between access points": (b"\x08\x03\0\0" + ADDRESSES + bytes(8) + SNAP + packet, 105),
        "802.11, VLAN": (DATA + SNAP[:6] + VLAN + b"\x08\0" + packet, 105),
        "802.11, bridged": (DATA + b"\xaa\xaa\x03\0\0\xf8\x08\0" + packet, 105),
        "802.11, several in a frame": (_in_amsdu(SNAP[:6] + b"\x08\x06" + bytes(28), SNAP + packet), 105),
        "radiotap": (b"\0\0\x08\0\0\0\0\0" + QOS + SNAP + packet, 127),
        "PPI": (b"\0\0\x08\0\x69\0\0\0" + DATA + SNAP + packet, 192),
        "PPI, Ethernet": (b"\0\0\x08\0\1\0\0\0" + make_ethernet(packet), 192),
        "Prism": (bytes(144) + DATA + SNAP + packet, 119),
        "AVS": (struct.pack("!II", 1, 64) + bytes(56) + DATA + SNAP + packet, 163),
    }
    return {
        **wireless,
        "Token Ring": (b"\x10\x40" + RING + SNAP + packet, 6),
        "Token Ring, a route": (b"\x10\x40" + RING[:6] + b"\x82" + RING[7:] + b"\x04\0\0\0" + SNAP + packet, 6),
        "FDDI": (b"\x50" + RING + SNAP + packet, 10),
        "ATM": (SNAP + packet, 100),
        "frame relay": (b"\x18\x41\x03\xcc" + packet, 107),
        "frame relay, SNAP": (b"\x18\x41\x03\0\x80\0\0\0\x08\0" + packet, 107),
        "frame relay, Cisco": (b"\x18\x41\x08\0" + packet, 107),
        "frame relay, Ethernet": (b"\x18\x41\x03\0\x80\0\x80\xc2\0\x07" + make_ethernet(packet), 107),
        "OpenBSD's firewall": (b"\x3d" + bytes(63) + packet, 117),
        "FireWire": (bytes(16) + b"\x08\0" + packet, 138),
        "MPLS without Ethernet": (b"\0\1\1\x40" + packet, 219),
        "Mac, Ethernet": (make_pktap(1, make_ethernet(packet)), 258),
        "Mac, loopback": (make_pktap(0, b"\2\0\0\0" + packet), 258),
        "Mac, old number": (make_pktap(1, make_ethernet(packet)), 149),
        "RFC 2684, Ethernet": (b"\xaa\xaa\x03\0\x80\xc2\0\x07\0\0" + make_ethernet(packet), 11),
        "PPP, one of several lines": (b"\xff\x03\0\x3d\xc0\0\0\1\0\x21" + packet, 9),
        "PPP, one of several lines, short numbers": (b"\xff\x03\0\x3d\xc0\1\0\x21" + packet, 9),
        "PPP, Ethernet": (b"\0\x31\0\1" + make_ethernet(packet), 9),
    } | _marked_frames(make_ethernet(packet), packet)


def _marked_frames(frame: bytes, packet: bytes) -> dict[str, tuple[bytes, int]]:
    """What switches' chips and Juniper's routers put into a frame, or before it."""
    pppoe = struct.pack("!BBHH", 0x11, 0, 1, len(packet) + 2) + b"\x00\x21" + packet
    return {
        "Broadcom's chip": (frame[:12] + b"\x20\0\0\3" + frame[12:], 281),
        "Broadcom's chip, in front": (b"\x20\0\0\3" + frame, 282),
        "Marvell's chip": (frame[:12] + b"\xc0\x28\0\0" + frame[12:], 283),
        "Marvell's chip, longer": (frame[:12] + b"\xda\xda\0\0\xc0\x28\0\0" + frame[12:], 284),
        "Juniper": (b"MGC\0" + frame, 178),
        "Juniper, more of it": (b"MGC\x80\0\6\6\1\1\4\1\x0e" + frame, 178),
        "Juniper, no link layer": (b"MGC\2\2\0\0\0" + packet, 178),
        "Juniper, PPPoE": (b"MGC\0" + make_ethernet(pppoe, 0x8864), 167),
        "Juniper, PPP": (b"MGC\0\xff\3\0\x21" + packet, 179),
        "Juniper, frame relay": (b"MGC\0\x18\x41\3\xcc" + packet, 180),
        "Juniper, HDLC": (b"MGC\0\x0f\0\x08\0" + packet, 181),
    }


def extension_chains(udp: bytes, source: bytes, target: bytes) -> dict[str, tuple[bytes, int]]:
    """IPv6 with headers between it and UDP (RFC 8200 section 4); the addresses have 16 bytes."""
    options, routing, authentication = bytes(7), bytes(7), b"\4" + bytes(22)
    chains = {
        "IPv6": (),
        "hop-by-hop options": ((0, b"\0\5\2\0\0\1\0"),),
        "routing": ((43, routing),),
        "destination options": ((60, b"\0\1\4" + bytes(4)),),
        "three of them": ((0, b"\0\5\2\0\0\1\0"), (60, b"\0\1\4" + bytes(4)), (43, routing)),
        "a fragment that is whole": ((44, options),),
        "options behind a fragment header": ((44, options), (60, b"\0\1\4" + bytes(4))),
        "IPv6 authentication": ((51, authentication),),
        "Shim6": ((140, b"\0\x80" + bytes(5)),),
    }
    return {
        name: (make_ethernet(_chain(udp, chain, source, target), 0x86DD), _ETHERNET) for name, chain in chains.items()
    }


def _chain(udp: bytes, chain: tuple[tuple[int, bytes], ...], source: bytes, target: bytes) -> bytes:
    following = 17
    for kind, rest in reversed(chain):
        udp = bytes([following]) + rest + udp
        following = kind
    return make_ipv6(udp, source, target, following)
