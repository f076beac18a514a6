import struct
from pathlib import Path

import pytest
from builders import (
    CARRIER,
    PBX,
    T0_MS,
    Tap,
    make_ethernet,
    make_fragments,
    make_invite,
    make_ipv4,
    make_request,
    make_response,
    make_tcp,
    make_tcp_frame,
    make_udp,
    make_udp_frame,
    phone,
    times,
)
from hypothesis import given
from hypothesis import strategies as st

from collector.adapters.pcapfile import open_captures
from collector.config import load
from collector.core import wire
from collector.core.monitor import CallMonitor, MonitorSettings

RECORDINGS = sorted(
    path.name.removesuffix(".pcap.gz") for path in (Path(__file__).parents[2] / "captures").glob("*.pcap.gz")
)
PHONE = phone(101)
INVITE = make_invite()
STORY = (
    (0, PBX, PHONE, INVITE),
    (100, PHONE, PBX, make_response(INVITE, 180)),
    (2_000, PHONE, PBX, make_response(INVITE, 200)),
    (2_010, PBX, PHONE, make_request("ACK", to_tag="b")),
    (9_000, PBX, PHONE, make_request("BYE", cseq=2, to_tag="b")),
    (9_010, PHONE, PBX, make_response(make_request("BYE", cseq=2, to_tag="b"), 200)),
)
EXPECTED = (0, 100, 2_000, 9_000)


def counted(tap, *names):
    """Some counters by name."""
    return {name: getattr(tap.monitor.counters, name) for name in names}


def test_udp():
    """Frames in, one leg and its counters out."""
    tap = Tap()
    for step in STORY:
        tap.send(*step)
    assert [EXPECTED] == [times(leg) for leg in tap.close()]
    assert counted(tap, "frames", "datagrams", "sip_messages", "sip_requests", "sip_responses", "ignored") == {
        "frames": 6,
        "datagrams": 6,
        "sip_messages": 6,
        "sip_requests": 3,
        "sip_responses": 3,
        "ignored": 0,
    }


def test_tcp():
    """The same call over one connection, several messages and pieces of them in a segment."""
    tap = Tap()
    out, back = STORY[0][3] + b"\r\n\r\n", STORY[1][3] + STORY[2][3]
    tap.hear(0, make_tcp_frame(out[:50], 1_000))
    tap.hear(0, make_tcp_frame(out[50:], 1_050))
    reply = make_ethernet(make_ipv4(make_tcp(back, 5_000, 0x18, 5060, 40000), PHONE, PBX, 6))
    tap.hear(2_000, reply)
    tap.hear(9_000, make_tcp_frame(STORY[3][3] + STORY[4][3], 1_000 + len(out)))
    [leg] = tap.close()
    assert (times(leg), leg.transport) == ((0, 2_000, 2_000, 9_000), "tcp")


def test_fragmented_invite():
    """An INVITE over 1,500 bytes in two pieces, the second one first."""
    tap = Tap()
    big = make_invite(extra=[("X-Padding", "x" * 2_000)])
    first, last = make_fragments(make_udp(big), 1_480, PBX, PHONE)
    tap.hear(0, last)
    tap.hear(1, first)
    for step in STORY[1:]:
        tap.send(*step)
    assert [(1, *EXPECTED[1:])] == [times(leg) for leg in tap.close()]


def test_fragment_alone_is_enough():
    """A port filter drops the second piece: the first has the headers."""
    tap = Tap()
    tap.hear(0, make_fragments(make_udp(make_invite(extra=[("X-Padding", "x" * 2_000)])), 1_480, PBX, PHONE)[0])
    for step in STORY[1:]:
        tap.send(*step)
    assert [EXPECTED] == [times(leg) for leg in tap.close()]


def test_configured_ports_only():
    """SIP elsewhere is ignored, unless any port is to be heard."""
    frame = make_udp_frame(INVITE, port=5070)
    for settings, expected in (({}, 0), ({"ports": (5070,)}, 1), ({"any_port": True}, 1)):
        tap = Tap(**settings)
        tap.hear(0, frame)
        assert (expected, 1 - expected) == (tap.monitor.counters.sip_messages, tap.monitor.counters.ignored)


@pytest.mark.parametrize("payload", [b"", b"\r\n\r\n", b"\0\0\0\0", b"\x80\x08" + bytes(170)])
def test_keep_alives_are_ignored(payload):
    """CR LF, zeros, RTP on a SIP port: counted as ignored, not as malformed."""
    tap = Tap()
    tap.hear(0, make_udp_frame(payload))
    assert counted(tap, "ignored", "malformed", "sip_messages") == {"ignored": 1, "malformed": 0, "sip_messages": 0}


def test_malformed_sip_is_counted():
    """What begins like SIP and cannot be read is somebody's mistake."""
    tap = Tap()
    tap.hear(0, make_udp_frame(INVITE.replace(b"Call-ID", b"Call-IX")))
    tap.hear(1, make_udp_frame(b"SIP/2.0 999 x\r\n\r\n"))
    tap.hear(2, make_udp_frame(b"OPTIONS sip:101@10.77.1.101 SIP/2.0"))  # no more of it was captured
    assert counted(tap, "malformed", "sip_messages", "sip_responses") == {
        "malformed": 3,
        "sip_messages": 3,
        "sip_responses": 1,
    }
    assert [] == tap.close()


@pytest.mark.parametrize("port", [5060, 5061])
def test_encrypted_sip_is_reported(port):
    """SIP over TLS cannot be heard: that is said, on the usual ports of the default settings."""
    tap = Tap()
    hello = b"\x16\x03\x01\x00\x05hello"
    tap.hear(0, make_ethernet(make_ipv4(make_tcp(hello, 1, 0x18, 40000, port), PHONE, PBX, 6)))
    assert tap.monitor.counters.encrypted == 1


def test_cut_frame_is_counted_once():
    """A snap length that cuts every packet: one count a frame, and the headers that are there are read."""
    tap = Tap()
    frame = make_udp_frame(INVITE)
    tap.hear(0, frame[:-30], length=len(frame))
    assert counted(tap, "truncated", "sip_messages") == {"truncated": 1, "sip_messages": 1}


def test_router_stream_in_a_recording():
    """TZSP on its port is unwrapped; a wrapping within a wrapping is not."""
    tap = Tap()
    wrapped = b"\x01\x00\x00\x01\x01" + make_udp_frame(INVITE)
    outer = make_ethernet(make_ipv4(make_udp(wrapped, 40000, 37008), phone(1), phone(2)))
    tap.hear(0, outer)
    tap.hear(1, make_ethernet(make_ipv4(make_udp(b"\x01\x00\x00\x01\x01" + outer, 40000, 37008), phone(1), phone(2))))
    assert counted(tap, "sip_messages", "ignored") == {"sip_messages": 1, "ignored": 1}


def make_hep(payload, protocol=b"\x11"):
    """A frame with a HEP3 packet of the PBX about a message to the phone."""
    chunks = b""
    for kind, value in (
        (1, b"\2"),
        (2, protocol),
        (3, PBX),
        (4, PHONE),
        (7, b"\x13\xc4"),
        (8, b"\x13\xc4"),
        (11, b"\1"),
        (15, payload),
    ):
        chunks += struct.pack("!HHH", 0, kind, 6 + len(value)) + value
    packet = b"HEP3" + struct.pack("!H", 6 + len(chunks)) + chunks
    return make_ethernet(make_ipv4(make_udp(packet, 40000, 9060), phone(1), phone(2)))


def test_hep_in_a_recording():
    """HEP3 carries the addresses that the PBX names."""
    tap = Tap()
    tap.hear(0, make_hep(INVITE))
    assert [("101", "in")] == [(leg.extension, leg.direction) for leg in tap.close()]


def test_hep_of_a_connection_holds_several_messages_and_comes_once_for_each():
    """Asterisk mirrors all it read from a TCP connection, again for each message in it: each is heard once."""
    tap = Tap()
    both = INVITE + make_invite(call_id="call-2")
    tap.hear(0, make_hep(both, b"\6"))
    tap.hear(1, make_hep(both, b"\6"))
    assert counted(tap, "sip_messages", "duplicates") == {"sip_messages": 2, "duplicates": 1}
    assert [b"call-1", b"call-2"] == [leg.call_id for leg in tap.close()]


def test_listener_hears_every_message():
    """The ladder's view: time, addresses, ports and the message."""
    tap = Tap()
    heard = []
    tap.monitor.message_listener = lambda *fields: heard.append(fields)
    tap.send(5, CARRIER, PBX, INVITE)
    [(now_ms, source, source_port, target, target_port, message)] = heard
    assert (T0_MS + 5, CARRIER, 5060, PBX, 5060, b"INVITE") == (
        now_ms,
        source,
        source_port,
        target,
        target_port,
        message.method,
    )


def test_deadlines_are_met_without_a_host_that_asks():
    """A host that only feeds frames gets time-outs too, a little later."""
    tap = Tap()
    tap.monitor.receive_frame(make_udp_frame(INVITE), T0_MS, 1, 0)
    tap.monitor.receive_frame(make_udp_frame(b"\r\n"), T0_MS + 60_000, 1, 0)
    assert tap.monitor.next_event() is not None
    assert tap.monitor.next_event() is None


def test_event_once():
    """Every event comes out once, also when it is asked for between frames."""
    tap = Tap()
    for number in range(5):
        invite = make_invite(call_id=f"c{number}")
        tap.monitor.receive_frame(make_udp_frame(invite), T0_MS + number, 1, 0)
        tap.monitor.receive_frame(make_udp_frame(make_response(invite, 486), PHONE, PBX), T0_MS + number, 1, 0)
        if number % 2:
            assert tap.monitor.next_event() is not None
    found = 0
    while tap.monitor.next_event() is not None:
        found += 1
    assert found == 3


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400), st.binary(max_size=4), st.integers(0, 4)), max_size=12)
)
def test_any_damage_is_survived(damages):
    """Frames of a call with bytes replaced, inserted and lost: no exception, every frame counted, nothing left open."""
    frames = [make_udp_frame(message, source, target) for _, source, target, message in STORY]
    for which, position, inserted, removed in damages:
        frame = frames[which]
        frames[which] = frame[:position] + inserted + frame[position + removed :]
    tap = Tap(any_port=True)
    for at_ms, frame in enumerate(frames):
        tap.hear(at_ms, frame)
    tap.close()
    assert (len(frames), 0) == (tap.monitor.counters.frames, tap.monitor.counters.legs_open)


def test_fragment_alone_is_read_before_what_answers_it():
    """A PBX answers within milliseconds: the INVITE must be known by then."""
    tap = Tap()
    tap.hear(0, make_fragments(make_udp(make_invite(extra=[("X-Padding", "x" * 2_000)])), 1_480, PBX, PHONE)[0])
    tap.send(3, PHONE, PBX, make_response(INVITE, 200))
    assert [(0, None, 3, None)] == [times(leg) for leg in tap.close()]


# --- frames one by one, or many at once -----------------------------------------------------------------------------


def hear_frames(frames, settings, at_once):
    """(events as they are written, counters) of frames that are handed over so many at once; 0: one by one."""
    monitor = CallMonitor(settings)
    for start in range(0, len(frames), at_once or 1):
        if at_once:
            monitor.receive_frames(frames[start : start + at_once])
        else:
            monitor.receive_frame(*frames[start])
    monitor.close(frames[-1][1])
    events = []
    while (event := monitor.next_event()) is not None:
        events.append(wire.encode_event(event))
    return events, monitor.counters.as_dict()


@pytest.mark.parametrize("name", RECORDINGS)
def test_many_frames_at_once_are_heard_as_one_by_one(name, recording, lab_config):
    """The quick way and the complete one come to the same events and the same counts."""
    frames = list(open_captures([str(recording(name))]).frames())
    settings = load(str(lab_config)).monitor_settings()
    assert hear_frames(frames, settings, 0) == hear_frames(frames, settings, 97)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400), st.binary(max_size=4), st.integers(0, 4)), max_size=12)
)
def test_damaged_frames_at_once_are_heard_as_one_by_one(damages):
    """Whatever is wrong with a frame, the quick way sees it, or sees the same."""
    plain = [make_udp_frame(message, source, target) for _, source, target, message in STORY]
    frames = [(frame, T0_MS + number * 60, 1, len(frame)) for number, frame in enumerate(plain + plain)]
    for which, position, inserted, removed in damages:
        frame, at_ms, link_type, _ = frames[which + 4]
        frame = frame[:position] + inserted + frame[position + removed :]
        frames[which + 4] = (frame, at_ms, link_type, len(frame) + removed // 4)
    assert hear_frames(frames, MonitorSettings(), 0) == hear_frames(frames, MonitorSettings(), 5)


def test_listener_hears_messages_of_many_frames_at_once():
    """Whoever listens to messages hears each, however the frames are handed over."""
    tap = Tap()
    heard = []
    tap.monitor.message_listener = lambda *fields: heard.append(fields[0])
    frames = [make_udp_frame(message, source, target) for _, source, target, message in STORY]
    tap.monitor.receive_frames([(frame, at_ms, 1, len(frame)) for at_ms, frame in enumerate(frames)])
    assert heard == list(range(len(STORY)))
