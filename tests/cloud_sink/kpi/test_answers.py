"""Answers that were imported: about which call, queue and agent they are, and that they add up with what was heard."""

from cloud_sink.contacts.records import Destination, OfficePlan, QueueVisit
from cloud_sink.kpi.answers import Answer, asked_elsewhere, with_answers
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report

from .conftest import START, build_contact, build_leg

DAY = Period(START, START + 86_400_000)
SURVEY = Destination("own", "survey", ("4510",), questions=("csat",))
CALL = build_contact(contact_id="call", legs=("agent-leg",))
SPOKEN = [(build_leg("101", leg_id="agent-leg"), "answered")]


def test_an_answer_finds_its_call():
    """By the contact, or by the number and a time from a minute before it to half an hour after its end."""
    late = START + 20 * 60_000
    for answer in (Answer(START, "csat", 4, contact_id="call"), Answer(late, "csat", 4, number=CALL.caller)):
        [found] = asked_elsewhere([answer], [CALL], SPOKEN)
        assert ("support", "101", "agent-leg") == (found.queue, found.extension, found.agent_leg)
    [unknown] = asked_elsewhere([Answer(START + 3_600_000, "csat", 4, number=CALL.caller)], [CALL], SPOKEN)
    assert ("", "", "") == (unknown.queue, unknown.extension, unknown.agent_leg)


def test_the_file_s_own_word_goes_first():
    """A queue and an agent that it names; without a call they are all there is."""
    [found] = asked_elsewhere([Answer(START, "csat", 4, queue="sales", agent="Alice")], [CALL], SPOKEN)
    assert ("sales", "", "Alice") == (found.queue, found.extension, found.agent)


def test_who_spoke_last_is_asked_about():
    """A caller who was passed on to another queue answers about that."""
    visit = QueueVisit("sales", START, START, START, "answered", "104", 0, 0, False)
    moved = build_contact(contact_id="moved", legs=("agent-leg", "second"), visits=(visit,))
    later = (build_leg("104", at_s=90, leg_id="second"), "answered")
    [found] = asked_elsewhere([Answer(START, "ces", 2, contact_id="moved")], [moved], [*SPOKEN, later])
    assert ("sales", "104", "second") == (found.queue, found.extension, found.agent_leg)


def test_answers_add_up_with_those_that_were_heard():
    """One caller keyed 5, two answered by mail: in total, of the queue and of the phone; who was heard stays one."""
    keyed = build_leg("", role="trunk", callee="4510", ring_s=0, digits="5", leg_id="own")
    plan = OfficePlan("lab", destinations=(SURVEY,))
    heard = report([CALL], SPOKEN, period=DAY, plan=plan, coverage=1, surveyed=[keyed])
    answers = [Answer(START, "csat", 2, contact_id="call"), Answer(START, "nps", 9), Answer(START, "csat", 4)]
    found = with_answers(heard, asked_elsewhere(answers, [CALL], SPOKEN), plan)
    assert (2, 3) == (found.total["csat"].numerator, found.total["csat"].denominator)
    assert 100.0 == found.total["nps"].value
    assert [0.0, 0.0] == [found.queues["support"]["csat"].value, found.extensions["101"]["csat"].value]
    assert (1, 1) == (found.total["survey_response_rate"].numerator, found.total["survey_response_rate"].denominator)
    assert heard.total["asa"] == found.total["asa"]


def test_phones_only_have_satisfaction_too():
    """With a hosted PBX no key is heard: null without answers, theirs with them."""
    phones = build_contact(contact_id="call", legs=("agent-leg",), visibility="T1", wait_basis="ring")
    heard = report([phones], SPOKEN, period=DAY, plan=OfficePlan("lab"), coverage=1)
    assert heard.total["csat"].value is None
    told = asked_elsewhere([Answer(START, "csat", 5, contact_id="call")], [phones], SPOKEN)
    assert 100.0 == with_answers(heard, told, OfficePlan("lab")).total["csat"].value
    assert heard == with_answers(heard, [], OfficePlan("lab"))
