import contextlib

import msgpack
import pytest
from builders import T0_MS
from hypothesis import given
from hypothesis import strategies as st

from collector.core import wire, wire_reader
from collector.core.events import (
    DIRECTIONS,
    ENDERS,
    ROLES,
    TOLD,
    TRANSFERS,
    TRANSPORTS,
    GapObserved,
    HealthReported,
    LegEnded,
    RegistersCounted,
    RegistrationChanged,
    StateTold,
    VoiceReported,
)

TIMES = st.integers(0, 1 << 42)
TEXTS = st.text(max_size=wire.MAX_TEXT)
KEYS = st.sampled_from([b"", b"\0\1\2\3\4\5"])
SMALL = st.integers(0, 1 << 31)


@st.composite
def legs(draw):
    """A leg with any facts."""
    leg = LegEnded(draw(TIMES), draw(KEYS))
    for name in ("extension", "caller", "callee", "connected", "refer_to", "diverted_by", "digits"):
        setattr(leg, name, draw(TEXTS))
    counts = ("final_code", "reason_sip", "hold_ms", "holds", "retransmissions", "bye_code")
    for name in (*counts, "hold_at_end_ms", "digit_after_ms"):
        setattr(leg, name, draw(SMALL))
    for name in ("ring_ms", "answer_ms", "end_ms", "bye_response_ms", "reason_q850"):
        setattr(leg, name, draw(st.none() | TIMES))
    leg.replaces_key, leg.session_key = draw(KEYS), draw(KEYS)
    leg.role, leg.direction = draw(st.sampled_from(ROLES)), draw(st.sampled_from(DIRECTIONS))
    leg.ended_by, leg.transfer = draw(st.sampled_from(ENDERS)), draw(st.sampled_from(TRANSFERS))
    leg.transport = draw(st.sampled_from(TRANSPORTS))
    leg.cancelled, leg.partial = draw(st.booleans()), draw(st.booleans())
    return leg


@st.composite
def reports(draw):
    """A phone's report with any figures."""
    report = VoiceReported(draw(TIMES), draw(TEXTS), draw(KEYS))
    for name in ("mos_lq", "mos_cq", "loss", "delay_ms", "jitter_ms"):
        setattr(report, name, draw(st.none() | SMALL))
    return report


@st.composite
def counts(draw):
    """What REGISTERs came to, of any kind."""
    count = RegistersCounted(draw(TIMES), draw(st.sampled_from(ROLES)), draw(TEXTS))
    count.until_ms, count.code = draw(TIMES), draw(SMALL)
    count.failed, count.attempts = sorted((draw(SMALL), draw(SMALL)))
    count.delays = draw(st.sampled_from([b"", b"\0\x1e", b"\0\x82\1\0"]))
    return count


EVENTS = (
    legs()
    | reports()
    | counts()
    | st.builds(StateTold, TIMES, TEXTS, st.sampled_from(TOLD[1:]), SMALL, TEXTS)
    | st.builds(RegistrationChanged, TIMES, st.sampled_from(ROLES), TEXTS, st.booleans())
    | st.builds(GapObserved, TIMES, TIMES, TEXTS, SMALL)
    | st.builds(HealthReported, TIMES, st.dictionaries(TEXTS, SMALL, max_size=5))
)


def fields(event):
    """Everything that goes onto the wire."""
    names = getattr(type(event), "__slots__", ()) or type(event).__annotations__
    return {name: getattr(event, name) for name in names if name != "call_id"}


def trip(events, *, seq0=7):
    """The items of a batch of these events after msgpack."""
    array = wire.encode_batch(3, seq0, wire.CLOCK_SYNCHRONISED, [wire.encode_event(event) for event in events])
    return wire_reader.decode_batch(msgpack.unpackb(msgpack.packb(array)))


@given(st.lists(EVENTS, min_size=1, max_size=6))
def test_every_event_comes_back_as_it_was(events):
    """Encoding, msgpack and decoding lose nothing, of any kind, in order, with consecutive numbers."""
    batch = trip(events)
    assert (3, 7, wire.CLOCK_SYNCHRONISED) == (batch.epoch, batch.seq0, batch.clock)
    assert list(range(7, 7 + len(events))) == [item.seq for item in batch.items]
    for event, item in zip(events, batch.items, strict=True):
        assert (item.error, type(item.event)) == ("", type(event))
        assert fields(item.event) == fields(event)


def test_call_id_stays_at_the_box():
    """The Call-ID itself (it may hold an address) never goes onto the wire, its key does."""
    leg = LegEnded(T0_MS, b"\0\1\2\3\4\5")
    leg.call_id = b"secret@10.77.1.5"
    assert b"secret" not in msgpack.packb(wire.encode_event(leg)[1])
    assert trip([leg]).items[0].event.call_id == b""


def test_plain_leg_is_small():
    """Trailing defaults are left out: an unanswered ring-group leg stays under 60 bytes."""
    leg = LegEnded(T0_MS, b"\0\1\2\3\4\5")
    leg.role, leg.direction, leg.extension, leg.callee = "phone", "in", "101", "101"
    leg.caller = "447700900123"
    leg.ring_ms, leg.end_ms, leg.final_code = T0_MS + 100, T0_MS + 9_000, 487
    assert len(msgpack.packb(wire.encode_event(leg)[1])) < 60


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.text() | st.binary(),
    lambda children: (
        st.lists(children, max_size=6) | st.dictionaries(st.text() | st.integers(0, 9), children, max_size=4)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_any_value_is_survived(value):
    """Whatever msgpack can carry is a batch or a WireError."""
    with contextlib.suppress(wire_reader.WireError):
        wire_reader.decode_batch(value)


@given(st.lists(st.lists(VALUES, max_size=25) | VALUES, max_size=6), st.integers(0, 1 << 53), st.integers(0, 3))
def test_any_event_is_survived(events, t0_ms, clock):
    """In a good envelope every event is itself or carries its error; none hides its neighbours."""
    batch = wire_reader.decode_batch([1, 5, 10, min(t0_ms, (1 << 53) - 1), clock, events])
    assert len(events) == len(batch.items)
    for item in batch.items:
        assert (item.event is None) == bool(item.error)


@given(st.integers(1, 9), st.lists(VALUES, max_size=25))
def test_any_fields_of_any_kind_are_survived(kind, values):
    """A known kind with any fields."""
    [item] = wire_reader.decode_batch([1, 5, 10, T0_MS, 1, [[kind, 0, *values]]]).items
    assert (item.event is None) == bool(item.error)


@given(EVENTS, st.integers(0, 30), st.lists(VALUES, max_size=3))
def test_older_and_newer_writers_are_read(event, length, news):
    """Fields that an older writer left out have their default, those of a newer one are passed over."""
    _, body = wire.encode_event(event)
    [shorter] = wire_reader.decode_batch([1, 5, 10, T0_MS, 1, [[body[0], 0, *body[1 : length + 1]]]]).items
    assert (shorter.event is None) == bool(shorter.error)
    if isinstance(event, (RegistrationChanged, HealthReported)):  # written in full, whatever they hold
        [longer] = wire_reader.decode_batch([1, 5, 10, T0_MS, 1, [[body[0], 0, *body[1:], *news]]]).items
        assert longer.error == ""


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (None, wire_reader.MalformedBatch),
        ([], wire_reader.MalformedBatch),
        ([1, 2, 3], wire_reader.MalformedBatch),
        ([2, 0, 0, 0, 0, []], wire_reader.UnknownVersion),
        ([True, 0, 0, 0, 0, []], wire_reader.UnknownVersion),
        ([1, -1, 0, 0, 0, []], wire_reader.MalformedBatch),
        ([1, 1 << 32, 0, 0, 0, []], wire_reader.MalformedBatch),
        ([1, 0, -1, 0, 0, []], wire_reader.MalformedBatch),
        ([1, 0, "0", 0, 0, []], wire_reader.MalformedBatch),
        ([1, 0, 0, 1.5, 0, []], wire_reader.MalformedBatch),
        ([1, 0, 0, 0, 0, {}], wire_reader.MalformedBatch),
        ([1, 0, 0, 0, 0, [[]] * (wire_reader.MAX_EVENTS + 1)], wire_reader.MalformedBatch),
    ],
)
def test_unusable_envelopes(array, error):
    """A newer version waits for the sink's update; anything else is junk."""
    with pytest.raises(error):
        wire_reader.decode_batch(array)


def test_unknown_kind_is_kept_with_its_number():
    """An event kind of a newer box: no error of its neighbours, raw bytes kept for later."""
    batch = wire_reader.decode_batch([1, 0, 5, T0_MS, 1, [[99, 0, "x"], [wire.KIND_GAP, 0, 10, "restart"]]])
    assert [(5, "unknown kind of event 99"), (6, "")] == [(item.seq, item.error) for item in batch.items]
    assert batch.items[0].raw == [99, 0, "x"]


@given(st.text(max_size=40))
def test_only_box_names_make_topics(name):
    """[a-z0-9-]{1,32}: a name with a slash or a wildcard would leave its own topic."""
    legal = 1 <= len(name) <= 32 and all(character in "abcdefghijklmnopqrstuvwxyz0123456789-" for character in name)
    assert wire.is_box_id(name) is legal
    assert wire.parse_topic(wire.topic(name, "ev")) == ((name, "ev") if legal else None)


@pytest.mark.parametrize(
    "name", ["rt/1/lab", "rt/1/lab/ev/x", "rt/2/lab/ev", "x/1/lab/ev", "rt/1/lab/other", "rt/1/+/ev", ""]
)
def test_foreign_topics(name):
    """Topics that no box of ours writes."""
    assert wire.parse_topic(name) is None


def test_channels():
    """Every channel's topic is read back; the sink's own state is no box's."""
    for channel in wire.CHANNELS:
        assert wire.parse_topic(wire.topic("lab", channel)) == ("lab", channel)
    assert wire.SINK_STATE_TOPIC == "rt/1/sink/state"
