from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.kpi.queue_words import QueueWord
from cloud_sink.store import BatchArrived, ImportCounts, ImportedRow, ImportOrigin, Store
from cloud_sink.store.logged import AGENT_KEY, QUEUE_LOG

PLAN = OfficePlan("lab")
START = 1_780_304_400_000
NOW = START + 86_400_000 * 3
ORIGIN = ImportOrigin(NOW, "queue_log", "test")


def ring(seq: int, at_s: float, answer_s: float | None = None, end_s: float = 40) -> Leg:
    """A hosted PBX's call to 101."""
    times = [None if each is None else START + round(each * 1000) for each in (at_s, answer_s, end_s)]
    return Leg(
        leg_id=f"box-00000001-{seq}", office="lab", box="box", epoch=1, seq=seq, call_key=f"{seq:02x}", role="phone",
        direction="in", extension="101", caller="447700900123", callee="101", t_invite=times[0] or 0, t_ring=times[0],
        t_answer=times[1], t_end=times[2], final_code=200 if answer_s else 487, cancelled=answer_s is None,
        ended_by="caller",
    )  # fmt: skip


def arrive(store: Store, *legs: Leg) -> None:
    """What the box sends."""
    for leg in legs:
        batch = BatchArrived("box", "lab", 1, leg.seq, leg.seq, 1, NOW, legs=[leg])
        store.ingest([batch], {"lab": PLAN}, NOW)


def visit(call: str, enter_s: int, answer_s: int | None = None, end_s: int = 40) -> ImportedRow:
    """A row of a queue log: support, answered by 101 or left."""
    enter, answer, end = (None if each is None else START + each * 1000 for each in (enter_s, answer_s, end_s))
    values = {
        "queue": "support", "did": "", "agent": "101" if answer else "", "t_answer": answer, "t_end": end,
        "disposition": "answered" if answer else "abandoned", "ended_by": "caller",
    }  # fmt: skip
    return ImportedRow(enter or 0, end or 0, call, "1", "447700900123", values)


def told(store: Store) -> list[tuple[str, str, int | None, str, int]]:
    """(queue, disposition, wait, visibility, legs) of every contact."""
    found = store.contacts("lab", START - 86_400_000, NOW)
    return [(each.queue, each.disposition, each.wait_ms, each.visibility, len(each.legs)) for each in found]


VISITS = [visit("a", -20, 24), visit("b", 600, end_s=610)]
LEGS = [ring(1, 0, end_s=10), ring(2, 20, 24.2)]
EXPECTED = [("support", "answered", 44_000, "imported", 2), ("support", "abandoned", 10_000, "imported", 0)]


def test_a_log_before_or_after_the_legs_gives_the_same(store: Store) -> None:
    """Contacts are made of what both tell, by a rebuild too; taking the log out leaves what the phones showed."""
    arrive(store, *LEGS)
    plain = told(store)
    assert ImportCounts(2, 0, 0) == store.change_imported(PLAN, QUEUE_LOG, VISITS, "write", ORIGIN)
    assert EXPECTED == told(store)
    assert ImportCounts(0, 0, 2) == store.change_imported(PLAN, QUEUE_LOG, VISITS, "write", ORIGIN)
    assert 2 == store.rebuild(PLAN, lambda _done, _total: None)
    assert EXPECTED == told(store)
    assert ImportCounts(0, 2, 0) == store.change_imported(PLAN, QUEUE_LOG, VISITS, "remove", ORIGIN)
    assert plain == told(store)


def test_legs_that_come_late_find_their_visit(store: Store) -> None:
    """The log first, then the calls, the last of them first."""
    store.change_imported(PLAN, QUEUE_LOG, VISITS, "write", ORIGIN)
    assert ["answered", "abandoned"] == [each[1] for each in told(store)]
    arrive(store, *LEGS[::-1])
    assert EXPECTED == told(store)


def test_every_leg_says_which_contact_it_served(store: Store) -> None:
    """A ring in vain belongs to the caller it was for; a caller no phone rang for is found by his id."""
    arrive(store, *LEGS)
    store.change_imported(PLAN, QUEUE_LOG, VISITS, "write", ORIGIN)
    answered, left = store.contacts("lab", START - 86_400_000, NOW)
    assert {"box-00000001-1", "box-00000001-2"} == {leg.leg_id for leg, _ in store.legs_of("lab", answered.contact_id)}
    assert left == store.logged_contact("lab", left.contact_id)
    assert store.logged_contact("lab", "queue-log-nobody") is None is store.logged_contact("lab", answered.contact_id)


def test_a_corrected_log_replaces_what_was_open(store: Store) -> None:
    """The longer log knows how the call ended; closed days are counted again."""
    store.change_imported(PLAN, QUEUE_LOG, [visit("a", 0, end_s=0)], "write", ORIGIN)
    store.change_imported(PLAN, QUEUE_LOG, [visit("a", 0, 12, 60)], "write", ORIGIN)
    assert [("support", "answered", 12_000, "imported", 0)] == told(store)
    assert {"lab"} == store.dirty_days(0, 1 << 20).keys()


def test_a_log_that_is_taken_back_leaves_the_calls_as_phones_showed_them(store: Store) -> None:
    """Contacts are those of before the import; a correction taken back gives what the first log said."""
    arrive(store, *LEGS)
    plain = told(store)
    store.change_imported(PLAN, QUEUE_LOG, VISITS, "write", ORIGIN)
    later = ImportOrigin(NOW + 1, "queue_log", "test")
    store.change_imported(PLAN, QUEUE_LOG, [visit("a", 0, end_s=3)], "write", later)
    assert EXPECTED != told(store) != plain
    for expected in (EXPECTED, plain):
        run = next(each for each in store.import_runs("lab") if each.undoable)
        store.undo_import(PLAN, run.run, NOW)
        assert expected == told(store)


def word(at_s: int, event: str) -> ImportedRow:
    """A row of a queue log: 101 joins or pauses."""
    values = {"agent": "101", "event": event, "queue": "support", "reason": ""}
    return ImportedRow(START + at_s * 1000, START + at_s * 1000, f"{at_s} {event}", AGENT_KEY, "", values)


def test_words_about_agents_are_no_visits(store: Store) -> None:
    """They are read by themselves, with the end of the log; contacts, and days of the visits, are as without them."""
    arrive(store, *LEGS)
    store.change_imported(PLAN, QUEUE_LOG, [*VISITS, word(-60, "ADDMEMBER"), word(300, "PAUSE")], "write", ORIGIN)
    assert EXPECTED == told(store)
    log = store.agent_log("lab", START, NOW)
    assert (QueueWord(START + 300_000, "101", "PAUSE", "support"),) == log.words
    assert START + 600_000 == log.until_ms
    assert () == store.agent_log("lab", NOW, NOW + 1).words
    assert 2 == store.rebuild(PLAN, lambda _done, _total: None)
    assert EXPECTED == told(store)


def test_words_about_agents_are_counted_in_closed_days(store: Store) -> None:
    """The day of a pause that was imported later, and the day after it, are counted again."""
    store.change_imported(PLAN, QUEUE_LOG, [word(300, "PAUSE")], "write", ORIGIN)
    day = (START + 300_000) // 86_400_000
    assert [day, day + 1] == sorted(store.dirty_days(0, 1 << 20)["lab"])
