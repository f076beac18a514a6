"""What came of a contact, and how long who waited for whom."""

from dataclasses import replace

import pytest
from leg_builders import PLAN, at, dial, ring, trunk

from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch


def only(*legs: Leg, plan: OfficePlan = PLAN, sees_trunk: bool | None = None) -> Contact:
    """The one contact that these legs make."""
    contacts = stitch(legs, plan, sees_trunk).contacts
    assert 1 == len(contacts)
    return contacts[0]


def test_the_pbx_answering_never_stops_the_clock() -> None:
    """Music from second 0.5, the agent at second 9: the caller waited 8.5 seconds."""
    contact = only(
        trunk("t", "4400", "c", 0, 30, answer=0.5), ring("r", "101", "c", 1, 30, answer=9, ended_by="callee")
    )
    assert ("answered", "support", "101", 8500, "queue", "agent") == (
        contact.disposition, contact.queue, contact.agent, contact.wait_ms, contact.wait_basis, contact.ended_by
    )  # fmt: skip


@pytest.mark.parametrize(("start", "wait"), [("offer", 9000), ("pbx_answer", 8500), ("first_ring", 7900), ("", 8500)])
def test_where_the_wait_starts_is_the_offices_choice(start: str, wait: int) -> None:
    """The carrier's INVITE, the PBX's answer, or the first phone's ring."""
    legs = (trunk("t", "4400", "c", 0, 30, answer=0.5), ring("r", "101", "c", 1, 30, answer=9))
    assert wait == only(*legs, plan=replace(PLAN, wait_start=start)).wait_ms


def test_a_menus_caller_waits_from_his_digit_on() -> None:
    """The PBX answers, the menu talks, the caller presses 1 after four seconds: he waits for support from then on."""
    contact = only(
        trunk("t", "4500", "c", 0, 30, answer=0.1, digits="1", digit_after_ms=4_000),
        ring("r", "101", "c", 6, 30, answer=9),
    )
    assert ("support", 5_000, "queue") == (contact.queue, contact.wait_ms, contact.wait_basis)


def test_a_phone_that_rings_ends_every_announcement() -> None:
    """However long the announcement is said to be: when the first phone is called the wait has begun."""
    support, *others = PLAN.destinations
    plan = replace(PLAN, destinations=(replace(support, announce_ms=8_000), *others))
    contact = only(trunk("t", "4400", "c", 0, 30, answer=0.1), ring("r", "101", "c", 2, 30, answer=9), plan=plan)
    assert 7_000 == contact.wait_ms


def test_a_caller_who_hangs_up_in_the_queue_abandons() -> None:
    """Answered by the PBX only; short when he gave up within five seconds."""
    left = only(trunk("t", "4400", "c", 0, 12.5, answer=0.5), ring("r", "101", "c", 1, 12.51))
    quick = only(trunk("t", "4400", "c", 0, 3.5, answer=0.5))
    assert ("abandoned", 12_000, False) == (left.disposition, left.wait_ms, left.short)
    assert ("abandoned", 3_000, True) == (quick.disposition, quick.wait_ms, quick.short)


def test_a_queue_that_sends_callers_on_overflows() -> None:
    """Beyond the queue's own limit the caller is not in it any more, whoever hangs up later."""
    contact = only(trunk("t", "4400", "c", 0, 90, answer=0.5))
    assert ("overflow", 60_000) == (contact.disposition, contact.wait_ms)


def test_487_says_that_the_caller_cancelled() -> None:
    """His CANCEL was not seen; the answer to it was."""
    contact = only(trunk("t", "4401", "c", 0, 9, ring=0.1, final_code=487, ended_by="callee", cancelled=False))
    assert ("abandoned", "caller") == (contact.disposition, contact.ended_by)


def test_let_go_before_the_queues_time_was_up_is_doubtful() -> None:
    """Support keeps callers for 60 seconds: whom the PBX released after 20 was perhaps served by a phone not seen."""
    early, late = (only(trunk("t", "4400", "c", 0, end, answer=0.5, ended_by="callee")) for end in (20, 60.5))
    assert [("overflow", "ambiguous"), ("overflow", "exact")] == [
        (contact.disposition, contact.correlation) for contact in (early, late)
    ]


def test_told_that_somebody_answered_while_the_caller_stayed() -> None:
    """101 was stopped because somebody answered whom the tap does not see: no abandoned call, but a claim."""
    claimed = ring("a", "101", "c", 1, 6, reason_sip=200)
    contact = only(trunk("t", "4400", "c", 0, 30, answer=0.5), claimed)
    assert ("claimed_elsewhere", 5_500) == (contact.disposition, contact.wait_ms)


def test_a_pbx_that_says_elsewhere_of_every_phone_it_stops() -> None:
    """It rang on after having said so: it says so whatever happens (Asterisk's Queue option C)."""
    rings = [ring("a", "101", "c", 1, 6, reason_sip=200), ring("b", "102", "c", 8, 13, reason_sip=200)]
    assert "abandoned" == only(trunk("t", "4400", "c", 0, 20, answer=0.5), *rings).disposition


def test_told_that_somebody_answered_while_the_caller_was_let_go() -> None:
    """The group's time was up, its phones were told "elsewhere" and the caller was refused: nobody answered."""
    claimed = ring("a", "101", "c", 0.1, 15, reason_sip=200)
    refused = trunk("t", "4300", "c", 0, 15.001, ring=0.2, final_code=486, ended_by="callee")
    assert "overflow" == only(refused, claimed).disposition


def test_released_by_the_pbx_is_overflow() -> None:
    """The PBX gives up: nobody abandoned."""
    assert "overflow" == only(trunk("t", "4401", "c", 0, 40, answer=0.5, ended_by="callee")).disposition


def test_voicemail_answers_after_the_phones_stopped() -> None:
    """A direct call: the phone rings out, then the PBX itself answers."""
    contact = only(trunk("t", "44600101", "c", 0, 30, answer=12.01), ring("r", "101", "c", 0.1, 12))
    assert ("voicemail", "101", "direct") == (contact.disposition, contact.queue, contact.kind)


def test_refused_before_any_ring_is_blocked() -> None:
    """503 at the trunk and no phone rang."""
    refused = trunk("t", "4400", "c", 0, 0.1, final_code=503, ended_by="callee")
    assert "blocked" == only(refused).disposition


def test_a_pbx_that_never_says_a_word_blocks_its_callers() -> None:
    """The carrier asked until its time was up (RFC 3261 section 17.1.1.2): a customer who was not served."""
    assert "blocked" == only(trunk("t", "4400", "c", 0, 32, ended_by="")).disposition


def test_a_redirected_caller_is_not_blocked() -> None:
    """302 to another number, said before anything rang: sent elsewhere."""
    redirected = trunk("t", "4400", "c", 0, 0.1, final_code=302, ended_by="callee", diverted_by="49170")
    assert "overflow" == only(redirected).disposition


def test_a_survey_is_no_customer_contact() -> None:
    """Calls to a survey line are kept out of the KPIs."""
    contact = only(trunk("t", "4510", "c", 0, 30, answer=0.1))
    assert ("feature", "survey") == (contact.direction, contact.kind)


def test_two_agents_and_a_transfer() -> None:
    """Talk is the sum of each agent's part; the first agent is the one who answered."""
    contact = only(
        trunk("t", "4400", "c", 0, 60, answer=0.1),
        ring("r", "101", "c", 1, 20, answer=5, transfer="blind", refer_to="104", ended_by="callee"),
        ring("s", "104", "c", 20, 60, answer=25, ended_by="caller"),
    )
    assert ("101", 15_000 + 35_000, 1) == (contact.agent, contact.talk_ms, contact.transfers)


def test_a_transfer_to_a_queue_is_a_second_visit() -> None:
    """Blind transfer to sales: the caller waits again there, and the queue counts him."""
    contact = only(
        trunk("t", "4400", "c", 0, 60, answer=0.1),
        ring("r", "101", "c", 1, 20, answer=5, transfer="blind", refer_to="401", ended_by="callee"),
        ring("s", "104", "c", 21, 60, answer=25, ended_by="caller"),
    )
    first, second = contact.queue_visits()
    assert ("support", "101") == (first.queue, first.agent)
    assert ("sales", "104", "answered", 5000) == (second.queue, second.agent, second.disposition, second.wait_ms)


def test_an_agent_who_hands_a_caller_on_does_not_hang_up_on_him() -> None:
    """He waits in sales, where nobody answers, and leaves; or the PBX lets him go."""
    handing = ring("r", "101", "c", 1, 20, answer=5, transfer="blind", refer_to="401", ended_by="callee")
    for ended_by, said in (("caller", "caller"), ("callee", "pbx")):
        contact = only(
            trunk("t", "4400", "c", 0, 60, answer=0.1, ended_by=ended_by), handing, ring("s", "104", "c", 21, 30)
        )
        assert ("answered", said) == (contact.disposition, contact.ended_by)
    at_once = only(trunk("t", "4400", "c", 0, 20.1, answer=0.1, ended_by="callee"), handing)
    assert "agent" == at_once.ended_by


def test_who_picks_up_is_the_agent() -> None:
    """A colleague's *8 answers the customer; the phone that rang did not miss the call."""
    stitched = stitch(
        [
            trunk("t", "44600101", "447700900001", 0, 30, answer=5), ring("r", "101", "447700900001", 0.1, 4.6),
            dial("p", "104", "*8", 4.5, 30, answer=4.6, connected="447700900001"),
        ],
        PLAN,
    )  # fmt: skip
    assert ("answered", "104", "elsewhere") == (
        stitched.contacts[0].disposition, stitched.contacts[0].agent, stitched.outcomes["r"]
    )  # fmt: skip


def test_forwarded_outside_is_overflow() -> None:
    """302 to a mobile that answers: served, but by no extension of the office."""
    outward = replace(
        trunk("o", "4477009", "4460", 0.4, 30, answer=6), direction="out", ended_by="callee", cancelled=False
    )
    contact = only(
        trunk("t", "44600101", "c", 0, 30, answer=6.01, ended_by="callee"),
        ring("r", "101", "c", 0.1, 0.3, ring=None, final_code=302, diverted_by="94477009", ended_by="callee"),
        outward,
    )
    assert "overflow" == contact.disposition


def test_hosted_pbx_waits_from_the_first_ring() -> None:
    """Only phones are seen: the basis says so, and the wait in the PBX's queue is not claimed."""
    contact = only(ring("r", "101", "447700900001", 0, 30, answer=9))
    assert ("T1", "ring", 8900) == (contact.visibility, contact.wait_basis, contact.wait_ms)


def test_hosted_pbx_that_stops_ringing_does_not_say_why() -> None:
    """The caller may have left or gone on to voicemail: nobody answered is all that is claimed."""
    contact = only(ring("r", "101", "447700900001", 0, 12))
    assert ("unknown", "pbx", "T1", 11900) == (
        contact.disposition, contact.ended_by, contact.visibility, contact.wait_ms
    )  # fmt: skip


def test_hosted_pbx_that_says_why() -> None:
    """SIP;cause=487 on the CANCEL is the caller's own CANCEL, handed on (RFC 3326)."""
    contact = only(ring("r", "101", "447700900001", 0, 12, reason_sip=487))
    assert ("abandoned", "caller") == (contact.disposition, contact.ended_by)


def test_hosted_pbx_whose_phones_refuse_may_go_on() -> None:
    """Busy phones do not end a call; one that forwards it does."""
    busy = ring("r", "101", "447700900001", 0, 0.3, ring=None, final_code=486, ended_by="callee")
    forwarded = ring("r", "101", "447700900001", 0, 0.3, ring=None, final_code=302, ended_by="callee")
    assert ["unknown", "overflow"] == [only(busy).disposition, only(forwarded).disposition]


def test_a_trunk_leg_that_is_still_up_makes_no_abandoned_call() -> None:
    """Where callers' legs are seen, a phone that stopped ringing without one proves nothing yet."""
    contact = only(ring("r", "101", "447700900001", 0, 10), sees_trunk=True)
    assert "unknown" == contact.disposition


def test_an_open_call_is_open() -> None:
    """Still waiting when the recording ended."""
    contact = only(trunk("t", "4400", "c", 0, None, answer=0.1))
    assert ("open", None) == (contact.disposition, contact.wait_ms)


def test_outbound_calls_name_who_dialled_and_whom() -> None:
    """The far end's 200 is the answer; the number is the carrier's form, without the prefix."""
    contact = only(
        dial("d", "101", "94477009", 0, 30, direction="out", answer=5.01),
        replace(trunk("o", "4477009", "4460", 0.1, 30, answer=5), direction="out"),
    )
    assert ("out", "4477009", "101", "answered", at(5)) == (
        contact.direction, contact.did, contact.agent, contact.disposition, contact.t_agent_answer
    )  # fmt: skip


def test_an_extension_that_calls_a_queue_is_the_queues_work() -> None:
    """Internal, so no customer contact, but with the queue's name and outcome."""
    contact = only(
        dial("d", "109", "401", 0, 30, answer=0.1, ended_by="caller"),
        ring("r", "104", "109", 1, 30, answer=4, direction="int"),
    )
    assert ("int", "sales", "answered", "104") == (contact.direction, contact.queue, contact.disposition, contact.agent)
