"""Hostile input: a flood changes neither the memory nor the outcome of good calls beside it.

The same flood, a million long, is `ringtap bench hostile`; here it is short and counted exactly.
"""

import gc
import tracemalloc

import pytest
from builders import CARRIER, PBX, Tap, make_fragments, make_invite, make_response, make_udp, phone

from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.bench.hostile import ETHERNET, Flood, hear_alone, nasty_messages, watch_flood

DATAGRAMS = 60_000
BOUNDS = {"max_legs": 500, "max_ended": 500}
MAX_LEG_BYTES = 2_048


def test_good_calls_beside_a_flood_come_out_as_without_it() -> None:
    """Every leg of every good call, field for field, after 60,000 hostile datagrams."""
    beside, _, _ = watch_flood(DATAGRAMS, seed=20)
    alone, _, _ = watch_flood(DATAGRAMS, seed=20, with_flood=False)
    assert len(alone) > 0
    assert alone == beside


def test_memory_is_flat_under_a_flood() -> None:
    """Once the tables are full, twice as many hostile datagrams need no more memory."""
    monitor = CallMonitor(MonitorSettings(**BOUNDS))  # type: ignore[arg-type]
    flood = Flood(seed=21)
    hear_flood(monitor, flood, 0, 16_000)
    gc.collect()
    tracemalloc.start()
    try:
        hear_flood(monitor, flood, 16_000, 24_000)
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        hear_flood(monitor, flood, 24_000, 40_000)
        gc.collect()
        second = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # what was kept before tracing is replaced bit by bit by what is traced: at most the tables' own size
    assert second < first + 1_000_000
    assert monitor.counters.legs_open <= BOUNDS["max_legs"]
    assert monitor.counters.legs_evicted > 0


def hear_flood(monitor: CallMonitor, flood: Flood, first: int, last: int) -> None:
    """Datagrams number `first` to `last` of a flood, a millisecond each; events are taken at once, as a host does."""
    for number in range(first, last):
        frame = flood.next_frame()
        monitor.receive_frame(frame, number, ETHERNET, len(frame))
        while monitor.next_event() is not None:
            pass


def test_an_open_leg_takes_less_than_two_kilobytes() -> None:
    """A ringing and a talking leg, with the Call-ID, tags and branches that phones really send."""
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,), trunks=(CARRIER,), extensions=(("101", "120"),)))
    legs = 1_000
    invites = [
        make_invite(call_id=f"{number:08x}-2f94-4b2e-a10d-b15620c62cb7", from_tag=f"{number:08x}-1c1d-4a4f")
        for number in range(legs)
    ]
    answers = [make_response(invite, status, to_tag="0123456789abcdef") for invite in invites for status in (180, 200)]
    hear_all(monitor, invites[:1] + answers[:2])  # what is made once is not a leg's
    tracemalloc.start()
    try:
        hear_all(monitor, invites[1:])
        hear_all(monitor, answers[2:])
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert legs == monitor.counters.legs_open
    assert used / (legs - 1) <= MAX_LEG_BYTES


def hear_all(monitor: CallMonitor, messages: list[bytes]) -> None:
    """Messages between the PBX and a phone, as copies of their own, as packets are."""
    for message in messages:
        monitor.receive_payload(bytes(bytearray(message)), 1_795_329_550_616, PBX, 5060, phone(101), 5060, 1)


def test_fragments_that_never_finish_leave_the_others_alone() -> None:
    """A thousand datagrams of which only the first piece comes, and a real one in between that is whole."""
    tap = Tap()
    pieces = make_fragments(make_udp(make_invite(body="v=0\r\n" + "a=x\r\n" * 400)), 1_480, PBX, phone(101))
    for number in range(1_000):
        lonely = make_fragments(make_udp(b"x" * 3_000), 1_480, phone(101), PBX, number=number)[0]
        tap.hear(number, lonely)
        if number in (500, 505):
            tap.hear(number, pieces[0 if number == 500 else 1])
    for piece in pieces[2:]:
        tap.hear(1_000, piece)
    assert 1 == len(tap.close())
    assert tap.monitor.counters.fragments_incomplete >= 900


def test_invitations_without_end_are_told_as_what_they_are() -> None:
    """Each of many new Call-IDs ends as a leg of its own, evicted or timed out; none is lost, none is kept."""
    tap = Tap(max_legs=100, max_ended=100)
    for number in range(3_000):
        tap.send(number, bytes([203, 0, 113, 66]), PBX, make_invite(call_id=f"flood-{number}"))
    tap.wait_until(60_000)
    assert 3_000 == len(tap.ended())
    assert 0 == tap.monitor.counters.legs_open
    assert 2_900 == tap.monitor.counters.legs_evicted


@pytest.mark.parametrize(("name", "message"), nasty_messages(20_000).items())
def test_nasty_messages_are_survived(name: str, message: bytes) -> None:
    """Twenty kilobytes of commas, quotes, folds, percent signs ... in each role of a call: read or counted."""
    hear_alone(message)
    tap = Tap()
    tap.send(0, PBX, phone(101), message)
    counters = tap.monitor.counters
    assert 1 == counters.sip_messages + counters.malformed, name
    assert all(isinstance(leg, LegEnded) for leg in tap.close())
