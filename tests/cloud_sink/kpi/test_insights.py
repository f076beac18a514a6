from datetime import date

import pytest

from cloud_sink.contacts.records import Destination, OfficePlan
from cloud_sink.kpi.insights import insights
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.states import Interval

DAY = Period.of_days(date(2026, 6, 1), date(2026, 6, 1), "UTC")
PLAN = OfficePlan("lab", destinations=(Destination("support", "queue", ("400",), members=("101", "102")),))


def told(contacts, legs=(), states=None):
    """What the rules say: rule -> insight."""
    return {each.rule: each for each in insights(contacts, legs, states or {}, period=DAY, plan=PLAN)}


def doing(state: str) -> list[Interval]:
    """One state for the whole day."""
    return [Interval(state, DAY.from_ms, DAY.until_ms, logged_in=True)]


def test_many_left_while_agents_were_on_break(make_contact):
    """Six of ten gave up within a quarter hour, one agent talked and the other was on break: said so, with the six."""
    calls = [make_contact("abandoned", at_s=60 + k, wait_s=30) for k in range(6)]
    calls += [make_contact(at_s=120 + k) for k in range(4)]
    found = told(calls, states={"101": doing("talk"), "102": doing("pause")})["many_left"]
    assert (
        "6 of 10 callers of support left between 09:00 and 09:15 while of 2 agents 1.0 were on break and 1.0 in calls"
    ) == found.text
    assert [call.contact_id for call in calls[:6]] == list(found.contacts)
    assert {"left": 6, "offered": 10, "agents": 2, "agents_in_calls": 1.0, "agents_on_break": 1.0} == {
        name: number for name, number in found.figures.items() if number
    }


def test_many_left_although_agents_were_free(make_contact):
    """Nobody was in a call: that is said instead; where nobody was there at all, that."""
    calls = [make_contact("abandoned", at_s=60 + k, wait_s=30) for k in range(6)]
    free = told(calls, states={"101": doing("available"), "102": doing("available")})["many_left"]
    assert free.text.endswith("while of 2 agents 2.0 were free")
    assert told(calls)["many_left"].text.endswith("while of 2 agents none was seen at work")


def test_agents_are_asked_at_the_moment_a_caller_left(make_contact, start):
    """A break that begins afterwards explains nothing."""
    calls = [make_contact("abandoned", at_s=60, wait_s=30) for _ in range(6)]
    later = [
        Interval("available", DAY.from_ms, start + 95_000, logged_in=True),
        Interval("pause", start + 95_000, DAY.until_ms, logged_in=True),
    ]
    assert "1.0 were free" in told(calls, states={"101": later})["many_left"].text


def test_span_over_several_quarters_is_one_sentence(make_contact):
    """09:00 to 09:30, not two of them; a quiet quarter hour between makes two."""
    early = [make_contact("abandoned", at_s=900 * q + k, wait_s=30) for q in (0, 1, 3) for k in range(6)]
    texts = [each.text for each in insights(early, (), {}, period=DAY, plan=PLAN) if each.rule == "many_left"]
    assert ["between 09:00 and 09:30", "between 09:45 and 10:00"] == [
        text.partition(" left ")[2][:23] for text in texts
    ]


@pytest.mark.parametrize(
    ("lost", "answered", "short"),
    [(2, 0, False), (3, 30, False), (6, 0, True)],
    ids=["too few", "may be chance", "hung up at once"],
)
def test_what_may_be_chance_is_not_said(make_contact, lost: int, answered: int, short: bool):
    """Two callers, a tenth of many, or wrong numbers are no story."""
    calls = [make_contact("abandoned", at_s=k, wait_s=2 if short else 30) for k in range(lost)]
    assert "many_left" not in told([*calls, *(make_contact(at_s=k) for k in range(answered))])


def test_queue_that_missed_its_target_for_certain(make_contact):
    """One of eight in time: said with the seven; five of eight could still be 80 %."""
    slow = [make_contact(at_s=k, wait_s=40) for k in range(7)]
    found = told([make_contact(), *slow])["waits_too_long"]
    assert "support answered 1 of 8 callers within 20 s between 09:00 and 09:15; the target is 80 %" == found.text
    assert 7 == len(found.contacts)
    assert {} == told([*slow[:3], *(make_contact(at_s=60 + k) for k in range(5))])


def test_phone_that_is_not_answered(make_contact, make_leg):
    """101 let nine of ten ring, its colleague none: said of 101, with the calls."""
    legs = [(make_leg("101", at_s=k, talk_s=None, leg_id=f"r{k}"), "no_answer") for k in range(9)]
    legs += [(make_leg("101", at_s=9), "answered"), *((make_leg("102", at_s=k), "answered") for k in range(10))]
    contact = make_contact(legs=tuple(f"r{k}" for k in range(9)))
    found = told([contact], legs)["does_not_answer"]
    assert "101" == found.subject
    assert "did not take 9 of 10 calls that rang there; of the others' it was 0 %" in found.text
    assert {contact.contact_id} == set(found.contacts)


def test_phone_is_not_blamed_for_others(make_leg):
    """A colleague answered, the phone was in a call, or everybody lets it ring: nobody stands out."""
    innocent = [(make_leg("101", at_s=k, talk_s=None), word) for k in range(9) for word in ("elsewhere", "busy")]
    everybody = [(make_leg(ext, at_s=k, talk_s=None), "no_answer") for k in range(9) for ext in ("101", "102")]
    assert {} == told([], innocent)
    assert {} == told([], everybody)


def test_later_visit_is_evidence_of_its_contact(make_contact):
    """A caller passed on to another queue and lost there is named by his contact."""
    from cloud_sink.contacts.records import QueueVisit

    def passed_on(k: int):
        enter = DAY.from_ms + k * 1000
        lost = QueueVisit("support", enter, None, enter + 30_000, "abandoned", "", 30_000, 0, short=False)
        spoken = QueueVisit("sales", DAY.from_ms, enter, enter, "answered", "101", 5000, 0, short=False)
        return make_contact(at_s=k, queue="sales", contact_id=f"c{k}", visits=(spoken, lost))

    assert ("c0", "c1", "c2", "c3", "c4", "c5") == told([passed_on(k) for k in range(6)])["many_left"].contacts
