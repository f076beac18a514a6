"""How well a ringing phone fits a caller's call."""

from leg_builders import ring, trunk

from cloud_sink.contacts.evidence import CLEAR_LEAD, coincides, evidence
from cloud_sink.contacts.groups import EXACT, Group
from cloud_sink.contacts.records import Leg


def group(anchor: Leg, *others: Leg, members: tuple[str, ...] = ()) -> Group:
    """A caller's call with the phones that are known to belong to it."""
    made = Group(anchor, "support", "queue", frozenset(members))
    for leg in (anchor, *others):
        made.add(leg, EXACT)
    return made


def test_both_sides_of_a_bridge_end_together() -> None:
    """The call whose end is that of the phone leads one that goes on, clearly."""
    leg = ring("r", "101", "", 2, 30.004, answer=5)
    same, other = group(trunk("t", "4400", "", 0, 30, answer=0.1)), group(trunk("u", "4400", "", 0, 40, answer=0.1))
    assert evidence(same, leg) - evidence(other, leg) >= CLEAR_LEAD
    assert coincides(same, leg)
    assert not coincides(other, leg)


def test_a_caller_not_answered_before_is_answered_with_the_agent() -> None:
    """The carrier's 200 follows the agent's by milliseconds; one answered seconds later was answered by another."""
    leg = ring("r", "101", "", 2, 20, answer=5)
    with_him, later, never = (
        group(trunk(name, "4401", "", 0, 30, answer=answer)) for name, answer in (("t", 5.004), ("u", 9.0), ("v", None))
    )
    assert evidence(with_him, leg) - evidence(later, leg) >= 2 * CLEAR_LEAD
    assert evidence(never, leg) < 0


def test_phones_beside_the_one_that_answered_stop_with_it() -> None:
    """The CANCEL of a ring-all comes with a colleague's answer: it belongs to his caller."""
    answered = ring("r", "101", "", 2, 29, answer=5)
    leg = ring("s", "102", "", 2, 5.003)
    here = group(trunk("t", "4400", "", 0, 30, answer=0.1), answered)
    elsewhere = group(trunk("u", "4400", "", 0, 30, answer=0.1))
    assert evidence(here, leg) - evidence(elsewhere, leg) >= CLEAR_LEAD


def test_one_caller_talks_with_one_agent() -> None:
    """A phone does not ring for a caller who talks already, unless a transfer named it."""
    talking = ring("r", "101", "", 2, 20, answer=5)
    transferring = ring("r", "101", "", 2, 20, answer=5, transfer="blind", refer_to="104")
    leg = ring("s", "104", "", 10, 12)
    caller = trunk("t", "4400", "", 0, 30, answer=0.1)
    assert evidence(group(caller, talking), leg) < 0 < evidence(group(caller, transferring), leg)


def test_who_serves_the_queue_counts() -> None:
    """A phone rings for the queue it serves rather than for one it does not."""
    leg = ring("r", "101", "", 2, 12)
    caller = trunk("t", "4400", "", 0, 30, answer=0.1)
    mine, theirs = group(caller, members=("101", "102")), group(caller, members=("103",))
    assert evidence(mine, leg) - evidence(theirs, leg) >= CLEAR_LEAD


def test_the_pbx_may_name_the_agent_or_the_number_dialled() -> None:
    """P-Asserted-Identity on the caller's leg names the agent (RFC 3325), Diversion on the agent's the number."""
    leg = ring("r", "101", "", 2, 12, diverted_by="4400")
    plain = group(trunk("t", "4401", "", 0, 30, answer=0.1))
    named = group(trunk("u", "4401", "", 0, 30, answer=0.1, connected="101"))
    dialled = group(trunk("v", "4400", "", 0, 30, answer=0.1))
    assert min(evidence(named, leg), evidence(dialled, leg)) - evidence(plain, leg) >= CLEAR_LEAD
