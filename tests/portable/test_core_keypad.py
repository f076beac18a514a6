"""Keypad digits beside the voice, on CPython (pytest) and on MicroPython (runner.py)."""

import struct

from collector.core.events import LegEnded
from collector.core.keypad import MAX_STREAMS, Keypad
from collector.core.legs import TrackedLeg

SDP = b"v=0\r\nc=IN IP4 10.77.1.5\r\nm=audio %d RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
PBX = bytes([10, 77, 1, 5])


def make_event(event: int, stamp: int) -> bytes:
    """An RTP packet of a key (RFC 4733 section 2.3)."""
    return struct.pack(">BBHII", 0x80, 101, 1, stamp, 7) + struct.pack(">BBH", event, 10, 160)


def make_leg() -> TrackedLeg:
    """A call to a survey."""
    return TrackedLeg(LegEnded(0, b""), b"c1", "101", 1, 1, 1)


def test_events_become_digits_once() -> None:
    """Repeated packets of one key count once; other addresses and other types not at all."""
    keypad, leg = Keypad(), make_leg()
    keypad.listen(leg, SDP % 11400)
    for event, stamp in ((1, 160), (1, 160), (11, 8000), (1, 160)):
        assert keypad.receive_datagram(make_event(event, stamp), PBX, 11400)
    assert not keypad.receive_datagram(make_event(5, 9000), PBX, 11402)
    assert keypad.receive_datagram(b"\x80\x08" + bytes(60), PBX, 11400)
    assert "1#" == leg.facts.digits


def test_table_is_bounded() -> None:
    """The oldest address goes."""
    keypad = Keypad()
    for number in range(MAX_STREAMS + 3):
        keypad.listen(make_leg(), SDP % (11400 + number))
    assert MAX_STREAMS == len(keypad.streams)
    assert (PBX, 11402) not in keypad.streams
    assert (PBX, 11403) in keypad.streams
