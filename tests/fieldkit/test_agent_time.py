"""What agents did between calls of a recording: `fieldkit.agent_time`."""

import pytest

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.states import Registered
from collector.core.events import LegEnded, RegistersCounted, RegistrationChanged, VoiceReported
from fieldkit import agent_time
from fieldkit.agent_time import AgentClock
from fieldkit.kept import Kept
from fieldkit.replay import ReceivedEvents

PLAN = OfficePlan("london")
MIDNIGHT = 1_780_272_000_000  # 2026-06-01, UTC
TWO_DAYS = Period(MIDNIGHT - 3_600_000, MIDNIGHT + 3_600_000, "UTC")
WATCHED = [(TWO_DAYS.from_ms, TWO_DAYS.until_ms)]


def leg(number: int, at_ms: int, callee: str = "101", direction: str = "in") -> LegEnded:
    """A call of a minute at 101's phone."""
    found = LegEnded(at_ms, number.to_bytes(6, "big"))
    found.call_id, found.role, found.direction = b"%d@pbx" % number, "phone", direction
    found.extension, found.callee, found.caller = "101", callee, "447700900001" if direction == "in" else "101"
    found.answer_ms, found.end_ms = at_ms + 1_000, at_ms + 61_000
    return found


def times(kept: Kept) -> dict[str, dict[str, int]]:
    """Milliseconds of each state KPI, by extension."""
    kept.stitch(PLAN)
    found = AgentClock(kept, PLAN, TWO_DAYS, WATCHED).measure()
    return {name: {kpi: parts.numerator for kpi, parts in measured.items()} for name, measured in found.of.items()}


def test_a_break_goes_on_over_midnight():
    """Ordered an hour and a half before it by code, ended half an hour after it: both days have their part."""
    kept = Kept()
    kept.keep_registration("phone", Registered(MIDNIGHT - 7_200_000, "101", registered=True), 1)
    received = ReceivedEvents("lab", "london")
    received.kept = kept
    received.write([leg(1, MIDNIGHT - 5_400_000, "*46", "int"), leg(2, MIDNIGHT + 1_799_000, "*47", "int")])
    found = times(kept)["101"]
    assert (7_200_000, 5_400_000) == (found["login_time"], found["break_time"])


def test_lamps_speak_of_their_agents():
    """The hint *46101 tells of 101's break."""
    kept = Kept()
    kept.keep_registration("phone", Registered(MIDNIGHT - 7_200_000, "101", registered=True), 1)
    for seq, (at_ms, state) in enumerate(((MIDNIGHT, "busy"), (MIDNIGHT + 600_000, "idle")), 2):
        kept.keep_told(Told(at_ms, "*46101", state, seq=seq))
    assert {"101": 600_000} == {name: found["break_time"] for name, found in times(kept).items()}


def test_a_machine_has_no_states(monkeypatch: pytest.MonkeyPatch):
    """More calls in two days than anybody takes: nothing is said of its time."""
    monkeypatch.setattr(agent_time, "MOST_LEGS", 10)
    for count, names in ((9, {"101"}), (10, set())):
        received = ReceivedEvents("lab", "london")
        received.write([leg(number, MIDNIGHT + number * 100_000) for number in range(count)])
        assert names == times(received.kept).keys()


def test_registrations_and_reports_reach_the_tally():
    """REGISTERs, sound and phones that come and go are no longer passed over."""
    received = ReceivedEvents("lab", "london")
    voice = VoiceReported(MIDNIGHT, "101", bytes(6))
    voice.mos_lq, voice.loss = 412, 50
    counted = RegistersCounted(MIDNIGHT, "phone", "101")
    counted.attempts, counted.failed, counted.delays = 4, 1, b"\x00\x20\x01\x00\x00\x10"
    received.write([voice, counted, RegistrationChanged(MIDNIGHT, "phone", "101", True)])
    told = received.tally.report(TWO_DAYS)
    assert (4.12, 0.5) == (told.sound_of["101"].mos_lq.value.value, told.sound.loss_percent)
    figures = told.vantages["phone"].by_leg
    assert (25.0, 3) == (figures["sip_ira"].value.value, figures["sip_rrd"].value.denominator)
    assert [Registered(MIDNIGHT, "101", registered=True)] == received.kept.registrations(
        "phone", "101", 0, MIDNIGHT + 1
    )
