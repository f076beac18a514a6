import pytest
from builders import rewritten

from collector.core.addresses import branch_of, host_of, parameter, split_address, tag_of, text_of, unescape, user_of

ADDRESSES = [
    ("<sip:101@x>;tag=a", "101", "x", "a"),
    ("sip:101@x;tag=a", "101", "x", "a"),
    ('"Bob" <sip:101@x:5060;user=phone>;tag=a', "101", "x:5060", "a"),
    ("Bob van der <sip:101@x>", "101", "x", ""),
    (r'"a \" < ; , \\" <sip:101@x>;tag=a', "101", "x", "a"),
    ('"x;tag=no <sip:no@no>" <sip:101@x>;tag=a', "101", "x", "a"),
    ('"x;tag=no" <sip:101@x>', "101", "x", ""),
    ("<sip:101@x;tag=no>", "101", "x", ""),
    ("<sips:101@X>;TAG=a", "101", "x", "a"),
    ("<tel:+44-20;phone-context=x>;tag=a", "+44-20", "+44-20", "a"),
    ("<sip:+4420;npdi=yes:secret@x>;tag=a;x-tag=b", "+4420", "x", "a"),
    ("<sip:1%301:pw@[2001:db8::1]:5060>;a=b;tag=a", "101", "[2001:db8::1]:5060", "a"),
    ("<sip:x>;tag=a ; b", "", "x", "a"),
    ("<sip:101@x?Replaces=1>;tag = a", "101", "x", "a"),
    ('"J\u00fcrgen" <sip:j\u00fcrgen@x>', "j\u00fcrgen", "x", ""),
]


@pytest.mark.parametrize(("value", "user", "host", "tag"), ADDRESSES)
def test_address(value, user, host, tag):
    """User, host and tag of a From or To value (RFC 3261 sections 19.1 and 20.10)."""
    uri, _ = split_address(value.encode())
    assert (user, host.encode(), tag.encode()) == (user_of(uri), host_of(uri), tag_of(value.encode()))


def test_unclosed_quote_does_not_hide_the_address():
    """A display name whose quote never ends (RFC 4475 section 3.1.2.6 calls it invalid) loses only itself."""
    assert split_address(b'"Mr. J. User <sip:101@x>')[0] == b"sip:101@x"


def test_escapes():
    """Percent escapes are resolved; what is none stays."""
    assert unescape(b"a%41%5b%") == b"aA[%"
    assert unescape(b"%+1%zz%4") == b"%+1%zz%4"
    assert unescape(b"%00") == b"\0"


def test_text_of_odd_bytes():
    """Latin-1 names do not stop the reading."""
    assert "J?rg" == text_of(b"J\xfcrg")
    assert "J\u00fcrg" == text_of("J\u00fcrg".encode())


def test_parameter():
    """A parameter by its name, quotes and what follows a comma left out."""
    assert parameter(b'Digest;Cause="200" ;x=1', b"cause") == b"200"
    assert parameter(b"a;b=1,c;b=2", b"b") == b"1"
    assert parameter(b"a", b"b") == b""


@pytest.mark.parametrize(
    ("via", "branch"),
    [
        ("SIP/2.0/UDP x;branch=z9hG4bK1;rport", "z9hG4bK1"),
        ("SIP/2.0/UDP x;BRANCH=1", "1"),
        ("SIP/2.0/UDP x", ""),
        ("SIP/2.0/UDP x;branch=z9hG4bK1, SIP/2.0/UDP y;branch=z9hG4bK2", "z9hG4bK1"),
    ],
)
def test_branch_is_that_of_the_topmost_via(via, branch):
    """The transaction on this hop (RFC 3261 section 8.1.1.7)."""
    assert branch_of(rewritten(Via=f"Via: {via}").via_value) == branch.encode()
