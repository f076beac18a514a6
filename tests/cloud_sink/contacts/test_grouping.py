"""Which legs belong to one contact."""

from leg_builders import PLAN, dial, leg, ring, trunk

from cloud_sink.contacts.groups import same_party
from cloud_sink.contacts.records import Leg
from cloud_sink.contacts.stitch import stitch


def grouped(*legs: Leg) -> list[tuple[str, ...]]:
    """The contacts as sorted tuples of leg names."""
    return sorted(tuple(sorted(contact.legs)) for contact in stitch(legs, PLAN).contacts)


def test_a_number_is_the_same_in_national_and_international_form() -> None:
    """Nine equal digits at the end; shorter numbers must be equal."""
    assert same_party("447700900001", "07700900001")
    assert not same_party("101", "1101")
    assert not same_party("447700900001", "447700900002")


def test_the_phone_that_shows_the_callers_number() -> None:
    """Two callers at once: each phone belongs to the call whose number it shows."""
    legs = [
        trunk("t1", "4400", "447700900001", 0, 30), trunk("t2", "4401", "447700900002", 1, 30),
        ring("r1", "101", "07700900001", 2, 12), ring("r2", "104", "447700900002", 2, 12),
    ]  # fmt: skip
    assert [("r1", "t1"), ("r2", "t2")] == grouped(*legs)


def test_a_phone_that_rings_while_its_caller_hangs_up_is_no_call_of_its_own() -> None:
    """The PBX called it before it read the caller's BYE; half a second later it would be another call."""
    caller = trunk("t", "4400", "447700900001", 0, 10, answer=0.1)
    assert [("r", "t")] == grouped(caller, ring("r", "101", "447700900001", 10.003, 10.006))
    assert [("r",), ("t",)] == grouped(caller, ring("r", "101", "447700900001", 10.5, 10.9))
    assert [("r",), ("t",)] == grouped(caller, ring("r", "101", "447700900001", 10.003, 30, answer=12))


def test_anonymous_callers_are_told_apart_by_the_millisecond() -> None:
    """Both callers are anonymous; whose leg ends together with the phone's is its caller."""
    legs = [
        trunk("t1", "4400", "", 0, 30, answer=0.1), trunk("t2", "4400", "", 1, 40, answer=1.1),
        ring("r1", "101", "", 2, 40.004, answer=5), ring("r2", "102", "", 2, 30.003, answer=6),
    ]  # fmt: skip
    assert [("r1", "t2"), ("r2", "t1")] == grouped(*legs)


def test_a_tie_goes_to_who_waited_longest_and_is_marked() -> None:
    """Nothing tells two anonymous callers apart: oldest first, marked ambiguous."""
    legs = [
        trunk("t1", "4400", "", 0, 30, answer=0.1), trunk("t2", "4400", "", 1, 40, answer=1.1),
        ring("r", "101", "", 2, 12),
    ]  # fmt: skip
    stitched = stitch(legs, PLAN)
    assert [("r", "t1"), ("t2",)] == grouped(*legs)
    assert ["ambiguous", "ambiguous"] == [contact.correlation for contact in stitched.contacts]


def test_behind_a_proxy_the_call_id_ties_exactly() -> None:
    """One Call-ID on every hop: branches of one call, whatever the numbers say."""
    legs = [trunk("t", "4400", "x", 0, 30, call_key="k"), ring("r", "101", "y", 0.1, 30, answer=5, call_key="k")]
    stitched = stitch(legs, PLAN)
    assert [("r", "t")] == grouped(*legs)
    assert "exact" == stitched.contacts[0].correlation


def test_a_correlation_header_ties_exactly() -> None:
    """Session-ID or a configured header goes before numbers and times."""
    legs = [
        trunk("t1", "4400", "", 0, 30, session_key="s1"), trunk("t2", "4400", "", 0, 30, session_key="s2"),
        ring("r", "101", "", 1, 10, session_key="s2"),
    ]  # fmt: skip
    assert [("r", "t2"), ("t1",)] == grouped(*legs)


def test_an_attended_transfer_joins_the_consultation() -> None:
    """REFER with Replaces: the consultation call, both its legs, becomes part of the customer's contact."""
    legs = [
        trunk("t", "4400", "c", 0, 60, answer=0.1),
        ring("r", "101", "c", 1, 30, answer=5, transfer="attended", refer_to="104", replaces_key="d"),
        dial("d", "101", "104", 20, 30, answer=22),
        ring("q", "104", "101", 20.1, 60, answer=22, direction="int"),
    ]
    assert [("d", "q", "r", "t")] == grouped(*legs)


def test_a_consultation_that_was_not_transferred_stays_apart() -> None:
    """Asking a colleague during a call is an internal call of its own."""
    legs = [
        trunk("t", "4400", "c", 0, 60, answer=0.1), ring("r", "101", "c", 1, 60, answer=5),
        dial("d", "101", "104", 20, 30, answer=22), ring("q", "104", "101", 20.1, 30, answer=22, direction="int"),
    ]  # fmt: skip
    assert [("d", "q"), ("r", "t")] == grouped(*legs)


def test_an_outbound_call_is_one_contact() -> None:
    """A phone dials 9 and a number; the PBX dials the number at the carrier."""
    legs = [
        dial("d", "101", "94477009", 0, 30, direction="out", answer=5),
        leg("o", role="trunk", direction="out", caller="4460", callee="4477009", invite=0.1, end=30, answer=5),
    ]
    assert [("d", "o")] == grouped(*legs)


def test_pickup_joins_the_call_that_rang() -> None:
    """Whoever picks up with *8 serves the customer whose number the PBX then shows him."""
    legs = [
        trunk("t", "44600101", "447700900001", 0, 30, answer=5), ring("r", "101", "447700900001", 0.1, 5),
        dial("p", "104", "*8", 4.5, 30, answer=4.6, connected="447700900001"),
    ]  # fmt: skip
    assert [("p", "r", "t")] == grouped(*legs)


def test_a_hosted_pbx_rings_on_for_the_same_caller() -> None:
    """Only phones are seen: rings of one caller within the gap are one attempt, a later one is another."""
    legs = [
        ring("r1", "101", "447700900001", 0, 10), ring("r2", "102", "447700900001", 12, 22),
        ring("r3", "101", "447700900001", 60, 70),
    ]  # fmt: skip
    assert [("r1", "r2"), ("r3",)] == grouped(*legs)
