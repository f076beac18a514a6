import pytest
from builders import make_invite, make_request, make_sdp, make_sip, read, rewritten

from collector.core.addresses import split_address, tag_of, user_of
from collector.core.headers import CONTACT, FROM, PRIVACY, REASON, TO

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


def test_head_that_ends_in_the_middle():
    """Cut behind a Via that follows CSeq: everything that is asked for is there, or empty."""
    lines = [line for line in INVITE.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b"Via")]
    message = read(b"\r\n".join([*lines, b"Via: SIP/2.0/UDP x;branch=z9hG4bK7", b""]))
    assert (b"SIP/2.0/UDP x;branch=z9hG4bK7", b"") == (message.via_value, message.body)


@pytest.mark.parametrize(
    "order",
    [("Via", "From", "To"), ("Via", "To", "From"), ("From", "To", "Via"), ("From", "Via", "To"), ("To", "From", "Via")],
)
def test_front_in_any_order(order):
    """Via, From and To say the same wherever they stand."""
    values = {"Via": "SIP/2.0/UDP x;branch=z9hG4bK7", "From": "<sip:1@x>;tag=a", "To": "<sip:2@x>"}
    headers = [("Max-Forwards", "70"), *((name, values[name]) for name in order), ("Contact", "<sip:1@y>")]
    message = read(make_sip("INVITE sip:2@x SIP/2.0", [*headers, ("Call-ID", "c"), ("CSeq", "1 INVITE")]))
    found = (message.via_value, message.from_value, message.to_value, message.first_line)
    assert (*(values[name].encode() for name in ("Via", "From", "To")), b"INVITE sip:2@x SIP/2.0") == found


@pytest.mark.parametrize("place", ["before Via", "behind Via", "behind To", "behind CSeq", "at the end"])
@pytest.mark.parametrize("line", ["Privacy: id", "PRIVACY :id", "Privacy:\r\n id", "Privacy: \r\n\t id"])
def test_extras_wherever_they_stand(place, line):
    """A header that most INVITEs do without is found in each of its forms and places."""
    lines = INVITE.decode().partition("\r\n\r\n")[0].split("\r\n")
    names = [each.partition(":")[0] for each in lines]
    at = {
        "before Via": names.index("Via"),
        "behind Via": names.index("Via") + 1,
        "behind To": names.index("To") + 1,
        "behind CSeq": names.index("CSeq") + 1,
        "at the end": len(lines),
    }[place]
    message = read("\r\n".join([*lines[:at], line, *lines[at:], "", ""]).encode())
    assert {PRIVACY[0]: b"id"} == message.extras() == read(message.data).extras()


def test_extras_of_a_body_do_not_count():
    """What stands behind the empty line is no header; without any extra there is nothing."""
    assert read(make_invite(body="Privacy: id\r\n")).extras() == {}
