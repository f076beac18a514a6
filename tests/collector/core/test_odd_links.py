import pytest
from builders import PBX, make_ethernet, make_ipv4, make_udp, phone
from link_layers import ADDRESSES, DATA, QOS, SNAP, make_pktap, rare_links

from collector.core.counters import Counters
from collector.core.links import LINK_ETHERNET
from collector.core.packet import PacketDecoder

PAYLOAD = b"OPTIONS sip:101@10.77.1.101 SIP/2.0\r\n"
UDP = make_udp(PAYLOAD, 5060, 5062)
PACKET = make_ipv4(UDP, PBX, phone(101))
EXPECTED = (17, PBX, 5060, phone(101), 5062, PAYLOAD, 0, 0)
FRAMES = rare_links(UDP, PBX, phone(101))
UNREADABLE = {
    "802.11, encrypted": (DATA[:1] + b"\x41" + DATA[2:] + SNAP + PACKET, 105),
    "802.11, a beacon": (b"\x80\0\0\0" + ADDRESSES + bytes(60), 105),
    "MACsec, encrypted": (make_ethernet(b"\x0c" + bytes(5) + PACKET, 0x88E5), LINK_ETHERNET),
    "a service header before something else": (make_ethernet(b"\x0f\xc2\2\5\0\0\1\xff" + PACKET, 0x894F), 1),
    "a Mac's header in a Mac's header": (make_pktap(258, make_pktap(1, make_ethernet(PACKET))), 258),
    "PPI in a Mac's header": (make_pktap(192, b"\0\0\x08\0\1\0\0\0" + make_ethernet(PACKET)), 258),
    "a piece on one of several lines": (b"\xff\x03\0\x3d\x80\0\0\1\0\x21" + PACKET, 9),
    "Juniper's link type without its mark": (make_ethernet(PACKET), 178),
    "a link layer that nobody uses": (PACKET, 9_999),
}


def decode(frame, link_type):
    """What a fresh decoder makes of a frame."""
    return PacketDecoder(Counters()).decode(frame, link_type, 0)


@pytest.mark.parametrize("name", FRAMES)
def test_rare_link_layers_and_tags_change_nothing_of_what_is_inside(name):
    """As `test_links.py` shows of the usual ones."""
    assert decode(*FRAMES[name]) == EXPECTED


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_left_alone(name):
    """Encrypted frames, and frames without data: no datagram."""
    assert decode(*UNREADABLE[name]) is None


@pytest.mark.parametrize("name", [*FRAMES, *UNREADABLE])
def test_cut_anywhere_nothing_breaks(name):
    """A frame cut after any byte gives a datagram or none, and never raises."""
    frame, link_type = (FRAMES | UNREADABLE)[name]
    for length in range(len(frame)):
        decode(frame[:length], link_type)


ENDLESS = {
    "tags of a ring": (ADDRESSES[:12] + b"\x89\x2f" + b"\0\x64\0\1\x89\x2f" * 10_000, LINK_ETHERNET),
    "provider backbones": ((ADDRESSES[:12] + b"\x88\xe7\0\0\0\1") * 10_000, LINK_ETHERNET),
    "service headers": ((ADDRESSES[:12] + b"\x89\x4f\x0f\xc2\2\3\0\0\1\xff") * 10_000, LINK_ETHERNET),
    "VLAN tags in SNAP": (ADDRESSES[:12] + b"\0\x10" + (SNAP[:6] + b"\x81\0\0\7\0\x10") * 10_000, LINK_ETHERNET),
    "Ethernet in SNAP": ((ADDRESSES[:12] + b"\0\x10\xaa\xaa\x03\0\x80\xc2\0\x07\0\0") * 10_000, LINK_ETHERNET),
    "lines of lines": (b"\xff\x03" + b"\0\x3d\xc0\0\0\1" * 10_000, 9),
    "Ethernet in PPP in Ethernet": ((b"\0\x31\0\1" + ADDRESSES[:12] + b"\x88\x64" + bytes(6)) * 10_000, 9),
    "packets of an 802.11 frame": (QOS[:-2] + b"\x80\0" + bytes(200_000), 105),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_headers_without_an_end_do_no_harm(name):
    """A frame made of nothing but headers."""
    assert decode(*ENDLESS[name]) is None
