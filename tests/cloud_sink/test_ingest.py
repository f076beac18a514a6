"""Ingest: bytes from the broker to stored events and acknowledgements, and what happens to everything else."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.ingest import MAX_PAYLOAD, Ingest, decode_message, sink_state
from cloud_sink.quota import Quota
from cloud_sink.store import BatchArrived, Gap, Junk, StateArrived, Store
from collector.core import wire, wire_reader
from collector.core.events import (
    GapObserved,
    HealthReported,
    LegEnded,
    RegistersCounted,
    RegistrationChanged,
    StateTold,
    VoiceReported,
)

T0 = 1_760_000_000_000
EVER = (0, 1 << 52)
BIRTH = {
    "connection": 3, "boot": "b1", "epoch": 9, "first": 1, "last": 0, "clock_ok": True, "version": "0.1.0",
    "tenant": "demo", "office": "another", "online": True,
}  # fmt: skip


def office_of_box(box: str) -> str:
    """The configuration's word: box-1 belongs to the lab, the others to nobody."""
    return "lab" if box == "box-1" else ""


def make_leg(at_ms: int, **facts: object) -> LegEnded:
    """A phone leg of ten seconds."""
    leg = LegEnded(at_ms, b"\x01\x02\x03\x04\x05\x06")
    leg.role, leg.direction, leg.extension, leg.caller = "phone", "in", "101", "442079460999"
    leg.ring_ms, leg.end_ms = at_ms + 100, at_ms + 10_000
    for name, value in facts.items():
        setattr(leg, name, value)
    return leg


def pack(seq0: int, *events: object, epoch: int = 9, clock: int = 1) -> bytes:
    """The bytes of a batch as a box sends them."""
    return bytes(msgpack.packb(wire.encode_batch(epoch, seq0, clock, [wire.encode_event(event) for event in events])))


@pytest.fixture
def store(empty_store: Store) -> Store:
    """An empty store."""
    return empty_store


@pytest.fixture
def ingest(store: Store) -> Ingest:
    """Ingest into the store."""
    return Ingest(store, {"lab": OfficePlan("lab")}, office_of_box)


def test_events_of_a_batch_are_stored_and_acknowledged(ingest: Ingest, store: Store) -> None:
    """A batch of every kind of event is stored under the topic's box and answered with [epoch, seq]."""
    batch = pack(
        1, make_leg(T0), RegistrationChanged(T0 + 5, "phone", "101", True),
        GapObserved(T0 + 6, T0 + 9, "kernel_drops", 2), HealthReported(T0 + 7, {"frames": 3}),
    )  # fmt: skip
    answers = ingest.receive_messages([("rt/1/box-1/ev", batch)], T0)
    assert [("rt/1/box-1/ack", [9, 4])] == [(topic, msgpack.unpackb(payload)) for topic, payload in answers]
    ((leg, _outcome),) = store.legs("lab", *EVER)
    assert ("box-1-00000009-1", "lab", "box-1", "010203040506", T0, T0 + 10_000) == (
        leg.leg_id, leg.office, leg.box, leg.call_key, leg.t_invite, leg.t_end,
    )  # fmt: skip
    assert [2] == [gap.count for gap in store.gaps("lab", *EVER)]
    assert [{"frames": 3}] == [box.health for box in store.boxes("lab")]


def test_states_voices_and_registers_are_stored(ingest: Ingest, store: Store) -> None:
    """Each as the box told it, under its number."""
    voice = VoiceReported(T0 + 2, "101", b"\x01\x02\x03\x04\x05\x06")
    voice.mos_lq, voice.delay_ms = 420, 80
    registers = RegistersCounted(T0 + 3, "trunk", "carrier")
    registers.until_ms, registers.attempts, registers.failed, registers.code = T0 + 60_000, 5, 2, 403
    registers.delays = b"\x00\x1e\x01\x00"
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, StateTold(T0, "101", "messages", 3, ""), voice, registers))], T0)
    assert [Told(T0, "101", "messages", 3, "", 1)] == store.told("lab", *EVER)
    assert [Voice(T0 + 2, "101", "010203040506", 420, delay_ms=80, seq=2)] == store.voices("lab", *EVER)
    assert [Registers(T0 + 3, T0 + 60_000, "trunk", "carrier", 5, 2, 403, (30, 256), 3)] == store.registers(
        "lab", *EVER
    )
    assert [] == store.quarantine()


def test_numbers_that_no_database_holds_are_junk(ingest: Ingest, store: Store) -> None:
    """An event beyond all bounds goes into quarantine, the one beside it is stored."""
    told = StateTold(T0, "101", "messages", 1 << 40, "")
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, told, StateTold(T0, "101", "dnd_on", 0, "")))], T0)
    assert ["dnd_on"] == [each.state for each in store.told("lab", *EVER)]
    assert ["a number of the event is out of range"] == [junk.reason for junk in store.quarantine()]


def test_update_that_a_board_did_not_take_is_logged(ingest: Ingest, caplog: pytest.LogCaptureFixture) -> None:
    """Its birth message says why; however long and odd that is, the birth counts."""
    birth = {**BIRTH, "update": "the update in copy b never reached the sink\n" + "x" * 500}
    answers = ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0)
    assert [("rt/1/box-1/ack", [9, 0])] == [(topic, msgpack.unpackb(payload)) for topic, payload in answers]
    assert "box box-1 did not take an update: 'the update in copy b never reached the sink\\nx" in caplog.text


def test_birth_under_another_epoch_is_told_the_newest_event_before_it(ingest: Ingest) -> None:
    """A board that lost its power learns so since when nothing of it came; an older one overlooks the third number."""
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, StateTold(T0, "101", "messages", 3, "")))], T0)
    birth = {**BIRTH, "epoch": 10}
    answers = ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0 + 60_000)
    assert [("rt/1/box-1/ack", [10, 0, T0])] == [(topic, msgpack.unpackb(payload)) for topic, payload in answers]


def test_one_acknowledgement_for_many_batches(ingest: Ingest) -> None:
    """Messages handled together are answered once."""
    messages = [("rt/1/box-1/ev", pack(n, make_leg(T0 + n * 1000))) for n in range(1, 6)]
    answers = ingest.receive_messages(messages, T0)
    assert [[9, 5]] == [msgpack.unpackb(payload) for _, payload in answers]


def test_birth_is_answered(ingest: Ingest, store: Store) -> None:
    """A birth gets the acknowledgement of its epoch, so that a box learns at once where the sink stands."""
    answers = ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(BIRTH))], T0)
    assert [("rt/1/box-1/ack", [9, 0])] == [(topic, msgpack.unpackb(payload)) for topic, payload in answers]
    (box,) = store.boxes("lab")
    assert (True, True, "0.1.0", 9) == (box.online, box.clock_ok, box.version, box.epoch)


def test_a_database_restored_from_a_backup_asks_the_box_for_what_it_lost(ingest: Ingest) -> None:
    """It knows 1 and 2, the box would go on with 10 and still has 2 to 9: a command asks for them, once."""
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, make_leg(T0), make_leg(T0 + 1)))], T0)
    birth = {**BIRTH, "first": 10, "last": 12, "kept": 2}
    answers = ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0)
    assert [("rt/1/box-1/ack", [9, 2]), ("rt/1/box-1/cmd", ["replay-from", 9, 3])] == [
        (topic, msgpack.unpackb(payload)) for topic, payload in answers
    ]
    answers = ingest.receive_messages([("rt/1/box-1/state", msgpack.packb({**birth, "first": 3}))], T0)
    assert ["rt/1/box-1/ack"] == [topic for topic, _ in answers]


def test_what_a_box_has_no_more_is_not_waited_for(ingest: Ingest) -> None:
    """It dropped what is older: the acknowledgement goes on from what it still has."""
    birth = {**BIRTH, "first": 10, "last": 12, "kept": 10}
    answers = ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0)
    assert [[9, 9]] == [msgpack.unpackb(payload) for _, payload in answers]


def test_what_a_box_and_a_restored_database_both_have_no_more_is_a_gap(ingest: Ingest, store: Store) -> None:
    """Known are 1 and 2, kept is from 7 on: 3 to 6 are gone, from the last event known to the first that is kept."""
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, make_leg(T0), make_leg(T0 + 1)))], T0)
    (_, last) = store.observed_span("lab") or (0, 0)
    birth = {**BIRTH, "first": 10, "last": 12, "kept": 7, "kept_ms": last + 60_000}
    for _ in range(2):
        ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0 + 3_600_000)
    assert [Gap("box-1", last, last + 60_000, "events_gone", 4, 3)] == store.gaps("lab", *EVER)


@pytest.mark.parametrize("reason", ["spool_full", "spool_aged"])
def test_what_a_box_dropped_is_counted_once(ingest: Ingest, store: Store, reason: str) -> None:
    """Its spool ran over: its birth shows that numbers are missing, its own gap event says which time that was."""
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, make_leg(T0)))], T0)
    (_, last) = store.observed_span("lab") or (0, 0)
    birth = {**BIRTH, "first": 5, "last": 6, "kept": 5, "kept_ms": last + 60_000}
    ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0 + 3_600_000)
    assert [3] == [gap.count for gap in store.gaps("lab", *EVER)]
    told = pack(5, GapObserved(last + 1_000, last + 50_000, reason, 3))
    for _ in range(2):
        ingest.receive_messages([("rt/1/box-1/ev", told)], T0 + 3_600_000)
    assert {"events_gone": 0, reason: 3} == {gap.reason: gap.count for gap in store.gaps("lab", *EVER)}


def test_a_box_that_is_new_here_lost_nothing(ingest: Ingest, store: Store) -> None:
    """An empty database does not know what was before: it was not watched."""
    birth = {**BIRTH, "first": 5, "last": 6, "kept": 5, "kept_ms": T0}
    ingest.receive_messages([("rt/1/box-1/state", msgpack.packb(birth))], T0)
    assert [] == store.gaps("lab", *EVER)


def test_payload_cannot_choose_its_office(ingest: Ingest, store: Store) -> None:
    """A box that claims an office in its birth stays nobody's until the configuration lists it."""
    birth = msgpack.packb({**BIRTH, "office": "lab"})
    messages = [("rt/1/stranger/state", birth), ("rt/1/stranger/ev", pack(1, make_leg(T0)))]
    assert [] == ingest.receive_messages(messages, T0)
    assert ([], ["stranger"]) == (store.legs("lab", *EVER), [box.box for box in store.boxes("")])


def test_unknown_kind_goes_to_quarantine_and_is_acknowledged(ingest: Ingest, store: Store) -> None:
    """An event of a kind this sink does not know is kept as it came; its neighbours are stored."""
    array = wire.encode_batch(9, 1, 1, [wire.encode_event(make_leg(T0)), (T0, [99, "new"])])
    answers = ingest.receive_messages([("rt/1/box-1/ev", msgpack.packb(array))], T0)
    assert [9, 2] == msgpack.unpackb(answers[0][1])
    assert 1 == len(store.legs("lab", *EVER))
    (junk,) = store.quarantine()
    assert ("unknown kind of event 99", [1, 9, 2, T0, 1, [[99, 0, "new"]]]) == (
        junk.reason,
        msgpack.unpackb(junk.payload),
    )


def test_quarantine_is_tried_again_when_the_sink_understands_more(ingest: Ingest, store: Store) -> None:
    """What a newer sink can read is stored once and leaves the quarantine; the rest stays."""
    readable = msgpack.packb(wire.encode_batch(9, 2, 1, [wire.encode_event(make_leg(T0))]))
    junk = [Junk("rt/1/box-1/ev", "unknown kind of event 77", readable), Junk("rt/1/box-1/ev", "not MessagePack", b"x")]
    ingest.receive_messages([("rt/1/box-1/ev", pack(1, make_leg(T0 - 90_000), make_leg(T0 + 90_000)))], T0)
    store.ingest(junk, {}, T0)
    assert 1 == ingest.receive_again(store.quarantine(), T0)
    assert [T0 - 90_000, T0, T0 + 90_000] == [leg.t_invite for leg, _ in store.legs("lab", *EVER)]
    assert [b"x"] == [row.payload for row in store.quarantine()]
    assert 0 == ingest.receive_again(store.quarantine(), T0)


def test_a_box_that_brings_too_much_is_not_acknowledged_before_tomorrow(store: Store) -> None:
    """It cannot fill the disk; other boxes are served; an honest box keeps what is left in its spool."""
    ingest = Ingest(store, {"lab": OfficePlan("lab")}, lambda _box: "lab", Quota(events_a_day=3))
    two = pack(1, make_leg(T0), make_leg(T0 + 1)), pack(3, make_leg(T0 + 2), make_leg(T0 + 3))
    assert 1 == len(ingest.receive_messages([("rt/1/box-1/ev", two[0])], T0))
    assert [] == ingest.receive_messages([("rt/1/box-1/ev", two[1])], T0)
    other_calls = pack(1, make_leg(T0 + 3_600_000), make_leg(T0 + 3_600_001))
    assert 1 == len(ingest.receive_messages([("rt/1/box-2/ev", other_calls)], T0))
    assert 1 == len(ingest.receive_messages([("rt/1/box-1/ev", two[1])], T0 + 24 * 3_600_000))
    assert 6 == len(store.legs("lab", *EVER))


def test_newer_version_is_kept_but_not_acknowledged(ingest: Ingest, store: Store) -> None:
    """A batch of a newer schema stays in its box's spool until the sink is updated."""
    payload = msgpack.packb([2, 9, 1, T0, 1, [], "more"])
    assert [] == ingest.receive_messages([("rt/1/box-1/ev", payload)], T0)
    assert ["schema version 2, this sink reads 1"] == [junk.reason for junk in store.quarantine()]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"end_ms": T0 - 1}, "it ends before it begins"),
        ({"end_ms": T0 + 8 * 24 * 3600 * 1000}, "the leg lasts longer than a week"),
        ({"hold_ms": 1 << 31}, "a number of the event is out of range"),
        ({"holds": -1}, "a number of the event is out of range"),
        ({"caller": "44\x002079"}, "a text holds a zero character"),
        ({"invite_ms": -1, "ring_ms": None, "end_ms": None}, "its time is before 1970 or after 2100"),
    ],
)
def test_impossible_legs_go_to_quarantine(ingest: Ingest, store: Store, facts: dict[str, object], reason: str) -> None:
    """A leg that cannot be is no leg; its number counts as arrived."""
    answers = ingest.receive_messages([("rt/1/box-1/ev", pack(1, make_leg(T0, **facts)))], T0)
    assert [9, 1] == msgpack.unpackb(answers[0][1])
    assert ([], [reason]) == (store.legs("lab", *EVER), [junk.reason for junk in store.quarantine()])


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("rt/1/BOX/ev", b"x", "not a topic of a box"),
        ("rt/1/box-1/ack", b"x", "not a topic of a box"),
        ("rt/1/box-1/ev", b"\xc1", "not MessagePack: "),
        ("rt/1/box-1/ev", b"\x93\x01", "not MessagePack: "),
        ("rt/1/box-1/ev", b"\x91" * 2000 + b"\x01", "not MessagePack: "),
        ("rt/1/box-1/ev", b"x" * (MAX_PAYLOAD + 1), "longer than 65536 bytes"),
        ("rt/1/box-1/ev", msgpack.packb({}), "not an array of six"),
        ("rt/1/box-1/state", msgpack.packb([]), "state is not a map"),
        ("rt/1/box-1/state", msgpack.packb({"connection": 1}), "state does not say whether it is online"),
        ("rt/1/box-1/state", msgpack.packb({**BIRTH, "epoch": -1}), "state: epoch is not a number in range"),
        ("rt/1/box-1/state", msgpack.packb({**BIRTH, "version": 3}), "state: version is not a short text"),
    ],
)
def test_junk_is_quarantined_with_its_reason(topic: str, payload: bytes, reason: str) -> None:
    """Whatever a topic or payload can be wrong about has a reason of its own."""
    junk = decode_message(topic, payload, office_of_box, T0)
    assert isinstance(junk, Junk)
    assert junk.reason.startswith(reason)


def test_retained_message_taken_back_says_nothing() -> None:
    """An empty payload clears a retained state: no news, no junk."""
    assert decode_message("rt/1/box-1/state", b"", office_of_box, T0) is None


def test_the_sinks_own_state_is_no_boxs() -> None:
    """What the sink says of itself comes back through its own subscription and is no news."""
    assert decode_message("rt/1/sink/state", sink_state(online=True), office_of_box, T0) is None


def test_one_that_cannot_be_stored_does_not_stop_the_line(
    ingest: Ingest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that the database refuses is quarantined and not acknowledged; those beside it are stored."""
    monkeypatch.setattr("cloud_sink.ingest.MAX_SMALL", 1 << 80)  # let a number through that no column holds
    monkeypatch.setattr(wire_reader, "MAX_INTEGER", 1 << 80)
    refused = msgpack.unpackb(pack(2, make_leg(T0, hold_ms=77_777)))
    refused[5][0] = [(1 << 64) - 1 if value == 77_777 else value for value in refused[5][0]]
    messages = [("rt/1/box-1/ev", pack(1, make_leg(T0))), ("rt/1/box-1/ev", bytes(msgpack.packb(refused)))]
    assert [[9, 1]] == [msgpack.unpackb(payload) for _, payload in ingest.receive_messages(messages, T0)]
    assert [1] == [leg.seq for leg, _ in store.legs("lab", *EVER)]
    assert ["cannot be stored"] == [junk.reason.split(":")[0] for junk in store.quarantine()]


@given(st.sampled_from(["ev", "state"]), st.binary(max_size=200))
def test_any_bytes_at_all(channel: str, payload: bytes) -> None:
    """No bytes raise: they are a batch, a state, junk or nothing."""
    arrival = decode_message(f"rt/1/box-1/{channel}", payload, office_of_box, T0)
    assert arrival is None or isinstance(arrival, BatchArrived | StateArrived | Junk)


JUNK_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(JUNK_VALUES, max_size=8), st.integers(0, 3))
def test_any_values_in_the_envelope(events: list[object], kind: int) -> None:
    """Any values in the places of events raise nothing, and every sequence number counts as arrived."""
    rows = [[kind, 0, *event] if isinstance(event, list) else event for event in events]
    payload = msgpack.packb([1, 9, 5, T0, 1, rows])
    arrival = decode_message("rt/1/box-1/ev", bytes(payload), office_of_box, T0)
    if events:
        assert isinstance(arrival, BatchArrived)
        assert (5, 4 + len(events)) == (arrival.first, arrival.last)


def test_sink_state() -> None:
    """The sink's own state is a map with one word."""
    assert {"online": False} == msgpack.unpackb(sink_state(online=False))
