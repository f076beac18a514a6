"""Only phones are seen: several customers behind one number are told apart, or marked."""

from dataclasses import replace

from cloud_sink.contacts.stitch import stitch
from tests.cloud_sink.contacts.leg_builders import PLAN, ring

COMPANY = "442079460999"


def told(*legs, plan=PLAN):
    """(ids of legs, correlation) of each contact."""
    return [(contact.legs, contact.correlation) for contact in stitch(legs, plan, sees_trunk=False).contacts]


def test_two_who_talk_at_once_are_two() -> None:
    """Two agents of support talk with the same number: a company's, and nothing is sure of it any more."""
    first = [ring("a", "101", COMPANY, 0, 60, answer=5), ring("b", "102", COMPANY, 0, 5)]
    assert [(("a", "b"), "ambiguous"), (("c",), "ambiguous")] == told(
        *first, ring("c", "103", COMPANY, 20, 90, answer=25)
    )


def test_a_phone_that_rings_on_rings_for_somebody_else() -> None:
    """103 rang before 101 answered and was not stopped by it: for another caller of the same company."""
    legs = [ring("a", "101", COMPANY, 0, 60, answer=5), ring("b", "103", COMPANY, 3, 30)]
    assert [(("a",), "ambiguous"), (("b",), "ambiguous")] == told(*legs)


def test_a_transfer_is_no_second_caller() -> None:
    """101 refers the caller to 104, and talks on until he answers."""
    legs = [ring("a", "101", "c", 0, 28, answer=5, transfer="blind"), ring("b", "104", "c", 20, 60, answer=24)]
    assert [(("a", "b"), "heuristic")] == told(*legs)


def test_a_transfer_without_a_refer_ends_the_first_agents_leg() -> None:
    """By keypad the PBX calls 104 when it lets 101 go; from a switchboard it lets 101 go when 104 answers."""
    by_keypad = [ring("a", "101", "c", 0, 20, answer=5), ring("b", "104", "c", 19.9, 60, answer=26)]
    by_board = [ring("a", "101", "c", 0, 26.1, answer=5), ring("b", "104", "c", 20, 60, answer=26)]
    assert [(("a", "b"), "heuristic")] == told(*by_keypad) == told(*by_board)


def test_a_configured_number_is_shared_from_the_start() -> None:
    """Of `shared_numbers` nothing is sure, whatever their phones do."""
    plan = replace(PLAN, shared_numbers=(COMPANY,))
    assert [(("a",), "ambiguous")] == told(ring("a", "101", COMPANY, 0, 60, answer=5), plan=plan)


def test_who_shares_a_number_is_told_by_the_queue() -> None:
    """One of the company's callers waits for 101 and 102 (support), the other for 104 (sales)."""
    plan = replace(PLAN, destinations=PLAN.destinations[:2], shared_numbers=(COMPANY,))
    legs = [ring("a", "101", COMPANY, 0, 10), ring("b", "104", COMPANY, 5, 40, answer=12),
            ring("c", "102", COMPANY, 11, 40, answer=13)]  # fmt: skip
    assert [("a", "c"), ("b",)] == [legs_of for legs_of, _ in told(*legs, plan=plan)]


def test_tries_that_are_refused_at_once_are_one_callers() -> None:
    """A busy phone is tried again while the others ring on: nobody else."""
    tries = [ring(f"t{n}", "101", "c", n, n + 0.1, ring=None, final_code=486, ended_by="callee") for n in range(1, 8)]
    assert 1 == len(told(ring("a", "102", "c", 0, 9, answer=8.5), *tries))


def place(*legs, plan=PLAN):
    """Where the caller of these phones is said to have waited."""
    (contact,) = stitch(legs, plan, sees_trunk=False).contacts
    return contact.queue, contact.kind


def test_a_phone_that_rings_alone_may_ring_for_its_queue() -> None:
    """The others talk: 104 serves sales only; it was called itself only if the plan knows a number of its own."""
    alone = ring("a", "104", "447700900001", 0, 30, answer=5)
    queues = replace(PLAN, destinations=PLAN.destinations[:5], direct={})
    assert ("sales", "queue") == place(alone, plan=queues)
    assert ("104", "direct") == place(alone, plan=replace(queues, direct={"44600???": "???"}))
    assert ("sales", "queue") == place(alone, plan=replace(queues, direct={"4470?": "11?"}))


def test_a_phone_that_serves_two_queues_and_rings_alone() -> None:
    """103 rings for support or sales, nobody knows which: called itself is all that is said."""
    queues = replace(PLAN, destinations=PLAN.destinations[:5], direct={})
    assert ("103", "direct") == place(ring("a", "103", "447700900001", 0, 30, answer=5), plan=queues)
