import pytest
from builders import PBX, Tap, make_invite, make_request, make_response, make_tcp_frame, phone
from hypothesis import given
from hypothesis import strategies as st
from wrapped import BINARY, CLOSE, CONTINUATION, PING, SWITCHED, TEXT, UPGRADE, make_websocket_frame

from collector.core.counters import Counters
from collector.core.stream import SYN, StreamTable
from collector.core.websocket import MAX_HEAD_BYTES, MAX_MESSAGE_BYTES

KEY = (phone(101), 40_000, PBX, 5060)
MESSAGES = [make_request("OPTIONS", call_id=f"options-{number}", body="x" * 60 * number) for number in range(4)]


class Connection:
    """One direction of a connection, byte after byte."""

    def __init__(self):
        self.counters = Counters()
        self.table = StreamTable(self.counters)
        self.sequence = 1

    def hear(self, *pieces):
        """The messages that segments bring."""
        found = []
        for piece in pieces:
            found += self.table.receive_segment(KEY, self.sequence, 0x18, piece, self.sequence)
            self.sequence += len(piece)
        return [message for _, message, _ in found]


def test_a_call_over_websocket_is_a_leg():
    """A browser calls (RFC 7118): masked frames there, unmasked ones back, and the leg says how it came."""
    tap = Tap()
    invite = make_invite(uri="sip:102@10.77.1.5", caller="101", callee="102")
    back = [make_response(invite, 180), make_response(invite, 200)]
    sent = [
        UPGRADE,
        make_websocket_frame(invite),
        make_websocket_frame(make_request("BYE", to_tag="b", cseq=2, caller="101")),
    ]
    received = [SWITCHED, *(make_websocket_frame(message, BINARY, mask=b"") for message in back)]
    there = here = 1
    for at_ms, (source, payload) in enumerate(
        [(phone(101), sent[0]), (PBX, received[0]), (phone(101), sent[1]), *((PBX, piece) for piece in received[1:]),
         (phone(101), sent[2])]
    ):  # fmt: skip
        if source == PBX:
            tap.hear(at_ms, make_tcp_frame(payload, here, PBX, phone(101)))
            here += len(payload)
        else:
            tap.hear(at_ms, make_tcp_frame(payload, there, phone(101), PBX))
            there += len(payload)
    (leg,) = tap.close()
    assert ("ws", "phone", "101", "102", 200) == (leg.transport, leg.role, leg.extension, leg.callee, leg.final_code)
    assert (0, 0) == (tap.monitor.counters.websocket, tap.monitor.counters.malformed)


@pytest.mark.parametrize("head", [b"", UPGRADE, SWITCHED], ids=["joined in the middle", "request", "response"])
@pytest.mark.parametrize("mask", [b"", b"\1\2\3\4"], ids=["server", "client"])
def test_messages_come_out_of_frames(head, mask):
    """Text, binary and continued frames, other frames between them, several in a segment."""
    connection = Connection()
    pieces = [
        head,
        make_websocket_frame(MESSAGES[0], TEXT, mask=mask),
        make_websocket_frame(MESSAGES[1], BINARY, mask=mask) + make_websocket_frame(b"\r\n\r\n", TEXT, mask=mask),
        make_websocket_frame(MESSAGES[2][:100], TEXT, final=False, mask=mask),
        make_websocket_frame(b"still here?", PING, mask=mask),
        make_websocket_frame(MESSAGES[2][100:200], CONTINUATION, final=False, mask=mask),
        make_websocket_frame(MESSAGES[2][200:], CONTINUATION, mask=mask) + make_websocket_frame(MESSAGES[3], mask=mask),
        make_websocket_frame(b"\x03\xe8", CLOSE, mask=mask),
    ]
    assert MESSAGES == connection.hear(*(piece for piece in pieces if piece))
    assert connection.table.is_websocket(KEY)
    assert 0 == connection.counters.malformed


@given(st.lists(st.integers(1, 400), max_size=12))
def test_any_split_gives_the_same_messages(cuts):
    """Heads and frames over any number of segments, from the connection's beginning on."""
    data = UPGRADE + b"".join(make_websocket_frame(message) for message in MESSAGES)
    connection = Connection()
    connection.table.receive_segment(KEY, 0, SYN, b"", 0)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(data[at : at + cut])
        at += cut
    found = connection.hear(*(piece for piece in [*pieces, data[at:]] if piece))
    assert MESSAGES == found


def test_compressed_messages_are_counted():
    """RFC 7692: what is deflated is not read, the others are."""
    connection = Connection()
    assert [MESSAGES[1]] == connection.hear(
        UPGRADE, make_websocket_frame(b"deflated", reserved=4), make_websocket_frame(MESSAGES[1])
    )
    assert 1 == connection.counters.websocket


def test_a_gap_is_bridged_at_the_next_frame():
    """A segment that never came costs its messages only."""
    connection = Connection()
    connection.hear(UPGRADE, make_websocket_frame(MESSAGES[0]))
    connection.sequence += 77
    cut = make_websocket_frame(MESSAGES[1])[9:]
    at_ms = connection.sequence + len(cut)
    assert [] == connection.hear(cut, make_websocket_frame(MESSAGES[2]))
    assert [(KEY, MESSAGES[2], at_ms)] == connection.table.handle_deadline(1_000_000)
    assert 1 == connection.counters.tcp_gaps


NOT_SIP = {
    "a page": b"GET / HTTP/1.1\r\nHost: pbx\r\n\r\n",
    "another subprotocol": UPGRADE.replace(b"SIP", b"sippy"),
    "a head without end": b"GET /" + b"x" * (MAX_HEAD_BYTES + 10),
    "frames of a chat": make_websocket_frame(b"hello"),
}


@pytest.mark.parametrize("name", NOT_SIP)
def test_what_is_not_sip_is_left_alone(name):
    """And does not spoil what comes after it on the same connection."""
    connection = Connection()
    assert [] == connection.hear(NOT_SIP[name])
    assert [MESSAGES[0]] == connection.hear(make_websocket_frame(MESSAGES[0]))
    assert 0 == connection.counters.malformed


@pytest.mark.parametrize(
    "broken",
    [
        make_websocket_frame(b"x" * (MAX_MESSAGE_BYTES + 1)),
        make_websocket_frame(b"x", 5),
        make_websocket_frame(b"x", reserved=2),
    ],
    ids=["endless", "an unknown kind", "unknown flags"],
)
def test_broken_frames_are_given_up_until_the_next_message(broken):
    """Nobody knows where the frame ends that follows: one with a message's beginning is recognised."""
    connection = Connection()
    assert [MESSAGES[0]] == connection.hear(UPGRADE, make_websocket_frame(MESSAGES[0]), broken)
    assert 1 == connection.counters.malformed
    assert [MESSAGES[1]] == connection.hear(make_websocket_frame(MESSAGES[1]))


def test_ports_used_again_by_plain_sip_are_plain_again():
    """The next connection on the same ports speaks SIP without frames."""
    connection = Connection()
    connection.hear(UPGRADE)
    connection.table.receive_segment(KEY, connection.sequence - 1, SYN, b"", 0)
    assert [MESSAGES[0]] == connection.hear(MESSAGES[0])
    assert not connection.table.is_websocket(KEY)


@given(st.binary(min_size=1, max_size=100), st.booleans())
def test_any_bytes_are_survived(data, upgraded):
    """Behind the upgrade, or as the first that is seen."""
    connection = Connection()
    connection.hear(*([UPGRADE] if upgraded else []), data, make_websocket_frame(MESSAGES[0]))
