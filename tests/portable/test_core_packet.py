"""Frames, fragments and streams, on CPython (pytest) and on MicroPython (runner.py): plain functions, plain asserts."""

import struct

from sip_builders import LINKTYPE_ETHERNET, PBX, PHONE, make_frame, make_request

from collector.core.counters import Counters
from collector.core.fragments import FragmentTable
from collector.core.packet import PacketDecoder
from collector.core.stream import HOLE_MS, SYN, StreamTable

PAYLOAD = b"OPTIONS sip:101@10.77.1.101 SIP/2.0\r\n"
KEY = (PBX, 40000, PHONE, 5060)


def test_datagram_of_a_frame() -> None:
    """Ports, addresses and payload, plain and behind a VLAN tag and PPPoE."""
    frame = make_frame(PAYLOAD, PBX, PHONE)
    expected = (17, PBX, 5060, PHONE, 5060, PAYLOAD, 0, 0)
    for wrapped in (
        frame,
        frame[:12] + b"\x81\x00\x00\x07" + frame[12:],
        frame[:12] + b"\x88\x64\x11\x00\x00\x01\x00\x00\x00\x21" + frame[14:],
    ):
        assert expected == PacketDecoder(Counters()).decode(wrapped, LINKTYPE_ETHERNET, 0)


def test_ipv6_datagram() -> None:
    """Sixteen-byte addresses and the same payload."""
    source, target = bytes(15) + b"\x05", bytes(15) + b"\x06"
    udp = struct.pack(">HHHH", 5060, 5060, 8 + len(PAYLOAD), 0) + PAYLOAD
    frame = bytes(12) + b"\x86\xdd" + struct.pack(">IHBB", 0x60000000, len(udp), 17, 64) + source + target + udp
    assert (17, source, 5060, target, 5060, PAYLOAD, 0, 0) == PacketDecoder(Counters()).decode(frame, 1, 0)


def test_frame_cut_anywhere() -> None:
    """A datagram or none, never an exception."""
    frame = make_frame(PAYLOAD, PBX, PHONE)
    for length in range(len(frame)):
        PacketDecoder(Counters()).decode(frame[:length], LINKTYPE_ETHERNET, 0)


def test_fragments_in_any_order() -> None:
    """Three pieces in each of their six orders, one of them twice."""
    pieces = ((0, True, b"A" * 16), (16, True, b"B" * 16), (32, False, b"C" * 5))
    for first in range(3):
        for second in range(3):
            if first != second:
                table = FragmentTable(Counters())
                found = []
                for number in (first, second, second, 3 - first - second):
                    offset, more, data = pieces[number]
                    found.append(table.receive_fragment((PBX, PHONE, 17, 1), offset, more, data, 0))
                assert [b"A" * 16 + b"B" * 16 + b"C" * 5] == [whole for whole in found if whole is not None]


def test_stream_in_pieces() -> None:
    """Two messages, in segments of 37 bytes, the last ones swapped."""
    messages = [make_request("INVITE", 1), make_request("BYE", 2)]
    stream = b"".join(messages)
    table = StreamTable(Counters())
    table.receive_segment(KEY, 0xFFFFFFF0, SYN, b"", 0)
    starts = list(range(0, len(stream), 37))
    starts[-2:] = [starts[-1], starts[-2]]
    found = []
    for at in starts:
        found += table.receive_segment(KEY, (0xFFFFFFF1 + at) & 0xFFFFFFFF, 0, stream[at : at + 37], 0)
    assert messages == [message for _, message, _ in found]


def test_lost_segment_is_given_up() -> None:
    """What waits behind a hole comes out after a time."""
    counters = Counters()
    table = StreamTable(counters)
    table.receive_segment(KEY, 0, SYN, b"", 0)
    assert [] == table.receive_segment(KEY, 501, 0, make_request("BYE", 2), 0)
    assert [(KEY, make_request("BYE", 2), 0)] == table.handle_deadline(HOLE_MS)
    assert 1 == counters.tcp_gaps
