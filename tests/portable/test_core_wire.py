"""The wire, on CPython (pytest) and on MicroPython (runner.py): plain functions, plain asserts."""

from collector.core import wire, wire_reader
from collector.core.events import GapObserved, HealthReported, LegEnded, RegistrationChanged

T0_MS = 1_795_329_550_616  # needs more than a small integer of a 32-bit MicroPython


def through_the_wire(event: object) -> object:
    """The event after one trip in a batch of its own."""
    at_ms, body = wire.encode_event(event)  # type: ignore[arg-type]
    batch = wire_reader.decode_batch(wire.encode_batch(7, 41, wire.CLOCK_SYNCHRONISED, [(at_ms, body)]))
    assert [41] == [item.seq for item in batch.items]
    assert [""] == [item.error for item in batch.items]
    return batch.items[0].event


def test_topic_names_the_box_and_the_channel() -> None:
    """Building a box's topic and parsing it gives the box and the channel back."""
    assert ("lab-1", "ev") == wire.parse_topic(wire.topic("lab-1", "ev"))


def test_foreign_topic_is_none() -> None:
    """A topic that no box writes is not ours, nor is a box name that leaves its own topic."""
    for name in ("homeassistant/sensor/x/state", "rt/1/lab/other", "rt/2/lab/ev", "rt/1/off/a/ev", "rt/1//ev"):
        assert wire.parse_topic(name) is None


def test_leg_keeps_its_times() -> None:
    """Epoch milliseconds survive exactly on a machine whose small integers end at 2**30."""
    leg = LegEnded(T0_MS, b"\x01\x02")
    leg.ring_ms = T0_MS + 180
    leg.answer_ms = T0_MS + 4_200
    leg.end_ms = T0_MS + 65_000
    leg.caller = "447700900123"
    back = through_the_wire(leg)
    assert isinstance(back, LegEnded)
    assert (leg.invite_ms, leg.ring_ms, leg.answer_ms, leg.end_ms, leg.caller) == (
        back.invite_ms,
        back.ring_ms,
        back.answer_ms,
        back.end_ms,
        back.caller,
    )


def test_registration_gap_and_health_come_back() -> None:
    """The small events survive the trip with every field."""
    change = through_the_wire(RegistrationChanged(T0_MS, "phone", "101", True))
    assert isinstance(change, RegistrationChanged)
    assert (T0_MS, "phone", "101", True) == (change.at_ms, change.role, change.extension, change.registered)
    gap = through_the_wire(GapObserved(T0_MS, T0_MS + 900, "frames_lost", 12))
    assert isinstance(gap, GapObserved)
    assert (T0_MS, T0_MS + 900, "frames_lost", 12) == (gap.from_ms, gap.until_ms, gap.reason, gap.count)
    health = through_the_wire(HealthReported(T0_MS, {"frames": 5, "malformed": 1}))
    assert isinstance(health, HealthReported)
    assert {"frames": 5, "malformed": 1} == health.counters


def test_one_bad_event_leaves_its_neighbours() -> None:
    """An event that cannot be read is marked with the reason; the others of its batch are fine."""
    good = [wire.KIND_GAP, 0, 10, "restart", 1]
    batch = wire_reader.decode_batch(
        [wire.SCHEMA_VERSION, 1, 0, T0_MS, 0, [good, "junk", [99, 0], [wire.KIND_LEG, 0, 5], good]]
    )
    assert [False, True, True, True, False] == [bool(item.error) for item in batch.items]


def test_unreadable_batch_says_which_way() -> None:
    """A newer version and no envelope at all are different errors: one waits for an update, the other is junk."""
    for array, error in (
        ([2, 1, 0, 0, 0, []], wire_reader.UnknownVersion),
        ({}, wire_reader.MalformedBatch),
        ([1], wire_reader.MalformedBatch),
    ):
        try:
            wire_reader.decode_batch(array)
            raised = None
        except wire_reader.WireError as problem:
            raised = type(problem)
        assert error is raised
