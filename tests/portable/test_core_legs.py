"""The table of legs, timers and registrations, on CPython (pytest) and on MicroPython (runner.py)."""

from sip_builders import PBX, PHONE, T0_MS, Tap, make_request, make_response

from collector.core.events import ROLE_PHONE
from collector.core.legs import ACTIONS, ENDED, SIGNAL_NAMES, STATE_NAMES, TIMEOUT, TRANSITIONS
from collector.core.numbers import NumberingPlan, normalise
from collector.core.registrar import Registrar
from collector.core.sdp import INACTIVE, SEND_ONLY, SEND_RECEIVE, media_direction
from collector.core.sip import parse_message
from collector.core.timers import TimerQueue, Waiting


def test_table_is_sound() -> None:
    """States, signals and actions exist, no state waits forever, nothing leads out of the last one."""
    for (state, signal), (following, action) in TRANSITIONS.items():
        assert state != ENDED
        assert 0 <= signal < len(SIGNAL_NAMES)
        assert 0 <= following < len(STATE_NAMES)
        assert action in ACTIONS
    for state in range(ENDED):
        assert (state, TIMEOUT) in TRANSITIONS


def test_timers_keep_their_order() -> None:
    """Arming again moves a thing to the end."""
    queue = TimerQueue(500)
    first, second = Waiting(), Waiting()
    queue.arm(first, 0)
    queue.arm(second, 1)
    queue.arm(first, 2)
    assert second is queue.first()
    queue.remove(second)
    assert first is queue.first()
    assert 502 == first.deadline_ms


def test_challenge_is_one_leg() -> None:
    """401, the INVITE with credentials, an answer that crosses the CANCEL."""
    tap = Tap()
    tap.to_phone(0, make_request("INVITE", 1))
    tap.from_phone(10, make_response(401, 1))
    tap.to_phone(20, make_request("INVITE", 2))
    tap.from_phone(100, make_response(180, 2))
    tap.to_phone(3_000, make_request("CANCEL", 2))
    tap.from_phone(3_001, make_response(200, 2))
    tap.to_phone(3_020, make_request("BYE", 3, to_tag=";tag=b"))
    [leg] = tap.legs(10_000)
    assert (T0_MS, T0_MS + 3_001, T0_MS + 3_020, True) == (leg.invite_ms, leg.answer_ms, leg.end_ms, leg.cancelled)


def test_legs_that_nobody_ended_come_out_in_order() -> None:
    """Dictionaries keep no order on MicroPython; what is open at the end comes out by the time of its INVITE."""
    tap = Tap()
    for number in range(10):
        tap.to_phone(number, make_request("INVITE", 1, call_id=f"call{number * 7 % 10}"))
    times = [leg.invite_ms for leg in tap.legs(1_000)]
    assert sorted(times) == times


def test_registration_comes_and_runs_out() -> None:
    """Bound by the 2xx, found at its address, gone after its time."""
    registrar = Registrar()
    extra = "Contact: <sip:x7@10.77.1.101:5060>;expires=60\r\n"
    request = parse_message(make_request("REGISTER", 1, extra=extra))
    answer = parse_message(make_request("REGISTER", 1, extra=extra))
    assert request is not None
    assert answer is not None
    registrar.receive_register(request, ROLE_PHONE, PHONE, 5060, PBX)
    registrar.receive_answer(answer, T0_MS)
    assert "101" == registrar.extension_at(PHONE, 5060, "x7")
    registrar.handle_deadline(T0_MS + 60_000)
    assert "" == registrar.extension_at(PHONE, 5060, "x7")
    assert [(T0_MS, True), (T0_MS + 60_000, False)] == [(event.at_ms, event.registered) for event in registrar.events]


def test_numbers_and_directions() -> None:
    """One caller is one key; media directions."""
    plan = NumberingPlan("44", "", "00", "0")
    for written in ("07700900123", "+447700900123", "00447700900123", "447700900123"):
        assert "447700900123" == normalise(written, plan)
    assert "*45" == normalise("*45", plan)
    for attribute, expected in ((b"", SEND_RECEIVE), (b"a=sendonly", SEND_ONLY), (b"a=inactive", INACTIVE)):
        assert expected == media_direction(b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 1 RTP/AVP 8\r\n" + attribute)
