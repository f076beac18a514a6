"""Every kind of import, described once: templates, checks, documentation and storage are made from this table.

A row is stored under its `part`: what a file says about a part replaces all that was stored about it, so that a
corrected file can simply be imported again. Times are Unix milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cloud_sink.contacts.records import QUESTIONS, OfficePlan
from cloud_sink.imports.columns import (
    Column,
    Value,
    decimal,
    last_moment,
    moment,
    number,
    one_of,
    seconds,
    text,
    time_of_day,
    yes_or_no,
)
from cloud_sink.kpi.period import local_day
from cloud_sink.kpi.roster import ACTIVITIES
from cloud_sink.kpi.state_sources import FOREVER
from cloud_sink.kpi.surveys import scales_of
from cloud_sink.store.records import ImportedRow

DAY_MS = 86_400_000
LONGEST_SHIFT_MS = DAY_MS
SHARED = "shared"  # key of customers' numbers that many people share: found without reading all customers
WIDEST = OfficePlan("", csat_best=9, ces_best=9)  # what may be asked anywhere; `importing` knows the office
Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file."""

    name: str
    says: str
    columns: tuple[Column, ...]
    record: Callable[[Values, str], ImportedRow]  # (values, time zone) -> how it is stored
    problem: Callable[[Values], tuple[str, str] | None] = lambda _values: None  # (column, what is wrong) of a row
    longest_ms: int | None = None  # no row holds for longer; None: there is no bound
    exclusive: str = ""  # column: rows of the same value here may not overlap in time

    def column(self, name: str) -> Column | None:
        """The column with that head."""
        return next((column for column in self.columns if column.name == name), None)


def _span(values: Values, start: str, end: str) -> tuple[int, int]:
    """From when until when; open where the row does not say."""
    since, until = values[start], values[end]
    return int(since or 0), FOREVER if until is None else int(until)


def _ends_after(start: str, end: str, longest_ms: int | None = None) -> Callable[[Values], tuple[str, str] | None]:
    """The end must be later than the start, and not too late."""

    def problem(values: Values) -> tuple[str, str] | None:
        since, until = _span(values, start, end)
        if until <= since:
            return end, f'must be later than "{start}"'
        if longest_ms is not None and until - since > longest_ms:
            return end, f'is more than {longest_ms // 3_600_000} hours later than "{start}"'
        return None

    return problem


def _agent(values: Values, _zone: str) -> ImportedRow:
    since, until = _span(values, "from", "until")
    return ImportedRow(since, until, f"{values['extension']}@{since}", "", "", values)


def _schedule(values: Values, zone: str) -> ImportedRow:
    start, end = _span(values, "start", "end")
    agent = str(values["agent"])
    return ImportedRow(start, end, f"{agent}@{local_day(start, zone)}", agent, "", values)


def _absence(values: Values, _zone: str) -> ImportedRow:
    since, until = _span(values, "from", "until")
    return ImportedRow(since, until, f"{values['agent']}@{since}", str(values["agent"]), "", values)


def _employee(values: Values, _zone: str) -> ImportedRow:
    joined, left = _span(values, "joined", "left")
    return ImportedRow(joined, left, f"{values['agent']}@{joined}", str(values["agent"]), "", values)


def _score(values: Values, _zone: str) -> ImportedRow:
    at_ms = int(values["at"] or 0)
    part = f"{values['agent']}@{at_ms}/{values['form']}"
    return ImportedRow(at_ms, at_ms, part, part, "", values)


def _result(values: Values, _zone: str) -> ImportedRow:
    at_ms = int(values["at"] or 0)
    part = str(values["contact_id"] or f"{values['number']}@{at_ms}")
    return ImportedRow(at_ms, at_ms, part, part, str(values["number"] or ""), values)


def _answer(values: Values, _zone: str) -> ImportedRow:
    at_ms = int(values["at"] or 0)
    about = values["contact_id"] or f"{values['number'] or values['agent'] or values['queue']}@{at_ms}"
    part = f"{about}/{values['question']}"
    return ImportedRow(at_ms, at_ms, part, part, str(values["number"] or ""), values)


def _tariff(values: Values, _zone: str) -> ImportedRow:
    since = int(values["from"] or 0)
    return ImportedRow(since, FOREVER, f"{values['prefix']}@{since}", str(values["prefix"]), "", values)


def _customer(values: Values, _zone: str) -> ImportedRow:
    called = str(values["number"])
    return ImportedRow(0, FOREVER, called, SHARED if values["shared"] else "", called, values)


def _cost(values: Values, _zone: str) -> ImportedRow:
    since, until = _span(values, "from", "until")
    return ImportedRow(since, until, f"{values['what']}@{since}", str(values["what"]), "", values)


def _tells_a_call(values: Values) -> tuple[str, str] | None:
    """A result names its call: by the contact, or by the number and the time."""
    if values["contact_id"] or (values["number"] and values["at"] is not None):
        return None
    return "contact_id", 'is empty: name the call by it, or by both "number" and "at"'


def _answers_a_question(values: Values) -> tuple[str, str] | None:
    """A score of the question's scale, and a time of its own where no contact has one."""
    scale = scales_of(WIDEST)[str(values["question"])]
    if values["score"] not in scale:
        return "score", f"must be a whole number from {scale[0]} to {scale[-1]} for {values['question']}"
    if not values["contact_id"] and values["at"] is None:
        return "at", 'is empty: say when, or name the call by "contact_id"'
    return None


def _at_most_all(values: Values) -> tuple[str, str] | None:
    score, out_of = values["score"], values["out_of"]
    if not out_of:
        return "out_of", "must be more than 0"
    return ("score", 'is more than "out_of"') if float(score or 0) > float(out_of) else None


def _has_digits(values: Values) -> tuple[str, str] | None:
    prefix = str(values["prefix"])
    return None if prefix.isascii() and prefix.isdigit() else ("prefix", "must be digits only, such as 4477")


AGENT = Column("agent", text, "the agent's name, the same in every file", "Alice", required=True)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "agents",
            "who sat at which extension, from when until when, and in which team",
            (
                AGENT,
                Column("extension", text, "the phone's extension", "101", required=True),
                Column("from", moment, "first day or time; empty: always", "2026-06-01"),
                Column("until", last_moment, "last day, or the time it ended; empty: until the next agent", ""),
                Column("team", text, "team, such as a department", "support", default=""),
            ),
            _agent,
            _ends_after("from", "until"),
            exclusive="extension",
        ),
        Kind(
            "schedules",
            "shifts: what each agent is planned to do when; a file replaces all of an agent's day",
            (
                AGENT,
                Column("start", time_of_day, "when it begins", "2026-06-01 09:00", required=True),
                Column("end", time_of_day, "when it ends, within 24 hours", "2026-06-01 11:00", required=True),
                Column("activity", one_of(*ACTIVITIES), "what: " + ", ".join(ACTIVITIES), "on_queue", required=True),
                Column("paid", yes_or_no, "yes or no; empty: yes", "yes", default=True),
            ),
            _schedule,
            _ends_after("start", "end", LONGEST_SHIFT_MS),
            longest_ms=LONGEST_SHIFT_MS,
            exclusive="agent",
        ),
        Kind(
            "absences",
            "days off as the personnel office confirmed them",
            (
                AGENT,
                Column("from", moment, "first day", "2026-06-08", required=True),
                Column("until", last_moment, "last day, included", "2026-06-12", required=True),
                Column("reason", text, "such as sick, holiday; better none than a diagnosis", "holiday", default=""),
            ),
            _absence,
            _ends_after("from", "until"),
            exclusive="agent",
        ),
        Kind(
            "staff",
            "who was employed from when until when, and what an hour costs",
            (
                AGENT,
                Column("joined", moment, "first day of employment", "2024-02-01", required=True),
                Column("left", last_moment, "last day; empty: still there", ""),
                Column("hourly_cost", decimal, "cost of a paid hour; empty: the office's `hourly_cost`", "24.50"),
            ),
            _employee,
            _ends_after("joined", "left"),
            exclusive="agent",
        ),
        Kind(
            "qa_scores",
            "evaluations of conversations",
            (
                AGENT,
                Column("at", moment, "when the conversation was", "2026-06-01 10:15", required=True),
                Column("score", decimal, "points reached", "86", required=True),
                Column("out_of", decimal, "points possible; empty: 100", "100", default=100.0),
                Column("form", text, "which form was used", "", default=""),
            ),
            _score,
            _at_most_all,
            longest_ms=0,
        ),
        Kind(
            "dispositions",
            "what came of calls, as agents or another system noted it",
            (
                Column("contact_id", text, "the contact, as the export of contacts shows it", "", default=""),
                Column("number", number, "or: the customer's number ...", "+447700900123", default=""),
                Column("at", time_of_day, "... and when, during the call or within half an hour", "2026-06-01 10:15"),
                Column("disposition", text, "the note", "order placed", required=True),
                Column("success", yes_or_no, "whether the customer got what he wanted; empty: not said", "yes"),
            ),
            _result,
            _tells_a_call,
            longest_ms=0,
        ),
        Kind(
            "surveys",
            "what callers answered where no box hears it: by e-mail, on a web page, at a hosted PBX",
            (
                Column("question", one_of(*QUESTIONS), ", ".join(QUESTIONS), "csat", required=True),
                Column("score", decimal, "csat 1-5, ces 1-7, nps 0-10; solved: 1 yes, 2 no", "5", required=True),
                Column("contact_id", text, "the call, as the export of contacts shows it", "", default=""),
                Column("number", number, "or: the customer's number", "+447700900123", default=""),
                Column("at", time_of_day, "when the call was, or the answer came", "2026-06-01 10:15"),
                Column("queue", text, "about which queue, where no call is named", "", default=""),
                Column("agent", text, "about which agent, where no call is named", "", default=""),
            ),
            _answer,
            _answers_a_question,
            longest_ms=0,
        ),
        Kind(
            "tariffs",
            "what calls cost; beside those of the configuration, before which they count",
            (
                Column("name", text, "what people call it", "UK mobile", required=True),
                Column("prefix", text, "beginning of the numbers, digits only", "447", required=True),
                Column("per_minute", decimal, "price of a minute", "0.045", required=True),
                Column("connect_fee", decimal, "price of being answered at all; empty: 0", "0", default=0.0),
                Column("first_s", seconds, "seconds always charged; empty: 0", "60", default=0),
                Column("step_s", seconds, "step in which more are charged; empty: 1", "1", default=1),
                Column("from", moment, "first day it holds; empty: always", "2026-06-01"),
            ),
            _tariff,
            _has_digits,
        ),
        Kind(
            "customers",
            "whose number it is; and which numbers many people share",
            (
                Column("number", number, "the telephone number", "+447700900123", required=True),
                Column("name", text, "whose it is", "Example Ltd", default=""),
                Column("segment", text, "such as gold, new", "gold", default=""),
                Column("shared", yes_or_no, "yes: many people share it, never the same caller; empty: no", "no",
                       default=False),
            ),
            _customer,
        ),
        Kind(
            "costs",
            "other costs of the centre: rent, licences, lines",
            (
                Column("what", text, "what for", "rent", required=True),
                Column("from", moment, "first day", "2026-06-01", required=True),
                Column("until", last_moment, "last day, included", "2026-06-30", required=True),
                Column("amount", decimal, "for all these days together", "1800", required=True),
            ),
            _cost,
            _ends_after("from", "until"),
        ),
    )
}  # fmt: skip
