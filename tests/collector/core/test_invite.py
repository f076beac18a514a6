import pytest
from builders import CARRIER, PBX, make_invite, make_register, make_response, phone, read

from collector.core.events import LegEnded
from collector.core.hops import UDP, Hop
from collector.core.invite import InviteReader
from collector.core.keys import call_key
from collector.core.numbers import NumberingPlan
from collector.core.parties import Parties
from collector.core.registrar import Registrar

PHONE = phone(101)


def make_reader(correlation_header="", digit_numbers=()):
    """A reader that knows the lab's office."""
    parties = Parties(Registrar(), (PBX,), (CARRIER,), (("101", "120"),), ())
    return InviteReader(parties, NumberingPlan("44"), correlation_header, digit_numbers)


def read_invite(reader=None, source=PBX, target=PHONE, **fields):
    """(facts, target's name, whether digits are kept) of an INVITE."""
    return (reader or make_reader()).read(read(make_invite(**fields)), 5, Hop(source, 5060, target, 5060, UDP))


def test_facts_of_a_call_to_a_phone():
    """Who calls whom, when, and by which Call-ID."""
    facts, name, records_digits = read_invite()
    assert (5, b"call-1", call_key(b"call-1")) == (facts.invite_ms, facts.call_id, facts.call_key)
    assert ("phone", "in", "101", "447700900123", "101") == (
        facts.role,
        facts.direction,
        facts.extension,
        facts.caller,
        facts.callee,
    )
    assert ("101", False) == (name, records_digits)


@pytest.mark.parametrize(
    ("caller", "headers", "expected"),
    [
        ("07700900123", [], "447700900123"),
        ("x", [("P-Asserted-Identity", "<sip:+447700900123@x>")], "447700900123"),
        ("x", [("P-Asserted-Identity", '"A, B" <tel:+44-7700-900123>, <sip:y@x>')], "447700900123"),
        ("x", [("Remote-Party-ID", "<sip:07700900123@x>;party=calling")], "447700900123"),
        ("anonymous", [("P-Asserted-Identity", "<sip:07700900123@x>")], ""),
        ("07700900123", [("Privacy", "id")], ""),
        ("07700900123", [("Privacy", "header;session;id;critical")], ""),
        ("07700900123", [("Privacy", "none")], "447700900123"),
        ("07700900123", [("Privacy", "header")], "447700900123"),
        ("101", [], "101"),
    ],
)
def test_caller(caller, headers, expected):
    """P-Asserted-Identity, else Remote-Party-ID, else From; nobody where the caller asked for it (RFC 3323, 3325)."""
    facts, _, _ = read_invite(caller=caller, extra=headers)
    assert facts.caller == expected


def test_anonymous_host_hides_the_caller():
    """Some carriers put a random user part before anonymous.invalid."""
    invite = make_invite(caller="c8oqz84").replace(b"c8oqz84@10.77.1.5", b"c8oqz84@anonymous.invalid")
    facts, _, _ = make_reader().read(read(invite), 5, Hop(PBX, 5060, phone(101), 5060, UDP))
    assert facts.caller == ""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Diversion", "<sip:103@x>;reason=no-answer"), ("Diversion", "<sip:104@x>")], "103"),
        ([("History-Info", "<sip:103@x>;index=1")], ""),
        ([("History-Info", "<sip:103@x?Reason=SIP%3Bcause%3D302>;index=1, <sip:101@x>;index=1.1")], "103"),
        ([("History-Info", "<sip:103@x>;index=1"), ("History-Info", "<sip:101@x>;index=1.1")], "103"),
        ([], ""),
    ],
)
def test_who_diverted(headers, expected):
    """The latest Diversion, or the last but one entry of History-Info (RFC 5806, RFC 7044)."""
    facts, _, _ = read_invite(extra=headers)
    assert facts.diverted_by == expected


def test_session_and_replaced_dialog():
    """Session-ID without its parameters, and the dialog that a pickup replaces (RFC 7989, RFC 3891)."""
    facts, _, _ = read_invite(extra=[("Session-ID", "ab30;remote=00"), ("Replaces", "call-0;to-tag=1;from-tag=2")])
    assert (call_key(b"ab30"), call_key(b"call-0")) == (facts.session_key, facts.replaces_key)


def test_configured_correlation_header():
    """An office's own header goes before Session-ID."""
    reader = make_reader(correlation_header="X-Linked-ID")
    facts, _, _ = read_invite(reader, extra=[("x-linked-id", "17.4"), ("Session-ID", "ab30")])
    assert facts.session_key == call_key(b"17.4")


def test_digits_are_kept_only_where_configured():
    """Keypad digits may be a card number: only calls to an IVR's own numbers keep them."""
    reader = make_reader(digit_numbers=("0207 946 0500",))
    for number, expected in (("442079460500", True), ("442079460501", False)):
        _, _, records_digits = read_invite(reader, CARRIER, PBX, uri=f"sip:{number}@10.77.1.5", callee=number)
        assert records_digits is expected


def test_next_hop_knows_the_phone_better():
    """Behind a proxy the second hop's INVITE names the phone that rings."""
    reader = make_reader()
    facts, _, _ = read_invite(reader, phone(102), PBX, caller="102", uri="sip:101@10.77.1.5")
    assert facts.extension == "102"
    further, _, _ = read_invite(reader, caller="102")
    reader.refine(facts, further)
    assert ("101", "phone", "int") == (facts.extension, facts.role, facts.direction)


def test_connected_party():
    """Who is really there, by P-Asserted-Identity of a 2xx; nobody by an anonymous one."""
    facts = LegEnded(0, b"")
    for value, expected in (("<sip:102@x>", "102"), ("<sip:anonymous@anonymous.invalid>", "102")):
        make_reader().read_connected(
            facts, read(make_response(make_invite(), 200, extra=[("P-Asserted-Identity", value)]))
        )
        assert facts.connected == expected


def test_endless_numbers_are_cut():
    """What goes onto the wire has a bound."""
    facts, name, _ = read_invite(caller="9" * 400, callee="8" * 400, uri=f"sip:{'8' * 400}@x", target=CARRIER)
    assert (128, 128, 128) == (len(facts.caller), len(facts.callee), len(name))


@pytest.mark.parametrize("remembered", [0, 1, 3, 1024])
def test_what_is_remembered_changes_nothing(remembered):
    """Callers and called come out the same whether their headers were read before, and however many are kept."""
    parties = Parties(Registrar(), (PBX,), (CARRIER,), (("101", "120"),), ())
    reader = InviteReader(parties, NumberingPlan("44"), "", (), remembered)
    froms = (b"<sip:101@x>;tag=a", b"<sip:101@x>;tag=b", b"<sip:102@x;tag=no>", b'"x>;tag=no" <sip:103@x>')
    froms += (b"sip:104@x;tag=a", b"<sip:anonymous@x>;tag=a", b"<sip:@x>;tag=a", b'"<sip:9@x>;tag=" <sip:105@x>;tag=a')
    callers = []
    for value in froms + froms:
        invite = read(make_invite().replace(b"<sip:447700900123@10.77.1.5>;tag=a", value))
        callers.append(reader.read(invite, 5, Hop(PBX, 5060, PHONE, 5060, UDP))[0].caller)
    assert ["101", "101", "102", "103", "104", "", "", "105"] * 2 == callers


def test_what_is_remembered_of_a_call_ends_with_a_registration():
    """The same INVITE once more: a phone that registered meanwhile makes another call of it."""
    registrar = Registrar()
    reader = InviteReader(Parties(registrar, (PBX,), (), (), ()), NumberingPlan("44"), "", ())
    invite = {"uri": "sip:a8f3@10.77.1.101", "callee": "a8f3", "caller": "447700900123"}
    before = read_invite(reader, **invite)[0]
    request = make_register(101, contacts=["<sip:a8f3@10.77.1.101>"])
    registrar.receive_register(read(request), "phone", PHONE, 5060, PBX)
    answer = make_response(request, 200, extra=[("Contact", "<sip:a8f3@10.77.1.101>;expires=60")])
    registrar.receive_answer(read(answer), 0)
    after = read_invite(reader, **invite)[0]
    registrar.handle_deadline(61_000)
    gone = read_invite(reader, **invite)[0]
    assert ("trunk", "phone", "trunk") == (before.role, after.role, gone.role)
    assert after.extension == "101"
