"""Progress of legs while they last, on CPython (pytest) and on MicroPython (runner.py)."""

from sip_builders import T0_MS, Tap, make_request, make_response

from collector.core import wire, wire_reader
from collector.core.events import LegEnded
from collector.core.legs import STATE_NAMES


def test_a_call_is_told_at_every_change_of_its_state() -> None:
    """It begins, is worked on, rings once, is answered, is being left and ends; the facts grow on the way."""
    tap = Tap()
    told: list[tuple[str, int, str]] = []
    tap.monitor.listen_to_progress(
        lambda leg, state, now_ms: told.append((STATE_NAMES[state], now_ms - T0_MS, leg.extension))
    )
    tap.to_phone(0, make_request("INVITE", 1))
    tap.from_phone(20, make_response(100, 1))
    tap.from_phone(180, make_response(180, 1))
    tap.from_phone(1_180, make_response(180, 1))
    tap.from_phone(4_200, make_response(200, 1))
    tap.to_phone(64_200, make_request("BYE", 2, to_tag=";tag=b"))
    tap.from_phone(64_230, make_response(200, 2, "BYE"))
    assert [
        ("CALLING", 0, "101"),
        ("PROCEEDING", 20, "101"),
        ("RINGING", 180, "101"),
        ("TALKING", 4_200, "101"),
        ("LEAVING", 64_200, "101"),
        ("ENDED", 64_230, "101"),
    ] == told


def test_progress_survives_the_wire() -> None:
    """Who, in which phase, since when."""
    leg = LegEnded(T0_MS, b"12345678")
    leg.extension, leg.caller, leg.role, leg.direction = "101", "447700900123", "phone", "in"
    back, phase, at_ms = wire_reader.decode_progress(wire.encode_progress(leg, 1, T0_MS + 180))
    assert (leg.call_key, "101", "447700900123", "phone", "in") == (
        back.call_key,
        back.extension,
        back.caller,
        back.role,
        back.direction,
    )
    assert ("ringing", T0_MS + 180) == (wire.PHASES[phase], at_ms)


def test_strange_progress_is_refused() -> None:
    """Too short, another version, an unknown phase, something that is no text: one kind of error for all."""
    good = wire.encode_progress(LegEnded(T0_MS, b"12345678"), 1, T0_MS)
    for index, value in ((0, 2), (1, 4), (1, "x"), (2, None), (3, "key"), (3, b"x" * 17), (4, 7), (8, "x" * 129)):
        bad: list[object] = list(good)
        bad[index] = value
        assert refuses(bad)
    assert refuses(None)
    assert refuses(good[:-1])


def refuses(array: object) -> bool:
    """True where decoding says what is wrong."""
    try:
        wire_reader.decode_progress(array)
    except wire_reader.WireError:
        return True
    return False
