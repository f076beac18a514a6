import struct

import pytest
from builders import PBX, Tap, make_ethernet, make_invite, make_ipv4, make_ipv6, make_udp, make_udp_frame, phone
from hypothesis import given
from hypothesis import strategies as st
from link_layers import DATA, SNAP

from collector.core.tunnels import TUNNELS

INVITE = make_invite()
FRAME = make_udp_frame(INVITE)
PACKET = make_ipv4(make_udp(INVITE), PBX, phone(101))
PACKET_6 = make_ipv6(make_udp(INVITE), bytes(15) + b"\5", bytes(15) + b"\x65")
PPP = b"\xff\x03\x00\x21"

# name -> (UDP port, payload)
WRAPPED = {
    "TZSP": (37008, b"\1\0\0\1\1" + FRAME),
    "VXLAN": (4789, b"\x08" + bytes(7) + FRAME),
    "VXLAN-GPE": (4790, b"\x0c\0\0\1" + bytes(4) + PACKET),
    "VXLAN-GPE, Ethernet": (4790, b"\x0c\0\0\3" + bytes(4) + FRAME),
    "Geneve": (6081, b"\0\0\x65\x58" + bytes(4) + FRAME),
    "Geneve with options": (6081, b"\2\0\x08\0" + bytes(12) + PACKET),
    "GTP-U": (2152, struct.pack("!BBHI", 0x30, 255, len(PACKET), 7) + PACKET),
    "GTP-U, IPv6": (2152, struct.pack("!BBHI", 0x30, 255, len(PACKET_6), 7) + PACKET_6),
    "GTP-U with a number": (2152, struct.pack("!BBHIHBB", 0x32, 255, len(PACKET) + 4, 7, 1, 0, 0) + PACKET),
    "GTP-U with extension headers": (
        2152,
        struct.pack("!BBHIHBB", 0x34, 255, len(PACKET) + 12, 7, 0, 0, 0x85) + b"\1\x10\x09\xc0\1\0\0\0" + PACKET,
    ),
    "L2TP": (1701, b"\x00\x02\0\1\0\1" + PPP + PACKET),
    "L2TP, all fields": (
        1701,
        struct.pack("!HHHHHHH", 0x4A02, 16 + len(PPP + PACKET), 1, 1, 5, 6, 2) + b"\0\0" + PPP + PACKET,
    ),
    "Teredo": (3544, PACKET_6),
    "Teredo, authentication and origin": (3544, b"\0\1\2\3" + bytes(14) + b"\0\0" + bytes(6) + PACKET_6),
    "LISP": (4341, bytes(8) + PACKET),
    "MPLS in UDP": (6635, b"\0\1\1\x40" + PACKET),
    "GRE in UDP": (4754, b"\0\0\x08\0" + PACKET),
    "CAPWAP": (5247, b"\0\x10" + bytes(6) + FRAME),
    "CAPWAP, 802.11": (5247, b"\0\x10\3\0" + bytes(4) + DATA + SNAP + PACKET),
    "CAPWAP, 802.11 as Cisco writes it": (5247, b"\0\x10\3\0" + bytes(4) + b"\1\x08" + DATA[2:] + SNAP + PACKET),
}


def outer(port, payload, source_port=40000):
    """The datagram that carries it, between two routers."""
    return make_ethernet(make_ipv4(make_udp(payload, source_port, port), b"\1\1\1\1", b"\2\2\2\2"))


@pytest.mark.parametrize("name", WRAPPED)
def test_sip_inside_is_heard(name):
    """One message, in either direction of the tunnel, also where the first line would pass for SIP on any port."""
    port, payload = WRAPPED[name]
    for frame in (outer(port, payload), make_ethernet(make_ipv4(make_udp(payload, port, 40000), PBX, phone(1)))):
        tap = Tap(any_port=True)
        tap.hear(0, frame)
        assert (1, 0) == (tap.monitor.counters.sip_messages, tap.monitor.counters.malformed)
        assert ["101"] == [leg.extension for leg in tap.close()]


@pytest.mark.parametrize("name", WRAPPED)
def test_cut_anywhere_nothing_breaks(name):
    """A tunnel's datagram cut after any byte of its headers."""
    port, payload = WRAPPED[name]
    for length in range(90):
        Tap().hear(0, outer(port, payload[:length]))


@given(st.sampled_from(sorted(TUNNELS)), st.binary(max_size=64))
def test_any_payload_is_survived(port, payload):
    """Random bytes on a tunnel's port: a frame or none."""
    TUNNELS[port](payload)


def test_other_kinds_of_datagrams_are_ignored():
    """A tunnel's own signalling carries no packets."""
    for port, payload in (
        (2152, struct.pack("!BBHIHBB", 0x32, 1, 4, 0, 1, 0, 0)),  # echo request
        (1701, struct.pack("!HHHHHH", 0xC802, 12, 1, 0, 0, 0)),  # control message
        (4790, b"\x0c\0\0\x04" + bytes(20)),  # NSH
        (6081, b"\0\0\x88\x47" + bytes(20)),
        (3544, b"\0\1\0\0" + bytes(9)),
    ):
        assert TUNNELS[port](payload) is None


def test_nesting_is_bounded():
    """A tunnel in a tunnel is read, endless ones are not."""
    tap = Tap()
    frame = FRAME
    for depth in range(6):
        frame = outer(4789, b"\x08" + bytes(7) + frame)
        tap.hear(depth, frame)
    assert (3, 3) == (tap.monitor.counters.sip_messages, tap.monitor.counters.ignored)
