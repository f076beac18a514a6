"""Imported visits of queues, as stitching asks for them. Spans are Unix milliseconds, both ends included."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from cloud_sink.contacts.logged import ID_PREFIX, LoggedVisit
from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.queue_words import NO_LOG, AgentLog, words_of
from cloud_sink.store import tables
from cloud_sink.store.imported import read_parts, row_of
from cloud_sink.store.reading import contacts
from cloud_sink.store.records import ImportedRow

QUEUE_LOG = "queue_log"  # the kind that these rows are stored as
LONGEST_MS = 24 * 3_600_000  # no visit is longer, so none from before that is looked for
TOGETHER_MS = 30 * 60 * 1000
AGENT_KEY = "agent"  # key of the rows that tell of agents; visits have their number

Span = tuple[int, int]


def has_visits(connection: Connection, office: str) -> bool:
    """Whether a queue log was imported for the office."""
    table = tables.imports
    found = select(table.c["at"]).where(table.c.office_id == office, table.c.kind == QUEUE_LOG).limit(1)
    return connection.execute(found).first() is not None


def visits_within(
    connection: Connection, office: str, start: int, until: int, trunk_since: int | None
) -> list[LoggedVisit]:
    """The visits that began in [start, until], before the office's boxes saw the trunk themselves."""
    table = tables.imports
    last = until if trunk_since is None else min(until, trunk_since - 1)
    found = (
        select(table).where(_visits_of(office), table.c["at"] >= start, table.c["at"] <= last).order_by(table.c["at"])
    )
    return [visit_of(row_of(row)) for row in connection.execute(found)]


def with_visits(connection: Connection, office: str, start: int, until: int, gap_ms: int) -> Span:
    """The range together with the visits that lie within the gap of it."""
    table = tables.imports
    near = and_(table.c["at"] >= start - LONGEST_MS, table.c["at"] <= until + gap_ms, table.c.until >= start - gap_ms)
    ends = select(func.min(table.c["at"]), func.max(table.c.until)).where(_visits_of(office), near)
    row = connection.execute(ends).one()
    return (start, until) if row[0] is None else (min(start, row[0]), max(until, row[1]))


def visit_spans(connection: Connection, office: str) -> list[Span]:
    """The time of every visit, those near each other together."""
    table = tables.imports
    found = select(table.c["at"], table.c.until).where(_visits_of(office)).order_by(table.c["at"])
    return list(merged_spans(((row[0], row[1]) for row in connection.execute(found)), TOGETHER_MS))


def _visits_of(office: str) -> ColumnElement[bool]:
    return and_(_log_of(office), tables.imports.c.key != AGENT_KEY)


def _log_of(office: str) -> ColumnElement[bool]:
    return and_(tables.imports.c.office_id == office, tables.imports.c.kind == QUEUE_LOG)


def agent_log(connection: Connection, office: str, from_ms: int, until_ms: int) -> AgentLog:
    """What imported logs say of agents in [from, until), and until when they reach."""
    table = tables.imports
    inside = and_(table.c.key == AGENT_KEY, table.c["at"] >= from_ms, table.c["at"] < until_ms)
    rows = [row_of(row) for row in connection.execute(select(table).where(_log_of(office), inside))]
    if not rows:
        return NO_LOG
    last = connection.execute(select(func.max(table.c["at"])).where(_log_of(office))).scalar_one()
    return AgentLog(tuple(words_of((row.at_ms, row.values) for row in rows)), last)


def merged_spans(spans: Iterable[Span], near_ms: int) -> Iterator[Span]:
    """Spans that lie within `near_ms` of each other as one, in order."""
    ordered = iter(sorted(spans))
    held = next(ordered, None)
    for start, until in ordered:
        if held is not None and start <= held[1] + near_ms:
            held = held[0], max(held[1], until)
        else:
            if held is not None:
                yield held
            held = start, until
    if held is not None:
        yield held


def contact(connection: Connection, office: str, contact_id: str) -> Contact | None:
    """Return the contact of a logged call of which no phone showed anything."""
    if not contact_id.startswith(ID_PREFIX):
        return None
    calls = read_parts(connection, office, QUEUE_LOG, [contact_id.removeprefix(ID_PREFIX)])
    for call in calls:
        found = [
            each for each in contacts(connection, office, call.at_ms, call.at_ms + 1) if each.contact_id == contact_id
        ]
        if found:
            return found[0]
    return None


def visit_of(row: ImportedRow) -> LoggedVisit:
    """A stored row as a visit."""
    values: dict[str, Any] = row.values
    return LoggedVisit(
        row.part, values["queue"], row.number, values["did"], values["agent"], row.at_ms, values["t_answer"],
        values["t_end"], values["disposition"], values["ended_by"],
    )  # fmt: skip
