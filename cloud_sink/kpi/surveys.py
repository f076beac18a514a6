"""Surveys: what callers keyed in after their call, one digit per question (`questions` of the survey).

Only customers' own legs count, so a trunk has to be seen. A key outside a question's scale is no answer to it.
"""

from collections.abc import Iterable, Sequence

from cloud_sink.contacts.destinations import destination_of
from cloud_sink.contacts.records import CES, CSAT, NPS, SOLVED, SURVEY, Leg, OfficePlan
from cloud_sink.kpi.value import Parts

SCALES = {CSAT: range(1, 6), CES: range(1, 8), NPS: range(11), SOLVED: range(1, 3)}
STAR = 10  # "*" on the keypad: the ten that one key cannot say
SATISFIED, PROMOTER, DETRACTOR, YES = 4, 9, 6, 1  # from 4 of 5; from 9; up to 6; 1 is yes and 2 is no


def asks_questions(plan: OfficePlan) -> bool:
    """Whether this office has any survey."""
    return any(place.questions for place in plan.destinations)


def scores(leg: Leg, plan: OfficePlan) -> list[tuple[str, int]]:
    """(question, score) of one caller."""
    place = destination_of(leg.callee, plan)
    keyed = [STAR if key == "*" else int(key) for key in leg.digits if key in "0123456789*"]
    asked = zip(place.questions if place else (), keyed, strict=False)
    return [(question, score) for question, score in asked if score in SCALES[question]]


def measure_surveys(legs: Iterable[Leg], plan: OfficePlan) -> dict[str, Parts]:
    """`csat`, `csat_mean`, `nps`, `ces`, `fcr_survey`, `survey_response_rate`."""
    customers = [leg for leg in legs if leg.role == "trunk" and leg.direction == "in"]
    answers: dict[str, list[int]] = {question: [] for question in SCALES}
    for leg in customers:
        for question, score in scores(leg, plan):
            answers[question].append(score)
    return _count(answers) | {"survey_response_rate": _responses(customers, plan)}


def _count(answers: dict[str, list[int]]) -> dict[str, Parts]:
    """Counters of every question."""
    csat, nps, solved = answers[CSAT], answers[NPS], answers[SOLVED]
    loyal = sum(score >= PROMOTER for score in nps) - sum(score <= DETRACTOR for score in nps)
    return {
        "csat": Parts(sum(score >= SATISFIED for score in csat), len(csat)),
        "csat_mean": Parts(sum(csat), len(csat)),
        "nps": Parts(100 * loyal, len(nps)),
        "ces": Parts(sum(answers[CES]), len(answers[CES])),
        "fcr_survey": Parts(sum(score == YES for score in solved), len(solved)),
    }


def _responses(customers: Sequence[Leg], plan: OfficePlan) -> Parts:
    """Of the callers who reached a survey's own number, those who pressed any key."""
    places = [(leg, destination_of(leg.callee, plan)) for leg in customers if leg.t_answer is not None]
    reached = [leg for leg, place in places if place is not None and place.kind == SURVEY and place.questions]
    return Parts(sum(bool(leg.digits) for leg in reached), len(reached))
