"""Answers that the tap missed, told by the BYE that followed."""

from cloud_sink.contacts.records import Contact
from cloud_sink.contacts.stitch import stitch
from tests.cloud_sink.contacts.leg_builders import PLAN, at, dial, leg, ring, trunk

HUNG_UP = {"partial": True, "bye_response_ms": 2, "final_code": 0, "ended_by": "callee", "cancelled": False}


def only(*legs) -> Contact:
    """The one contact of these legs."""
    (contact,) = stitch(legs, PLAN).contacts
    return contact


def test_the_other_phones_tell_when_it_was_answered():
    """101's answer was lost: 102 was told at second 8 that somebody answered."""
    contact = only(
        trunk("t", "4400", "c", 0, 30, answer=0.5),
        ring("a", "101", "c", 1, 30, **HUNG_UP),
        ring("b", "102", "c", 1, 8, reason_sip=200),
    )
    assert ("answered", "101", at(8), "heuristic") == (
        contact.disposition, contact.agent, contact.t_agent_answer, contact.correlation,
    )  # fmt: skip
    assert (7_500, 22_000) == (contact.wait_ms, contact.talk_ms)


def test_the_callers_own_answer_tells_when_the_agent_answered():
    """A PBX that does not answer before an agent does answers at once when he does."""
    contact = only(trunk("t", "4401", "c", 0, 30, answer=9.002), ring("a", "103", "c", 1, 30, **HUNG_UP))
    assert ("answered", at(9.002)) == (contact.disposition, contact.t_agent_answer)


def test_where_nothing_tells_the_wait_is_unknown_and_marked():
    """Answered by 101, nobody knows when: no wait, no talk, and ambiguous."""
    contact = only(trunk("t", "4400", "c", 0, 30, answer=0.5), ring("a", "101", "c", 1, 30, **HUNG_UP))
    assert ("answered", "101", None, None, "ambiguous") == (
        contact.disposition, contact.agent, contact.t_agent_answer, contact.wait_ms, contact.correlation,
    )  # fmt: skip


def test_the_earliest_that_it_can_have_been_is_no_answer_time():
    """A box that concludes an answer from its BYE gives the ring's moment: 102 tells better, else nobody does."""
    concluded = {"partial": True, "final_code": 0, "ended_by": "callee", "cancelled": False}
    caller, agent = trunk("t", "4400", "c", 0, 30, answer=0.5), ring("a", "101", "c", 1, 30, answer=1.1, **concluded)
    told, untold = only(caller, agent, ring("b", "102", "c", 1, 8, reason_sip=200)), only(caller, agent)
    assert [(at(8), "heuristic"), (None, "ambiguous")] == [
        (contact.t_agent_answer, contact.correlation) for contact in (told, untold)
    ]
    assert ["answered", "answered"] == [told.disposition, untold.disposition]


def test_an_answer_that_its_caller_confirms_stands():
    """The first that was seen of 103 was its 200, two milliseconds before the caller's own."""
    joined = ring("a", "103", "c", 9, 30, ring=None, answer=9, partial=True)
    contact = only(trunk("t", "4401", "c", 0, 30, ring=0.1, answer=9.002), joined)
    assert ("answered", at(9.002), "heuristic") == (contact.disposition, contact.t_agent_answer, contact.correlation)


def test_a_caller_who_was_joined_in_the_middle_had_been_waiting():
    """The first that was seen of him is the PBX's answer: since when he called is not known."""
    caller = trunk("t", "4400", "c", 5, 30, answer=5, partial=True)
    assert "ambiguous" == only(caller, ring("a", "101", "c", 6, 30.002, answer=9)).correlation


def test_who_was_called_first_served_first():
    """An unseen answer sorts by when the phone was called: the agent who transferred comes before his colleague."""
    contact = only(
        trunk("t", "4400", "c", 0, 60, answer=0.5),
        ring("a", "101", "c", 1, 20, transfer="blind", refer_to="110", **HUNG_UP),
        ring("b", "110", "c", 20, 60, answer=25),
    )
    assert ("101", 1) == (contact.agent, contact.transfers)


def test_a_call_to_the_outside_was_answered_when_its_other_half_was():
    """The carrier's 200 was lost, the one towards the phone was seen."""
    contact = only(
        dial("a", "101", "0301234567", 0, 30, answer=6.001, direction="out"),
        leg("t", role="trunk", direction="out", caller="44999", callee="0301234567", invite=0.01, end=30, **HUNG_UP),
    )
    assert ("answered", at(6.001)) == (contact.disposition, contact.t_agent_answer)


def test_a_call_to_the_outside_of_which_no_answer_was_seen_was_answered():
    """Both halves were ended by a BYE, so they had been up."""
    contact = only(
        dial("a", "101", "0301234567", 0, 30, direction="out", **HUNG_UP),
        leg("t", role="trunk", direction="out", caller="44999", callee="0301234567", invite=0.01, end=30, **HUNG_UP),
    )
    assert ("answered", "ambiguous") == (contact.disposition, contact.correlation)


def test_a_caller_whom_the_pbx_hung_up_was_not_refused():
    """The PBX's 200 was lost and it ended the call by a BYE: an announcement, not a busy tone."""
    assert "overflow" == only(leg("t", role="trunk", caller="c", callee="4520", invite=0, end=9, **HUNG_UP)).disposition


def test_neither_a_cancel_nor_a_bye_for_sure_is_marked():
    """The PBX ended the ringing; whether by CANCEL or, after a lost answer, by BYE was not seen."""
    contact = only(
        trunk("t", "4400", "c", 0, 20, answer=0.5),
        ring("a", "101", "c", 1, 20, partial=True, cancelled=True, final_code=0, ended_by="caller"),
    )
    assert ("abandoned", "ambiguous") == (contact.disposition, contact.correlation)


def test_a_callers_end_that_nobody_saw_is_no_overflow():
    """His leg was given up: how it ended is unknown, and so is his wait."""
    contact = only(trunk("t", "4400", "c", 0, 9, answer=0.5, ended_by="", partial=True), ring("a", "101", "c", 1, 6))
    assert ("unknown", None) == (contact.disposition, contact.wait_ms)


def test_an_agents_end_that_nobody_saw_does_not_part_him_from_his_caller():
    """His leg is taken to have lasted until something else was heard of his phone: longer than the caller stayed."""
    contact = only(
        trunk("t", "4400", "c", 0, 30, answer=0.5),
        ring("a", "101", "c", 1, 55, answer=4, ended_by="", partial=True),
    )
    assert ("answered", "101") == (contact.disposition, contact.agent)
