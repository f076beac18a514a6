"""Where callers wait whom the dialplan sends on from one queue to the next."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leg_builders import PLAN, at, ring, trunk

from cloud_sink.contacts.records import Contact, Destination, Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch

# support keeps callers for 60 s (101, 102, 103), sales for as long as they like (103, 104)
TOLD = replace(
    PLAN,
    destinations=(
        replace(PLAN.destinations[0], overflow_to="sales"),
        replace(PLAN.destinations[1], timeout_ms=30_000, overflow_to="115"),
        *PLAN.destinations[2:],
    ),
)
Visit = tuple[str, str, str, int | None, str]  # queue, disposition, agent, wait, extension


def only(*legs: Leg, plan: OfficePlan = PLAN) -> Contact:
    """The one contact that these legs make."""
    contacts = stitch(legs, plan, True).contacts
    assert 1 == len(contacts)
    return contacts[0]


def visits(contact: Contact) -> list[Visit]:
    """What each place that the caller was in counts."""
    return [(v.queue, v.disposition, v.agent, v.wait_ms, v.extension) for v in contact.queue_visits()]


def waiting(end: float | None = 100, **facts: object) -> Leg:
    """A caller whom support's announcement-free queue takes in at once."""
    return trunk("t", "4400", "c", 0, end, **{"answer": 0.0, **facts})


IN_VAIN = ring("r", "101", "c", 1, 59)


def test_told_by_the_plan_and_answered_in_the_second_queue() -> None:
    """Overflow of support after its minute, and a visit of sales that 104 answered; the caller was answered once."""
    contact = only(waiting(), IN_VAIN, ring("s", "104", "c", 62, 100, answer=70, hold_ms=4_000), plan=TOLD)
    assert ("support", "answered", "104", 70_000, 26_000) == (
        contact.queue, contact.disposition, contact.agent, contact.wait_ms, contact.talk_ms
    )  # fmt: skip
    assert [("support", "overflow", "", 60_000, "101"), ("sales", "answered", "104", 10_000, "104")] == visits(contact)
    first, second = contact.queue_visits()
    assert (at(0), at(60), None, 0, 0) == (
        first.t_offer,
        first.t_end,
        first.t_agent_answer,
        first.talk_ms,
        first.hold_ms,
    )
    assert (at(60), at(70), 26_000, 4_000, 7_900) == (
        second.t_offer, second.t_agent_answer, second.talk_ms, second.hold_ms, second.ring_ms
    )  # fmt: skip


def test_a_phone_that_serves_both_queues_is_the_seconds_after_the_time_is_up() -> None:
    """103 serves support and sales: called before the minute is over it rings for support, later for sales."""
    late = only(waiting(), IN_VAIN, ring("s", "103", "c", 63, 100, answer=70), plan=TOLD)
    assert ["overflow", "answered"] == [visit[1] for visit in visits(late)]
    early = only(waiting(), ring("s", "103", "c", 50, 100, answer=62), plan=TOLD)
    assert [("support", "answered", "103", 62_000, "103")] == visits(early)


def test_support_rings_on_after_its_time() -> None:
    """The plan's minute is wrong, or the dialplan goes round: he is still in support."""
    contact = only(waiting(), IN_VAIN, ring("s", "102", "c", 70, 100, answer=75), plan=TOLD)
    assert [("support", "answered", "102", 75_000, "102")] == visits(contact)


def test_nobody_is_logged_in_to_the_first_queue() -> None:
    """The PBX sends him on at once (Asterisk's joinempty): sales rings long before support's minute is over."""
    contact = only(waiting(), ring("s", "104", "c", 1, 100, answer=8), plan=TOLD)
    assert [("support", "overflow", "", 1_000, ""), ("sales", "answered", "104", 7_000, "104")] == visits(contact)


def test_nobody_knows_who_serves_the_first_queue() -> None:
    """Its agents come and go: 115 may be one of them until the time is up, and is called as itself afterwards."""
    plan = replace(TOLD, destinations=(replace(TOLD.destinations[0], members=(), overflow_to="115"),))
    early = only(waiting(), ring("s", "115", "c", 20, 100, answer=30), plan=plan)
    assert [("support", "answered", "115", 30_000, "115")] == visits(early)
    late = only(waiting(), ring("r", "115", "c", 20, 30), ring("s", "115", "c", 60.2, 100, answer=64), plan=plan)
    assert [("support", "overflow", "", 60_000, "115"), ("115", "answered", "115", 4_000, "115")] == visits(late)


def test_gone_just_after_he_was_sent_on() -> None:
    """Half a second in sales is a visit of sales, abandoned at once."""
    first, second = only(waiting(60.5), IN_VAIN, plan=TOLD).queue_visits()
    assert ("overflow", False, "abandoned", True) == (first.disposition, first.short, second.disposition, second.short)


def test_nobody_of_the_second_queue_is_free() -> None:
    """The plan alone says where he waited; he gave up there."""
    contact = only(waiting(80), IN_VAIN, plan=TOLD)
    assert ("abandoned", 80_000) == (contact.disposition, contact.wait_ms)
    assert [("support", "overflow", "", 60_000, "101"), ("sales", "abandoned", "", 20_000, "")] == visits(contact)


def test_sent_on_twice_in_the_end_to_an_extension() -> None:
    """Sales keeps him for half a minute, then 115's own phone rings."""
    legs = (waiting(120), IN_VAIN, ring("s", "104", "c", 61, 89), ring("u", "115", "c", 90.1, 120, answer=95))
    contact = only(*legs, plan=TOLD)
    assert [
        ("support", "overflow", "", 60_000, "101"),
        ("sales", "overflow", "", 30_000, "104"),
        ("115", "answered", "115", 5_000, "115"),
    ] == visits(contact)
    assert ["queue", "queue", "direct"] == [visit.kind for visit in contact.queue_visits()]
    assert 95_000 == contact.wait_ms


def test_gone_when_his_time_is_up() -> None:
    """The PBX lets him go at the end of the last queue's time: overflow of each."""
    plan = replace(
        TOLD, destinations=(TOLD.destinations[0], replace(TOLD.destinations[1], overflow_to=""), *TOLD.destinations[2:])
    )
    contact = only(waiting(90.5, ended_by="callee"), IN_VAIN, plan=plan)
    assert ("overflow", 90_000) == (contact.disposition, contact.wait_ms)
    assert [("support", "overflow", 60_000), ("sales", "overflow", 30_000)] == [
        (v[0], v[1], v[3]) for v in visits(contact)
    ]


def test_still_waiting_in_the_second_queue() -> None:
    """A phone of sales rings: open there, and support's part is over."""
    contact = only(waiting(None), IN_VAIN, ring("s", "104", "c", 61, None), plan=TOLD)
    assert [("support", "overflow", 60_000), ("sales", "open", None)] == [(v[0], v[1], v[3]) for v in visits(contact)]


def test_not_told_by_the_plan_but_by_whose_phones_ring() -> None:
    """After support's minute a phone rings that serves sales only: sent on, and inferred."""
    contact = only(waiting(), IN_VAIN, ring("s", "104", "c", 62, 100, answer=70))
    assert [("support", "overflow", "", 60_000, "101"), ("sales", "answered", "104", 10_000, "104")] == visits(contact)
    assert "heuristic" == contact.correlation


def test_a_stranger_before_the_time_is_up_is_a_colleague_who_helps_out() -> None:
    """104 logged in to support for the day."""
    contact = only(waiting(), ring("s", "104", "c", 20, 100, answer=30))
    assert [("support", "answered", "104", 30_000, "104")] == visits(contact)


def test_where_the_time_is_not_known_it_is_marked() -> None:
    """Sales without a time, then all of the group's phones: perhaps sent on."""
    sales = trunk("t", "4401", "c", 0, 100, answer=0.0)
    group = [ring(f"g{number}", str(number), "c", 40, 50) for number in range(101, 110) if number != 106]
    group.append(ring("g106", "106", "c", 40, 100, answer=50))
    contact = only(sales, ring("r", "104", "c", 1, 30), *group)
    assert [("sales", "overflow", "", 40_000, "104"), ("group", "answered", "106", 10_000, "106")] == visits(contact)
    assert "ambiguous" == contact.correlation


def test_a_phone_that_the_plan_forgot_is_no_other_queue() -> None:
    """Nobody of sales rang before, and its time is not known: 102 serves sales today, whatever the plan says."""
    contact = only(trunk("t", "4401", "c", 0, 100, answer=0.0), ring("s", "102", "c", 1, 100, answer=5))
    assert [("sales", "answered", "102", 5_000, "102")] == visits(contact)


def test_a_ring_group_whose_callers_go_on_to_a_queue() -> None:
    """The PBX answers only then: no voicemail, and nobody was answered by it."""
    group = replace(PLAN.destinations[5], members=("101", "102"), timeout_ms=20_000, overflow_to="sales")
    plan = replace(PLAN, destinations=(*PLAN.destinations[:5], group))
    left = only(trunk("t", "4300", "c", 0, 50, ring=0.1, answer=20.0), ring("a", "101", "c", 0.1, 19.9), plan=plan)
    assert [("group", "overflow", 20_000), ("sales", "abandoned", 30_000)] == [(v[0], v[1], v[3]) for v in visits(left)]


def test_only_phones_are_seen() -> None:
    """A hosted PBX: support's phones ring, then one that serves sales only; each queue has its visit."""
    legs = (ring("a", "101", "c", 0, 14), ring("b", "102", "c", 0, 14), ring("s", "104", "c", 15, 100, answer=20))
    contacts = stitch(legs, replace(TOLD, destinations=TOLD.destinations[:5]), False).contacts
    assert [("support", "overflow"), ("sales", "answered")] == [visit[:2] for visit in visits(contacts[0])]
    assert ("T1", "answered") == (contacts[0].visibility, contacts[0].disposition)


def test_a_transferred_caller_is_sent_on_too() -> None:
    """An agent hands him on to support, whose time passes; then sales answers."""
    contact = only(
        trunk("t", "4401", "c", 0, 150, answer=0.0),
        ring("r", "104", "c", 1, 20, answer=5, transfer="blind", refer_to="4400", ended_by="callee"),
        ring("a", "101", "c", 20, 79),
        ring("s", "104", "c", 81, 150, answer=90),
        plan=TOLD,
    )
    assert [
        ("sales", "answered", "104", 5_000, "104"),
        ("support", "overflow", "", 60_000, "101"),
        ("sales", "answered", "104", 10_000, "104"),
    ] == visits(contact)
    assert [15_000, 0, 60_000] == [visit.talk_ms for visit in contact.queue_visits()]
    assert 75_000 == contact.talk_ms


def test_a_circle_of_queues_ends() -> None:
    """Two queues without phones that send their callers to each other."""
    circle = (
        Destination("support", "queue", ("4400",), (), timeout_ms=5_000, overflow_to="sales"),
        Destination("sales", "queue", ("4401",), (), timeout_ms=5_000, overflow_to="support"),
    )
    contact = only(waiting(500), plan=replace(PLAN, destinations=circle))
    assert 10 == len(contact.visits)


@pytest.mark.parametrize("start", ["offer", "pbx_answer", "first_ring"])
def test_the_first_queues_wait_begins_where_the_office_says(start: str) -> None:
    """The limit counts from the queue; the wait from the INVITE, the PBX's answer or the first ring."""
    legs = (waiting(answer=2.0), IN_VAIN, ring("s", "104", "c", 63, 100, answer=70))
    first, second = only(
        replace(legs[0], t_answer=at(0.8)), *legs[1:], plan=replace(TOLD, wait_start=start)
    ).queue_visits()
    begin = {"offer": 0, "pbx_answer": 800, "first_ring": 1_100}[start]
    assert (60_800 - begin, 70_000 - 60_800) == (first.wait_ms, second.wait_ms)


phones = st.lists(
    st.tuples(st.sampled_from(["101", "102", "103", "104", "115"]), st.integers(1, 110), st.integers(1, 20)), max_size=6
)


@given(phones, st.booleans(), st.booleans(), st.sampled_from([PLAN, TOLD]))
def test_every_visit_adds_up(rung: list[tuple[str, int, int]], answered: bool, left: bool, plan: OfficePlan) -> None:
    """However phones ring: visits follow each other, their waits make the contact's, at most one is answered."""
    last = max((start + length for _, start, length in rung), default=0)
    legs = [ring(f"r{n}", ext, "c", start, start + length) for n, (ext, start, length) in enumerate(rung)]
    if answered:
        legs.append(ring("z", "104", "c", last + 1, last + 40, answer=last + 3, ended_by="caller"))
    contact = only(waiting(last + 40, ended_by="caller" if left else "callee"), *legs, plan=plan)
    found = contact.queue_visits()
    assert (found[0].t_offer, found[0].contact_id) == (contact.t_offer, contact.contact_id)
    assert found[-1].disposition == contact.disposition
    assert all(visit.disposition == "overflow" for visit in found[:-1])
    assert all(before.t_end == after.t_offer for before, after in pairwise(found))
    assert contact.wait_ms == sum(visit.wait_ms or 0 for visit in found)
    assert contact.talk_ms == sum(visit.talk_ms for visit in found)
