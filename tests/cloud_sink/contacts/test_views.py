"""One leg seen by several boxes."""

from dataclasses import replace

from leg_builders import PLAN, at, ring, trunk

from cloud_sink.contacts.records import Leg
from cloud_sink.contacts.stitch import stitch


def seen_by(box: str, leg: Leg, **facts: object) -> Leg:
    """Another box's view of a leg."""
    return replace(leg, box=box, leg_id=f"{box}-{leg.leg_id}", **facts)


CALL = (trunk("t", "4400", "447700900001", 0, 30, answer=0.1), ring("r", "101", "447700900001", 1, 30, answer=9))


def test_two_boxes_that_hear_the_same_call_count_it_once() -> None:
    """Mirrored twice: one ring, one talk; the views beside are kept and said to be such."""
    once, twice = stitch(CALL, PLAN), stitch([*CALL, *(seen_by("other", leg) for leg in CALL)], PLAN)
    alone, both = once.contacts[0], twice.contacts[0]
    assert (alone.rings, alone.talk_ms, alone.wait_ms) == (both.rings, both.talk_ms, both.wait_ms)
    assert len(CALL) * 2 == len(both.legs)
    assert ["answered", "answered", "seen_twice", "seen_twice"] == sorted(twice.outcomes.values())


def test_what_one_box_missed_another_saw() -> None:
    """One box lost the agent's 200, the other the BYE: together they have both."""
    caller, agent = CALL
    deaf = replace(agent, t_answer=None, final_code=0)
    mute = seen_by("other", agent, t_end=None, ended_by="", partial=True)
    contact = stitch([caller, deaf, mute], PLAN).contacts[0]
    assert ("answered", at(9), 21_000) == (contact.disposition, contact.t_agent_answer, contact.talk_ms)


def test_each_box_may_see_its_own_half() -> None:
    """One box at the carrier's line, one at the phones: one contact."""
    caller, agent = CALL
    contact = stitch([caller, seen_by("other", agent)], PLAN).contacts[0]
    assert ("answered", "101", "T2") == (contact.disposition, contact.agent, contact.visibility)


def test_a_call_id_used_again_is_another_call() -> None:
    """A phone that keeps its Call-ID for its next call: not the same leg, whoever saw it."""
    again = replace(seen_by("other", CALL[1]), t_invite=at(60), t_ring=at(61), t_answer=at(65), t_end=at(90))
    assert "answered" == stitch([*CALL, again], PLAN).outcomes["other-r"]
