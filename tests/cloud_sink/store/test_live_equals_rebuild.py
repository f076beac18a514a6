"""Whatever order legs arrive in, and however often: live ingest, another order and a rebuild give the same."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from leg_builders import PLAN, dial, ring, trunk

from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.store import BatchArrived, Store
from cloud_sink.store.rows import leg_id

EVER = (0, 1 << 52)
CALLERS = ("", "447700900001", "447700900002")
names = itertools.count(1)  # an office of its own for each time: one database for all of them


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An SQLite database in a file."""
    folder: Path = tmp_path_factory.mktemp("order")
    opened = Store.open(f"sqlite:///{folder / 'sink.db'}")
    opened.migrate()
    yield opened
    opened.close()


@st.composite
def calls(draw: st.DrawFn) -> list[Leg]:
    """An office's traffic: queue calls with phones, internal calls, legs still open, legs that two boxes saw."""
    legs: list[Leg] = []
    for number in range(draw(st.integers(1, 5))):
        begin, length = draw(st.integers(0, 300)) / 2, draw(st.integers(2, 60))
        caller, extension = draw(st.sampled_from(CALLERS)), draw(st.sampled_from(["101", "102", "103"]))
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
    return [
        replace(leg, leg_id=leg_id(leg.box, 1, seq), call_key=f"{leg.leg_id:0<6}".encode().hex(), epoch=1, seq=seq)
        for seq, leg in enumerate(legs, 1)
    ]


def arrive(store: Store, legs: list[Leg]) -> str:
    """Ingest each leg in a transaction of its own, in this order; returns the office's name."""
    office = f"office-{next(names)}"
    plan = {office: replace(PLAN, office=office)}
    for leg in legs:
        box = f"{office}-{leg.box}"
        own = replace(leg, office=office, box=box, leg_id=leg_id(box, 1, leg.seq))
        store.ingest([BatchArrived(box, office, 1, leg.seq, leg.seq, 1, leg.t_invite, legs=[own])], plan, leg.t_invite)
    return office


def told(store: Store, office: str) -> tuple[list[str], list[str]]:
    """What the store says of an office, without the office's name."""
    contacts = [repr(contact).replace(office, "OFFICE") for contact in store.contacts(office, *EVER)]
    outcomes = [f"{leg.leg_id} {word}".replace(office, "OFFICE") for leg, word in store.legs(office, *EVER)]
    return contacts, outcomes


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(legs=calls(), dice=st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(store: Store, legs: list[Leg], dice: random.Random) -> None:
    """Shuffled and sent twice: the same contacts, the same words; and stitching all of it again changes neither."""
    again = [*legs, *legs]
    dice.shuffle(again)
    in_order, shuffled = arrive(store, legs), arrive(store, again)
    live = told(store, in_order)
    assert live == told(store, shuffled)
    plan: OfficePlan = replace(PLAN, office=shuffled)
    store.rebuild(plan, lambda _done, _total: None)
    assert live == told(store, shuffled)
