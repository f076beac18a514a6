import itertools

from builders import make_invite, make_request, make_sip
from hypothesis import given
from hypothesis import strategies as st

from collector.core.counters import Counters
from collector.core.packet import CUT_SHIFT
from collector.core.stream import (
    FIN,
    HOLE_MS,
    IDLE_MS,
    MAX_AHEAD,
    MAX_CONNECTIONS,
    MAX_MESSAGE_BYTES,
    RST,
    SYN,
    StreamTable,
    split_messages,
)

KEY = (b"\1\1\1\1", 40000, b"\2\2\2\2", 5060)
MESSAGES = [make_invite(), make_request("ACK"), make_request("BYE", cseq=2)]
STREAM = b"".join(MESSAGES)


class Connection:
    """One half of a connection whose bytes are counted from `start`."""

    def __init__(self, start=1000, *, opened=True):
        self.counters = Counters()
        self.table = StreamTable(self.counters)
        self.start = start
        if opened:
            self.table.receive_segment(KEY, (start - 1) & 0xFFFFFFFF, SYN, b"", 0)

    def segment(self, at, payload, *, flags=0x18, now_ms=0):
        """The messages that the bytes at a position of the stream complete."""
        pieces = self.table.receive_segment(KEY, (self.start + at) & 0xFFFFFFFF, flags, payload, now_ms)
        return [message for _, message, _ in pieces]


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=12), st.sampled_from([1000, 0xFFFFFF00]))
def test_any_split_gives_the_same_messages(cuts, start):
    """Where segments begin and end does not matter, nor where sequence numbers wrap."""
    connection = Connection(start)
    edges = sorted({0, *cuts, len(STREAM)})
    found = []
    for begin, end in itertools.pairwise(edges):
        found += connection.segment(begin, STREAM[begin:end])
    assert found == MESSAGES


@given(st.permutations(range(0, len(STREAM), 90)), st.sets(st.integers(0, 5)))
def test_any_order_and_repetition_gives_the_same_messages(order, twice):
    """Segments that overtake each other or come again are put in order."""
    connection = Connection()
    found = []
    for turn, begin in enumerate(order):
        for _ in range(2 if turn in twice else 1):
            found += connection.segment(begin, STREAM[begin : begin + 90])
    assert found == MESSAGES


def test_byte_by_byte():
    """The slowest sender there can be."""
    connection = Connection()
    found = [message for at in range(len(STREAM)) for message in connection.segment(at, STREAM[at : at + 1])]
    assert found == MESSAGES


@given(st.lists(st.integers(1, 400), max_size=6))
def test_bare_line_feeds_end_lines_too(cuts):
    """A sender that leaves the carriage returns out: cut anywhere, the same messages."""
    messages = [message.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") + b"\n\n" for message in MESSAGES[1:]]
    stream = b"".join(messages)
    connection = Connection()
    found = []
    for begin, end in itertools.pairwise(sorted({0, *cuts, len(stream)})):
        found += connection.segment(begin, stream[begin:end])
    assert found == messages


def test_data_may_come_with_the_syn():
    """TCP Fast Open (RFC 7413): the first message travels in the segment that opens the connection."""
    table = StreamTable(Counters())
    assert [(KEY, MESSAGES[0], 0)] == table.receive_segment(KEY, 999, SYN, MESSAGES[0], 0)
    assert [(KEY, MESSAGES[1], 1)] == table.receive_segment(KEY, 1000 + len(MESSAGES[0]), 0x18, MESSAGES[1], 1)


def test_keep_alives_between_messages_are_passed_over():
    """CR LF and CR LF CR LF (RFC 5626 section 3.5.1) belong to no message."""
    stream = b"\r\n\r\n" + MESSAGES[0] + b"\r\n" + MESSAGES[1]
    assert MESSAGES[:2] == Connection().segment(0, stream)


def test_joined_in_the_middle():
    """A connection whose start was not seen counts from the first segment that begins with a message."""
    connection = Connection(opened=False)
    assert [] == connection.segment(0, b"rest of something\r\n\r\n")
    assert [MESSAGES[1]] == connection.segment(400, MESSAGES[1])


def test_lost_segment_costs_only_its_message():
    """Behind a hole, reading goes on at the next message, after a time; the hole is counted."""
    connection = Connection()
    begins = [0, len(MESSAGES[0]), len(MESSAGES[0]) + len(MESSAGES[1])]
    assert [MESSAGES[0]] == connection.segment(begins[0], MESSAGES[0])
    assert [] == connection.segment(begins[2], MESSAGES[2], now_ms=100)
    assert connection.table.next_deadline() == 100 + HOLE_MS
    assert [(KEY, MESSAGES[2], 100)] == connection.table.handle_deadline(100 + HOLE_MS)
    assert connection.counters.tcp_gaps == 1
    assert connection.table.next_deadline() is None


def test_hole_that_closes_in_time_loses_nothing():
    """A segment that TCP sends again arrives late and everything is there."""
    connection = Connection()
    connection.segment(len(MESSAGES[0]), MESSAGES[1], now_ms=100)
    assert MESSAGES[:2] == connection.segment(0, MESSAGES[0], now_ms=400)
    assert [] == connection.table.handle_deadline(100 + HOLE_MS)
    assert connection.counters.tcp_gaps == 0


def test_what_the_receiver_acknowledges_is_no_hole_to_wait_at():
    """Only the tap has missed it, nobody will send it again: what waits comes out at once, with its own time."""
    connection = Connection()
    begins = [0, len(MESSAGES[0]), len(MESSAGES[0] + MESSAGES[1])]
    assert [] == connection.segment(begins[1], MESSAGES[1], now_ms=100)
    assert [] == connection.table.receive_acknowledgement(KEY, connection.start, 110)
    assert [(KEY, MESSAGES[1], 100)] == connection.table.receive_acknowledgement(KEY, connection.start + begins[2], 120)
    assert 1 == connection.counters.tcp_gaps
    assert [MESSAGES[2]] == connection.segment(begins[2], MESSAGES[2], now_ms=130)
    assert [] == connection.table.receive_acknowledgement((b"other", 1, b"one", 2), 7, 140)


def test_a_head_before_a_hole_is_read_without_its_body():
    """The end of a message was lost: who calls whom stands in its head."""
    connection = Connection()
    head = MESSAGES[0][: MESSAGES[0].find(b"\r\n\r\n") + 10]
    connection.segment(0, head)
    connection.segment(len(MESSAGES[0]), MESSAGES[1], now_ms=5)
    assert [(KEY, head, 5), (KEY, MESSAGES[1], 5)] == connection.table.close()


def test_a_hole_in_a_body_costs_nothing_behind_it():
    """The body's length is known: the next message is found where the body ends, in the same segment."""
    for lost in (slice(-30, -20), slice(-30, None)):
        connection = Connection()
        message = MESSAGES[0]
        start, stop, _ = lost.indices(len(message))
        connection.segment(0, message[:start])
        connection.segment(stop, message[stop:] + MESSAGES[1])
        assert [message[:start], MESSAGES[1]] == [found for _, found, _ in connection.table.close()]
        assert 1 == connection.counters.tcp_gaps


def test_a_segment_cut_in_a_body_costs_nothing_behind_it():
    """A short snapshot length: the rest of the body, and the next message, come in the next segment."""
    connection = Connection()
    message = MESSAGES[0]
    assert [message[:-30]] == connection.segment(0, message[:-30], flags=20 << CUT_SHIFT)
    assert [MESSAGES[1]] == connection.segment(len(message) - 10, message[-10:] + MESSAGES[1])


def test_a_message_whose_body_never_comes_is_read():
    """The connection ends, its ports are used again, or watching ends: who calls whom stands in the head."""
    head = MESSAGES[0][:-30]
    for flags in (FIN, RST, SYN):
        connection = Connection()
        assert [] == connection.segment(0, head)
        assert [head] == connection.segment(len(head), b"", flags=flags)
        assert [] == connection.table.close()
    connection = Connection()
    connection.segment(0, head, now_ms=7)
    assert [(KEY, head, 7)] == connection.table.close()


def test_a_first_line_that_goes_on_in_the_next_segment():
    """Also where the connection was joined there, or a segment was lost before it."""
    for opened in (True, False):
        connection = Connection(opened=opened)
        assert [] == connection.segment(0, MESSAGES[1][:20])
        assert [MESSAGES[1]] == connection.segment(20, MESSAGES[1][20:])


def test_too_much_behind_a_hole_skips_it_at_once():
    """What is kept behind a hole is bounded."""
    connection = Connection()
    found = []
    for number in range(MAX_AHEAD + 1):
        found += connection.segment(10_000 + number * len(MESSAGES[1]), MESSAGES[1])
    assert [MESSAGES[1]] * (MAX_AHEAD + 1) == found


def test_end_of_the_capture_reads_what_waits():
    """What stands behind a hole when watching ends still comes out."""
    connection = Connection()
    connection.segment(500, MESSAGES[1])
    assert [(KEY, MESSAGES[1], 0)] == connection.table.close()


def test_ports_used_again_start_afresh():
    """A far sequence number is another connection, even where its SYN was not seen."""
    connection = Connection()
    connection.segment(0, MESSAGES[0])
    assert [MESSAGES[1]] == connection.segment(0x70000000, MESSAGES[1])


def test_other_protocol_on_the_port_is_passed_over():
    """A web server's answer is no SIP, and does not spoil what follows."""
    connection = Connection()
    page = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nhello\n"
    assert [] == connection.segment(0, page)
    assert [MESSAGES[0]] == connection.segment(len(page), MESSAGES[0])
    assert connection.counters.malformed == 0


def test_length_beyond_reason_leaves_the_head():
    """With a Content-Length that nothing can have nobody knows where the next message begins."""
    connection = Connection()
    broken = make_request("OPTIONS").replace(b"Content-Length: 0", b"Content-Length: 99999999999")
    assert [broken] == connection.segment(0, broken)
    assert [MESSAGES[0]] == connection.segment(len(broken), MESSAGES[0])


def test_a_head_without_an_end_is_malformed():
    """No head is so long: what was kept of it is dropped, the next message is read."""
    connection = Connection()
    endless = b"OPTIONS sip:a SIP/2.0\r\nX: " + b"y" * MAX_MESSAGE_BYTES
    assert [] == connection.segment(0, endless)
    assert (1, 1) == (connection.counters.malformed, connection.counters.sip_requests)
    assert [MESSAGES[0]] == connection.segment(len(endless), MESSAGES[0])


def test_length_with_zeros_before_it_or_folded():
    """Both are allowed (RFC 3261 sections 7.3.1 and 20.14)."""
    message = make_request("MESSAGE", body="hello")
    for written in (b"Content-Length: 0000000000005", b"Content-Length:\r\n 5", b"Content-Length: \r\n\t5"):
        odd = message.replace(b"Content-Length: 5", written)
        assert [odd, MESSAGES[0]] == Connection().segment(0, odd + MESSAGES[0])
    assert [b"A sip:a SIP/2.0\r\nContent-Length:\r\nl:5\r\n\r\n"] == Connection().segment(
        0, b"A sip:a SIP/2.0\r\nContent-Length:\r\nl:5\r\n\r\n"
    )


def test_rest_of_a_body_without_a_length_is_passed_over():
    """A body without line ends and without a length: the next message begins in the next segment."""
    connection = Connection()
    odd = make_request("MESSAGE", body="hello").replace(b"Content-Length: 5\r\n", b"")
    response = b"SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n\r\n"
    assert [odd[:-5]] == connection.segment(0, odd)
    assert [response] == connection.segment(len(odd), response)


def test_length_that_is_no_number_counts_as_none():
    """The message is read, and so is the next one, whether there was a body or not."""
    for body in ("", "v=0\r\n"):
        connection = Connection()
        broken = make_request("OPTIONS", body=body).replace(
            f"Content-Length: {len(body)}".encode(), b"Content-Length: x"
        )
        head = broken[: len(broken) - len(body)]
        assert [head] == connection.segment(0, broken)
        assert [MESSAGES[0]] == connection.segment(len(broken), MESSAGES[0])


def test_segments_cut_by_the_capture_are_read_as_far_as_they_go():
    """A short snapshot length: what follows is no hole, and a copy of the cut segment changes nothing."""
    connection = Connection()
    size, cut = len(MESSAGES[0]), 40
    found = []
    for number, message in enumerate((MESSAGES[0], MESSAGES[1])):
        for _ in range(2):
            missing = len(message) - cut << CUT_SHIFT
            found += connection.segment(number * size, message[:cut], flags=missing)
    assert [MESSAGES[0][:cut], MESSAGES[1][:cut]] == found
    assert [MESSAGES[2]] == connection.segment(size + len(MESSAGES[1]), MESSAGES[2])
    assert 0 == connection.counters.tcp_gaps


def test_length_in_compact_form():
    """l: counts as Content-Length does."""
    message = make_sip("MESSAGE sip:a SIP/2.0", [("i", "x"), ("CSeq", "1 MESSAGE")], "hello").replace(
        b"Content-Length", b"l"
    )
    assert [message, message] == Connection().segment(0, message * 2)


def test_end_of_a_connection_frees_it():
    """FIN and RST forget a connection: bytes behind them belong to nothing."""
    for flags in (FIN, RST):
        connection = Connection()
        connection.segment(0, MESSAGES[0][:60])
        connection.segment(60, b"", flags=flags)
        assert [] == connection.segment(60, MESSAGES[0][60:])


def test_number_of_connections_is_bounded():
    """A flood of connections pushes out the idlest one."""
    connection = Connection()
    connection.segment(0, MESSAGES[0][:60])
    for port in range(MAX_CONNECTIONS):
        connection.table.receive_segment((b"\3\3\3\3", port, b"\2\2\2\2", 5060), 0, SYN, b"", 1)
    assert [] == connection.segment(60, MESSAGES[0][60:])


def test_idle_connection_is_forgotten():
    """After an hour without a segment nothing is kept."""
    connection = Connection()
    connection.segment(0, MESSAGES[0][:60])
    connection.table.handle_deadline(IDLE_MS + 1)
    assert [] == connection.segment(60, MESSAGES[0][60:])


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 31), st.binary(max_size=300)), max_size=20))
def test_any_segments_are_survived(segments):
    """Random sequence numbers, flags and bytes."""
    table = StreamTable(Counters())
    for now_ms, (sequence, flags, payload) in enumerate(segments):
        table.receive_segment(KEY, sequence, flags, payload, now_ms)
        table.handle_deadline(now_ms)
    table.close()


def test_messages_of_one_piece_are_split():
    """A HEP packet holds what the PBX read at once: whole messages, keep-alives between them, the last cut short."""
    assert MESSAGES == split_messages(b"\r\n\r\n".join([b"", *MESSAGES, b""]))
    assert [MESSAGES[0], MESSAGES[1][:40]] == split_messages(MESSAGES[0] + MESSAGES[1][:40])
    assert [] == split_messages(b"\r\n\r\n")
