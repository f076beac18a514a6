import pytest

from cloud_sink.contacts.records import Destination, OfficePlan
from cloud_sink.kpi.surveys import asks_questions, measure_surveys, scores

SURVEY = "442079460510"
PLAN = OfficePlan("lab", destinations=(Destination("after", "survey", (SURVEY,), questions=("csat", "nps", "solved")),))


@pytest.fixture
def answered(make_leg):
    """A customer's leg to the survey with these keys."""

    def make(digits: str, **fields):
        known = {"role": "trunk", "extension": "", "callee": SURVEY, "digits": digits}
        return make_leg(**(known | fields))

    return make


def measured(*legs):
    """Counters by KPI."""
    return {name: (parts.numerator, parts.denominator) for name, parts in measure_surveys(legs, PLAN).items()}


def test_each_key_answers_one_question(answered):
    """In order; further keys answer nothing, fewer leave questions open."""
    assert [("csat", 5), ("nps", 9), ("solved", 1)] == scores(answered("59142"), PLAN)
    assert [("csat", 5)] == scores(answered("5"), PLAN)


def test_key_outside_the_scale_is_no_answer(answered):
    """9 of 5 stars, solved 7: the other answers stand. The star is a ten, the hash nothing."""
    assert [("nps", 10)] == scores(answered("9*7"), PLAN)
    assert [("csat", 4)] == scores(answered("#4"), PLAN)


def test_scores_of_several_callers(answered):
    """Satisfied are 4 and 5; promoters 9 and 10, detractors 0 to 6, the others count below the line only."""
    found = measured(answered("59"), answered("4*1"), answered("182"), answered("361"))
    assert (2, 4) == found["csat"]
    assert (13, 4) == found["csat_mean"]
    assert (100, 4) == found["nps"]
    assert (2, 3) == found["fcr_survey"]
    assert (0, 0) == found["ces"]


def test_who_answered_at_all(answered):
    """Two of three who reached the survey pressed a key; who hung up before it answered did not reach it."""
    found = measured(answered("5"), answered("9"), answered(""), answered("", ring_s=None, talk_s=None))
    assert (2, 3) == found["survey_response_rate"]


def test_colleagues_and_other_numbers_do_not_count(answered, make_leg):
    """A phone of the office that tries the survey, or keys of a menu (R7)."""
    tried = make_leg(callee=SURVEY, digits="555", direction="int")
    menu = answered("1", callee="442079460500")
    assert {(0, 0)} == set(measured(tried, menu).values())


def test_office_without_questions_is_not_asked():
    """Then its legs need not be read."""
    assert [True, False] == [asks_questions(PLAN), asks_questions(OfficePlan("lab"))]
