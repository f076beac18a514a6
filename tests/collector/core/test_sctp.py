import struct

import pytest
from builders import CARRIER, PBX, Tap, make_invite, make_request, make_response
from hypothesis import given
from hypothesis import strategies as st
from wrapped import FIRST, LAST, MIDDLE, WHOLE, make_data, make_i_data, make_sctp_frame

from collector.core.counters import Counters
from collector.core.sctp import MAX_PIECES, MAX_UNFINISHED, SctpTable

DIRECTION = (CARRIER, 5060, PBX, 5060, 7)
MESSAGES = [make_request("OPTIONS", call_id=f"options-{number}", body="x" * number) for number in range(4)]


def make_pieces(message, size, tsn=1):
    """A message as chunks of its pieces."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    last = len(pieces) - 1
    return [
        make_data(piece, tsn + number & 0xFFFFFFFF, FIRST * (number == 0) | LAST * (number == last))
        for number, piece in enumerate(pieces)
    ]


def receive(*packets):
    """What comes out of packets of one direction, and the counters."""
    counters = Counters()
    table = SctpTable(counters)
    return [message for packet in packets for message in table.receive_packet(DIRECTION, packet)], counters


def test_a_call_over_sctp_is_a_leg():
    """INVITE, 180, 200 and BYE between the PBX and its carrier (RFC 4168), and what the wire says of it."""
    tap = Tap()
    invite = make_invite(uri="sip:442079460201@10.77.1.5", callee="442079460201")
    for at_ms, message in ((0, invite), (3_000, None), (9_000, make_request("BYE", to_tag="b", cseq=2))):
        if message is not None:
            tap.hear(at_ms, make_sctp_frame(make_data(message, at_ms)))
        else:
            for status in (180, 200):
                tap.hear(at_ms, make_sctp_frame(make_data(make_response(invite, status), status), PBX, CARRIER))
    (leg,) = tap.close()
    assert ("trunk", "in", "442079460201", 200, "caller") == (
        leg.role, leg.direction, leg.callee, leg.final_code, leg.ended_by,
    )  # fmt: skip
    assert "" == leg.transport  # schema version 1 of the wire has no word for it


def test_chunks_of_one_packet_come_out_in_order():
    """Several messages in a packet, other chunks between them."""
    sack = struct.pack("!BBHIIHH", 3, 0, 16, 1, 1000, 0, 0)
    packet = make_data(MESSAGES[0], 1) + sack + make_data(MESSAGES[1], 2) + make_i_data(MESSAGES[2])
    assert MESSAGES[:3] == receive(packet)[0]


@given(st.permutations(range(6)), st.sampled_from([1, 0xFFFFFFFD]))
def test_pieces_come_in_any_order(order, tsn):
    """A message over several packets, numbers that begin anew after the highest included."""
    pieces = make_pieces(MESSAGES[3], -(-len(MESSAGES[3]) // 6), tsn)
    assert [MESSAGES[3]] == receive(*(pieces[number] for number in order))[0]


def test_pieces_that_come_twice_change_nothing():
    """A retransmission of what is there already."""
    first, second, third = make_pieces(MESSAGES[3], -(-len(MESSAGES[3]) // 3))
    assert [MESSAGES[3]] == receive(first, second, first, third)[0]


def test_messages_in_pieces_may_be_interleaved():
    """RFC 8260: that is what I-DATA is for; and pieces of different streams."""
    one, two = MESSAGES[2], MESSAGES[3]
    packets = [
        make_i_data(one[:90], message=1, flags=FIRST),
        make_i_data(two[:80], message=2, flags=FIRST),
        make_i_data(one[90:], message=1, number=1, flags=LAST),
        make_i_data(two[80:], message=2, number=1, flags=LAST),
        make_data(one[:90], 5, FIRST, stream=1),
        make_data(two, 6, WHOLE, stream=2),
        make_data(one[90:], 6, LAST, stream=1),
    ]
    assert [one, two, two, one] == receive(*packets)[0]


def test_messages_that_never_become_whole_are_bounded_and_counted():
    """More of them than fit, and one of too many pieces: given up, oldest first."""
    counters = Counters()
    table = SctpTable(counters)
    for tag in range(MAX_UNFINISHED + 10):
        table.receive_packet((*DIRECTION[:4], tag), make_data(b"x", 1, FIRST))
    assert 10 == counters.fragments_incomplete
    for tsn in range(2, MAX_PIECES + 2):
        table.receive_packet((*DIRECTION[:4], 20), make_data(b"x", tsn, MIDDLE))
    assert 11 == counters.fragments_incomplete
    table.close()
    assert MAX_UNFINISHED + 10 == counters.fragments_incomplete


@pytest.mark.parametrize(
    ("settings", "ports", "heard"),
    [
        ({}, (40_000, 5060), 1),
        ({}, (40_000, 40_001), 0),
        ({"any_port": True}, (40_000, 40_001), 1),
    ],
)
def test_ports_are_those_of_udp(settings, ports, heard):
    """SIP is looked for on the configured ports, or on any by its first line."""
    tap = Tap(**settings)
    tap.hear(0, make_sctp_frame(make_data(MESSAGES[0]), ports=ports))
    assert (heard, 1 - heard) == (tap.monitor.counters.sip_messages, tap.monitor.counters.ignored)


def test_tls_over_sctp_is_reported():
    """RFC 4168 section 3: calls that cannot be read here."""
    tap = Tap()
    tap.hear(0, make_sctp_frame(make_data(b"\x16\x03\x01\x00\x05hello")))
    assert 1 == tap.monitor.counters.encrypted


@pytest.mark.parametrize("make_chunk", [make_data, make_i_data])
@pytest.mark.parametrize("flags", [FIRST, WHOLE])
def test_cut_anywhere_nothing_breaks(make_chunk, flags):
    """A packet that the capture cut: its chunk says more than there is."""
    chunk = make_chunk(MESSAGES[0], flags=flags)
    for length in range(len(chunk)):
        found, _ = receive(chunk[:length])
        assert all(MESSAGES[0].startswith(message) for message in found)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(chunks):
    """Lengths that lie, chunks that are cut."""
    receive(chunks, make_data(b"x", 1, FIRST) + chunks)
