import contextlib
import os
from pathlib import Path

import pytest
from builders import make_invite, make_request, make_response, make_sip, read, rewritten
from hypothesis import given
from hypothesis import strategies as st

from collector.core.addresses import branch_of, host_of, parameter, split_address, tag_of, user_of
from collector.core.headers import CONTACT, REASON
from collector.core.sip import MAX_CALL_ID_BYTES, MalformedMessage, looks_like_sip, parse_message

INVITE = make_invite()


# --- first lines ----------------------------------------------------------------------------------------------------


def test_request():
    """Method, Request-URI, Call-ID and CSeq of a request."""
    message = read(make_invite(cseq=7, call_id="abc"))
    assert (True, b"INVITE", 0) == (message.is_request, message.method, message.status)
    assert (b"sip:101@10.77.1.101:5060", b"abc", 7) == (message.uri, message.call_id, message.cseq)


def test_response_names_the_method_that_it_answers():
    """A response's method is that of its CSeq."""
    message = read(make_response(make_request("BYE", cseq=2), 200))
    assert (False, b"BYE", 200, 2, b"") == (
        message.is_request,
        message.method,
        message.status,
        message.cseq,
        message.uri,
    )
    assert message.first_line == b"SIP/2.0 200 Whatever"


@pytest.mark.parametrize(
    "line",
    [
        "SIP/2.0 99 Low",
        "SIP/2.0 700 High",
        "SIP/2.0 4294967301 better not",
        "SIP/3.0 200 OK",
        "SIP/2.0 20x",
        "hello",
        "INVITE sip:x SIP/7.0",
        "INVITE sip:x",
        " SIP/2.0",
        "GET / HTTP/1.1",
    ],
)
def test_other_first_lines_are_no_sip(line):
    """Status codes and versions outside RFC 3261 section 7."""
    assert parse_message(INVITE.replace(INVITE[: INVITE.find(b"\r\n")], line.encode(), 1)) is None


@pytest.mark.parametrize("line", ["sip/2.0 200 OK", "SIP/2.0 200", "SIP/2.0 200 ", "SIP/2.0 200 \xfcber"])
def test_status_lines_of_careless_devices(line):
    """The version in another case, no reason phrase, any bytes in it."""
    message = read(make_response(INVITE, 200).replace(b"SIP/2.0 200 Whatever", line.encode("latin-1")))
    assert (200, b"INVITE") == (message.status, message.method)


def test_blank_behind_the_version():
    """White space at the end of a request line (RFC 4475 section 3.1.2.7 calls it invalid; devices send it)."""
    assert read(INVITE.replace(b" SIP/2.0\r\n", b" SIP/2.0 \r\n", 1)).uri == b"sip:101@10.77.1.101:5060"


# --- Call-ID and CSeq in every form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["i:call-1", "CALL-ID :call-1 ", "Call-ID:\r\n call-1", "I : call-1"])
def test_call_id_forms(line):
    """Call-ID in compact and crooked forms."""
    assert rewritten(Call_ID=line).call_id == b"call-1"


@pytest.mark.parametrize(
    "line", ["cseq:1 INVITE", "CSeq:   1    INVITE  ", "CSEQ: 1\tINVITE", "CSeq: 1\r\n INVITE", "CSeq: 0001 INVITE"]
)
def test_cseq_forms(line):
    """CSeq with any white space and leading zeros."""
    message = rewritten(CSeq=line)
    assert (1, b"INVITE") == (message.cseq, message.method)


@pytest.mark.parametrize("name", ["Call-ID", "CSeq"])
def test_without_identity_it_is_malformed(name):
    """A message without Call-ID or CSeq belongs to nothing."""
    head, _, rest = INVITE.partition(f"\r\n{name}: ".encode())
    with pytest.raises(MalformedMessage):
        parse_message(head + rest[rest.find(b"\r\n") :])


@pytest.mark.parametrize("value", ["x INVITE", "-1 INVITE", "1", "", "36893488147419103232 REGISTER", "+1 INVITE"])
def test_unreadable_cseq_is_malformed(value):
    """A number outside 32 bits, a sign, a missing method of a response (RFC 3261 section 8.1.1.5)."""
    with pytest.raises(MalformedMessage):
        parse_message(make_response(INVITE, 200).replace(b"CSeq: 1 INVITE", f"CSeq: {value}".encode()))


def test_endless_call_id_is_malformed():
    """A Call-ID is kept with its leg, so it has a bound."""
    assert len(read(make_invite(call_id="x" * MAX_CALL_ID_BYTES)).call_id) == MAX_CALL_ID_BYTES
    with pytest.raises(MalformedMessage):
        parse_message(make_invite(call_id="x" * (MAX_CALL_ID_BYTES + 1)))


# --- line ends and lengths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        INVITE.replace(b"\r\n", b"\n"),
        INVITE.replace(b"\r\n", b"\r"),
        b"\r\n\r\n" + INVITE,
        INVITE.replace(b"CSeq", b"X: y\nCSeq"),
        INVITE[: INVITE.find(b"v=0") - 2],
        INVITE.replace(b"\r\nCSeq: 1 INVITE\r\n", b"\nCSeq: 1 INVITE\r\n"),
        INVITE.replace(b"\r\n", b"\n", 4),
        INVITE.replace(b"\r\n", b"\r", 1),
        INVITE.replace(b"\r\nCSeq: 1 INVITE\r\n", b"\rCSeq: 1 INVITE\r\n"),
    ],
    ids=[
        "line feeds",
        "carriage returns",
        "empty lines before",
        "one line feed",
        "no empty line",
        "line feed before CSeq",
        "line feeds first",
        "carriage return first",
        "carriage return before CSeq",
    ],
)
def test_line_ends_of_careless_devices(data):
    """Bare line ends, empty lines before the first, no empty line at the end."""
    message = read(data)
    assert (b"call-1", 1, b"INVITE", b"a") == (
        message.call_id,
        message.cseq,
        message.method,
        tag_of(message.from_value),
    )


def test_a_head_of_line_feeds_ends_before_its_body():
    """A NOTIFY that carries another message, whose lines do end with carriage returns: only the outer one counts."""
    head = make_sip("NOTIFY sip:a SIP/2.0", [("Call-ID", "outer"), ("CSeq", "2 NOTIFY")]).replace(b"\r\n", b"\n")
    message = read(head + make_request("INVITE", call_id="inner"))
    assert (b"outer", 2, b"NOTIFY sip:a SIP/2.0") == (message.call_id, message.cseq, message.first_line)


def test_keep_alives_are_no_sip():
    """CR LF, zeros, STUN, nothing."""
    for payload in (b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), b"\n", b" "):
        assert parse_message(payload) is None
        assert not looks_like_sip(payload)


def test_sip_is_recognised_on_any_port():
    """By its first line alone."""
    assert looks_like_sip(INVITE)
    assert looks_like_sip(make_response(INVITE, 200))
    assert looks_like_sip(INVITE.replace(b"\r\n", b"\n"))
    assert looks_like_sip(INVITE.replace(b"\r\n", b"\r"))
    assert not looks_like_sip(b"GET / HTTP/1.1\r\n\r\n")


# --- anything at all ------------------------------------------------------------------------------------------------


def survive(data):
    """Reads everything the tracker reads; only MalformedMessage may come."""
    try:
        message = parse_message(data)
    except MalformedMessage:
        return
    if message is not None:
        for value in (message.from_value, message.to_value, message.header(CONTACT), *message.headers(REASON)):
            uri, parameters = split_address(value)
            user_of(uri)
            host_of(uri)
            tag_of(value)
            parameter(parameters, b"expires")
        assert isinstance(message.uri + message.body + message.first_line + branch_of(message.via_value), bytes)


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data):
    """Random bytes give a message, none, or MalformedMessage."""
    survive(data)


@given(
    st.lists(
        st.tuples(st.integers(0, len(INVITE) - 1), st.binary(max_size=3), st.integers(0, 5)), min_size=1, max_size=6
    )
)
def test_any_mutation_of_a_message_is_survived(changes):
    """Bytes replaced, inserted or taken out of a real message."""
    data = INVITE
    for position, inserted, removed in changes:
        data = data[:position] + inserted + data[position + removed :]
    survive(data)


@given(st.text(alphabet='<>"\\;:,@=%?&*+ \t\r\nsiptag.0aT', max_size=80))
def test_any_header_value_is_survived(value):
    """Strings made of the characters that mean something."""
    survive(INVITE.replace(b"<sip:447700900123@10.77.1.5>;tag=a", value.encode()))


def test_message_cut_anywhere_is_survived():
    """Every prefix of a message, as routers and snap lengths cut them."""
    for length in range(len(INVITE)):
        survive(INVITE[:length])


# --- RFC 4475 -------------------------------------------------------------------------------------------------------

# the folder of its messages (wsinv.dat ...), where somebody has it: they are not part of the project
TORTURE = Path(os.environ.get("RFC4475_MESSAGES", "rfc4475"))


WSINV = b"""\
INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw

v=0
"""


def test_short_tortuous_invite():
    """RFC 4475 section 3.1.1.1: every folding and blank that is allowed."""
    message = read(WSINV)
    assert (b"wsinv.ndaksdj@192.0.2.1", 9, b"1918181833n", b"98asjd8") == (
        message.call_id,
        message.cseq,
        tag_of(message.to_value),
        tag_of(message.from_value),
    )
    assert (b"sip:jdrosen@example.com", b"390skdjuw") == (
        split_address(message.from_value)[0],
        branch_of(message.via_value),
    )


# folder name of a message: (method, status, Call-ID's beginning, CSeq, caller's user part, callee's user part)
VALID = {
    "wsinv": (b"INVITE", 0, b"wsinv.ndaksdj@192.0.2.1", 9, "jdrosen", "vivekg"),
    "esc01": (b"INVITE", 0, b"esc01.", 234234, "I have spaces", "user"),
    "escnull": (b"REGISTER", 0, b"escnull.", 14398234, "null-\0-null", "null-\0-null"),
    "esc02": (b"RE%47IST%45R", 0, b"esc02.", 29344, "resource", "resource"),
    "lwsdisp": (b"OPTIONS", 0, b"lwsdisp.", 60, "caller", "user"),
    "longreq": (b"INVITE", 0, b"longreq.", 3882340, "amazinglylongcallername" * 5, "user"),
    "dblreq": (b"REGISTER", 0, b"dblreq.", 8, "j.user", "j.user"),
    "semiuri": (b"OPTIONS", 0, b"semiuri.", 8, "caller", "j_user"),
    "transports": (b"OPTIONS", 0, b"transports.", 60, "caller", "user"),
    "mpart01": (b"MESSAGE", 0, b"3d9485ad0c49859b", 1, "fluffy", "kumiko"),
    "unreason": (b"INVITE", 200, b"unreason.", 35, "user", "user"),
    "noreason": (b"INVITE", 100, b"noreason.", 35, "user", "user"),
    "inv2543": (b"INVITE", 0, b"inv2543.", 56, "+13035551111", "+16505552222"),
}


def test_valid_torture_messages_are_read():
    """RFC 4475 section 3.1.1 and those of its others that a reader of calls can use."""
    for path in sorted(TORTURE.glob("*.dat")):
        if path.stem in VALID:
            message = read(path.read_bytes())
            method, status, call_id, cseq, caller, callee = VALID[path.stem]
            assert (method, status, cseq) == (message.method, message.status, message.cseq)
            assert message.call_id.startswith(call_id)
            users = [user_of(split_address(value)[0]) for value in (message.from_value, message.to_value)]
            assert [caller, callee] == users


def test_invalid_torture_messages_are_rejected():
    """RFC 4475 section 3.1.2: another version, no Call-ID, numbers out of range."""
    for name in ("badvers", "bigcode", "insuf", "scalar02", "scalarlg"):
        path = TORTURE / f"{name}.dat"
        if path.is_file():
            data = path.read_bytes()
            assert looks_like_sip(data)
            with contextlib.suppress(MalformedMessage):
                assert parse_message(data) is None


def test_every_torture_message_is_survived():
    """All of RFC 4475, whole and cut after every byte."""
    for path in sorted(TORTURE.glob("*.dat")):
        data = path.read_bytes()
        for length in range(0, len(data) + 1, 7):
            survive(data[:length])
        survive(data)
