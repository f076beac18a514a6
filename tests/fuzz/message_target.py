"""What the sink does with any topic and any payload: it stores, counts or puts into quarantine, and never fails."""

import msgpack

from cloud_sink.ingest import decode_message
from cloud_sink.live import LivePicture
from cloud_sink.live_channel import LiveChannel
from cloud_sink.store import BatchArrived, Junk, StateArrived
from collector.core import wire

CHANNELS = (*wire.CHANNELS, "other", "")
NOW_MS = 1_795_329_550_616


def receive(data: bytes) -> None:
    """The first byte chooses a topic (or says that the topic is fuzzed too); raises where something does not hold."""
    choice, payload = data[:1] or b"\0", data[1:]
    if choice[0] & 0x80:
        topic, payload = payload[:40].decode("utf-8", "replace"), payload[40:]
    else:
        topic = f"rt/1/box-1/{CHANNELS[choice[0] % len(CHANNELS)]}"
    parsed = wire.parse_topic(topic)
    assert parsed is None or (wire.is_box_id(parsed[0]) and topic == wire.topic(*parsed))
    check_arrival(decode_message(topic, payload, lambda _box: "lab", NOW_MS), topic, payload)
    picture = LivePicture()
    LiveChannel(picture, lambda _box: "lab", lambda: NOW_MS).receive_message(topic, payload)
    assert len(picture.legs("lab", NOW_MS)) <= 1


def check_arrival(arrival: object, topic: str, payload: bytes) -> None:
    """Every event is stored or has a reason; numbers fit the database; the box is the topic's."""
    if arrival is None:
        return
    if isinstance(arrival, Junk):
        assert (topic, payload) == (arrival.topic, arrival.payload)
        assert arrival.reason
        return
    assert isinstance(arrival, BatchArrived | StateArrived)
    assert arrival.box == topic.split("/")[2]
    if isinstance(arrival, BatchArrived):
        states = arrival.registrations, arrival.told, arrival.voices, arrival.registers
        kept = arrival.legs, *states, arrival.gaps, arrival.health, arrival.junk
        assert arrival.last - arrival.first + 1 == sum(map(len, kept))
        assert all(junk.reason for junk in arrival.junk)
        for leg in arrival.legs:
            assert 0 <= leg.t_invite < 1 << 53
            assert leg.t_end is None or 0 <= leg.t_end - leg.t_invite < 1 << 31


def seeds() -> list[bytes]:
    """Well-formed messages to start from."""
    leg = wire.LegEnded(NOW_MS, b"12345678")
    leg.extension, leg.ring_ms, leg.end_ms = "101", NOW_MS + 180, NOW_MS + 60_000
    events = [
        leg,
        wire.RegistrationChanged(NOW_MS, "phone", "101", True),
        wire.StateTold(NOW_MS, "101", "messages", 3, ""),
        wire.VoiceReported(NOW_MS, "101", b"123456"),
        wire.RegistersCounted(NOW_MS, "phone", "101"),
        wire.GapObserved(NOW_MS, NOW_MS, "x", 3),
    ]
    batch = wire.encode_batch(7, 1, 1, [wire.encode_event(event) for event in events])
    state = {"connection": 3, "epoch": 9, "first": 1, "last": 0, "kept": 1, "online": True, "version": "1"}
    progress, command = wire.encode_progress(leg, 1, NOW_MS), ["replay-from", 7, 1]
    contents = ((0, batch), (1, progress), (2, state), (3, [7, 1]), (4, command))
    return [bytes([channel]) + msgpack.packb(content) for channel, content in contents]
