import struct

import pytest
from builders import (
    PBX,
    make_ethernet,
    make_fragments,
    make_ipv4,
    make_ipv6,
    make_tcp,
    make_udp,
    make_udp_frame,
    phone,
)
from hypothesis import given
from hypothesis import strategies as st
from link_layers import extension_chains
from wrapped import make_sctp_frame

from collector.core.counters import Counters
from collector.core.links import LINK_ETHERNET
from collector.core.packet import ACK_SHIFT, CUT_SHIFT, QUOTED, PacketDecoder

PAYLOAD = b"OPTIONS sip:101@10.77.1.101 SIP/2.0\r\n"
PACKET = make_ipv4(make_udp(PAYLOAD, 5060, 5062), PBX, phone(101))
SOURCE_6 = bytes.fromhex("fd770000000000000000000000000005")
TARGET_6 = bytes.fromhex("fd770000000000000000000000000101")


def decode(frame, link_type=LINK_ETHERNET):
    """What a fresh decoder makes of a frame."""
    return PacketDecoder(Counters()).decode(frame, link_type, 0)


@pytest.mark.parametrize(
    "extensions",
    [(0, b""), (0, bytes([17, 0]) + bytes(6)), (60, bytes([17, 1]) + bytes(14)), (51, bytes([17, 4]) + bytes(22))],
    ids=["none", "hop by hop", "destination options", "authentication"],
)
def test_ipv6_with_extension_headers(extensions):
    """Extension headers are skipped (RFC 8200 section 4)."""
    first, header = extensions
    packet = make_ipv6(header + make_udp(PAYLOAD), SOURCE_6, TARGET_6, first if header else 17)
    assert decode(make_ethernet(packet, 0x86DD)) == (17, SOURCE_6, 5060, TARGET_6, 5060, PAYLOAD, 0, 0)


def test_ipv6_fragments_come_together():
    """A fragmented IPv6 datagram is whole with its last piece (RFC 8200 section 4.5)."""
    datagram = make_udp(PAYLOAD * 40)
    decoder = PacketDecoder(Counters())
    first = make_ipv6(struct.pack("!BBHI", 17, 0, 1, 9) + datagram[:1200], SOURCE_6, TARGET_6, 44)
    last = make_ipv6(struct.pack("!BBHI", 17, 0, 1200, 9) + datagram[1200:], SOURCE_6, TARGET_6, 44)
    assert decoder.decode(make_ethernet(last, 0x86DD), 1, 0) is None
    assert decoder.decode(make_ethernet(first, 0x86DD), 1, 0)[5] == PAYLOAD * 40


def test_ipv4_fragments_come_together():
    """The datagram comes out with the ports that only its first fragment has."""
    decoder = PacketDecoder(Counters())
    frames = make_fragments(make_udp(PAYLOAD * 60), 1000, PBX, phone(101))
    found = [decoder.decode(frame, LINK_ETHERNET, 0) for frame in frames]
    assert [None] * (len(frames) - 1) == found[:-1]
    assert found[-1] == (17, PBX, 5060, phone(101), 5060, PAYLOAD * 60, 0, 0)


def test_first_fragment_is_read_alone_when_the_others_do_not_come():
    """A port filter at the tap drops all fragments but the first, which holds the headers of the message."""
    counters = Counters()
    decoder = PacketDecoder(counters)
    decoder.decode(make_fragments(make_udp(PAYLOAD * 60), 1000, PBX, phone(101))[0], LINK_ETHERNET, 500)
    assert [] == decoder.take_first_pieces(501)
    [(began_ms, datagram)] = decoder.take_first_pieces(600)
    assert (500, 5060, PAYLOAD) == (began_ms, datagram[2], datagram[5][: len(PAYLOAD)])
    assert [] == decoder.take_first_pieces(700)


CHAINS = extension_chains(make_udp(PAYLOAD), SOURCE_6, TARGET_6)


@pytest.mark.parametrize("name", CHAINS)
def test_extension_headers_are_passed_over(name):
    """RFC 8200 section 4: any of them, before and behind a fragment header."""
    assert decode(CHAINS[name][0]) == (17, SOURCE_6, 5060, TARGET_6, 5060, PAYLOAD, 0, 0)


def test_udp_lite_is_read_as_udp():
    """RFC 3828: the length field says how much is covered by the checksum."""
    lite = struct.pack("!HHHH", 5060, 5062, 8, 0) + PAYLOAD
    assert decode(make_ethernet(make_ipv4(lite, PBX, phone(101), 136))) == (
        17,
        PBX,
        5060,
        phone(101),
        5062,
        PAYLOAD,
        0,
        0,
    )


def test_sctp_packet_keeps_its_tag():
    """Chunks and verification tag (RFC 9260 section 3.1)."""
    found = decode(make_sctp_frame(b"chunks", PBX, phone(101), tag=77))
    assert found == (132, PBX, 5060, phone(101), 5060, b"chunks", 77, 0)


@pytest.mark.parametrize("make_packet", [make_ipv4, make_ipv6])
def test_segment_cut_by_the_capture_says_how_much_is_missing(make_packet):
    """So that what follows in the stream is no hole."""
    size = 4 if make_packet is make_ipv4 else 16
    packet = make_packet(make_tcp(PAYLOAD, 1), bytes(size), bytes(size), 6)
    found = decode(make_ethernet(packet, 0x0800 if size == 4 else 0x86DD)[:-10])
    assert (PAYLOAD[:-10], 10 << CUT_SHIFT | 0x18) == (found[5], found[7])


def test_tcp_segment_keeps_sequence_and_flags():
    """Sequence number, flags and payload of a segment."""
    frame = make_ethernet(make_ipv4(make_tcp(PAYLOAD, 0xFFFFFFF0, 0x18, 40000, 5060), PBX, phone(101), 6))
    assert decode(frame) == (6, PBX, 40000, phone(101), 5060, PAYLOAD, 0xFFFFFFF0, 0x18)


def test_tcp_segment_says_what_it_acknowledges():
    """Where the flag is set that says so."""
    segment = bytearray(make_tcp(PAYLOAD, 1, 0x18))
    segment[8:12] = b"\x12\x34\x56\x78"
    found = decode(make_ethernet(make_ipv4(bytes(segment), PBX, phone(101), 6)))
    assert 0x12345678 << ACK_SHIFT | 0x18 == found[7]
    segment[13] = 0x08
    assert 0x08 == decode(make_ethernet(make_ipv4(bytes(segment), PBX, phone(101), 6)))[7]


def test_segmentation_offload_leaves_the_length_to_the_frame():
    """A network card's total length of 0 means: as long as the frame."""
    packet = bytearray(make_ipv4(make_tcp(PAYLOAD, 1), PBX, phone(101), 6))
    packet[2:4] = b"\0\0"
    assert decode(make_ethernet(bytes(packet)))[5] == PAYLOAD


def test_quoted_datagram_is_marked():
    """What an ICMP error quotes was not sent again (RFC 792)."""
    icmp = b"\x03\x03" + bytes(6) + PACKET
    found = decode(make_ethernet(make_ipv4(icmp, phone(101), PBX, 1)))
    assert (PAYLOAD, QUOTED) == (found[5], found[7])
    assert decode(make_ethernet(make_ipv4(b"\x08\0" + bytes(6) + PACKET, phone(101), PBX, 1))) is None


def test_other_traffic_is_ignored_and_counted():
    """ARP, ICMP, unknown link types: no datagram, one count each."""
    counters = Counters()
    decoder = PacketDecoder(counters)
    assert decoder.decode(make_ethernet(bytes(28), 0x0806), LINK_ETHERNET, 0) is None
    assert decoder.decode(make_ethernet(make_ipv4(bytes(8), PBX, phone(101), 1)), LINK_ETHERNET, 0) is None
    assert decoder.decode(bytes(60), 147, 0) is None
    assert counters.ignored == 3


def test_endless_nesting_ends():
    """IP in IP in IP ...: given up after a few layers."""
    packet = PACKET
    for _ in range(20):
        packet = make_ipv4(packet, b"\1\1\1\1", b"\2\2\2\2", 4)
    assert decode(make_ethernet(packet)) is None


def test_truncated_datagram_comes_as_far_as_it_goes():
    """The beginning of a cut message holds its headers: it is passed on and counted."""
    counters = Counters()
    found = PacketDecoder(counters).decode(make_ethernet(PACKET)[:60], LINK_ETHERNET, 0)
    assert found[5] == PAYLOAD[:18]
    assert counters.truncated == 1


@given(st.binary(max_size=200), st.sampled_from([0, 1, 9, 11, 12, 50, 51, 101, 104, 108, 109, 113, 147, 204, 239, 276]))
def test_any_bytes_are_survived(frame, link_type):
    """Random bytes on any link type."""
    decode(frame, link_type)


@given(st.integers(0, len(make_udp_frame(PAYLOAD)) - 1), st.integers(0, 255))
def test_any_changed_byte_is_survived(position, value):
    """A real frame with one byte changed."""
    frame = bytearray(make_udp_frame(PAYLOAD))
    frame[position] = value
    decode(bytes(frame))
