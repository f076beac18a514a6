"""The flows of a contact centre, each one contact with the right fate: what stands between a call and its KPI."""

from dataclasses import replace

from leg_builders import PLAN, at, dial, ring, trunk

from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.contacts.stitch import stitch


def only(*legs: Leg) -> Contact:
    """The one contact that these legs make."""
    contacts = stitch(legs, PLAN).contacts
    assert 1 == len(contacts), contacts
    return contacts[0]


def test_dozens_of_refused_tries_are_one_waiting_caller() -> None:
    """The only agent's phone is busy: the PBX tries every second until the caller gives up."""
    tries = [
        ring(f"r{second}", "101", "c", second, second + 0.1, ring=None, final_code=486, ended_by="callee")
        for second in range(1, 40)
    ]
    contact = only(trunk("t", "4400", "c", 0, 40.2, answer=0.1), *tries)
    assert ("abandoned", 39, 40_100) == (contact.disposition, contact.rings, contact.wait_ms)


def test_a_queue_that_does_not_answer_first() -> None:
    """The caller hears ringing until an agent takes the call: he waits from his INVITE on."""
    contact = only(
        trunk("t", "4401", "c", 0, 60, ring=0.01, answer=12.004),
        ring("r", "103", "c", 0.01, 6), ring("s", "104", "c", 7, 60, answer=12),
    )  # fmt: skip
    assert ("answered", "104", 12_000, "caller") == (
        contact.disposition, contact.agent, contact.wait_ms, contact.wait_basis
    )  # fmt: skip


def test_ring_all_in_rounds() -> None:
    """Three phones ring ten seconds, then again: six rings, one answer, nobody else's missed call."""
    first = [ring(f"a{ext}", ext, "c", 1, 11) for ext in ("101", "102", "103")]
    second = [ring(f"b{ext}", ext, "c", 12, 15.002) for ext in ("101", "102")]
    stitched = stitch(
        [trunk("t", "4400", "c", 0, 40, answer=0.1), *first, *second, ring("b103", "103", "c", 12, 40, answer=15)], PLAN
    )
    contact = stitched.contacts[0]
    assert ("answered", "103", 6) == (contact.disposition, contact.agent, contact.rings)
    first_words = [stitched.outcomes[leg.leg_id] for leg in first]
    assert (["no_answer"] * 3, ["elsewhere"] * 2) == (first_words, [stitched.outcomes[leg.leg_id] for leg in second])


def test_an_attended_transfer_credits_each_agent_with_his_part() -> None:
    """101 talks, asks 104 and hands over: the contact stays one, talk is 101's part and 104's."""
    stitched = stitch(
        [
            trunk("t", "4400", "c", 0, 60, answer=0.1),
            ring("r", "101", "c", 1, 30, answer=5, transfer="attended", refer_to="104", replaces_key="d"),
            dial("d", "101", "104", 20, 30, answer=22),
            ring("q", "104", "101", 20.1, 60, answer=22, direction="int"),
        ],
        PLAN,
    )  # fmt: skip
    (contact,) = stitched.contacts
    assert ("101", 1, 25_000 + 38_000) == (contact.agent, contact.transfers, contact.talk_ms)
    assert ("answered", "answered") == (stitched.outcomes["r"], stitched.outcomes["q"])


def test_a_transfer_that_nobody_takes_leaves_the_first_agents_answer() -> None:
    """Blind transfer to a phone that does not answer: the caller was answered, once."""
    contact = only(
        trunk("t", "4400", "c", 0, 40, answer=0.1),
        ring("r", "101", "c", 1, 20, answer=5, transfer="blind", refer_to="104", ended_by="callee"),
        ring("s", "104", "c", 20.1, 40.003),
    )
    assert ("answered", "101", 15_000) == (contact.disposition, contact.agent, contact.talk_ms)


def test_a_blind_transfer_by_keypad_shows_as_a_further_agent() -> None:
    """#1 and a number on the keypad: no REFER, the PBX lets 101 go and calls 104 with the caller's number."""
    contact = only(
        trunk("t", "4400", "c", 0, 60, answer=0.1),
        ring("r", "101", "c", 1, 20, answer=5, ended_by="caller"),
        ring("s", "104", "c", 20.1, 60.002, answer=26),
    )
    assert ("101", 1, 15_000 + 34_002) == (contact.agent, contact.transfers, contact.talk_ms)


def test_an_attended_transfer_by_keypad_joins_the_colleague_who_was_asked() -> None:
    """*2 and a number: the PBX calls 104 for 101, who has no second leg of his own, then connects the caller."""
    contact = only(
        trunk("t", "4400", "c", 0, 60, answer=0.1),
        ring("r", "101", "c", 1, 30, answer=5, ended_by="callee"),
        ring("s", "104", "101", 20, 60.002, answer=24, direction="int"),
    )
    assert ("101", 1, ("t", "r", "s")) == (contact.agent, contact.transfers, contact.legs)


def test_hunting_one_phone_after_the_other() -> None:
    """Each of three phones rings five seconds; the first two missed it, the third answered."""
    legs = [
        ring("a", "101", "c", 0.1, 5.1),
        ring("b", "102", "c", 5.2, 10.2),
        ring("d", "103", "c", 10.3, 40, answer=12),
    ]
    stitched = stitch([trunk("t", "4300", "c", 0, 40.003, answer=12.002), *legs], PLAN)
    (contact,) = stitched.contacts
    assert ("group", "103", 3, 12_000) == (contact.queue, contact.agent, contact.rings, contact.wait_ms)
    assert ["no_answer", "no_answer", "answered"] == [stitched.outcomes[each.leg_id] for each in legs]


def test_a_parked_call_that_nobody_fetches_rings_back() -> None:
    """Parked for too long, the PBX calls the parker again: the same contact, the same agent."""
    contact = only(
        trunk("t", "44600101", "c", 0, 90, answer=5.01),
        ring("r", "101", "c", 0.1, 20, answer=5, transfer="blind", refer_to="700", ended_by="callee"),
        ring("s", "101", "c", 65, 90.002, answer=68),
    )
    assert ("101", 15_000 + 22_002, 2) == (contact.agent, contact.talk_ms, contact.rings)


def test_a_forwarded_call_goes_to_a_colleague() -> None:
    """302 to another extension: the phone forwarded, the colleague answered."""
    stitched = stitch(
        [
            trunk("t", "44600101", "c", 0, 30, answer=6.01),
            ring("r", "101", "c", 0.1, 0.3, ring=None, final_code=302, diverted_by="104", ended_by="callee"),
            ring("s", "104", "c", 0.35, 30, answer=6),
        ],
        PLAN,
    )  # fmt: skip
    (contact,) = stitched.contacts
    assert ("answered", "104", "forwarded") == (contact.disposition, contact.agent, stitched.outcomes["r"])


def test_a_survey_after_the_agent_is_not_talk() -> None:
    """The agent hangs up, the caller stays for a survey: talk ends with the agent, the contact with the caller."""
    contact = only(
        trunk("t", "4400", "c", 0, 60, answer=0.1, digits="513", ended_by="callee"),
        ring("r", "101", "c", 1, 30, answer=5, ended_by="callee"),
    )
    assert (25_000, at(60), "agent") == (contact.talk_ms, contact.t_end, contact.ended_by)


def test_the_callback_is_a_contact_of_its_own() -> None:
    """Who gave up is called back: a lost call, and an outbound one that reached him."""
    contacts = stitch(
        [
            trunk("t", "4400", "447700900001", 0, 20, answer=0.1),
            dial("d", "101", "9447700900001", 300, 360, direction="out", answer=305.01),
            replace(trunk("o", "447700900001", "4400", 300.1, 360, answer=305), direction="out"),
        ],
        PLAN,
    ).contacts
    assert [("in", "abandoned"), ("out", "answered")] == [(each.direction, each.disposition) for each in contacts]


def test_a_caller_who_rings_again_is_another_contact() -> None:
    """Given up, called again a minute later and was answered: two attempts."""
    contacts = stitch(
        [
            trunk("t", "4400", "447700900001", 0, 20, answer=0.1), ring("r", "101", "447700900001", 1, 20.003),
            trunk("u", "4400", "447700900001", 80, 120, answer=80.1),
            ring("s", "101", "447700900001", 81, 120.002, answer=85),
        ],
        PLAN,
    ).contacts  # fmt: skip
    assert ["abandoned", "answered"] == [contact.disposition for contact in contacts]


def test_a_hosted_queue_that_hunts() -> None:
    """Only phones are seen: one after the other rings for the same caller, the third answers."""
    contact = only(
        ring("a", "101", "447700900001", 0, 10), ring("b", "102", "447700900001", 11, 21),
        ring("c", "103", "447700900001", 22, 60, answer=25),
    )  # fmt: skip
    assert ("answered", "103", "support", "ring", 24_900) == (
        contact.disposition, contact.agent, contact.queue, contact.wait_basis, contact.wait_ms
    )  # fmt: skip


def test_a_hosted_pbx_that_names_the_number_dialled() -> None:
    """Diversion on the phone's leg names sales' number, though its phone serves support too."""
    contact = only(ring("a", "103", "447700900001", 0, 30, answer=9, diverted_by="4401"))
    assert ("sales", "queue", "T1") == (contact.queue, contact.kind, contact.visibility)


def test_a_hosted_ring_all_of_an_anonymous_caller() -> None:
    """Three phones ring at once without a number: one attempt, marked as uncertain."""
    contact = only(*(ring(f"r{ext}", ext, "", 0.01 * int(ext) - 1, 9) for ext in ("101", "102", "103")))
    assert (3, "ambiguous") == (contact.rings, contact.correlation)
