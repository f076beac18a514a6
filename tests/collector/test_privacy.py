"""What an outsider's number looks like after it leaves the box: `collector.privacy`."""

from datetime import UTC, datetime

import pytest
from builders import PBX, make_invite, make_response, make_udp_frame, phone

from collector.caller_keys import KeyRing
from collector.core.events import LegEnded, RegistrationChanged
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.privacy import CallerPrivacy, key_number, mask_number

KEY = bytes(range(32))
NUMBERS = ("caller", "callee", "connected", "refer_to", "diverted_by")


def is_ours(number):
    """101 to 120 and star codes."""
    return number in {str(n) for n in range(101, 121)} or number.startswith("*")


def protected(mode, **fields):
    """The numbers of a leg after protection."""
    leg = LegEnded(0, b"")
    for name, value in fields.items():
        setattr(leg, name, value)
    CallerPrivacy(mode, KeyRing.of(KEY), is_ours).protect(leg)
    return {name: getattr(leg, name) for name in NUMBERS if getattr(leg, name)}


def test_clear_changes_nothing():
    """As it was seen."""
    fields = {"caller": "447700900001", "callee": "442079460400"}
    assert fields == protected("clear", direction="in", **fields)


def test_the_caller_of_an_incoming_leg_is_keyed_and_the_called_number_stays():
    """Queues are found by the called number."""
    found = protected("keyed", direction="in", caller="447700900001", callee="442079460400", diverted_by="442079460400")
    code = key_number("447700900001", KEY)
    assert {"caller": code, "callee": "442079460400", "diverted_by": "442079460400"} == found


def test_the_called_number_of_an_outgoing_leg_is_keyed():
    """Whom an employee called is an outsider too; the extension stays."""
    found = protected("keyed", direction="out", caller="101", callee="447700900002", connected="447700900003")
    assert {
        "caller": "101",
        "callee": key_number("447700900002", KEY),
        "connected": key_number("447700900003", KEY),
    } == found


def test_extensions_feature_codes_and_short_numbers_stay():
    """Nobody is identified by them, and stitching needs them."""
    fields = {"caller": "112", "callee": "101", "refer_to": "*45", "diverted_by": "105", "connected": "120"}
    assert fields == protected("keyed", direction="in", **fields)


def test_whoever_picks_up_shows_no_outsider():
    """A colleague's *8 is an internal leg, but the PBX then names the customer on it."""
    found = protected("keyed", direction="int", caller="104", callee="*8", connected="447700900001")
    assert {"caller": "104", "callee": "*8", "connected": key_number("447700900001", KEY)} == found


def test_internal_legs_and_anonymous_callers_stay():
    """There is nobody to protect."""
    fields = {"caller": "101", "callee": "1234567"}
    assert fields == protected("keyed", direction="int", **fields)
    assert protected("keyed", direction="in", caller="") == {}


def test_both_ends_are_hidden_where_the_direction_is_unknown():
    """Better too much than too little."""
    found = protected("masked", direction="", caller="447700900001", callee="447700900002")
    assert {"caller": "447700900xxx", "callee": "447700900xxx"} == found


def test_a_code_is_the_same_for_the_same_caller_and_differs_with_the_key():
    """HMAC-SHA256, cut to 48 bits: contacts of one caller still meet, another office's codes say nothing."""
    assert key_number("447700900001", KEY) == "k3aec7c7bd4ba"
    assert key_number("1", KEY) != key_number("2", KEY) != key_number("2", b"x" * 32)


def test_masking_hides_the_last_three_digits():
    """A number shorter than that is hidden whole."""
    assert ("447700900xxx", "xx") == (mask_number("447700900123"), mask_number("12"))


def test_other_events_pass():
    """A registration has no outsider."""
    event = RegistrationChanged(1, "phone", "101", True)
    CallerPrivacy("keyed", KeyRing.of(KEY), is_ours).protect(event)
    assert event.extension == "101"


def test_a_leg_is_keyed_by_the_key_of_its_time():
    """Keys change at a moment, whenever the leg is told."""
    ring = KeyRing([(datetime(2026, 1, 1, tzinfo=UTC), KEY), (datetime(2026, 12, 1, tzinfo=UTC), b"x" * 32)])
    codes = []
    for moment in (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)):
        leg = LegEnded(int(moment.timestamp() * 1000), b"")
        leg.direction, leg.caller = "in", "447700900001"
        CallerPrivacy("keyed", ring, is_ours).protect(leg)
        codes.append(leg.caller)
    assert [key_number("447700900001", KEY), key_number("447700900001", b"x" * 32)] == codes


@pytest.mark.parametrize(
    ("area", "written"),
    [
        ("20", ("+447700900123", "07700900123", "447700900123", "00447700900123")),
        ("161", ("07700900123", "+44 7700 900-123".replace(" ", ""))),
    ],
)
def test_one_caller_is_one_code_however_the_number_is_written(area, written):
    """The carrier's leg, the phones' legs and another office of the tenant, with the same key file: one code."""
    codes = set()
    for number in written:
        monitor = CallMonitor(MonitorSettings(pbx=(PBX,), extensions=(("101", "120"),), country="44", area=area))
        invite = make_invite(caller=number)
        monitor.receive_frame(make_udp_frame(invite), 1000, 1, 1500)
        monitor.receive_frame(make_udp_frame(make_response(invite, 486), phone(101), PBX), 1100, 1, 1500)
        monitor.close(60_000)
        leg = monitor.next_event()
        CallerPrivacy("keyed", KeyRing.of(KEY), is_ours).protect(leg)
        codes.add(leg.caller)
    assert {key_number("447700900123", KEY)} == codes
