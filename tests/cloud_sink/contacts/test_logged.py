from dataclasses import replace
from itertools import permutations

from cloud_sink.contacts.logged import IMPORTED, LoggedVisit, lay_over
from cloud_sink.contacts.records import Contact, OfficePlan, QueueVisit

PLAN = OfficePlan("lab")
START = 1_780_304_400_000
CALLER = "447700900001"


def ms(seconds: float) -> int:
    """Unix milliseconds."""
    return START + round(seconds * 1000)


def seen(at_s: float, answer_s: float | None = None, end_s: float = 60, **fields: object) -> Contact:
    """What the phones of a hosted PBX showed: a ring at 101, answered or in vain."""
    answered = answer_s is not None
    known: dict[str, object] = {
        "contact_id": f"box-1-{at_s}", "office": "lab", "queue": "101", "kind": "direct", "did": "", "direction": "in",
        "caller": CALLER, "t_offer": ms(at_s), "t_pbx_answer": None, "t_first_ring": ms(at_s),
        "t_agent_answer": ms(answer_s) if answer_s is not None else None, "t_end": ms(end_s),
        "disposition": "answered" if answered else "unknown", "agent": "101" if answered else "", "extension": "101",
        "wait_ms": 4000, "wait_basis": "ring", "ring_ms": 4000, "talk_ms": 50_123 if answered else 0, "hold_ms": 0,
        "transfers": 0, "rings": 1, "short": False, "correlation": "exact", "visibility": "T1", "ended_by": "pbx",
        "legs": (f"leg-{at_s}",),
    }  # fmt: skip
    return Contact(**(known | fields))  # type: ignore[arg-type]


def logged(enter_s: int, answer_s: int | None = None, end_s: int | None = 60, **fields: object) -> LoggedVisit:
    """A visit of support, answered by 101 or left."""
    answered = answer_s is not None
    known: dict[str, object] = {
        "call_id": f"call-{enter_s}", "queue": "support", "caller": CALLER, "did": "",
        "agent": "101" if answered else "",
        "t_enter": ms(enter_s), "t_answer": ms(answer_s) if answer_s is not None else None,
        "t_end": None if end_s is None else ms(end_s), "disposition": "answered" if answered else "abandoned",
        "ended_by": "caller",
    }  # fmt: skip
    return LoggedVisit(**(known | fields))  # type: ignore[arg-type]


def test_an_answered_call_gets_its_queue_and_its_wait():
    """Ringing and talk stay as the phone showed them, the waiting before is the log's; both say where they are from."""
    (found,), taken = lay_over([seen(20, 24.3)], [logged(5, 24)], PLAN)
    assert ("support", "queue", 19_000, "queue", IMPORTED) == (
        found.queue, found.kind, found.wait_ms, found.wait_basis, found.visibility
    )  # fmt: skip
    assert (ms(5), ms(24.3), 50_123, 4000) == (found.t_offer, found.t_agent_answer, found.talk_ms, found.ring_ms)
    assert {} == taken


def test_rings_in_vain_belong_to_the_visit_they_were_in():
    """Three rounds of ringing and the answer are one caller who waited once; his legs are all of them."""
    contacts = [seen(10, end_s=20), seen(45, end_s=55), seen(80, 84), seen(300, end_s=310)]
    found, taken = lay_over(contacts, [logged(5, 84, 140)], PLAN)
    assert [("answered", 3, ("leg-10", "leg-45", "leg-80")), ("unknown", 1, ("leg-300",))] == [
        (each.disposition, each.rings, each.legs) for each in found
    ]
    assert {"box-1-10": "box-1-80", "box-1-45": "box-1-80"} == taken
    assert 79_000 == found[0].wait_ms


def test_who_left_is_known_whether_a_phone_rang_or_not():
    """An abandoned call that the phones could not tell, and one that no phone rang for."""
    found, _ = lay_over([seen(10, end_s=20)], [logged(5, end_s=20), logged(200, end_s=203, caller="")], PLAN)
    assert [("abandoned", 15_000, False), ("abandoned", 3000, True)] == [
        (each.disposition, each.wait_ms, each.short) for each in found
    ]
    assert ("box-1-10", "queue-log-call-200") == (found[0].contact_id, found[1].contact_id)
    assert ((), IMPORTED) == (found[1].legs, found[1].visibility)


def test_withheld_numbers_are_found_by_agent_and_moment():
    """The answer within the log's second and this agent; another agent's call at that moment is another call."""
    contacts = [seen(20, 24.4, caller=""), seen(20, 24.4, caller="", agent="102", contact_id="other")]
    found, _ = lay_over(contacts, [logged(5, 24, caller="")], PLAN)
    assert [("support", "101"), ("101", "102")] == [(each.queue, each.agent) for each in found]


def test_the_same_caller_later_is_another_call():
    """An answer at another moment is not this visit's."""
    found, _ = lay_over([seen(100, 105)], [logged(5, 24)], PLAN)
    assert ["support", "101"] == [each.queue for each in found]
    assert IMPORTED == found[0].visibility


def test_sent_on_unanswered_is_one_contact_and_a_visit_of_each_queue():
    """From overflow of one queue to an answer in the next: answered after all, waiting since the first."""
    visits = [logged(5, end_s=20, disposition="overflow", call_id="x"), logged(20, 30, queue="sales", call_id="x")]
    (found,), _ = lay_over([], visits, PLAN)
    assert ("support", "answered", 25_000) == (found.queue, found.disposition, found.wait_ms)
    assert [("support", "overflow", 15_000, ""), ("sales", "answered", 10_000, "101")] == [
        (each.queue, each.disposition, each.wait_ms, each.agent) for each in found.queue_visits()
    ]


def test_sent_on_and_gone_ends_as_the_last_queue_says():
    """Nobody answered him in the first queue, and he left the second."""
    visits = [
        logged(5, end_s=20, disposition="overflow", call_id="x"),
        logged(20, end_s=60, queue="sales", call_id="x"),
    ]
    (found,), _ = lay_over([], visits, PLAN)
    assert ("support", "abandoned", 55_000) == (found.queue, found.disposition, found.wait_ms)
    assert ["overflow", "abandoned"] == [each.disposition for each in found.queue_visits()]


def test_a_transfer_into_another_queue_is_a_further_visit():
    """As the phones tell it where they can, without counting it twice."""
    visit = QueueVisit("sales", ms(60.5), None, ms(70), "overflow", "", 9500, 0, short=False)
    contacts = [
        seen(20, 24.3, visits=(QueueVisit("", ms(20), ms(24.3), ms(60), "answered", "101", 4300, 0, False), visit))
    ]
    calls = [logged(5, 24), logged(60, 66, 90, queue="sales", call_id="call-5")]
    (found,), _ = lay_over(contacts, calls, PLAN)
    assert [("support", "answered"), ("sales", "answered")] == [
        (each.queue, each.disposition) for each in found.queue_visits()
    ]
    apart, _ = lay_over(contacts, [logged(60, 66, 90, queue="sales", call_id="y", caller="447700900009")], PLAN)
    assert [(), ()] == [each.visits for each in apart]


def test_where_the_trunk_is_seen_nothing_changes():
    """Nor do calls to the outside."""
    contacts = [seen(20, 24, visibility="T2"), seen(20, 24, direction="out", contact_id="o")]
    found, _ = lay_over(contacts, [], PLAN)
    assert contacts == sorted(found, key=lambda each: each.contact_id)


def test_the_order_of_arrival_does_not_matter():
    """Contacts and visits in any order give the same."""
    contacts = [seen(10, end_s=20), seen(80, 84), seen(12, 30, agent="102", caller="447700900002")]
    visits = [logged(5, 84), logged(11, 30, agent="102", caller="447700900002"), logged(200)]
    expected = lay_over(contacts, visits, PLAN)
    for some in permutations(contacts):
        for others in permutations(visits):
            assert expected == lay_over(list(some), list(others), PLAN)


def test_a_colleague_in_the_queue_is_no_customer():
    """An extension that calls the queue."""
    (found,), _ = lay_over([], [replace(logged(5), caller="115")], PLAN)
    assert "int" == found.direction
