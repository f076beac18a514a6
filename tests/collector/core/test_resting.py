from collections.abc import Callable
from pathlib import Path

import pytest
from builders import PBX, T0_MS, Tap, make_invite, make_register, make_request, make_response, make_sdp, phone

from collector.adapters.pcapfile import open_captures
from collector.config import load
from collector.core import resting, wire
from collector.core.events import LegEnded
from collector.core.leg_table import RESERVED_LEGS
from collector.core.legs import TrackedLeg
from collector.core.monitor import CallMonitor
from collector.core.resting import OF_FACTS, OF_LEG, OF_TEXTS, RestingLeg, RestingTracker
from collector.core.tracker import LegTracker

CAPTURES = Path(__file__).parents[2] / "captures"
PHONE = phone(101)
RECORDINGS = sorted(path.name.removesuffix(".pcap.gz") for path in CAPTURES.glob("*.pcap.gz"))

# of every leg
ALWAYS = {"invite_ms", "call_key", "call_id", "extension", "callee", "role", "direction", "transport"}
# of legs that do not rest, or only once a leg has ended
NEVER = {
    *("hold_ms", "holds", "hold_at_end_ms", "transfer", "refer_to", "digits", "digit_after_ms"),
    *("bye_response_ms", "bye_code"),
}
NEVER_OF_LEG = {"forked", "forks", "refused", "early_tag", "digit_cseq", "hold", "lost_tags", "records_digits", "refer"}


def hear_recording(path: Path, config: Path, *, max_legs: int) -> tuple[list[object], dict[str, int]]:
    """(events as they are written, counters) of a recording."""
    settings = load(str(config)).monitor_settings()
    settings.max_legs = max_legs
    settings.max_ended = 8_192
    monitor = CallMonitor(settings)
    events: list[object] = []
    now_ms = 0
    for frame in open_captures([str(path)]).frames():
        if frame is not None:
            data, now_ms, link_type, length = frame
            monitor.receive_frame(data, now_ms, link_type, length)
            while (event := monitor.next_event()) is not None:
                events.append(wire.encode_event(event))
    monitor.close(now_ms)
    while (event := monitor.next_event()) is not None:
        events.append(wire.encode_event(event))
    return events, monitor.counters.as_dict()


@pytest.mark.parametrize("name", RECORDINGS)
def test_legs_that_rest_are_told_as_all_others(
    name: str, recording: Callable[[str], Path], lab_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each leg rests from every message to the next, each event and counter is the same."""
    monkeypatch.setattr(resting, "AWAKE", 0)
    rested: list[TrackedLeg] = []
    lay_down = RestingTracker._lay_down

    def lay_down_counted(tracker: RestingTracker, leg: TrackedLeg) -> None:
        rested.append(leg)
        lay_down(tracker, leg)

    monkeypatch.setattr(RestingTracker, "_lay_down", lay_down_counted)
    expected = hear_recording(recording(name), lab_config, max_legs=RESERVED_LEGS + 1)
    assert not rested
    assert expected == hear_recording(recording(name), lab_config, max_legs=RESERVED_LEGS)
    assert rested


def test_every_fact_of_a_leg_is_kept() -> None:
    """A new attribute must be kept by a resting leg, or forbid it to rest: this test asks which."""
    assert {*LegEnded.__annotations__} == {*OF_FACTS, *OF_TEXTS} | ALWAYS | NEVER
    assert {*TrackedLeg.__annotations__} == {*OF_LEG, "last_mark"} | NEVER_OF_LEG


def call(number: int, extension: int = 101) -> tuple[bytes, bytes, bytes]:
    """INVITE, 180 and 200 of a call."""
    uri = f"sip:{extension}@10.77.1.{extension}:5060"
    invite = make_invite(call_id=f"call-{number}", callee=str(extension), uri=uri)
    return invite, make_response(invite, 180), make_response(invite, 200)


def test_a_large_table_has_no_legs_that_rest() -> None:
    """A collector has the memory."""
    assert type(Tap(max_legs=RESERVED_LEGS + 1).monitor._tracker) is LegTracker


def test_the_deadline_of_a_leg_that_rests_comes() -> None:
    """Legs that ring for ever are given up in order, at the time that each one's state says."""
    tap = Tap(max_legs=RESERVED_LEGS)
    for number in range(20):
        tap.exchange(PBX, PHONE, [(number, ">", call(number)[0])])
    tap.wait_until(32_509)  # timer B of the first ten
    assert list(range(10)) == [leg.invite_ms - tap.ended()[0].invite_ms for leg in tap.ended()]
    tap.wait_until(40_000)
    assert 20 == len(tap.ended())
    assert 0 == tap.monitor.counters.legs_open


def test_the_oldest_leg_that_rests_makes_room() -> None:
    """A full table gives up the longest ringing leg, told as partial."""
    tap = Tap(max_legs=10)
    for number in range(12):
        tap.exchange(PBX, PHONE, [(number, ">", call(number)[0])])
    assert [True, True] == [leg.partial for leg in tap.ended()]
    assert [b"call-0", b"call-1"] == [leg.call_id for leg in tap.ended()]
    assert 10 == tap.monitor.counters.legs_open


def test_a_call_that_rests_ends_with_its_phone() -> None:
    """Ten minutes after a phone's registration ran out its call is given up (`ends.py`), as last heard of; no other."""
    tap = Tap(max_legs=RESERVED_LEGS)
    register = make_register(101, expires="60")
    granted = make_response(register, 200, extra=[("Contact", "<sip:101@10.77.1.101:5060>;expires=60")])
    tap.exchange(PHONE, PBX, [(0, ">", register), (10, "<", granted)])
    for extension in range(101, 121):
        invite, ringing, answer = call(extension, extension)
        at_ms = extension * 10
        steps = ((at_ms, ">", invite), (at_ms + 1, "<", ringing), (at_ms + 5, "<", answer))
        tap.exchange(PBX, phone(extension), steps)
    tap.wait_until(60_010 + 599_000)
    assert [] == tap.ended()
    tap.wait_until(60_010 + 601_000)
    (leg,) = tap.ended()
    assert ("101", 1_015, True) == (leg.extension, (leg.end_ms or 0) - T0_MS, leg.partial)
    assert 20 == len(tap.close())


def test_a_call_on_hold_stays_awake() -> None:
    """Its hold is told, though many other calls came after it."""
    tap = Tap(max_legs=RESERVED_LEGS)
    invite, ringing, answer = call(0)
    tap.exchange(PBX, PHONE, [(0, ">", invite), (1, "<", ringing), (5, "<", answer)])
    hold = make_request("INVITE", cseq=2, call_id="call-0", to_tag="b", body=make_sdp("sendonly"))
    tap.exchange(PBX, PHONE, [(1_000, ">", hold), (1_020, "<", make_response(hold, 200, body=make_sdp("recvonly")))])
    for number in range(1, 20):
        tap.exchange(PBX, PHONE, [(2_000 + number, ">", call(number)[0])])
    bye = make_request("BYE", cseq=3, call_id="call-0", to_tag="b")
    tap.exchange(PBX, PHONE, [(5_000, ">", bye), (5_010, "<", make_response(bye, 200))])
    (leg,) = tap.ended()
    assert (b"call-0", 1, 3_980) == (leg.call_id, leg.holds, leg.hold_ms)


NAMES = [
    ("101", "101", "101", "447700900123", "", ""),
    ("101", "", "", "", "", ""),
    ("", "442079460401", "442079460401", "447700900123", "101", "442079460500"),
    ("101", "447700900123", "10.77.1.5", "", "", "102"),
    ("101", "101", "p%4d7", "", "102", ""),
    ("", "", "", "", "", ""),
]


@pytest.mark.parametrize("names", NAMES)
def test_names_come_back_as_they_were(names: tuple[str, ...]) -> None:
    """Whichever of them are equal or empty."""
    woken = resting._wake(RestingLeg(b"call-0", resting._keep(named_leg(names))))
    facts = woken.facts
    found = (facts.extension, facts.callee, woken.target, facts.caller, facts.connected, facts.diverted_by)
    assert names == found
    assert names[0] == woken.extension


def test_a_name_with_a_line_break_does_not_rest() -> None:
    """Names are kept in one piece, a line each: somebody who writes %0A keeps his leg awake, at his own cost."""
    assert resting._may_rest(named_leg(NAMES[0]))
    assert not resting._may_rest(named_leg(("101", "101", "101", "44\n77", "", "")))


def named_leg(names: tuple[str, ...]) -> TrackedLeg:
    """A leg of an extension, callee, target, caller, connected and diverting party."""
    facts = LegEnded(T0_MS, b"call-0")
    facts.extension, facts.callee, target, facts.caller, facts.connected, facts.diverted_by = names
    return TrackedLeg(facts, b"call-0", target, 1, 1, 1)
