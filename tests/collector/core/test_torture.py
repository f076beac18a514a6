"""RFC 4475's torture: what must be read is read right, what must be rejected does no harm.

The RFC's own 49 messages are read from the folder of third-party captures where it is there. Messages of our own, one
for each of their ideas, prove the same everywhere.
"""

from pathlib import Path

import pytest
from builders import PBX, Tap, make_invite, make_request, make_response, phone, times

from collector.core.addresses import split_address, tag_of, user_of
from collector.core.message import Message
from collector.core.sip import MalformedMessage, parse_message

RFC_MESSAGES = Path(__file__).parents[4] / "shared" / "captures" / "rfc4475"

# method, status, Call-ID, CSeq, the Request-URI's user, From's user and tag, To's user and tag
Facts = tuple[str, int, str, int, str, str, str, str, str]

# What RFC 4475 has in its messages, those of section 3.1.2 included whose faults mean nothing to a listener. Columns as
# in Facts, each as far as 13 characters, "-" is nothing.
RFC_FACTS = """
badaspec | OPTIONS | 0 | badaspec.sdf0 | 3923239 | user | a.g.bell | 433423 | t.watson | -
badbranch | OPTIONS | 0 | badbranch.sad | 8 | user | caller | 33242 | user | -
baddate | INVITE | 0 | baddate.23942 | 1392934 | user | caller | 2234923 | user | -
baddn | OPTIONS | 0 | baddn.31415@c | 3923239 | t.watson | a.g.bell | 43 | t.watson | -
badinv01 | INVITE | 0 | badinv01.0ha0 | 8 | user | caller | 134161461246 | j.user | -
bcast | INVITE | 200 | bcast.0384840 | 35 | - | user | 11141343 | user | 2229
bext01 | OPTIONS | 0 | bext01.0ha0is | 8 | user | caller | 242etr | j_user | -
clerr | INVITE | 0 | clerr.0ha0isn | 8 | user | caller | 93942939o2 | j.user | -
cparam01 | REGISTER | 0 | cparam01.7071 | 2 | - | watson | DkfVgjkrtMwae | watson | -
cparam02 | REGISTER | 0 | cparam02.7071 | 3 | - | watson | 838293 | watson | -
dblreq | REGISTER | 0 | dblreq.0ha0is | 8 | - | j.user | 43251j3j324 | j.user | -
esc01 | INVITE | 0 | esc01.239409a | 234234 | sips:user@exa | I have spaces | 938 | user | -
esc02 | RE%47IST%45R | 0 | esc02.asdfnqw | 29344 | - | resource | f232jadfj23 | resource | -
escnull | REGISTER | 0 | escnull.39203 | 14398234 | - | null-\0-null | 839923423 | null-\0-null | -
escruri | INVITE | 0 | escruri.23940 | 149209342 | user | caller | 341518 | user | -
intmeth | !interesting- | 0 | intmeth.word% | 139122385 | 1_unusual.URI | mundane | _token~1'+`*% | 1_unusual.URI | -
inv2543 | INVITE | 0 | inv2543.1717@ | 56 | UserB | +13035551111 | - | +16505552222 | -
invut | INVITE | 0 | invut.0ha0isn | 235448 | user | caller | 8392034 | j.user | -
longreq | INVITE | 0 | longreq.onere | 3882340 | user | amazinglylong | 1298298298298 | user | -
ltgtruri | INVITE | 0 | ltgtruri.1@19 | 1 | user | caller | 39291 | user | -
lwsdisp | OPTIONS | 0 | lwsdisp.1234a | 60 | user | caller | 323 | user | -
lwsruri | INVITE | 0 | lwsruri.asdfa | 2130706432 | user | caller | 231413434 | user | 3xfe-9921883-
lwsstart | INVITE | 0 | lwsstart.dfkn | 1893884 | user | caller | 8814 | user | -
mcl01 | OPTIONS | 0 | mcl01.fhn2323 | 15932 | user | other | 3923942 | user | -
mismatch01 | OPTIONS | 0 | mismatch01.dj | 8 | user | caller | 34525 | j.user | -
mismatch02 | NEWMETHOD | 0 | mismatch02.dj | 8 | user | caller | 34525 | j.user | -
mpart01 | MESSAGE | 0 | 3d9485ad0c498 | 1 | kumiko | fluffy | 2fb0dcc9 | kumiko | -
multi01 | INVITE | 0 | multi01.98asd | 59 | user | caller | 3413415 | user | -
ncl | INVITE | 0 | ncl.0ha0isnda | 0 | user | caller | 32394234 | j.user | -
noreason | INVITE | 100 | noreason.asnd | 35 | - | user | 39ansfi3 | user | 902jndnke3
novelsc | OPTIONS | 0 | novelsc.asdfa | 3923423 | - | caller | 384 | user | -
quotbal | INVITE | 0 | quotbal.aksdj | 8 | user | caller | 93334 | j.user | -
regaut01 | REGISTER | 0 | regaut01.0ha0 | 9338 | - | j.user | 87321hj23128 | j.user | -
regbadct | REGISTER | 0 | regbadct.k345 | 1 | - | user | 998332 | user | -
regescrt | REGISTER | 0 | regescrt.k345 | 14398234 | - | user | 8 | user | -
sdp01 | INVITE | 0 | sdp01.ndaksdj | 8 | user | caller | 234 | j_user | -
semiuri | OPTIONS | 0 | semiuri.0ha0i | 8 | user | caller | 33242 | j_user | -
transports | OPTIONS | 0 | transports.ki | 60 | user | caller | 323 | user | -
trws | OPTIONS | 0 | trws.oicu3495 | 238923 | remote-target | local-resourc | 329429089 | remote-target | -
unkscm | OPTIONS | 0 | unkscm.nasdfa | 3923423 | - | caller | 384 | user | -
unksm2 | REGISTER | 0 | unksm2.daksdj | 234902 | - | - | 3234233 | - | -
unreason | INVITE | 200 | unreason.1234 | 35 | - | user | 11141343 | user | 2229
wsinv | INVITE | 0 | wsinv.ndaksdj | 9 | vivekg | jdrosen | 98asjd8 | vivekg | 1918181833n
zeromf | OPTIONS | 0 | zeromf.jfasdl | 39234321 | user | caller | 3ghsd41 | user | -
"""

# unreadable: a status beyond all integers, no Call-ID, scalars out of range, another version of SIP
RFC_REJECTED = ("badvers", "bigcode", "insuf", "scalar02", "scalarlg")


def write(first_line: str, *lines: str, body: str = "", end: str = "\r\n") -> bytes:
    """A message exactly as given."""
    return end.join([first_line, *lines, "", body]).encode()


VIA = "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKown"
FROM = "From: <sip:ann@example.net>;tag=f1"
TO = "To: <sip:101@example.com>"
INVITE = "INVITE sip:101@example.com SIP/2.0"
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def facts(**others: object) -> Facts:
    """The facts of a plain INVITE of our own, but for the named ones."""
    plain: dict[str, object] = {
        "method": "INVITE",
        "status": 0,
        "call_id": "own-1",
        "cseq": 7,
        "uri": "101",
        "caller": "ann",
        "from_tag": "f1",
        "callee": "101",
        "to_tag": "",
    }
    assert plain.keys() >= others.keys()
    return tuple({**plain, **others}.values())  # type: ignore[return-value]


CALL_ID, CSEQ = "Call-ID: own-1", "CSeq: 7 INVITE"
REST = (FROM, TO, CALL_ID, CSEQ)

# idea of the RFC's message: (our own message, what must be read from it)
OWN: dict[str, tuple[bytes, Facts]] = {
    "wsinv: folded lines, any case, blanks around colons, equals signs and semicolons": (
        write(
            INVITE,
            "vIA :",
            " SIP  / 2.0 / UDP 192.0.2.7 ;",
            "\tbranch = z9hG4bKown",
            'fRoM   : "Ann \\\\\\""   <sip:ann@example.net>',
            "  ;",
            "   tag = f1",
            "TO :",
            " sip:101@example.com ;  tag  = t9",
            "call-ID  : own-1",
            "cSEQ: 0007",
            "   INVITE",
            "s :",
            "X:   a",
            " b",
            "Content-Length : 0",
        ),
        facts(to_tag="t9"),
    ),
    "intmeth: every allowed character in a method, a user, a tag and a Call-ID": (
        write(
            "!Odd.Method-1_*+`%'~ sip:1-u.s!e~r*'&=+$,/?@example.com SIP/2.0",
            VIA,
            "From: a' b! <sip:ann@example.net>;x=\"q\";tag=f'1!~",
            TO,
            "Call-ID: w%Z-!.*_+'`~)(><:\\/\"][?}{",
            "CSeq: 7 !Odd.Method-1_*+`%'~",
        ),
        facts(
            method="!Odd.Method-1_*+`%'~",
            call_id="w%Z-!.*_+'`~)(><:\\/\"][?}{",
            uri="1-u.s!e~r*'&=+$,/?",
            from_tag="f'1!~",
        ),
    ),
    "esc01: escaped characters in user parts": (
        write(
            "INVITE sip:1%30%31@example.com SIP/2.0",
            VIA,
            "From: <sip:a%20nn%40x@example.net>;tag=f1",
            TO,
            "i: own-1",
            CSEQ,
        ),
        facts(caller="a nn@x"),
    ),
    "escnull: an escaped null": (
        write(INVITE, VIA, "From: <sip:a%00n@example.net>;tag=f1", TO, CALL_ID, CSEQ),
        facts(caller="a\0n"),
    ),
    "esc02: percent signs that escape nothing": (
        write(
            "RE%47 sip:101@example.com SIP/2.0",
            VIA,
            'From: "%Z%45" <sip:100%@example.net>;tag=f1',
            TO,
            CALL_ID,
            "CSeq: 7 RE%47",
        ),
        facts(method="RE%47", caller="100%"),
    ),
    "lwsdisp: no blank before the angle bracket": (
        write(INVITE, VIA, "From: ann<sip:ann@example.net>;tag=f1", TO, CALL_ID, CSEQ),
        facts(),
    ),
    "longreq: names, values and parameters of hundreds of bytes": (
        write(
            INVITE,
            *(f"v: SIP/2.0/TCP hop{hop}.example.com" for hop in range(34)),
            f'From: "{"n" * 900}" <sip:ann@example.net;{"p" * 900}={"v" * 900}>;tag=f1',
            TO,
            f"Call-ID: {'very' * 60}",
            CSEQ,
            f"{'U' * 500}: {'u' * 500}",
        ),
        facts(call_id="very" * 60),
    ),
    "dblreq: a second message behind the first in one datagram": (
        write(
            INVITE, VIA, *REST, "Content-Length: 0", body="\r\n\r\n" + write("BYE sip:x SIP/2.0", VIA, *REST).decode()
        ),
        facts(),
    ),
    "semiuri: a semicolon within the user part": (
        write("INVITE sip:101;par=u%40example.net@example.com SIP/2.0", VIA, *REST),
        facts(),
    ),
    "transports: Vias of any transport": (
        write(INVITE, VIA, "Via: SIP/2.0/SCTP a.example", "Via: SIP/2.0/UNKNOWN b.example;branch=z9hG4bKx", *REST),
        facts(),
    ),
    "mpart01: a body of many parts, with null bytes": (
        write(
            INVITE,
            VIA,
            *REST,
            "Content-Type: multipart/mixed;boundary=x",
            body="--x\r\n\r\nhello\r\n--x\r\n\r\n\0\1\2\r\n--x--",
        ),
        facts(),
    ),
    "unreason: a reason phrase in UTF-8 with everything in it": (
        write('SIP/2.0 200 = 2**3 * 5**2 \u0434\u0430 ;<>"', VIA, *REST),
        facts(status=200, uri=""),
    ),
    "noreason: no reason phrase": (write("SIP/2.0 183 ", VIA, *REST), facts(status=183, uri="")),
    "noreason, and no blank either": (write("SIP/2.0 180", VIA, *REST), facts(status=180, uri="")),
    "badinv01: a Via of nothing but separators": (write(INVITE, "Via: SIP/2.0/UDP 192.0.2.7;;,;,,", *REST), facts()),
    "clerr: Content-Length beyond the datagram": (write(INVITE, VIA, *REST, "Content-Length: 9999", body=SDP), facts()),
    "ncl: a negative Content-Length": (write(INVITE, VIA, *REST, "Content-Length: -999", body=SDP), facts()),
    "ltgtruri: the Request-URI in angle brackets": (write("INVITE <sip:101@example.com> SIP/2.0", VIA, *REST), facts()),
    "lwsruri: blanks within the Request-URI": (write("INVITE sip:101@example.com; lr SIP/2.0", VIA, *REST), facts()),
    "lwsstart: two blanks in the request line": (write("INVITE  sip:101@example.com  SIP/2.0", VIA, *REST), facts()),
    "trws: blanks behind the request line": (write(INVITE + "  ", VIA, *REST), facts()),
    "escruri: headers in the Request-URI": (
        write("INVITE sip:101@example.com?Route=%3Csip:x%3E SIP/2.0", VIA, *REST),
        facts(),
    ),
    "baddate: a date in no time zone of SIP": (
        write(INVITE, VIA, *REST, "Date: Fri, 01 Jan 2010 16:00:00 EST"),
        facts(),
    ),
    "baddn: a comma in a display name without quotes": (
        write(INVITE, VIA, "From: Bell, Ann <sip:ann@example.net>;tag=f1", TO, CALL_ID, CSEQ),
        facts(),
    ),
    "quotbal: a quote that never closes": (
        write(INVITE, VIA, FROM, 'To: "Mr. 101 <sip:101@example.com>', CALL_ID, CSEQ),
        facts(),
    ),
    "badaspec: blanks within the angle brackets": (
        write(INVITE, VIA, FROM, "To: < sip:101@example.com >", CALL_ID, CSEQ),
        facts(),
    ),
    "badbranch: a branch of the magic cookie alone": (
        write(INVITE, "Via: SIP/2.0/UDP a;branch=z9hG4bK", *REST),
        facts(),
    ),
    "bext01: extensions that nobody supports": (write(INVITE, VIA, *REST, "Require: nothing, at-all"), facts()),
    "invut, sdp01: a body of an unknown kind": (
        write(INVITE, VIA, *REST, "Content-Type: application/unknown", body="<audio><pcmu port='4'/></audio>"),
        facts(),
    ),
    "multi01: headers that may be there once are there twice: the first counts": (
        write(INVITE, VIA, *REST, "From: <sip:bert@example.org>;tag=f2", "To: <sip:102@example.com>", "Call-ID: own-2"),
        facts(),
    ),
    "mcl01: two Content-Lengths": (
        write(INVITE, VIA, *REST, "Content-Length: 13", "Content-Length: 5", body="Hello, world."),
        facts(),
    ),
    "mismatch01, mismatch02: CSeq names another method": (
        write("OPTIONS sip:101@example.com SIP/2.0", VIA, *REST),
        facts(method="OPTIONS"),
    ),
    "novelsc, unkscm: a Request-URI of an unknown scheme": (
        write("INVITE none:of-your/business SIP/2.0", VIA, *REST),
        facts(uri=""),
    ),
    "unksm2: From and To of unknown schemes": (
        write(INVITE, VIA, "From: <http://www.example.com>;tag=f1", "To: isbn:2983792873", CALL_ID, CSEQ),
        facts(caller="", callee=""),
    ),
    "inv2543: an RFC 2543 call: no branch, no tag": (
        write(INVITE, "Via: SIP/2.0/UDP old.example.com", "From: <sip:ann@example.net>", TO, CALL_ID, CSEQ),
        facts(from_tag=""),
    ),
    "zeromf, cparam01, regescrt, regaut01: odd values of headers that say nothing about calls": (
        write(INVITE, VIA, "Max-Forwards: 0", "m: <sip:ann@h>;unknownparam", "Authorization: NoOneKnows q=1", *REST),
        facts(),
    ),
    "bcast: a Via that asks for a broadcast": (
        write("SIP/2.0 200 OK", VIA, "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx", *REST),
        facts(status=200, uri=""),
    ),
    "line feeds alone end the lines": (write(INVITE, VIA, *REST, end="\n"), facts()),
    "empty lines and blanks before the request line": (b"\r\n\r\n  " + write(INVITE, VIA, *REST), facts()),
}

OWN_REJECTED = {
    "badvers: another version of SIP": write("INVITE sip:101@example.com SIP/7.0", VIA, *REST),
    "bigcode: a status beyond all integers": write("SIP/2.0 4294967301 better not", VIA, *REST),
    "insuf: no Call-ID": write(INVITE, VIA, FROM, TO, CSEQ),
    "scalar02: a CSeq beyond all integers": write(INVITE, VIA, FROM, TO, CALL_ID, "CSeq: 36893488147419103232 INVITE"),
    "scalarlg: the same in a response": write(
        "SIP/2.0 503 Full", VIA, FROM, TO, CALL_ID, "CSeq: 9292394834772304023312 INVITE"
    ),
    "a CSeq that is no number": write(INVITE, VIA, FROM, TO, CALL_ID, "CSeq: seven INVITE"),
    "a Call-ID of a kilobyte": write(INVITE, VIA, FROM, TO, f"Call-ID: {'c' * 1024}", CSEQ),
}


def rfc_messages() -> dict[str, bytes]:
    """The RFC's messages by their names; none where the folder is not there."""
    return {path.stem: path.read_bytes() for path in sorted(RFC_MESSAGES.glob("*.dat"))}


def read_facts(message: Message | None) -> Facts:
    """What the tracker asks a message for."""
    assert message is not None
    caller, callee = split_address(message.from_value)[0], split_address(message.to_value)[0]
    return (
        message.method.decode(),
        message.status,
        message.call_id.decode(),
        message.cseq,
        user_of(message.uri),
        user_of(caller),
        tag_of(message.from_value).decode(),
        user_of(callee),
        tag_of(message.to_value).decode(),
    )


@pytest.mark.parametrize("idea", OWN)
def test_what_is_odd_but_readable_is_read_right(idea: str) -> None:
    """Call-ID, CSeq, method, user parts and tags, however a message is written."""
    data, expected = OWN[idea]
    assert expected == read_facts(parse_message(data))


@pytest.mark.parametrize("idea", OWN_REJECTED)
def test_what_is_unreadable_is_rejected(idea: str) -> None:
    """No message comes out, or MalformedMessage: nothing is guessed."""
    assert is_rejected(OWN_REJECTED[idea])


def is_rejected(data: bytes) -> bool:
    """True where no message can be read from the data."""
    try:
        return parse_message(data) is None
    except MalformedMessage:
        return True


def rfc_facts() -> dict[str, tuple[str, ...]]:
    """The table's rows by the messages' names."""
    rows = [line.split(" | ") for line in RFC_FACTS.strip().splitlines()]
    return {row[0]: tuple("" if field == "-" else field for field in row[1:]) for row in rows}


def test_the_rfcs_own_messages_are_read_or_rejected_as_it_says() -> None:
    """All 49, where they are at hand; the tables name each of them."""
    messages, expected = rfc_messages(), rfc_facts()
    assert 49 == len(expected) + len(RFC_REJECTED)
    assert not messages or set(messages) == {*expected, *RFC_REJECTED}
    for name, data in messages.items():
        if name in RFC_REJECTED:
            assert is_rejected(data), name
            continue
        assert expected[name] == tuple(str(field)[:13] for field in read_facts(parse_message(data))), name


@pytest.mark.parametrize(
    "data", [*(data for data, _ in OWN.values()), *OWN_REJECTED.values(), *rfc_messages().values()]
)
def test_none_harms_a_call_beside_it(data: bytes) -> None:
    """Before, during and after a good call, from a stranger and from the call's own phone: its leg stays the same."""
    stranger = bytes([192, 0, 2, 7])
    invite = make_invite(call_id="good")
    tap = Tap()
    steps = [
        (10, PBX, phone(101), invite),
        (100, phone(101), PBX, make_response(invite, 180)),
        (3_000, phone(101), PBX, make_response(invite, 200)),
        (9_000, PBX, phone(101), make_request("BYE", call_id="good", cseq=2, to_tag="b")),
    ]
    for at_ms, source, target, message in steps:
        tap.send(at_ms - 4, stranger, PBX, data)
        tap.send(at_ms - 2, phone(101), PBX, data)
        tap.send(at_ms, source, target, message)
    tap.send(9_100, stranger, phone(101), data)
    good = [leg for leg in tap.close() if leg.call_id == b"good"]
    assert [(10, 100, 3_000, 9_000)] == [times(leg) for leg in good]
    assert tap.monitor.counters.sip_messages == 4 + 9 or tap.monitor.counters.malformed == 9


@pytest.mark.parametrize("idea", [*OWN, *OWN_REJECTED])
def test_cut_anywhere_none_raises_anything_but_malformed(idea: str) -> None:
    """Each prefix of each message is read, or is no SIP, or is malformed."""
    data = OWN[idea][0] if idea in OWN else OWN_REJECTED[idea]
    for length in range(0, len(data), 1 + len(data) // 200):
        is_rejected(data[:length])
