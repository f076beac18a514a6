import pytest
from builders import PBX, make_ethernet, make_udp, phone
from link_layers import usual_links

from collector.core.counters import Counters
from collector.core.links import LINK_ETHERNET
from collector.core.packet import PacketDecoder

PAYLOAD = b"OPTIONS sip:101@10.77.1.101 SIP/2.0\r\n"
UDP = make_udp(PAYLOAD, 5060, 5062)
EXPECTED = (17, PBX, 5060, phone(101), 5062, PAYLOAD, 0, 0)


def decode(frame, link_type=LINK_ETHERNET):
    """What a fresh decoder makes of a frame."""
    return PacketDecoder(Counters()).decode(frame, link_type, 0)


LINKS = usual_links(UDP, PBX, phone(101))


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
