import pytest
from builders import PBX, make_ethernet, make_ipv4, make_udp, phone
from link_layers import ADDRESSES, DATA, SNAP, make_pktap, rare_links

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
