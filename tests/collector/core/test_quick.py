"""The quick reader says what the complete one says, or nothing."""

import pytest
from builders import PBX, make_invite, make_request, make_response, make_sip, make_udp_frame, phone
from hypothesis import given
from hypothesis import strategies as st

from collector.core.counters import Counters
from collector.core.headers import REASON
from collector.core.hops import UDP, Hop
from collector.core.links import LINK_ETHERNET
from collector.core.message import Message
from collector.core.quick import MAX_KINDS, QuickFrames
from collector.core.sip import MalformedMessage, parse_message

HOP = PBX + phone(101) + b"\x13\xc4\x13\xc4"
INVITE = make_invite(extra=[("Privacy", "id"), ("Session-Expires", "90")], body="v=0\r\n\r\nPrivacy: none\r\n")
MESSAGES = [
    INVITE,
    make_response(INVITE, 180),
    make_response(INVITE, 200, extra=[("P-Asserted-Identity", "<sip:7@x>")]),
    make_request("ACK", to_tag="b"),
    make_request("BYE", cseq=2, to_tag="b", extra=[("Reason", "Q.850;cause=16")]),
]


def said(message: Message) -> tuple[object, ...]:
    """Everything that is asked of a message."""
    names = (message.method, message.status, message.cseq, message.mark, message.call_id, message.first_line)
    values = (message.via_value, message.from_value, message.to_value, message.uri, message.extras(), message.body)
    return (*names, *values, message.rare_header(REASON), message.headers(REASON))


class Reader:
    """Quick frames whose messages are noted instead of tracked; what takes the longer way is noted as None."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...] | None] = []
        self.quick = QuickFrames({HOP: Hop(PBX, 5060, phone(101), 5060, UDP)}, self, Counters(), self.receive_frame)

    def handler_of(self, message: Message) -> None:
        """As a tracker's."""

    def receive(self, message: Message, *_: object) -> None:
        """As a tracker's: what was read quickly."""
        self.told.append(said(message))

    def receive_frame(self, *_: object) -> int:
        """The longer way."""
        self.told.append(None)
        return 10

    def read(self, data: bytes) -> tuple[object, ...] | None:
        """What is said of a message, None where it takes the longer way."""
        frame = make_udp_frame(data)
        self.quick.receive_frames([(frame, 1, LINK_ETHERNET, len(frame))], 10)
        return self.told.pop()


def compare(reader: Reader, data: bytes) -> bool:
    """Whether the message is read quickly at last; whenever it is, it says what the complete reader says."""
    for _ in range(3):
        found = reader.read(data)
        if found is not None:
            complete = parse_message(data)
            assert complete is not None
            assert said(complete) == found
    return found is not None


@pytest.mark.parametrize("data", MESSAGES)
def test_messages_of_calls_are_known(data):
    """What nearly everybody writes is read quickly, the first time and any other."""
    assert compare(Reader(), data)


@pytest.mark.parametrize("method", ["REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH"])
def test_messages_beside_calls_take_the_longer_way(method):
    """What means something without a call is none of the quick way's business."""
    assert not compare(Reader(), make_request(method))


@given(st.permutations(range(7)), st.booleans(), st.sampled_from(["", " ", "\r\n "]))
def test_headers_in_any_order(order, response, fold):
    """Wherever the headers stand, and however a value is folded."""
    headers = [
        ("Via", f"SIP/2.0/UDP x;{fold}branch=z9hG4bK7"),
        ("Via", "SIP/2.0/UDP y;branch=z9hG4bK6"),
        ("From", f"<sip:1@x>{fold};tag=a"),
        ("To", f"{fold}<sip:2@x>;tag=b"),
        ("Call-ID", f"c{fold}"),
        ("CSeq", "1 INVITE"),
        ("Reason", f"Q.850;{fold}cause=16"),
    ]
    line = "SIP/2.0 200 OK" if response else "INVITE sip:2@x SIP/2.0"
    compare(Reader(), make_sip(line, [headers[at] for at in order]))


@given(
    st.integers(0, len(MESSAGES) - 1),
    st.lists(st.tuples(st.integers(0, 500), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4),
)
def test_damage_is_seen_or_does_not_matter(which, damages):
    """Whatever is wrong with a message whose kind is known: nothing is read that the complete reader does not read."""
    reader = Reader()
    for data in MESSAGES:
        reader.read(data)
    data = MESSAGES[which]
    for position, inserted, removed in damages:
        data = data[:position] + inserted + data[position + removed :]
    try:
        compare(reader, data)
    except MalformedMessage:
        raise AssertionError(data) from None


def test_kinds_are_bounded():
    """Endless first lines and CSeqs do not take endless memory."""
    reader = Reader()
    for number in range(2 * MAX_KINDS + 10):
        invite = make_invite(uri=f"sip:{number}@10.77.1.101", cseq=number)
        reader.read(invite)
        assert reader.read(invite) is not None
    ((_, _, _, forms),) = reader.quick._forms.known.values()
    assert sum(len(kinds) for _, _, kinds in forms.values()) <= MAX_KINDS
    assert not compare(reader, make_invite(uri="sip:" + "9" * 500 + "@10.77.1.101"))
