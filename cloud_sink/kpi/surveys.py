"""Surveys: what callers keyed in after their call, one digit per question (`questions` of the survey).

A survey has a number of its own, or it begins where an agent hung up (`after` some queues): then its answers are about
that queue and that agent. Only customers' own legs count, so a trunk has to be seen. A key outside a question's scale
is no answer to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.destinations import destination_of
from cloud_sink.contacts.records import (
    CES,
    CSAT,
    IVR,
    NPS,
    QUESTIONS,
    SOLVED,
    SURVEY,
    Contact,
    Destination,
    Leg,
    OfficePlan,
)
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ANSWERED

STAR = 10  # "*" on the keypad: the ten that one key cannot say
PROMOTER, DETRACTOR, YES = 9, 6, 1  # from 9; up to 6; 1 is yes and 2 is no
KEYS = "0123456789*"
STAYED_MS = 500  # who is there so long after the agent hung up is being asked: a BYE is passed on within milliseconds


@dataclass(frozen=True, slots=True)
class Asked:
    """A caller who reached a survey."""

    leg_id: str  # of his own leg; "" where the answer was imported
    keyed: bool  # whether he pressed any key
    scores: tuple[tuple[str, int], ...]  # (question, score)
    queue: str = ""  # where he had waited, and who spoke with him last; "" where he called the survey's own number
    extension: str = ""
    agent_leg: str = ""
    agent: str = ""  # by name, where an import says it


def asks_questions(plan: OfficePlan) -> bool:
    """Whether this office has any survey."""
    return any(place.questions for place in plan.destinations)


def scales_of(plan: OfficePlan) -> dict[str, range]:
    """What may be answered to each question."""
    return {
        CSAT: range(1, plan.csat_best + 1), CES: range(1, plan.ces_best + 1), NPS: range(11), SOLVED: range(1, 3),
    }  # fmt: skip


def asked(
    surveyed: Iterable[Leg], contacts: Iterable[Contact], legs: Iterable[SettledLeg], plan: OfficePlan
) -> list[Asked]:
    """Everybody who reached a survey on one of these legs; `contacts` and phones' `legs` tell whom it was after."""
    customers = [leg for leg in surveyed if leg.role == "trunk" and leg.direction == "in" and leg.t_answer is not None]
    called = [(leg, destination_of(leg.callee, plan)) for leg in customers]
    found = [
        Asked(leg.leg_id, bool(leg.digits), scores(leg.digits, place, plan))
        for leg, place in called
        if place is not None and place.kind == SURVEY and place.questions
    ]
    return found + _asked_afterwards({leg.leg_id: leg for leg in customers}, contacts, legs, plan)


def scores(digits: str, survey: Destination, plan: OfficePlan) -> tuple[tuple[str, int], ...]:
    """(question, score) of the keys that one caller pressed."""
    keyed = [STAR if key == "*" else int(key) for key in digits if key in KEYS]
    answers, scales = zip(survey.questions, keyed, strict=False), scales_of(plan)
    return tuple((question, score) for question, score in answers if score in scales[question])


def _asked_afterwards(
    customers: Mapping[str, Leg], contacts: Iterable[Contact], legs: Iterable[SettledLeg], plan: OfficePlan
) -> list[Asked]:
    """Callers who stayed when the agent had hung up, of queues that a survey follows."""
    surveys = {queue: place for place in plan.destinations if place.questions for queue in place.after}
    if not surveys or not customers:
        return []
    spoken = {leg.leg_id: leg for leg, word in legs if word == ANSWERED}
    found = []
    for contact in contacts:
        queue = last_queue(contact)
        own = next((customers[leg] for leg in contact.legs if leg in customers), None)
        last = last_agent(contact, spoken)
        if own is not None and last is not None and queue in surveys and _stayed(own, last):
            keys = _keyed_afterwards(own, last, contact, plan)
            answers = scores(keys, surveys[queue], plan)
            found.append(Asked(own.leg_id, bool(keys), answers, queue, last.extension, last.leg_id))
    return found


def last_queue(contact: Contact) -> str:
    """Where the caller waited last."""
    return contact.visits[-1].queue if contact.visits else contact.queue


def last_agent(contact: Contact, spoken: Mapping[str, Leg]) -> Leg | None:
    """The leg of whoever spoke with the caller last; None while one goes on, and where nobody did."""
    legs = [spoken[leg] for leg in contact.legs if leg in spoken]
    if contact.disposition != ANSWERED or any(leg.t_end is None for leg in legs):
        return None
    return max(legs, key=lambda leg: leg.t_end or 0, default=None)


def _stayed(own: Leg, last: Leg) -> bool:
    """Whether the caller's leg outlived the agent's by more than hanging up takes."""
    return own.t_end is not None and last.t_end is not None and own.t_end - last.t_end >= STAYED_MS


def _keyed_afterwards(own: Leg, last: Leg, contact: Contact, plan: OfficePlan) -> str:
    """The keys pressed since; what was keyed before cannot be told apart, but for the one that chose in a menu."""
    first_ms = own.t_invite + own.digit_after_ms
    if own.digits and last.t_end is not None and first_ms >= last.t_end:
        return own.digits
    menu = destination_of(own.callee, plan)
    chose = menu is not None and menu.kind == IVR and menu.choices.get(own.digits[:1]) == contact.queue
    return own.digits[1:] if chose else ""


def measure_surveys(everybody: Sequence[Asked], plan: OfficePlan) -> dict[str, Parts]:
    """`csat`, `csat_mean`, `nps`, `ces`, `fcr_survey`, `survey_response_rate`."""
    answers: dict[str, list[int]] = {question: [] for question in QUESTIONS}
    for each in everybody:
        for question, score in each.scores:
            answers[question].append(score)
    heard = [each.keyed for each in everybody if each.leg_id]
    return _count(answers, plan.csat_best - 1) | {"survey_response_rate": Parts(sum(heard), len(heard))}


def _count(answers: dict[str, list[int]], satisfied: int) -> dict[str, Parts]:
    """Counters of every question; `satisfied`: from which answer on, the second best."""
    csat, nps, solved = answers[CSAT], answers[NPS], answers[SOLVED]
    loyal = sum(score >= PROMOTER for score in nps) - sum(score <= DETRACTOR for score in nps)
    return {
        "csat": Parts(sum(score >= satisfied for score in csat), len(csat)),
        "csat_mean": Parts(sum(csat), len(csat)),
        "nps": Parts(100 * loyal, len(nps)),
        "ces": Parts(sum(answers[CES]), len(answers[CES])),
        "fcr_survey": Parts(sum(score == YES for score in solved), len(solved)),
    }
