"""Stitching as a whole: order and islands."""

import random

from hypothesis import given
from hypothesis import strategies as st
from leg_builders import PLAN, dial, leg, ring, trunk

from cloud_sink.contacts.islands import islands
from cloud_sink.contacts.records import Leg
from cloud_sink.contacts.stitch import stitch

numbers = st.sampled_from(["", "447700900001", "447700900002", "101", "102"])
seconds = st.integers(0, 400).map(lambda tenths: tenths / 2)


@st.composite
def legs(draw: st.DrawFn) -> list[Leg]:
    """Any traffic of an office, sensible or not."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        begin, length = draw(seconds), draw(st.integers(1, 60))
        end = begin + length if draw(st.booleans()) or number % 3 else None
        answer = begin + draw(st.integers(0, length)) if draw(st.booleans()) else None
        kind = draw(st.sampled_from(["trunk", "ring", "dial", "out"]))
        extension, caller = draw(st.sampled_from(["101", "102", "103"])), draw(numbers)
        name = f"{kind}{number}"
        if kind == "trunk":
            found.append(
                trunk(name, draw(st.sampled_from(["4400", "44600101", "7"])), caller, begin, end, answer=answer)
            )
        elif kind == "ring":
            found.append(ring(name, extension, caller, begin, end, answer=answer))
        elif kind == "dial":
            found.append(dial(name, extension, draw(st.sampled_from(["104", "*8", "401"])), begin, end, answer=answer))
        else:
            found.append(leg(name, role="trunk", direction="out", callee="4477", invite=begin, end=end, answer=answer))
    return found


@given(legs(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(found: list[Leg], shuffler: random.Random) -> None:
    """Late, early, reordered: the same legs make the same contacts (I5)."""
    shuffled = list(found)
    shuffler.shuffle(shuffled)
    assert stitch(found, PLAN) == stitch(shuffled, PLAN)


@given(legs())
def test_every_leg_is_in_exactly_one_contact(found: list[Leg]) -> None:
    """Nothing is lost and nothing is counted twice; every leg has its word."""
    stitched = stitch(found, PLAN)
    assert sorted(leg.leg_id for leg in found) == sorted(name for contact in stitched.contacts for name in contact.legs)
    assert {leg.leg_id for leg in found} == set(stitched.outcomes) == set(stitched.contact_of)


@given(legs())
def test_islands_can_be_stitched_alone(found: list[Leg]) -> None:
    """Stitching each island by itself gives what stitching everything gives: live ingest equals a rebuild."""
    sees_trunk = any(leg.role == "trunk" for leg in found)
    apart = []
    for begin, until in islands(found, PLAN.gap_ms):
        inside = [leg for leg in found if begin <= leg.t_invite <= until]
        apart += stitch(inside, PLAN, sees_trunk).contacts
    assert stitch(found, PLAN, sees_trunk).contacts == sorted(
        apart, key=lambda contact: (contact.t_offer, contact.contact_id)
    )


def test_no_legs_no_contacts() -> None:
    """An empty office."""
    assert stitch([], PLAN).contacts == []
