"""Which of several calls a phone belongs to."""

from leg_builders import PLAN, ring, trunk

from cloud_sink.contacts.records import Leg
from cloud_sink.contacts.stitch import stitch

Told = list[tuple[tuple[str, ...], str]]


def told(*legs: Leg) -> Told:
    """Each contact: its legs, and how sure their tie is."""
    return sorted((tuple(sorted(contact.legs)), contact.correlation) for contact in stitch(legs, PLAN).contacts)


def test_what_is_sure_is_settled_before_what_is_not() -> None:
    """A phone rings for one of two anonymous callers; only the agent who answered later tells for which."""
    legs = [
        trunk("t", "4400", "", 0, 40, answer=0.1), trunk("u", "4400", "", 1, 60, answer=1.1),
        ring("a", "101", "", 2, 39.998, answer=6),  # t's agent: they end together
        ring("b", "102", "", 2, 6.002),  # stopped because he answered
        ring("c", "103", "", 10, 60.003, answer=15), ring("d", "102", "", 10, 15.001),
    ]  # fmt: skip
    assert [(("a", "b", "t"), "heuristic"), (("c", "d", "u"), "heuristic")] == told(*legs)


def test_an_agent_who_may_have_served_either_caller_makes_both_doubtful() -> None:
    """Neither caller's leg ends with the agent's: whom he served is a guess, and whom he did not as well."""
    legs = [
        trunk("t", "4400", "", 0, 40, answer=0.1), trunk("u", "4400", "", 1, 60, answer=1.1),
        ring("a", "101", "", 2, 20, answer=6, ended_by="caller"),
    ]  # fmt: skip
    assert [(("a", "t"), "ambiguous"), (("u",), "ambiguous")] == told(*legs)


def test_a_pbx_that_shows_its_own_number() -> None:
    """Phones show the office's number instead of the caller's: what ends together belongs together."""
    legs = [
        trunk("t", "4400", "447700900001", 0, 40, answer=0.1), trunk("u", "4400", "447700900002", 1, 60, answer=1.1),
        ring("a", "101", "4400", 2, 40.004, answer=6), ring("b", "102", "4400", 8, 59.998, answer=12),
    ]  # fmt: skip
    assert [(("a", "t"), "heuristic"), (("b", "u"), "heuristic")] == told(*legs)


def test_the_number_once_shown_ties_the_phones_that_nobody_answered() -> None:
    """The caller's agent showed another number: so did the phone that rang for him before."""
    legs = [
        trunk("t", "4400", "447700900001", 0, 40, answer=0.1),
        ring("a", "101", "555000111", 2, 12), ring("b", "102", "555000111", 13, 40.003, answer=15),
    ]  # fmt: skip
    assert [(("a", "b", "t"), "heuristic")] == told(*legs)


def test_a_strange_number_that_nothing_ties_stays_apart() -> None:
    """A phone that rings for a caller of an unwatched line is not given to one who happens to wait; he is marked."""
    legs = [trunk("t", "4400", "447700900001", 0, 40, answer=0.1), ring("a", "101", "447700900009", 2, 30, answer=6)]
    assert [(("a",), "heuristic"), (("t",), "ambiguous")] == told(*legs)


def test_an_agent_under_another_number_who_hands_the_caller_on() -> None:
    """Only the second agent's leg ends with the caller's; the number that both phones showed ties the first."""
    legs = [
        trunk("t", "4400", "447700900001", 0, 40, answer=0.1),
        ring("a", "101", "555000111", 2, 12, answer=5, transfer="blind", refer_to="104", ended_by="callee"),
        ring("b", "104", "555000111", 12, 40.003, answer=15),
    ]  # fmt: skip
    assert [(("a", "b", "t"), "heuristic")] == told(*legs)


def test_where_the_pbx_hides_numbers_an_answered_phone_belongs_to_the_only_one_waiting() -> None:
    """Another call showed that phones show other numbers here: then it is a guess, and marked, but no lost call."""
    legs = [
        trunk("t", "4401", "447700900001", 0, 40, answer=0.1), ring("a", "104", "555000111", 2, 40.003, answer=5),
        trunk("u", "4400", "447700900002", 50, 90, answer=50.1), ring("b", "101", "555000222", 52, 80, answer=55),
    ]  # fmt: skip
    assert [(("a", "t"), "heuristic"), (("b", "u"), "ambiguous")] == told(*legs)
