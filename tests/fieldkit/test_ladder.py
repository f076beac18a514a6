"""A SIP ladder: `fieldkit.ladder`."""

import tracemalloc

from collector.core.sip import parse_message
from fieldkit.ladder import COLUMN_WIDTH, MAX_RUNGS, Ladder, draw

A, B, C = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), bytes([10, 0, 0, 3])


def make_request(method, call_id="a@b"):
    """A request with the headers that identify it."""
    return parse_message(f"{method} sip:1@x SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n".encode())


def make_response(line, method="INVITE", call_id="a@b"):
    """A response to it."""
    return parse_message(f"SIP/2.0 {line}\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n".encode())


def test_arrows_point_from_sender_to_receiver_over_any_distance():
    """Three addresses: neighbours, two columns apart, backwards, and to itself."""
    ladder = Ladder()
    ladder.receive_message(1000, A, 5060, B, 5060, make_request("INVITE"))
    ladder.receive_message(1010, B, 5060, C, 5060, make_request("INVITE"))
    ladder.receive_message(2500, C, 5060, A, 5060, make_response("200 OK"))
    ladder.receive_message(2600, B, 5060, B, 5060, make_request("ACK"))
    _, head, first, second, third, fourth = draw(next(ladder.calls()))
    assert head.split() == ["10.0.0.1:5060", "10.0.0.2:5060", "10.0.0.3:5060"]
    assert first == "   0.000  |" + " INVITE ".center(COLUMN_WIDTH - 3, "-").join(["-", ">"]) + "|" + " " * 29 + "|"
    assert second.startswith("   0.010  |" + " " * 29 + "|-")
    assert third.startswith("   1.500  |<-")
    assert third.endswith("-|")
    assert "| ACK" in fourth


def test_what_is_no_call_is_left_out():
    """Registrations and keep-alives have Call-IDs too."""
    ladder = Ladder()
    for method in ("REGISTER", "OPTIONS", "SUBSCRIBE"):
        ladder.receive_message(1, A, 5060, B, 5060, make_request(method, call_id=method))
    ladder.receive_message(2, A, 5060, B, 5060, make_response("200 OK", "BYE", "joined-late"))
    assert ["joined-late"] == [call.call_id for call in ladder.calls()]


def test_nothing_from_the_wire_reaches_the_terminal_as_control():
    """Escape sequences in a Call-ID or reason phrase are shown as question marks."""
    ladder = Ladder()
    ladder.receive_message(1, A, 5060, B, 5060, make_response("200 \x1b[31mred", call_id="\x1b[2Jx"))
    text = "\n".join(draw(next(ladder.calls())))
    assert "\x1b" not in text
    assert "?[2Jx" in text


def test_ipv6_addresses_stand_in_brackets():
    """So that the port can be told."""
    ladder = Ladder()
    ladder.receive_message(1, bytes(15) + b"\x01", 5060, B, 5061, make_request("INVITE"))
    assert "[::1]:5060" in list(draw(next(ladder.calls())))[1]


def test_a_call_without_end_is_bounded_and_says_so():
    """The first messages are shown, the others counted; the next call is not in its way."""
    ladder = Ladder()
    for number in range(MAX_RUNGS + 7):
        ladder.receive_message(number, A, 5060, B, 5060, make_request("INVITE"))
    ladder.receive_message(99_999, A, 5060, B, 5060, make_request("INVITE", call_id="second"))
    first, second = ladder.calls()
    assert (MAX_RUNGS, 7) == (len(first.rungs), first.left_out)
    assert "and 7 messages more" in list(draw(first))[-1]
    assert ("second", 1, 0) == (second.call_id, len(second.rungs), second.left_out)


def test_memory_does_not_grow_with_the_messages():
    """A hundred thousand messages of ten thousand calls: what SQLite's cache holds, and no more."""
    ladder = Ladder()
    tracemalloc.start()
    try:
        for number in range(100_000):
            ladder.receive_message(number, A, 5060, B, 5060, make_request("INVITE", call_id=f"call-{number % 10_000}"))
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert used < 1_000_000
    assert 10 == len(next(ladder.calls()).rungs)
