"""Answers to surveys that no box heard (by e-mail, on a web page, at a hosted PBX): imported, added to the rest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.report import Report, Values
from cloud_sink.kpi.results import nearest
from cloud_sink.kpi.surveys import Asked, last_agent, last_queue, measure_surveys
from cloud_sink.kpi.value import Parts, Value, value_of
from cloud_sink.kpi.volume import ANSWERED


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's answer, about the call that `contact_id`, or `number` and the time, name; "": neither does."""

    at_ms: int
    question: str
    score: int
    contact_id: str = ""
    number: str = ""
    queue: str = ""  # as the file says: "" where the call tells
    agent: str = ""


def asked_elsewhere(answers: Iterable[Answer], contacts: Sequence[Contact], legs: Iterable[SettledLeg]) -> list[Asked]:
    """Each answer as a caller who was asked; `contacts` and phones' `legs` around them tell about whom."""
    by_id = {leg: contact for contact in contacts for leg in (*contact.legs, contact.contact_id)}
    by_number: dict[str, list[Contact]] = {}
    for contact in contacts:
        by_number.setdefault(contact.caller, []).append(contact)
    spoken = {leg.leg_id: leg for leg, word in legs if word == ANSWERED}
    found = []
    for answer in answers:
        named = nearest(by_number.get(answer.number, []), answer.at_ms) if answer.number else None
        about = by_id.get(answer.contact_id) or named
        last = None if about is None or answer.agent else last_agent(about, spoken)
        found.append(
            Asked(
                leg_id="",
                keyed=True,
                scores=((answer.question, answer.score),),
                queue=answer.queue or ("" if about is None else last_queue(about)),
                extension="" if last is None else last.extension,
                agent_leg="" if last is None else last.leg_id,
                agent=answer.agent,
            )
        )
    return found


def with_answers(report: Report, everybody: Sequence[Asked], plan: OfficePlan) -> Report:
    """The report with these answers beside those that the box heard."""
    if not everybody:
        return report
    return replace(
        report,
        total=_grown(report.total, everybody, plan),
        queues={
            name: _grown(values, [each for each in everybody if each.queue == name], plan)
            for name, values in report.queues.items()
        },
        extensions={
            name: _grown(values, [each for each in everybody if each.extension == name], plan)
            for name, values in report.extensions.items()
        },
    )


def _grown(values: Values, own: Sequence[Asked], plan: OfficePlan) -> Values:
    """One part's values with some answers more."""
    return values | {
        kpi_id: _added(values, kpi_id, parts)
        for kpi_id, parts in measure_surveys(own, plan).items()
        if parts.denominator
    }


def _added(values: Values, kpi_id: str, parts: Parts) -> Value:
    before, kpi = values[kpi_id], CATALOGUE[kpi_id]
    whole = Parts(round(before.numerator) + parts.numerator, round(before.denominator) + parts.denominator)
    return value_of(whole, unit=kpi.unit, basis=before.basis, averaged=kpi.averaged)
