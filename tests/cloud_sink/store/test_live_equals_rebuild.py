"""Whatever order events arrive in, and however often: live ingest, another order and a rebuild give the same.

Contacts, the words of legs, and the rows of closed days; of late, repeated and reordered legs and words of mailboxes,
from two boxes, on both databases.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from leg_builders import PLAN, ZERO, at, dial, ring, trunk
from sqlalchemy import delete, select

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.kpi.packing import unpack_measurement
from cloud_sink.rolling import Roller
from cloud_sink.store import BatchArrived, Store, tables
from cloud_sink.store.rows import leg_id

from .conftest import new_postgres_database

EVER = (0, 1 << 52)
DAY_MS = 86_400_000
NOW = ZERO + 3 * DAY_MS  # so that every day of the story is closed
CALLERS = ("", "447700900001", "447700900002")
EXTENSIONS = ("101", "102", "103")
OFFICES = IN_ORDER, SHUFFLED = "in-order", "shuffled"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database of each kind for all examples."""
    folder: Path = tmp_path_factory.mktemp("order")
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'sink.db'}"
    else:
        url = new_postgres_database(request.getfixturevalue("postgres"), "order")
    opened = Store.open(url)
    opened.migrate()
    yield opened
    opened.close()


@dataclass(frozen=True)
class Event:
    """Something that a box sends, by its number."""

    box: str
    seq: int
    leg: Leg | None = None
    told: Told | None = None


@st.composite
def calls(draw: st.DrawFn) -> list[Leg]:
    """An office's traffic: queue calls with phones, internal calls, legs still open, legs that two boxes saw.

    Calls are within minutes of each other, or apart by half a day: many of them in one island, and islands apart.
    """
    legs: list[Leg] = []
    for number in range(draw(st.integers(1, 5))):
        apart = draw(st.sampled_from([0, 0, 3_600, 43_200]))
        begin, length = apart + draw(st.integers(0, 300)) / 2, draw(st.integers(2, 60))
        caller, extension = draw(st.sampled_from(CALLERS)), draw(st.sampled_from(EXTENSIONS))
        answer = begin + draw(st.integers(1, length)) if draw(st.booleans()) else None
        if draw(st.booleans()):
            end = begin + length if draw(st.integers(0, 3)) else None
            legs.append(trunk(f"t{number}", draw(st.sampled_from(["4400", "4401", "7"])), caller, begin, end, answer=0))
            legs[-1] = replace(legs[-1], t_answer=legs[-1].t_invite + 100)
        if draw(st.booleans()):
            legs.append(ring(f"r{number}", extension, caller, begin + 0.5, begin + length + 1, answer=answer))
        if draw(st.booleans()):
            legs.append(dial(f"d{number}", extension, "*8", begin + 1, begin + length, answer=answer))
        if legs and draw(st.booleans()):
            legs.append(replace(legs[-1], box="other", partial=draw(st.booleans())))
    return legs


@st.composite
def mailbox_words(draw: st.DrawFn) -> list[Told]:
    """What mailboxes told of themselves while these calls went on."""
    words = []
    for _ in range(draw(st.integers(0, 4))):
        at_s = draw(st.sampled_from([0, 3_600, 43_200])) + draw(st.integers(0, 400))
        words.append(Told(at(at_s) or 0, draw(st.sampled_from(EXTENSIONS)), "messages", draw(st.integers(0, 2))))
    return words


@st.composite
def traffic(draw: st.DrawFn) -> list[Event]:
    """Everything, numbered by the boxes that saw it."""
    legs, words = draw(calls()), draw(mailbox_words())
    numbered = [
        Event(leg.box, seq, leg=replace(leg, call_key=f"{leg.leg_id:0<6}".encode().hex(), epoch=1, seq=seq))
        for seq, leg in enumerate(legs, 1)
    ]
    return numbered + [Event("box", seq, told=replace(word, seq=seq)) for seq, word in enumerate(words, len(legs) + 1)]


def make_batch(office: str, events: list[Event]) -> BatchArrived:
    """One message of a box: events whose numbers follow each other."""
    box = f"{office}-{events[0].box}"
    legs = [
        replace(each.leg, office=office, box=box, leg_id=leg_id(box, 1, each.seq))
        for each in events
        if each.leg is not None
    ]
    told = [each.told for each in events if each.told is not None]
    return BatchArrived(box, office, 1, events[0].seq, events[-1].seq, 1, NOW, legs=legs, told=told)


def messages_of(events: list[Event], dice: random.Random) -> list[list[Event]]:
    """Cut them into messages: of one box each, without a hole."""
    messages: list[list[Event]] = []
    for event in sorted(events, key=lambda each: (each.box, each.seq)):
        last = messages[-1][-1] if messages else None
        follows = last is not None and (last.box, last.seq + 1) == (event.box, event.seq)
        if follows and dice.random() < 0.5:
            messages[-1].append(event)
        else:
            messages.append([event])
    return messages


def plan_of(office: str) -> OfficePlan:
    """The plan of everybody, for this office."""
    return replace(PLAN, office=office, repeat_days=1)


def empty(store: Store) -> None:
    """As new: making a database takes longer than an example."""
    with store._engine.begin() as connection:
        for table in tables.metadata.sorted_tables:
            connection.execute(delete(table))


def arrive(store: Store, office: str, transactions: list[list[list[Event]]], *, roll_between: bool) -> None:
    """Ingest the messages of each transaction together.

    `roll_between`: closed days are computed after the half of it, so that what comes later makes them out of date.
    """
    plans = {office: plan_of(office)}
    for number, messages in enumerate(transactions, 1):
        store.ingest([make_batch(office, events) for events in messages], plans, NOW)
        if roll_between and number == len(transactions) // 2:
            roll(store)
    roll(store)


def roll(store: Store) -> None:
    """Compute the closed days that are out of date."""
    Roller(store, {office: plan_of(office) for office in OFFICES}, lambda: NOW).roll()


def told(store: Store, office: str) -> tuple[list[str], list[str], list[object]]:
    """What the store says of an office, without the office's name: contacts, words of legs, counted days."""
    contacts = [repr(contact).replace(office, "OFFICE") for contact in store.contacts(office, *EVER)]
    outcomes = [f"{leg.leg_id} {word}".replace(office, "OFFICE") for leg, word in store.legs(office, *EVER)]
    table = tables.office_days
    counted = select(table).where(table.c.office_id == office).order_by(table.c.day)
    with store._engine.connect() as connection:
        days = [tuple(row)[1:] for row in connection.execute(counted)]
    details = {day: unpack_measurement(packed) for day, packed in store.day_details(office, 0, 1 << 20).items()}
    return contacts, outcomes, [*days, *sorted(details.items())]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=traffic(), dice=st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(store: Store, events: list[Event], dice: random.Random) -> None:
    """Shuffled and sent twice: the same contacts, words and days; and stitching all of it again changes neither."""
    at_once = [messages_of(events, dice)]
    again = [[message] for _ in range(2) for message in messages_of(events, dice)]
    dice.shuffle(again)
    check_alike(store, at_once, again)


def check_alike(store: Store, one: list[list[list[Event]]], other: list[list[list[Event]]]) -> None:
    """Both ways to arrive give the same, and so does a rebuild."""
    empty(store)
    arrive(store, IN_ORDER, one, roll_between=False)
    arrive(store, SHUFFLED, other, roll_between=True)
    live = told(store, IN_ORDER)
    assert live == told(store, SHUFFLED)
    store.rebuild(plan_of(SHUFFLED), lambda _done, _total: None)
    roll(store)
    assert live == told(store, SHUFFLED)


def numbered(*legs: Leg) -> list[Event]:
    """Legs as one box numbers them."""
    return [
        Event("box", seq, leg=replace(leg, call_key=f"{seq:06}", box="box", epoch=1, seq=seq))
        for seq, leg in enumerate(legs, 1)
    ]


def one_by_one(*events: Event) -> list[list[list[Event]]]:
    """Each in a transaction of its own."""
    return [[[event]] for event in events]


def test_a_late_first_trunk_leg_tells_of_all_that_came_after(store: Store) -> None:
    """From the first leg of the trunk on a caller is known by his own: also where that is learned last."""
    cancelled = {"reason_sip": 487}
    first, alone, later = numbered(
        trunk("t1", "4400", CALLERS[1], 0, 30),
        ring("r", "101", CALLERS[2], 1_800, 1_820, **cancelled),
        trunk("t2", "4400", CALLERS[1], 3_600, 3_630),
    )
    check_alike(store, one_by_one(first, alone, later), one_by_one(later, alone, first))


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (0, 1, 3, 4, 2), (4, 0, 2, 1, 3)])
def test_a_late_word_of_a_mailbox_changes_what_later_ones_mean(store: Store, order: tuple[int, ...]) -> None:
    """That a mailbox has more than before is known once it is known what it had before."""
    legs = numbered(
        ring("r1", "101", CALLERS[1], 0, 30), ring("r2", "101", CALLERS[2], 7_200, 7_230),
    )  # fmt: skip
    words = [(20, 0), (7_260, 1), (3_600, 0)]
    events = legs + [
        Event("box", seq, told=Told(at(at_s) or 0, "101", "messages", count, seq=seq))
        for seq, (at_s, count) in enumerate(words, 3)
    ]
    check_alike(store, one_by_one(*sorted(events, key=_time)), one_by_one(*(events[number] for number in order)))


def _time(event: Event) -> int:
    return event.leg.t_invite if event.leg is not None else event.told.at_ms if event.told is not None else 0
