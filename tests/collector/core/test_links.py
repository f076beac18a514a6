import struct

import pytest
from builders import PBX, make_ethernet, make_ipv4, make_udp, phone

from collector.core.counters import Counters
from collector.core.links import LINK_ETHERNET, LINK_LOOP, LINK_NULL, LINK_SLL, LINK_SLL2
from collector.core.packet import PacketDecoder

PAYLOAD = b"OPTIONS sip:101@10.77.1.101 SIP/2.0\r\n"
UDP = make_udp(PAYLOAD, 5060, 5062)
PACKET = make_ipv4(UDP, PBX, phone(101))
EXPECTED = (17, PBX, 5060, phone(101), 5062, PAYLOAD, 0, 0)
MPLS_LAST = b"\0\x06\x51\x40"


def decode(frame, link_type=LINK_ETHERNET):
    """What a fresh decoder makes of a frame."""
    return PacketDecoder(Counters()).decode(frame, link_type, 0)


def in_gre(data):
    """A frame with a tunnel's packet; `data` begins with GRE's own header."""
    return make_ethernet(make_ipv4(data, b"\1\1\1\1", b"\2\2\2\2", 47))


VLAN = struct.pack("!HH", 0x8100, 7)
QINQ = struct.pack("!HHHH", 0x88A8, 3, 0x8100, 7)
PPPOE = struct.pack("!BBHH", 0x11, 0, 1, len(PACKET) + 2)
LINKS = {
    "Ethernet": (make_ethernet(PACKET), LINK_ETHERNET),
    "Ethernet with padding": (make_ethernet(PACKET) + bytes(18), LINK_ETHERNET),
    "one VLAN tag": (make_ethernet(PACKET, tags=VLAN), LINK_ETHERNET),
    "two VLAN tags": (make_ethernet(PACKET, tags=QINQ), LINK_ETHERNET),
    "PPPoE": (make_ethernet(PPPOE + b"\x00\x21" + PACKET, 0x8864), LINK_ETHERNET),
    "PPPoE, short protocol field": (make_ethernet(PPPOE + b"\x21" + PACKET, 0x8864), LINK_ETHERNET),
    "LLC and SNAP": (make_ethernet(b"\xaa\xaa\x03\0\0\0\x08\x00" + PACKET, len(PACKET) + 8), LINK_ETHERNET),
    "Linux cooked": (bytes(14) + b"\x08\x00" + PACKET, LINK_SLL),
    "Linux cooked, VLAN": (bytes(14) + VLAN + b"\x08\x00" + PACKET, LINK_SLL),
    "Linux cooked 2": (b"\x08\x00" + bytes(18) + PACKET, LINK_SLL2),
    "raw IP": (PACKET, 101),
    "null": (struct.pack("<I", 2) + PACKET, LINK_NULL),
    "loop": (struct.pack(">I", 2) + PACKET, LINK_LOOP),
    "PPP": (b"\xff\x03\x00\x21" + PACKET, 9),
    "IP options": (make_ethernet(make_ipv4(make_udp(PAYLOAD, 5060, 5062), PBX, phone(101), options=bytes(8))), 1),
    "IP in IP": (make_ethernet(make_ipv4(PACKET, b"\1\1\1\1", b"\2\2\2\2", 4)), LINK_ETHERNET),
    "GRE": (make_ethernet(make_ipv4(b"\0\0\x08\x00" + PACKET, b"\1\1\1\1", b"\2\2\2\2", 47)), LINK_ETHERNET),
    "GRE with key": (make_ethernet(make_ipv4(b"\x20\0\x08\0\0\0\0\1" + PACKET, b"\1" * 4, b"\2" * 4, 47)), 1),
    "GRE, number and checksum": (in_gre(b"\x90\0\x08\0" + bytes(8) + PACKET), 1),
    "Ethernet in GRE": (in_gre(b"\0\0\x65\x58" + make_ethernet(PACKET)), 1),
    "VLAN tag in Ethernet in GRE": (in_gre(b"\0\0\x65\x58" + make_ethernet(PACKET, tags=VLAN)), 1),
    "PPTP": (in_gre(b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03\x00\x21" + PACKET), 1),
    "ERSPAN I": (in_gre(b"\0\0\x88\xbe" + make_ethernet(PACKET)), 1),
    "ERSPAN II": (in_gre(b"\x10\0\x88\xbe" + bytes(4) + b"\x10" + bytes(7) + make_ethernet(PACKET)), 1),
    "ERSPAN III": (in_gre(b"\x10\0\x22\xeb" + bytes(4) + b"\x20" + bytes(11) + make_ethernet(PACKET)), 1),
    "ERSPAN III, longer": (in_gre(b"\x10\0\x22\xeb" + bytes(15) + b"\1" + bytes(8) + make_ethernet(PACKET)), 1),
    "MPLS": (make_ethernet(MPLS_LAST + PACKET, 0x8847), LINK_ETHERNET),
    "MPLS, two labels": (make_ethernet(b"\0\x06\x40\x40" + MPLS_LAST + PACKET, 0x8847), LINK_ETHERNET),
    "IP by its LLC number": (make_ethernet(b"\x06\x06\x03" + PACKET, len(PACKET) + 3), LINK_ETHERNET),
    "authentication header": (make_ethernet(make_ipv4(b"\x11\4" + bytes(22) + UDP, PBX, phone(101), 51)), 1),
    "RFC 2684": (b"\xaa\xaa\x03\0\0\0\x08\x00" + PACKET, 11),
    "PPPoE without Ethernet": (PPPOE + b"\x00\x21" + PACKET, 51),
    "PPP with direction": (b"\1\xff\x03\x00\x21" + PACKET, 204),
    "Cisco HDLC": (b"\x0f\0\x08\0" + PACKET, 104),
    "OpenBSD's enc": (bytes(12) + PACKET, 109),
    "firewall log": (b"\2\0\0\0" + b"\5\0\x0a\0\0\0\0\0" + struct.pack("<HH", 4 + len(PACKET), 9) + PACKET, 239),
}


@pytest.mark.parametrize("name", LINKS)
def test_every_way_to_wrap_a_datagram_gives_the_same(name):
    """Link layers, tags and tunnels change nothing of what is inside."""
    assert decode(*LINKS[name]) == EXPECTED


@pytest.mark.parametrize("name", LINKS)
def test_cut_anywhere_nothing_breaks(name):
    """A frame cut after any byte gives a datagram or none, and never raises."""
    frame, link_type = LINKS[name]
    for length in range(len(frame)):
        decode(frame[:length], link_type)


def test_fields_that_never_end_are_given_up():
    """A firewall log without a packet, labels without a last one: nothing, and no endless walk."""
    assert decode(b"\2\0\0\0" + bytes(64), 239) is None
    assert decode(make_ethernet(bytes(64), 0x8847)) is None
