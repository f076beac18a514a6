from dataclasses import replace

import pytest

from cloud_sink.contacts.records import Destination, OfficePlan
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report
from cloud_sink.kpi.surveys import asked, asks_questions, measure_surveys

SURVEY = "442079460510"
QUESTIONS = ("csat", "nps", "solved")
PLAN = OfficePlan(
    "lab",
    destinations=(
        Destination("own_number", "survey", (SURVEY,), questions=QUESTIONS),
        Destination("after_support", "survey", (), questions=("csat", "solved"), after=("support",)),
        Destination("support", "queue", ("442079460400",)),
        Destination("menu", "ivr", ("442079460500",), choices={"1": "support"}),
    ),
)


@pytest.fixture
def answered(make_leg):
    """A customer's leg to the survey with these keys."""

    def make(digits: str, **fields):
        known = {"role": "trunk", "extension": "", "callee": SURVEY, "digits": digits}
        return make_leg(**(known | fields))

    return make


@pytest.fixture
def spoken(make_leg, make_contact):
    """A call to support, spoken with 101 for a minute: its (contact, customer's leg, agent's leg).

    The customer stays `stays_s` longer and keys `digits` from `keyed_s` after his INVITE on.
    """

    def make(digits: str, *, stays_s: float = 20, keyed_s: float = 70, did: str = "442079460400", at_s: float = 0):
        after = {"digits": digits, "digit_after_ms": round(keyed_s * 1000) if digits else 0}
        own = make_leg(
            at_s=at_s, role="trunk", extension="", callee=did, ring_s=0, talk_s=65 + stays_s, **after,
            leg_id=f"own-{at_s}",
        )  # fmt: skip
        agent = make_leg(at_s=at_s, leg_id=f"agent-{at_s}")
        return make_contact(at_s=at_s, did=did, legs=(own.leg_id, agent.leg_id)), own, agent

    return make


def asked_of(*calls, legs=()):
    """Everybody who was asked on these calls, and on customers' legs alone."""
    own = [*legs, *(call[1] for call in calls)]
    return asked(own, [call[0] for call in calls], [(call[2], "answered") for call in calls], PLAN)


def scored(*legs):
    """Answers of each customer's leg."""
    return [each.scores for each in asked_of(legs=legs)]


def measured(*legs):
    """Counters by KPI."""
    return {
        name: (parts.numerator, parts.denominator) for name, parts in measure_surveys(asked_of(legs=legs), PLAN).items()
    }


def test_each_key_answers_one_question(answered):
    """In order; further keys answer nothing, fewer leave questions open."""
    assert [(("csat", 5), ("nps", 9), ("solved", 1)), (("csat", 5),)] == scored(answered("59142"), answered("5"))


def test_key_outside_the_scale_is_no_answer(answered):
    """9 of 5 stars, solved 7: the other answers stand. The star is a ten, the hash nothing."""
    assert [(("nps", 10),), (("csat", 4),)] == scored(answered("9*7"), answered("#4"))


def test_scores_of_several_callers(answered):
    """Satisfied are 4 and 5; promoters 9 and 10, detractors 0 to 6, the others count below the line only."""
    found = measured(answered("59"), answered("4*1"), answered("182"), answered("361"))
    assert (2, 4) == found["csat"]
    assert (13, 4) == found["csat_mean"]
    assert (100, 4) == found["nps"]
    assert (2, 3) == found["fcr_survey"]
    assert (0, 0) == found["ces"]


def test_an_office_has_its_own_scales(answered):
    """Of 1 to 3 the two best are satisfied, and 4 is no answer."""
    plan = replace(PLAN, csat_best=3)
    legs = [answered(key) for key in "1234"]
    found = measure_surveys(asked(legs, [], [], plan), plan)
    assert (2, 3) == (found["csat"].numerator, found["csat"].denominator)
    assert (6, 3) == (found["csat_mean"].numerator, found["csat_mean"].denominator)


def test_who_answered_at_all(answered):
    """Two of three who reached the survey pressed a key; who hung up before it answered did not reach it."""
    found = measured(answered("5"), answered("9"), answered(""), answered("", ring_s=None, talk_s=None))
    assert (2, 3) == found["survey_response_rate"]


def test_colleagues_and_other_numbers_do_not_count(answered, make_leg):
    """A phone of the office that tries the survey, or keys of a menu (R7)."""
    tried = make_leg(callee=SURVEY, digits="555", direction="int")
    menu = answered("1", callee="442079460500")
    assert {(0, 0)} == set(measured(tried, menu).values())


def test_survey_after_the_agent_hung_up(spoken):
    """Who stays on the line of such a queue is asked about it, and about whoever spoke with him last."""
    [found] = asked_of(spoken("41"))
    assert (("csat", 4), ("solved", 1)) == found.scores
    assert ("support", "101", "agent-0") == (found.queue, found.extension, found.agent_leg)


def test_who_hangs_up_with_the_agent_is_not_asked(spoken):
    """The PBX passes a BYE on at once: nobody was there to be asked."""
    assert [] == asked_of(spoken("", stays_s=0.005))
    [silent] = asked_of(spoken("", stays_s=18))
    assert (False, ()) == (silent.keyed, silent.scores)


def test_keys_of_the_call_itself_answer_nothing(spoken):
    """A customer's number keyed in while he spoke; the key that chose in a menu is known, so the rest counts."""
    assert [()] == [each.scores for each in asked_of(spoken("52", keyed_s=30))]
    assert [(("csat", 5), ("solved", 2))] == [
        each.scores for each in asked_of(spoken("152", keyed_s=2, did="442079460500"))
    ]


def test_other_queues_are_followed_by_no_survey(spoken):
    """A caller of sales who stays is on his way to somewhere else."""
    contact, own, agent = spoken("41")
    contact.queue = "sales"
    assert [] == asked_of((contact, own, agent))


def test_caller_who_was_not_answered_is_not_asked(spoken):
    """He left while he waited: the keys are something else."""
    contact, own, agent = spoken("41")
    contact.disposition = "abandoned"
    assert [] == asked_of((contact, own, agent))


def test_own_number_is_no_queue(answered, make_contact):
    """Who calls the survey itself is asked about nobody, and not about calls to numbers nobody named either."""
    [found] = asked_of(legs=[answered("5")])
    assert ("", "", "") == (found.queue, found.extension, found.agent_leg)
    unnamed = make_contact(queue="", kind="")
    day = Period(unnamed.t_offer - 1, unnamed.t_offer + 86_400_000, "UTC")
    found = report([unnamed], [], period=day, plan=PLAN, coverage=1, surveyed=[answered("5")])
    assert [1, 0] == [values["csat"].denominator for values in (found.total, found.queues[""])]


def test_queue_and_phone_have_their_own(spoken):
    """In a report: the queue that was waited in, and the phone that spoke; another queue has none."""
    contact, own, agent = spoken("41")
    day = Period(own.t_invite, own.t_invite + 86_400_000, "UTC")
    found = report([contact], [(agent, "answered")], period=day, plan=PLAN, coverage=1, surveyed=[own])
    shown = (found.total, found.queues["support"], found.extensions["101"])
    assert [100.0] * 3 == [values["csat"].value for values in shown]
    assert [100.0] * 3 == [values["survey_response_rate"].value for values in shown]


def test_office_without_questions_is_not_asked():
    """Then its legs need not be read."""
    assert [True, False] == [asks_questions(PLAN), asks_questions(OfficePlan("lab"))]
