"""How far the page can be trusted, told from a real store."""

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.office import Offices
from cloud_sink.question import Question
from cloud_sink.store import BatchArrived, Gap, Health, Junk, StateArrived, Store
from cloud_sink.web.quality import Quality, describe_quality

from .conftest import NOW_MS

HOUR_MS = 3_600_000
PLANS = {"lab": OfficePlan("lab")}


def quality_of(store: Store) -> Quality:
    """What the page says at 13:26 of the day that is shown."""
    office = Offices(store, PLANS, lambda: NOW_MS).get("lab")
    period = office.period(Question("2026-11-22", None, None))
    return describe_quality(office, period, office.report(period))


def make_state(**facts: object) -> StateArrived:
    """A box's birth, or its last will with online=False."""
    known: dict[str, object] = {"online": True, "clock_ok": True} | facts
    return StateArrived("box", "lab", NOW_MS, 1, known["online"], 1, 1, known["clock_ok"], "0.1.0", "demo", "boot-1")


def make_batch(**facts: object) -> BatchArrived:
    """A batch of one event, of now."""
    return BatchArrived("box", "lab", 1, 1, 1, 1, NOW_MS, **facts)


def test_gap_is_told_with_its_reason_and_length(empty_store: Store):
    """Somebody should look."""
    gap = Gap("box", NOW_MS - HOUR_MS, NOW_MS - HOUR_MS + 90_000, "source", 3, 1)
    empty_store.ingest([make_state(), make_batch(gaps=[gap])], PLANS, NOW_MS)
    told = quality_of(empty_store).facts[1]
    assert ("Gaps", "1 (source), 90 s, 3 events lost", True) == (told.title, told.text, told.alarming)


def test_unwatched_day_is_told(empty_store: Store):
    """Before the first event."""
    told = quality_of(empty_store).facts[0]
    assert ("not at all on this day", True) == (told.text, told.alarming)


def test_quarantine_is_told(empty_store: Store):
    """What arrived and could not be used."""
    empty_store.ingest([Junk("rt/1/box/ev", "no envelope", b"?")], PLANS, NOW_MS)
    told = quality_of(empty_store).facts[3]
    assert told.alarming
    assert told.text == "1 kind of unusable data"


def test_box_says_when_it_was_seen_and_what_troubles_it(empty_store: Store):
    """Counters that mean blindness, and a clock nobody set, in words."""
    health = Health(1, NOW_MS, {"encrypted": 4, "frames": 10, "truncated": 0})
    arrived = [make_state(clock_ok=False), make_batch(health=[health])]
    empty_store.ingest(arrived, PLANS, NOW_MS)
    (box,) = quality_of(empty_store).boxes
    assert ("box", True, "just now") == (box.name, box.online, box.seen)
    assert 2 == len(box.remarks)
    assert "encrypted SIP" in box.remarks[0]
    assert "clock" in box.remarks[1]


def test_good_day_alarms_nobody(store: Store):
    """The recorded day: watched, no gap, nothing in quarantine, nothing uncertain."""
    told = quality_of(store)
    assert [False] * len(told.facts) == [fact.alarming for fact in told.facts]
    assert "nothing" == told.facts[2].text


def test_losses_and_delivery_are_told(empty_store: Store):
    """What grew between two reports, and how long they were under way; a box that never reported says nothing."""
    assert 4 == len(quality_of(empty_store).facts)
    reports = [
        Health(1, NOW_MS - HOUR_MS, {"afpacket_drops": 5, "malformed": 1}),
        Health(2, NOW_MS - 1_800_000, {"afpacket_drops": 12, "malformed": 1, "encrypted": 3}),
    ]
    batch = BatchArrived("box", "lab", 1, 1, 2, 1, NOW_MS, health=reports)
    empty_store.ingest([make_state(), batch], PLANS, NOW_MS)
    lost, delivery = quality_of(empty_store).facts[4:]
    assert ("Lost", "7 lost in the kernel, 3 encrypted", True) == (lost.title, lost.text, lost.alarming)
    assert ("Delivery", "after 45:00 min on average", False) == (delivery.title, delivery.text, delivery.alarming)


def test_clock_that_is_ahead_is_told(empty_store: Store):
    """A report from two minutes in the future."""
    batch = make_batch(health=[Health(1, NOW_MS + 120_000, {})])
    empty_store.ingest([make_state(), batch], PLANS, NOW_MS)
    delivery = quality_of(empty_store).facts[5]
    assert delivery.alarming
    assert "a clock is 2:00 min ahead" in delivery.text
