"""Very many calls at once through the whole core: on CPython, on MicroPython, and there frozen; in its dialect."""

import gc
import sys

from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings

PBX = bytes([10, 77, 1, 5])
PHONE = bytes([10, 77, 1, 101])
UDP = 1

# first line, CSeq, To tag?, whether the PBX sends, milliseconds after the first call's begin
STEPS = (
    ("INVITE sip:101@10.77.1.101:5060 SIP/2.0", "1 INVITE", False, True, 0),
    ("SIP/2.0 180 Ringing", "1 INVITE", True, False, 2_000),
    ("SIP/2.0 200 OK", "1 INVITE", True, False, 5_000),
    ("BYE sip:101@10.77.1.101:5060 SIP/2.0", "2 BYE", True, True, 60_000),
    ("SIP/2.0 200 OK", "2 BYE", True, False, 62_000),
)


def make_message(first_line: str, cseq: str, has_tag: bool, number: int) -> bytes:
    """A message of call `number`; its Call-ID and tags are as long as phones make them."""
    lines = (
        first_line,
        f"Via: SIP/2.0/UDP 10.77.1.5:5060;branch=z9hG4bK{number:08x}{cseq[0]}",
        f"From: <sip:447700{number:06d}@10.77.1.5>;tag=a{number:06x}",
        f"To: <sip:101@10.77.1.101>;tag=b{number:06x}" if has_tag else "To: <sip:101@10.77.1.101>",
        f"Call-ID: {number:08x}-4d5e-8f90",
        f"CSeq: {cseq}",
        "Content-Length: 0\r\n\r\n",
    )
    return "\r\n".join(lines).encode()


def hear_many_legs(count: int) -> tuple[int, int]:
    """All calls ring, talk and end at once, a millisecond apart; (legs with the right times, most that were open)."""
    settings = MonitorSettings(pbx=(PBX,), extensions=(("101", "120"),), max_legs=count, max_ended=count)
    monitor = CallMonitor(settings)
    if sys.implementation.name == "micropython":
        gc.threshold(8_192)  # as the firmware does: small gaps are found again before the heap is scattered
    right = most = 0
    for first_line, cseq, has_tag, by_pbx, at_ms in STEPS:
        for number in range(count):
            message = make_message(first_line, cseq, has_tag, number)
            source, target = (PBX, PHONE) if by_pbx else (PHONE, PBX)
            monitor.receive_payload(message, at_ms + number, source, 5060, target, 5060, UDP)
            right += count_right(monitor)
        most = max(most, monitor.counters.legs_open)
        gc.collect()
    monitor.close(70_000)
    return right + count_right(monitor), most


def count_right(monitor: CallMonitor) -> int:
    """Ended legs whose caller, ring, answer and end are those of their packets."""
    right = 0
    event = monitor.next_event()
    while event is not None:
        if isinstance(event, LegEnded):
            number = event.invite_ms
            times = (event.ring_ms, event.answer_ms, event.end_ms)
            expected = (2_000 + number, 5_000 + number, 60_000 + number)
            right += times == expected and event.caller == f"447700{number:06d}" and not event.partial
        event = monitor.next_event()
    return right


# on MicroPython with a number it is the program (build_micropython.py freezes it)
if sys.implementation.name == "micropython" and sys.argv[-1].isdigit():
    print(hear_many_legs(int(sys.argv[-1])))
