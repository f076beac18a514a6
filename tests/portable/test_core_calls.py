"""Calls through the whole core, on CPython (pytest) and on MicroPython (runner.py): plain functions, plain asserts."""

from sip_builders import PBX, PHONE, T0_MS, Tap, make_frame, make_request, make_response


def make_answered_call() -> Tap:
    """Rings after 180 ms, is answered after 4.2 s, and the caller hangs up after 64.2 s."""
    tap = Tap()
    tap.to_phone(0, make_request("INVITE", 1))
    tap.from_phone(20, make_response(100, 1))
    tap.from_phone(180, make_response(180, 1))
    tap.from_phone(4_200, make_response(200, 1))
    tap.to_phone(4_210, make_request("ACK", 1, to_tag=";tag=b"))
    tap.to_phone(64_200, make_request("BYE", 2, to_tag=";tag=b"))
    tap.from_phone(64_230, make_response(200, 2, "BYE"))
    return tap


def test_answered_call_is_one_leg_with_its_times() -> None:
    """Ring, answer, end and who hung up are those of the packets."""
    legs = make_answered_call().legs(70_000)
    assert 1 == len(legs)
    leg = legs[0]
    assert (T0_MS, T0_MS + 180, T0_MS + 4_200, T0_MS + 64_200) == (
        leg.invite_ms,
        leg.ring_ms,
        leg.answer_ms,
        leg.end_ms,
    )
    assert ("phone", "in", "101", "447700900123") == (leg.role, leg.direction, leg.extension, leg.caller)
    assert (200, "caller", False) == (leg.final_code, leg.ended_by, leg.partial)


def test_cancelled_call_says_why() -> None:
    """A CANCEL with "completed elsewhere" ends the leg unanswered, cancelled, with its reason (RFC 3326)."""
    tap = Tap()
    tap.to_phone(0, make_request("INVITE", 1))
    tap.from_phone(100, make_response(180, 1))
    reason = 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n'
    tap.to_phone(3_000, make_request("CANCEL", 1, extra=reason))
    tap.from_phone(3_010, make_response(200, 1, "CANCEL"))
    tap.from_phone(3_020, make_response(487, 1))
    legs = tap.legs(10_000)
    assert 1 == len(legs)
    assert (None, True, 200, 487) == (legs[0].answer_ms, legs[0].cancelled, legs[0].reason_sip, legs[0].final_code)


def test_retransmissions_make_no_second_leg() -> None:
    """The same INVITE again is counted, not tracked; neither is a late one after the end."""
    tap = make_answered_call()
    tap.to_phone(64_900, make_request("INVITE", 1))
    assert 1 == len(tap.legs(70_000))
    tap = Tap()
    tap.to_phone(0, make_request("INVITE", 1))
    tap.to_phone(500, make_request("INVITE", 1))
    tap.from_phone(600, make_response(486, 1))
    assert 1 == len(tap.legs(70_000))
    assert 1 == tap.monitor.counters.retransmissions


def test_open_leg_is_reported_as_far_as_it_was_seen() -> None:
    """A call that is still up when watching ends comes out as partial, without an end."""
    tap = Tap()
    tap.to_phone(0, make_request("INVITE", 1))
    tap.from_phone(180, make_response(180, 1))
    tap.from_phone(900, make_response(200, 1))
    legs = tap.legs(5_000)
    assert [(T0_MS + 900, None, True)] == [(leg.answer_ms, leg.end_ms, leg.partial) for leg in legs]


def test_truncation_at_any_byte_is_survived() -> None:
    """A frame cut anywhere is counted and never raises: routers cut what they mirror."""
    frame = make_frame(make_request("INVITE", 1), PBX, PHONE)
    tap = Tap()
    for length in range(0, len(frame), 3):
        tap.monitor.receive_frame(frame[:length], T0_MS + length, 1, len(frame))
    counters = tap.monitor.counters
    assert counters.truncated >= counters.frames > 80
    assert 1 >= len(tap.legs(40_000))


def test_full_table_gives_up_the_oldest_and_says_so() -> None:
    """More calls at once than the table holds: the number is bounded and what was given up is counted."""
    tap = Tap()
    for number in range(40):
        tap.to_phone(number, make_request("INVITE", 1, call_id=f"flood{number}"))
    assert 40 == len(tap.legs(1_000))
    assert 24 == tap.monitor.counters.legs_evicted
