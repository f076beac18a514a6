"""The store through its front door, on SQLite and on a real PostgreSQL: what goes in once, comes out once."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import Contact, Leg, OfficePlan, QueueVisit, Stitched
from cloud_sink.errors import StoreUnusable
from cloud_sink.store import Acknowledgement, BatchArrived, Gap, Health, Junk, Registration, StateArrived, Store, tables
from cloud_sink.store.ranges import MAX_RANGES
from cloud_sink.store.rows import leg_id
from cloud_sink.store.writing import HEALTH_HISTORY_MS

T0 = 1_760_000_000_000
PLANS = {"lab": OfficePlan("lab")}
EVER = (0, 1 << 52)


def make_leg(
    seq: int, at_s: float, *, role: str = "phone", office: str = "lab", epoch: int = 7, **facts: object
) -> Leg:
    """A leg of box "box" that begins `at_s` seconds after T0 and lasts ten seconds unless told otherwise."""
    start = T0 + round(at_s * 1000)
    extension, callee = ("101", "101") if role == "phone" else ("", "442079460400")
    leg = Leg(
        leg_id("box", epoch, seq), office, "box", epoch, seq, "0a1b2c3d4e5f", role, "in", extension, "442079460999",
        callee, start, start + 200, None, start + 10_000,
    )  # fmt: skip
    return replace(leg, **facts)


def make_batch(first: int, *legs: Leg, last: int | None = None, epoch: int = 7, **more: object) -> BatchArrived:
    """A batch of box "box" that carries `first` to `last` (by default one number for each leg)."""
    last = first + len(legs) - 1 if last is None else last
    batch = BatchArrived("box", "lab", epoch, first, last, 1, T0, legs=list(legs))
    return replace(batch, **more)


def make_birth(**facts: object) -> StateArrived:
    """A box's birth: connection 1, epoch 7, nothing dropped from its spool."""
    birth = StateArrived("box", "lab", T0, 1, True, 7, 1, True, "0.1.0", "demo", "boot-1")
    return replace(birth, **facts)


def ingest(store: Store, *arrivals: object) -> list[Acknowledgement]:
    """Ingest arrivals in one transaction."""
    return store.ingest(arrivals, PLANS, T0)


def stored(store: Store) -> list[int]:
    """Sequence numbers of the legs stored, in order of time."""
    return [leg.seq for leg, _ in store.legs("lab", *EVER)]


def test_leg_comes_back_as_it_was(store: Store) -> None:
    """Every field of a leg survives the store."""
    leg = make_leg(
        1, 0, t_ring=None, t_answer=T0 + 3000, final_code=200, cancelled=True, ended_by="caller", reason_sip=200,
        reason_q850=0, hold_ms=1500, holds=2, transfer="blind", refer_to="102", replaces_key="00ff", connected="103",
        diverted_by="104", session_key="a1", digits="5#", transport="tcp", retransmissions=3, bye_response_ms=12,
        partial=True, caller="Zoë ☎",
    )  # fmt: skip
    assert [Acknowledgement("box", 7, 1)] == ingest(store, make_batch(1, leg))
    assert [leg] == [stored_leg for stored_leg, _ in store.legs("lab", *EVER)]


def test_same_batch_twice_is_stored_once(store: Store) -> None:
    """A batch sent again changes nothing and is acknowledged again."""
    batch = make_batch(1, make_leg(1, 0), make_leg(2, 100))
    assert ingest(store, batch) == ingest(store, batch, batch)
    assert [1, 2] == stored(store)


def test_same_event_with_a_corrected_clock_is_stored_once(store: Store) -> None:
    """What identifies an event is box, epoch and seq: a later copy with another wall time is no other leg."""
    ingest(store, make_batch(2, make_leg(2, 0)))
    ingest(store, make_batch(1, make_leg(1, 50), make_leg(2, 55)))
    assert [2, 1] == stored(store)


def test_acknowledgement_stops_at_the_first_hole(store: Store) -> None:
    """Only what is contiguous from 1 is acknowledged; filling the hole releases the rest."""
    assert [Acknowledgement("box", 7, 1)] == ingest(store, make_batch(1, make_leg(1, 0)))
    assert [Acknowledgement("box", 7, 1)] == ingest(store, make_batch(3, make_leg(3, 200)))
    assert [Acknowledgement("box", 7, 3)] == ingest(store, make_batch(2, make_leg(2, 100)))


def test_birth_raises_the_floor(store: Store) -> None:
    """What a box dropped from its spool will never come: its birth's `first` closes that hole."""
    assert [Acknowledgement("box", 7, 0)] == ingest(store, make_batch(57, make_leg(57, 0)))
    assert [Acknowledgement("box", 7, 57)] == ingest(store, make_birth(first=57))


def test_box_that_counts_anew_is_told_what_its_newest_event_was(store: Store) -> None:
    """By that it knows since when nothing of it has come; one that only connects again needs no such word."""
    assert [Acknowledgement("box", 7, 0)] == ingest(store, make_birth())
    ingest(store, make_batch(1, make_leg(1, 0)))
    newest = store.boxes("lab")[0].last_event_ms
    assert [Acknowledgement("box", 7, 1)] == ingest(store, make_birth(connection=2))
    again = ingest(store, make_birth(connection=3, epoch=8), make_batch(1, make_leg(1, 90_000, epoch=8), epoch=8))
    assert [Acknowledgement("box", 8, 1, newest_ms=newest)] == again


def test_epochs_count_apart(store: Store) -> None:
    """A new spool is a new epoch: its numbers start again and collide with nothing."""
    ingest(store, make_batch(1, make_leg(1, 0)))
    answers = ingest(store, make_batch(1, make_leg(1, 0, epoch=8), epoch=8), make_birth(epoch=8))
    assert [("box", 8, 1)] == [(answer.box, answer.epoch, answer.seq) for answer in answers]
    assert 2 == len(stored(store))
    assert [(8, 1)] == [(box.epoch, box.acked) for box in store.boxes("lab")]


def test_too_many_holes_are_refused(store: Store) -> None:
    """Sequence numbers that no box of ours would send are not stored and not acknowledged."""
    batches = [make_batch(2 * n, last=2 * n) for n in range(1, MAX_RANGES + 2)]
    ingest(store, *batches)
    assert 1 == store.quarantined()
    assert "holes" in store.quarantine()[0].reason


def test_nobodys_box_is_neither_stored_nor_acknowledged(store: Store) -> None:
    """A box that no office lists is shown; its events wait in its spool until it is assigned."""
    assert [] == ingest(store, make_birth(office=""), make_batch(1, make_leg(1, 0, office=""), office=""))
    assert ([], ["box"]) == (store.offices(), [box.box for box in store.boxes("")])
    assert [Acknowledgement("box", 7, 1)] == ingest(store, make_batch(1, make_leg(1, 0)))
    assert (["lab"], [1]) == (store.offices(), stored(store))


def test_states_gaps_and_health(store: Store) -> None:
    """Registrations, gaps and health of a batch are stored once and move the observed span."""
    batch = make_batch(
        1, last=4,
        registrations=[Registration(1, T0, "phone", "101", True)],
        gaps=[Gap("box", T0 + 1000, T0 + 5000, "kernel_drops", 17, 2)],
        health=[Health(3, T0 + 60_000, {"frames": 5}), Health(4, T0 + 120_000, {"frames": 9})],
    )  # fmt: skip
    ingest(store, batch, batch)
    assert [Gap("box", T0 + 1000, T0 + 5000, "kernel_drops", 17, 2)] == store.gaps("lab", *EVER)
    assert [] == store.gaps("lab", T0 + 5001, EVER[1])
    assert (T0, T0 + 120_000) == store.observed_span("lab")
    assert [(T0 + 120_000, {"frames": 9})] == [(box.health_ms, box.health) for box in store.boxes("lab")]


def test_registrations_of_a_time_and_how_it_began(store: Store) -> None:
    """Changes within it, and of each phone the last one before; the trunk's own registration is no phone's."""
    changes = [
        Registration(1, T0 - 2000, "phone", "101", False),
        Registration(2, T0 - 1000, "phone", "101", True),
        Registration(3, T0 - 1000, "trunk", "carrier", True),
        Registration(4, T0 - 500, "phone", "102", True),
        Registration(5, T0 + 500, "phone", "101", False),
        Registration(6, T0 + 5000, "phone", "102", False),
    ]
    ingest(store, make_batch(1, last=6, registrations=changes))
    assert [changes[1], changes[3], changes[4]] == store.registrations("lab", T0, T0 + 1000)


def test_what_was_told_in_a_time_and_how_it_began(store: Store) -> None:
    """Changes within it, and of each state the last time before it was told."""
    told = [
        Told(T0 - 2000, "101", "dnd_on", seq=1),
        Told(T0 - 1500, "101", "dnd_on", seq=2),
        Told(T0 - 1000, "101", "not_ready", reason="lunch", seq=3),
        Told(T0 + 500, "102", "messages", 3, seq=4),
        Told(T0 + 5000, "101", "dnd_off", seq=5),
    ]
    batch = make_batch(1, last=5, told=told)
    ingest(store, batch, batch)
    assert told[1:4] == store.told("lab", T0, T0 + 1000)
    assert (T0 - 2000, T0 + 5000) == store.observed_span("lab")


def test_phones_reports_and_registers_of_a_time(store: Store) -> None:
    """What was not said stays unsaid, delays keep their order."""
    voices = [Voice(T0, "101", "0a1b2c3d4e5f", 420, None, 525, 200, 2, 1), Voice(T0 + 9, "102", "", None, 410, seq=2)]
    registers = [Registers(T0, T0 + 90_000, "phone", "101", 3, 1, 403, (130, 65_535), 3)]
    ingest(store, make_batch(1, last=3, voices=voices, registers=registers))
    assert voices == store.voices("lab", T0, T0 + 10)
    assert voices[:1] == store.voices("lab", T0, T0 + 9)
    assert registers == store.registers("lab", T0, T0 + 1)
    assert [] == store.registers("lab", T0 + 1, EVER[1])


def test_registrations_of_the_trunk(store: Store) -> None:
    """The PBX at its carrier, without the phones."""
    changes = [Registration(1, T0, "phone", "101", True), Registration(2, T0 + 5, "trunk", "carrier", False)]
    ingest(store, make_batch(1, last=2, registrations=changes))
    assert changes[1:] == store.trunk_registrations("lab", *EVER)


def test_health_history_is_bounded(store: Store) -> None:
    """Health reports are kept for two weeks."""
    ingest(store, make_batch(1, last=1, health=[Health(1, T0, {})]))
    later_ms = T0 + HEALTH_HISTORY_MS + 1
    ingest(store, make_batch(2, last=2, received_ms=later_ms, health=[Health(2, later_ms, {})]))
    with store._engine.connect() as connection:
        assert [later_ms] == list(connection.execute(select(tables.health.c["at"])).scalars())


def test_stale_death_is_ignored(store: Store) -> None:
    """The last will of an earlier connection does not put a box offline that has come back."""
    ingest(store, make_birth(connection=1), make_birth(connection=2), make_birth(connection=1, online=False))
    assert [True] == [box.online for box in store.boxes("lab")]
    ingest(store, make_birth(connection=2, online=False))
    assert [False] == [box.online for box in store.boxes("lab")]


def test_nothing_seen_yet(store: Store) -> None:
    """An empty store answers every question with nothing."""
    assert ([], None, [], [], 0) == (
        store.offices(),
        store.observed_span("lab"),
        store.contacts("lab", *EVER),
        store.boxes(),
        store.quarantined(),
    )


def test_late_leg_joins_its_contact(store: Store) -> None:
    """A leg that arrives later stitches its island again: the contact is the same whatever the order of arrival."""
    trunk = make_leg(1, 0, role="trunk", t_answer=T0 + 500, t_end=T0 + 60_000)
    phone = make_leg(2, 2, t_answer=T0 + 5000, t_end=T0 + 60_000, final_code=200)
    other = make_leg(3, 7200, role="trunk")
    ingest(store, make_batch(2, phone, other))
    before = store.contacts("lab", T0 + 3_600_000, EVER[1])
    ingest(store, make_batch(1, trunk))
    contacts = store.contacts("lab", T0, T0 + 3_600_000)
    assert [(trunk.leg_id, phone.leg_id)] == [contact.legs for contact in contacts]
    assert ["101"] == [contact.agent for contact in contacts]
    assert before == store.contacts("lab", T0 + 3_600_000, EVER[1])
    assert [trunk, phone] == [leg for leg, _ in store.legs_of("lab", contacts[0].contact_id)]
    assert [(phone, "answered")] == store.phone_legs("lab", *EVER)


def test_contact_comes_back_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field of a contact survives the store, its further queues too."""
    leg = make_leg(1, 0)
    visit = QueueVisit("sales", T0 + 1, None, T0 + 9, "abandoned", "", 8, 0, short=True)
    contact = Contact(
        leg.leg_id, "lab", "support", "442079460400", "in", "442079460999", T0, T0 + 1, T0 + 2, T0 + 3, T0 + 4,
        "answered", "101", "102", 5, "caller", 6, 7, 8, 9, 10, True, "ambiguous", "T2", "agent", "queue",
        (leg.leg_id,), (visit, replace(visit, t_agent_answer=T0 + 2)),
    )  # fmt: skip

    def stitch_island(_legs: object, _plan: object, _sees_trunk: object, stitched: Stitched) -> None:
        stitched.contacts.append(contact)
        stitched.outcomes[leg.leg_id] = "answered"
        stitched.contact_of[leg.leg_id] = leg.leg_id

    monkeypatch.setattr("cloud_sink.store.restitch.stitch_island", stitch_island)
    ingest(store, make_batch(1, leg))
    assert [contact] == store.contacts("lab", *EVER)


def test_contacts_of_a_period(store: Store) -> None:
    """A period holds its first millisecond and not its last: neighbouring periods share nothing."""
    ingest(store, make_batch(1, make_leg(1, 0, role="trunk"), make_leg(2, 3600, role="trunk")))
    hour = T0 + 3_600_000
    assert [[T0], [hour]] == [
        [contact.t_offer for contact in store.contacts("lab", *period)] for period in ((T0, hour), (hour, hour + 1))
    ]


def test_rebuild_gives_what_ingest_gave(store: Store) -> None:
    """Stitching everything again changes nothing while the plan is the same, and reports its progress."""
    legs = [make_leg(n, n * 17.0, role="trunk" if n % 2 else "phone") for n in range(1, 60)]
    legs += [make_leg(n, n * 300.0, role="trunk") for n in range(60, 120)]
    ingest(store, make_batch(1, *legs))
    before, seen = store.contacts("lab", *EVER), []
    assert len(before) == store.rebuild(PLANS["lab"], lambda done, total: seen.append((done, total)))
    assert before == store.contacts("lab", *EVER)
    assert (119, 119) == seen[-1]


def test_quarantine_counts_the_same_junk_up(store: Store) -> None:
    """The same junk again is one row that counts; other junk is another."""
    ingest(store, Junk("rt/1/box/ev", "no array", b"1"), Junk("rt/1/box/ev", "no array", b"1"))
    ingest(store, Junk("rt/1/box/ev", "no array", b"2"), Junk("a\0b", "\0", b"\0"))
    assert {(b"1", 2), (b"2", 1), (b"\0", 1)} == {(junk.payload, junk.times) for junk in store.quarantine()}


@pytest.fixture
def _small_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with room for a hundredth of the rows: filling the real one takes ten thousand."""
    monkeypatch.setattr("cloud_sink.store.junk.MAX_ROWS", 100)
    monkeypatch.setattr("cloud_sink.store.junk.MAX_ROWS_OF_TOPIC", 10)


@pytest.mark.usefixtures("_small_quarantine")
def test_quarantine_is_bounded(store: Store) -> None:
    """Junk that never repeats fills the quarantine to its bound and no further."""
    store.ingest([Junk(f"t{n % 10}", "r", b"%d" % n) for n in range(100)], PLANS, T0)
    assert 100 == store.quarantined()
    store.ingest([Junk("another", "r", b"newest")], PLANS, T0 + 1)
    assert 100 == store.quarantined()
    assert b"newest" == store.quarantine(1)[0].payload


@pytest.mark.usefixtures("_small_quarantine")
def test_one_box_cannot_push_the_junk_of_others_out(store: Store) -> None:
    """Each topic has a bound of its own."""
    store.ingest([Junk("quiet", "r", b"kept")], PLANS, T0)
    store.ingest([Junk("loud", "r", b"%d" % n) for n in range(60)], PLANS, T0 + 1)
    assert 10 + 1 == store.quarantined()


def test_a_failing_transaction_leaves_nothing(store: Store) -> None:
    """Either all of a transaction is there or nothing of it."""
    impossible = make_leg(2, 0, final_code=object())
    with pytest.raises(DBAPIError):
        ingest(store, make_batch(1, make_leg(1, 0), impossible))
    assert [] == stored(store)
    assert [Acknowledgement("box", 7, 1)] == ingest(store, make_batch(1, make_leg(1, 0)))


def test_migrated_schema_is_the_one_in_tables(store: Store) -> None:
    """The migrations end where `tables` is, and migrating again does nothing."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    store.migrate()
    store.check_schema()
    with store._engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), tables.metadata)


def test_every_key_of_an_office_table_contains_the_office() -> None:
    """Sharding by office stays possible: primary keys and unique indexes of offices' tables begin with it."""
    about_boxes = {"boxes", "received", "quarantine"}
    about_people = {"users", "user_offices", "sessions", "tokens", "audit"}
    for table in tables.metadata.sorted_tables:
        if table.name not in about_boxes | about_people:
            assert "office_id" == next(iter(table.primary_key.columns)).name
            assert not [index for index in table.indexes if index.unique]


def test_sqlite_survives_a_power_cut(tmp_path: Path) -> None:
    """SQLite runs with a write-ahead log and full synchronisation: a committed batch is on the disk."""
    store = Store.open(f"sqlite:///{tmp_path / 'sink.db'}")
    with store._engine.connect() as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert ["wal", 2] == modes


def test_legs_are_one_tree(tmp_path: Path) -> None:
    """The legs' table has no index beside its primary key."""
    url = f"sqlite:///{tmp_path / 'sink.db'}"
    Store.open(url).migrate()
    assert [] == inspect(create_engine(url)).get_indexes("legs")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nonsense", "not an address this sink understands"),
        ("oracel://x", "not an address this sink understands"),
        ("mysql://u:secret@h/d", "needs the Python package MySQLdb"),
        ("sqlite:////nowhere/at/all/sink.db", "unable to open database file"),
        ("sqlite:////etc/passwd", "not a database"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/d", "connection failed"),
    ],
)
def test_unusable_databases_are_named(url: str, complaint: str) -> None:
    """A database that cannot be used is one line with its address and the reason, never its password."""
    with pytest.raises(StoreUnusable, match=complaint) as caught:
        Store.open(url).migrate()
    assert str(caught.value).startswith('database "')
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_database_of_a_newer_program(tmp_path: Path) -> None:
    """A schema that this program does not know is not touched; one that lacks its tables is named with the remedy."""
    url = f"sqlite:///{tmp_path / 'sink.db'}"
    with pytest.raises(StoreUnusable, match=r"has schema none, this program needs \w+: run `ringtap-sink migrate"):
        Store.open(url).check_schema()
    Store.open(url).migrate()
    with create_engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnusable, match="made by a newer ringtap"):
        Store.open(url).migrate()


def test_message_in_a_mailbox_makes_the_call_before_voicemail(store: Store) -> None:
    """It comes after the call, alone; the contact is made again, and a rebuild says the same."""
    words = [Told(T0 - 60_000, "101", "messages", 2, seq=1), Told(T0 + 40_000, "101", "messages", 3, seq=3)]
    ingest(store, make_batch(1, last=1, told=words[:1]))
    ingest(store, make_batch(2, make_leg(2, 0, final_code=487, cancelled=True)))
    assert ["unknown"] == [contact.disposition for contact in store.contacts("lab", *EVER)]
    ingest(store, make_batch(3, last=3, told=words[1:]))
    assert ["voicemail"] == [contact.disposition for contact in store.contacts("lab", *EVER)]
    store.rebuild(PLANS["lab"], lambda _done, _total: None)
    assert ["voicemail"] == [contact.disposition for contact in store.contacts("lab", *EVER)]


def test_message_that_came_before_its_call_was_told(store: Store) -> None:
    """Events of two boxes arrive in any order: the same contact."""
    words = [Told(T0 - 60_000, "101", "messages", 2, seq=1), Told(T0 + 40_000, "101", "messages", 3, seq=2)]
    ingest(store, make_batch(1, last=2, told=words))
    ingest(store, make_batch(3, make_leg(3, 0, final_code=487, cancelled=True)))
    assert ["voicemail"] == [contact.disposition for contact in store.contacts("lab", *EVER)]
