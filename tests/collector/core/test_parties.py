import pytest
from builders import CARRIER, PBX, make_register, make_response, phone, read

from collector.core.parties import Parties
from collector.core.registrar import Registrar

STRANGER = b"\x08\x08\x08\x08"


def make_parties(*, pbx=(PBX,), trunks=(CARRIER,), extensions=(("101", "120"),), codes=("700", "701-720")):
    """The lab's office."""
    return Parties(Registrar(), pbx, trunks, extensions, codes)


def with_registered(parties, extension, source):
    """The same, after an extension's phone registered from an address."""
    registrar = parties._registrar
    request = make_register(extension)
    registrar.receive_register(read(request), "phone", source, 5060, PBX)
    answer = make_response(
        request, 200, extra=[("Contact", f"<sip:{extension}@{'.'.join(map(str, source))}>;expires=60")]
    )
    registrar.receive_answer(read(answer), 0)
    return parties


@pytest.mark.parametrize(
    ("source", "target", "caller", "uri_user", "called", "expected"),
    [
        (CARRIER, PBX, "447700900123", "442079460101", "", ("trunk", "in", "", "442079460101")),
        (PBX, CARRIER, "101", "447700900123", "", ("trunk", "out", "", "447700900123")),
        (PBX, phone(101), "447700900123", "101", "101", ("phone", "in", "101", "101")),
        (PBX, phone(101), "447700900123", "x8s7", "101", ("phone", "in", "101", "101")),
        (PBX, phone(101), "102", "101", "101", ("phone", "int", "101", "101")),
        (PBX, phone(101), "", "101", "101", ("phone", "in", "101", "101")),
        (phone(101), PBX, "101", "102", "102", ("phone", "int", "101", "102")),
        (phone(101), PBX, "101", "9447700900123", "", ("phone", "out", "101", "9447700900123")),
        (phone(101), PBX, "101", "*45", "", ("phone", "int", "101", "*45")),
        (phone(101), PBX, "101", "705", "", ("phone", "int", "101", "705")),
        (STRANGER, PBX, "447700900123", "442079460101", "", ("trunk", "in", "", "442079460101")),
        (PBX, STRANGER, "x", "447700900123", "", ("trunk", "out", "", "447700900123")),
    ],
    ids=[
        "in",
        "out",
        "to phone",
        "random contact",
        "internal",
        "anonymous",
        "dials",
        "dials out",
        "code",
        "park",
        "?",
        "?2",
    ],
)
def test_configured_office(source, target, caller, uri_user, called, expected):
    """Role, direction, extension and callee by what the office configured."""
    assert make_parties().classify(source, 5060, target, 5060, caller, uri_user, called) == expected


def test_office_without_configuration_learns_from_register():
    """Who was registered with is the PBX, who registered is an extension."""
    parties = with_registered(make_parties(pbx=(), trunks=(), extensions=()), 101, phone(101))
    assert parties.classify(PBX, 5060, phone(101), 5060, "447700900123", "101", "101") == ("phone", "in", "101", "101")
    assert parties.classify(STRANGER, 5060, PBX, 5060, "447700900123", "442079460101", "") == (
        "trunk",
        "in",
        "",
        "442079460101",
    )


def test_nothing_known_at_all():
    """A lone INVITE in a capture: whoever is called rings."""
    parties = make_parties(pbx=(), trunks=(), extensions=())
    expected = ("phone", "in", "442079460101", "442079460101")
    assert parties.classify(STRANGER, 5060, PBX, 5060, "447700900123", "442079460101", "") == expected


def test_anonymous_phone_is_known_by_its_address():
    """An extension that hides its number is still the phone that registered there."""
    parties = with_registered(make_parties(), 101, phone(101))
    assert parties.classify(phone(101), 5060, PBX, 5060, "", "102", "102") == ("phone", "int", "101", "102")


@pytest.mark.parametrize(
    ("user", "extension"), [("105-0x564f3dc5fe30", "105"), ("442079460101-7", ""), ("z9hG4-105", ""), ("121-1", "")]
)
def test_contact_made_of_the_extension_names_it(user, extension):
    """A phone that registered before the tap began: some make their contact of extension and number (baresip)."""
    found = make_parties().classify(PBX, 5060, phone(105), 5060, "447700900123", user, user)
    assert (extension and "phone", extension) == (extension and found[0], found[2])


def test_extension_ranges():
    """A number is compared with ranges of its own length only."""
    parties = make_parties(extensions=(("101", "120"), ("7001", "7001")))
    answers = [parties.is_extension(number) for number in ("100", "101", "120", "121", "1010", "7001", "", "abc")]
    assert [False, True, True, False, False, True, False, False] == answers


def test_registration_roles():
    """The PBX that registers with its carrier is a trunk, whoever else registers is a phone."""
    parties = make_parties()
    assert ["trunk", "trunk", "phone"] == [
        parties.registration_role(PBX, STRANGER, False),
        parties.registration_role(STRANGER, CARRIER, False),
        parties.registration_role(phone(101), PBX, False),
    ]


def test_a_pbx_without_configuration_that_registers_with_its_carrier():
    """Phones register with it, so its own REGISTER goes to a carrier; a proxy only hands the phones' on."""
    parties = with_registered(make_parties(pbx=(), trunks=(), extensions=()), 101, phone(101))
    assert ["trunk", "phone", "phone"] == [
        parties.registration_role(PBX, STRANGER, False),
        parties.registration_role(PBX, STRANGER, True),
        parties.registration_role(PBX, PBX, False),
    ]
