import struct

import pytest
from builders import CARRIER, PBX, Tap, make_invite, make_request, make_response, make_sdp, make_udp_frame

from collector.core.keypad import MAX_STREAMS
from collector.core.sdp import event_stream

PORT = 11_400
SURVEY = "442079460510"
MEDIA = f"audio {PORT} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000"


def rtp(event: int, stamp: int, *, payload_type: int = 101, end: bool = False, extra: bytes = b"") -> bytes:
    """A packet of an event: its header, and the event with its volume and length (RFC 4733 section 2.3)."""
    first = 0x90 if extra else 0x80
    header = struct.pack(">BBHII", first, payload_type, stamp & 0xFFFF, stamp, 7)
    return header + extra + struct.pack(">BBH", event, 0x8A if end else 0x0A, 160)


def survey(packets: list[bytes], *, digit_numbers: tuple[str, ...] = (SURVEY,), port: int = PORT, sdp: str = "") -> str:
    """The digits of a call from outside to the survey in which the caller's voice went to the PBX's address."""
    tap = Tap(digit_numbers=digit_numbers)
    invite = make_invite(uri=f"sip:{SURVEY}@10.77.1.5", callee=SURVEY)
    answer = make_response(invite, 200, body=sdp or make_sdp(connection="10.77.1.5", media=MEDIA))
    tap.send(0, CARRIER, PBX, invite)
    tap.send(500, PBX, CARRIER, answer)
    for number, packet in enumerate(packets):
        tap.hear(1000 + 20 * number, make_udp_frame(packet, CARRIER, PBX, port))
    tap.send(9000, CARRIER, PBX, make_request("BYE", callee=SURVEY, to_tag="b", cseq=2))
    (leg,) = tap.close()
    return leg.digits


def test_each_event_is_one_digit():
    """Packets while the key is down and three at its end, one of them late: one digit; the same key again: two."""
    five = [rtp(5, 160), rtp(5, 160), *[rtp(5, 160, end=True)] * 3]
    again = [rtp(5, 8000), rtp(5, 160, end=True), rtp(5, 8000, end=True)]
    assert "55#*" == survey([*five, *again, rtp(11, 16_000), rtp(10, 24_000)])


def test_voice_and_other_events_are_no_digits():
    """A sound whose first byte looks like a key, a flash (16), a fax tone (36), a short packet, another port."""
    noise = [rtp(5, 160, payload_type=8), rtp(16, 320), rtp(36, 480), rtp(5, 640)[:15], b"", b"\x00" * 40]
    assert "" == survey(noise)
    assert "" == survey([rtp(5, 160)], port=PORT + 2)


def test_header_extension_is_passed_over():
    """RFC 3550 section 5.3.1; one that claims to be longer than the packet harms nothing."""
    assert "7" == survey([rtp(7, 160, extra=struct.pack(">HHI", 0xBEDE, 1, 0))])
    assert "" == survey([rtp(7, 160, extra=struct.pack(">HH", 0xBEDE, 0xFFFF))])


def test_only_numbers_that_are_named_are_listened_to():
    """Keypad digits may be a card number."""
    assert "" == survey([rtp(5, 160)], digit_numbers=())


def test_endless_digits_are_cut():
    """What goes onto the wire has a bound."""
    assert "5" * 32 == survey([rtp(5, 160 * number) for number in range(1, 100)])


def test_digits_after_the_end_change_nothing():
    """The table may know the address longer than the call lasts; the next call there is another one."""
    tap = Tap(digit_numbers=(SURVEY,))
    for call in ("one", "two"):
        invite = make_invite(uri=f"sip:{SURVEY}@10.77.1.5", callee=SURVEY, call_id=call)
        at_ms = 20_000 * (call == "two")
        tap.send(at_ms, CARRIER, PBX, invite)
        tap.send(at_ms, PBX, CARRIER, make_response(invite, 200, body=make_sdp(connection="10.77.1.5", media=MEDIA)))
        tap.hear(at_ms + 1000, make_udp_frame(rtp(1 if call == "one" else 2, 160), CARRIER, PBX, PORT))
        bye = make_request("BYE", callee=SURVEY, to_tag="b", cseq=2, call_id=call)
        tap.send(at_ms + 5000, CARRIER, PBX, bye)
        tap.send(at_ms + 5001, PBX, CARRIER, make_response(bye, 200))
        tap.hear(at_ms + 6000, make_udp_frame(rtp(9, 320), CARRIER, PBX, PORT))
    assert ["1", "2"] == [leg.digits for leg in tap.close()]


def test_table_is_bounded():
    """Calls beyond it: the oldest is not listened to any more, all others are."""
    tap = Tap(digit_numbers=(SURVEY,))
    for number in range(MAX_STREAMS + 1):
        invite = make_invite(uri=f"sip:{SURVEY}@10.77.1.5", callee=SURVEY, call_id=f"call-{number}")
        media = MEDIA.replace(str(PORT), str(PORT + number))
        tap.send(number, CARRIER, PBX, invite)
        tap.send(number, PBX, CARRIER, make_response(invite, 200, body=make_sdp(connection="10.77.1.5", media=media)))
    for number in range(MAX_STREAMS + 1):
        tap.hear(1000, make_udp_frame(rtp(3, 160), CARRIER, PBX, PORT + number))
    assert ["", *["3"] * MAX_STREAMS] == [leg.digits for leg in tap.close()]


@pytest.mark.parametrize(
    ("sdp", "expected"),
    [
        (make_sdp(connection="10.77.1.5", media=MEDIA), (bytes([10, 77, 1, 5]), PORT, 101)),
        (make_sdp(connection="10.77.1.5", media=MEDIA + "\r\nc=IN IP4 10.77.1.6"), (bytes([10, 77, 1, 6]), PORT, 101)),
        (make_sdp(connection="0.0.0.0", media=MEDIA), None),
        (make_sdp(connection="10.77.1.500", media=MEDIA), None),
        (make_sdp(connection="10.77.1", media=MEDIA), None),
        (make_sdp(), None),
        (make_sdp(media="audio x RTP/AVP 101"), None),
        (make_sdp(media=MEDIA.replace("101 tel", "x tel")), None),
        ("v=0", None),
        ("", None),
    ],
)
def test_where_digits_go(sdp: str, expected: tuple[bytes, int, int] | None):
    """The first audio stream's own address before the session's; without a telephone-event nowhere."""
    assert expected == event_stream(sdp.encode())
