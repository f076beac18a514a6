import pytest
from builders import PBX, Tap, make_register, make_response, phone, read

from collector.core.events import ROLE_PHONE, ROLE_TRUNK
from collector.core.registrar import MAX_BINDINGS, MAX_PENDING, Registrar


def contact(extension=101, host="", *, expires="3600", user=""):
    """A Contact value of an extension's phone."""
    return f"<sip:{user or extension}@{host or f'10.77.1.{extension}:5060'}>;expires={expires}"


class Office:
    """A registrar that hears REGISTERs and their answers."""

    def __init__(self):
        self.registrar = Registrar()
        self.cseq = 0

    def register(
        self, now_ms=0, *, extension=101, source=None, port=5060, asks=None, listed=None, status=200, expires=""
    ):
        """A phone asks to bind contacts and the registrar lists what it keeps; by default what was asked for."""
        self.cseq += 1
        asks = [contact(extension)] if asks is None else asks
        request = make_register(extension, contacts=asks, expires=expires, cseq=self.cseq)
        self.registrar.receive_register(read(request), ROLE_PHONE, source or phone(extension), port, PBX)
        answer = make_response(
            request, status, extra=[("Contact", value) for value in (asks if listed is None else listed)]
        )
        if 200 <= status < 300:
            self.registrar.receive_answer(read(answer), now_ms)

    def changes(self):
        """(time, extension, registered) of what was reported since the last look."""
        found = [(event.at_ms, event.extension, event.registered) for event in self.registrar.events]
        self.registrar.events.clear()
        return found


def test_binding_begins_with_the_answer():
    """A REGISTER alone binds nothing; its 2xx does, and a refresh is no news (RFC 3261 section 10.3)."""
    office = Office()
    office.register(0, status=401)
    assert [] == office.changes()
    office.register(10)
    office.register(60_000)
    assert [(10, "101", True)] == office.changes()
    assert office.registrar.extension_at(phone(101), 5060, "101") == "101"
    assert office.registrar.is_registered("101")


def test_binding_runs_out():
    """Without a refresh the phone is gone when its time is over, to the millisecond."""
    office = Office()
    office.register(0, asks=[contact(expires="60")])
    office.changes()
    assert office.registrar.next_deadline() == 60_000
    office.registrar.handle_deadline(60_400)
    assert [(60_000, "101", False)] == office.changes()
    assert (False, None) == (office.registrar.is_registered("101"), office.registrar.next_deadline())


@pytest.mark.parametrize(
    ("asks", "listed", "expires"),
    [([contact(expires="0")], [], ""), (["*"], [], "0"), (["<sip:101@10.77.1.101:5060>"], [], "0")],
    ids=["expires=0", "star", "Expires: 0"],
)
def test_phone_takes_its_binding_back(asks, listed, expires):
    """RFC 3261 section 10.2.2."""
    office = Office()
    office.register(0)
    office.register(500, asks=asks, listed=listed, expires=expires)
    assert [(0, "101", True), (500, "101", False)] == office.changes()
    assert office.registrar.extension_at(phone(101), 5060, "101") == ""


def test_fetch_changes_nothing():
    """A REGISTER without a Contact asks what is bound (RFC 3261 section 10.2.3)."""
    office = Office()
    office.register(0, asks=[], listed=[contact()])
    assert [] == office.changes()


def test_several_phones_of_one_extension():
    """The extension is registered while one of them is; each answer lists all of them."""
    office = Office()
    desk, mobile = contact(101), contact(101, "10.77.1.150:5060")
    office.register(0, asks=[desk])
    office.register(10, asks=[mobile], listed=[desk, mobile], source=phone(150))
    assert [(0, "101", True)] == office.changes()
    office.register(20, asks=[contact(101, expires="0")], listed=[mobile])
    assert [] == office.changes()
    assert ("", "101") == tuple(office.registrar.extension_at(phone(host), 5060, "101") for host in (101, 150))
    office.register(30, asks=["*"], listed=[], expires="0", source=phone(150))
    assert [(30, "101", False)] == office.changes()


def test_several_lines_on_one_phone():
    """The contact's user part decides which line is called."""
    office = Office()
    office.register(0, extension=101, asks=[contact(101)], source=phone(150))
    office.register(0, extension=102, asks=[contact(102, "10.77.1.150:5060", user="x7")], source=phone(150))
    at = office.registrar.extension_at
    assert ("101", "102", "") == (at(phone(150), 5060, "101"), at(phone(150), 5060, "x7"), at(phone(150), 5060, "z"))


def test_random_contact_user():
    """Rinstance and friends: the user part names no extension, the binding does."""
    office = Office()
    office.register(0, asks=['<sip:8sk2jd@10.77.1.101:5060;rinstance=f00;ob>;+sip.instance="<urn:uuid:1>"'])
    assert office.registrar.extension_at(phone(101), 5060, "8sk2jd") == "101"
    assert office.registrar.extension_at(phone(101), 5060, "other") == "101"


def test_registrar_may_rewrite_the_address():
    """Behind NAT a PBX lists where the packet came from; the user part is the phone's."""
    office = Office()
    office.register(
        0, asks=[contact(101, "192.168.1.7:5060")], listed=[contact(101, "10.77.1.101:1033"), contact(101, "10.9.9.9")]
    )
    assert [(0, "101", True)] == office.changes()


def test_phone_over_tcp_is_called_at_another_port():
    """It registers from a random port and is called at 5060."""
    office = Office()
    office.register(0, port=49152)
    assert office.registrar.extension_at(phone(101), 5060, "101") == "101"


def test_phone_that_moves_is_found_where_it_is():
    """The old address is free when its binding has run out or was taken back."""
    office = Office()
    office.register(0, asks=[contact(101, expires="60")])
    office.register(30_000, asks=[contact(101, "10.77.1.150:5060")], source=phone(150))
    office.registrar.handle_deadline(61_000)
    assert ("", "101") == tuple(office.registrar.extension_at(phone(host), 5060, "101") for host in (101, 150))
    assert [(0, "101", True)] == office.changes()


def test_memory_is_bounded():
    """A scanner that registers names at random fills neither table."""
    office = Office()
    for number in range(MAX_BINDINGS + 10):
        office.register(0, extension=10_000 + number, source=b"\1\2\3\4", asks=[contact(user=str(number))])
    assert len(office.changes()) == MAX_BINDINGS
    for number in range(MAX_PENDING + 10):
        request = make_register(101, call_id=f"r{number}")
        office.registrar.receive_register(read(request), ROLE_PHONE, phone(101), 5060, PBX)
    assert len(office.registrar._pending) <= MAX_PENDING


def test_trunk_registration_has_its_own_role():
    """The PBX's own registration with its carrier names no extension's address."""
    office = Office()
    request = make_register(101)
    office.registrar.receive_register(read(request), ROLE_TRUNK, PBX, 5060, b"\1\1\1\1")
    office.registrar.receive_answer(read(make_response(request, 200, extra=[("Contact", contact())])), 0)
    assert [ROLE_TRUNK] == [event.role for event in office.registrar.events]
    assert ("", {}) == (office.registrar.extension_at(PBX, 5060, "101"), office.registrar.servers)


def test_comma_joined_contacts():
    """Commas within quotes and angle brackets do not separate."""
    office = Office()
    joined = f'"a, b" {contact(101)}, <sip:x,y@10.1.1.1>;expires=5'
    office.register(0, listed=[joined])
    assert office.registrar.next_deadline() == 3_600_000


def test_through_the_whole_core():
    """REGISTER, 401, REGISTER with credentials, 200 as packets; it runs out while the tap is silent."""
    tap = Tap()
    first, second = make_register(), make_register(cseq=2, expires="60")
    tap.send(0, phone(101), PBX, first)
    tap.send(5, PBX, phone(101), make_response(first, 401))
    tap.send(10, phone(101), PBX, second)
    tap.send(15, PBX, phone(101), make_response(second, 200, extra=[("Contact", contact(expires="60"))]))
    tap.wait_until(70_000)
    assert [(15, "101", True), (60_015, "101", False)] == tap.registrations()
