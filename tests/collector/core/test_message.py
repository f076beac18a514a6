import pytest
from builders import make_invite, make_request, make_sdp, read, rewritten

from collector.core.addresses import split_address, tag_of, user_of
from collector.core.message import CONTACT, FROM, REASON, TO

INVITE = make_invite()


@pytest.mark.parametrize(
    "line",
    [
        "From: <sip:1@x>;tag=a",
        "from:<sip:1@x>;tag=a",
        "FROM :  <sip:1@x>;tag=a",
        "f: <sip:1@x>;tag=a",
        "F\t: <sip:1@x>;tag=a",
        "From:\r\n <sip:1@x>\r\n\t;tag=a",
        "from: <sip:1@x> ;TAG = a ",
    ],
)
def test_header_forms(line):
    """Any case, compact, white space around the colon, folded (RFC 3261 section 7.3)."""
    message = rewritten(From=line)
    assert (b"a", "1") == (tag_of(message.from_value), user_of(split_address(message.header(FROM))[0]))


def test_name_that_begins_like_another_is_not_it():
    """Contact-Info is no Contact, Topic is no To."""
    message = read(make_invite(extra=[("Contact-Info", "x"), ("Topic", "y"), ("Contact", "z")]))
    assert (b"z", b"<sip:101@10.77.1.5>") == (message.header(CONTACT), message.header(TO))


def test_several_values_in_order():
    """Every line of a header, long form before compact."""
    message = read(make_invite(extra=[("Reason", "SIP;cause=200"), ("reason", "Q.850;cause=26"), ("m", "<sip:c@d>")]))
    assert [b"SIP;cause=200", b"Q.850;cause=26"] == message.headers(REASON)
    assert message.header(CONTACT) == b"<sip:c@d>"


def test_header_within_the_body_does_not_count():
    """A body may hold a whole message (message/sip); only the head is read."""
    message = read(make_invite(body="SIP/2.0 200 OK\r\nContact: <sip:x>\r\nReason: SIP;cause=200\r\n"))
    assert (b"", []) == (message.header(CONTACT), message.headers(REASON))


def test_content_length_ends_the_body():
    """What follows it in a datagram is not part of the message (RFC 3261 section 18.3)."""
    assert read(make_request("OPTIONS") + make_sdp().encode()).body == b""
    assert read(INVITE + b"rubbish").body == make_sdp().encode()


def test_body_shorter_than_stated_is_what_there_is():
    """A cut datagram still has the front of its body."""
    assert read(INVITE[:-20]).body == make_sdp().encode()[:-20]
