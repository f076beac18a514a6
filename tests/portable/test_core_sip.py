"""Messages and addresses, on CPython (pytest) and on MicroPython (runner.py): plain functions, plain asserts."""

from sip_builders import make_request, make_response

from collector.core.addresses import branch_of, host_of, split_address, tag_of, text_of, unescape, user_of
from collector.core.headers import CONTACT, REASON
from collector.core.sip import MalformedMessage, looks_like_sip, parse_message

CROOKED = (
    b"INVITE sip:101@10.77.1.101 SIP/2.0\n"
    b"TO :\n sip:101@example.com ;   tag    = 19\n"
    b'f   : "J \\\\\\""       <sip:447700900123@example.com>\n  ;\n  tag = 98\n'
    b"i:\n call-1\ncseq: 0009\n  INVITE\nv  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\n\nv=0\n"
)


def test_request_and_response() -> None:
    """Method, status, Call-ID, CSeq and tags."""
    request = parse_message(make_request("INVITE", 7, call_id="abc"))
    assert request is not None
    assert (b"INVITE", 0, b"abc", 7) == (request.method, request.status, request.call_id, request.cseq)
    assert b"sip:101@10.77.1.101:5060" == request.uri
    response = parse_message(make_response(486, 7, call_id="abc"))
    assert response is not None
    assert (b"INVITE", 486, b"b") == (response.method, response.status, tag_of(response.to_value))


def test_every_folding_and_blank() -> None:
    """RFC 4475 section 3.1.1.1: line feeds, compact names, folded lines, blanks everywhere."""
    message = parse_message(CROOKED)
    assert message is not None
    assert (b"call-1", 9, b"INVITE") == (message.call_id, message.cseq, message.method)
    assert (b"19", b"98", b"390skdjuw") == (
        tag_of(message.to_value),
        tag_of(message.from_value),
        branch_of(message.via_value),
    )
    assert "447700900123" == user_of(split_address(message.from_value)[0])


def test_headers_in_order() -> None:
    """Several lines of one header, and one that is not there."""
    extra = "Reason: SIP;cause=200\r\nREASON : Q.850;cause=26\r\nContact-Info: x\r\n"
    message = parse_message(make_request("BYE", 2, extra=extra))
    assert message is not None
    assert [b"SIP;cause=200", b"Q.850;cause=26"] == message.headers(REASON)
    assert b"" == message.header(CONTACT)


def test_addresses() -> None:
    """User and host of URIs; escapes and odd bytes."""
    for uri, user, host in (
        (b"sip:101@x:5060;user=phone", "101", b"x:5060"),
        (b"sips:+44%3220:pw@[fd77::1]:5061", "+44220", b"[fd77::1]:5061"),
        (b"tel:+44-20;ext=5", "+44-20", b"+44-20"),
        (b"sip:host", "", b"host"),
        (b"nothing", "", b""),
    ):
        assert user == user_of(uri)
        assert host == host_of(uri) or not user
    assert b"a[%4" == unescape(b"a%5b%4")
    assert "J?rg" == text_of(b"J\xfcrg")


def test_what_is_no_sip() -> None:
    """Keep-alives are none, a message without Call-ID is malformed."""
    for payload in (b"", b"\r\n\r\n", b"\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"):
        assert parse_message(payload) is None
        assert not looks_like_sip(payload)
    try:
        parse_message(make_request("INVITE", 1).replace(b"Call-ID", b"Call-IX"))
        raised = False
    except MalformedMessage:
        raised = True
    assert raised


def test_cut_anywhere() -> None:
    """Every prefix of a message is a message, none, or malformed."""
    for data in (make_request("INVITE", 1), CROOKED):
        for length in range(0, len(data), 3):
            try:
                message = parse_message(data[:length])
                if message is not None:
                    tag_of(message.from_value)
                    assert message.body is not None
            except MalformedMessage:
                pass
