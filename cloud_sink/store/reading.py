"""What pages, reports and the command line ask of the store. Plain Core, no dialect.

Statements of what every report asks are built once: that costs more than running them.
"""

import json
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Select, and_, bindparam, func, select

from cloud_sink.contacts.facts import BoxHealth, Registers, Told, Voice
from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.contacts.views import SEEN_TWICE
from cloud_sink.store import tables
from cloud_sink.store.records import BoxStatus, Gap, Quarantined, Registration
from cloud_sink.store.rows import contact_of, leg_of, registers_of, told_of, voice_of

_ONCE = tables.leg_outcomes.c.outcome != SEEN_TWICE  # of a leg that several boxes saw one view counts


def offices(connection: Connection) -> list[str]:
    """Return the offices that anything is stored of."""
    found = select(tables.boxes.c.office_id).where(tables.boxes.c.office_id != "").distinct()
    return sorted(connection.execute(found).scalars())


def contacts(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Contact]:
    """Return the contacts offered in [from, until), in order."""
    rows = connection.execute(_contacts_of_period(), _asked(office, from_ms, until_ms))
    return [contact_of(row) for row in rows]


@cache
def _contacts_of_period() -> Select[Any]:
    table = tables.contacts
    period = (table.c.office_id == _parameter("office"), *_within(table.c.t_offer))
    return select(table).where(*period).order_by(table.c.t_offer, table.c.contact_id)


def caller_numbers(connection: Connection, office: str, limit: int) -> list[str]:
    """Return the numbers of the latest callers who had one."""
    table = tables.contacts
    numbered = and_(table.c.office_id == office, table.c.direction == "in", table.c.caller != "")
    found = select(table.c.caller).where(numbered).order_by(table.c.t_offer.desc()).limit(limit)
    return list(connection.execute(found).scalars())


def phone_legs(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[tuple[Leg, str]]:
    """Return the phone legs begun in [from, until) with their settled outcome, in order; each once."""
    return _settled(connection, _legs_of_period(only_phones=True), _asked(office, from_ms, until_ms))


def legs(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[tuple[Leg, str]]:
    """Return every leg begun in [from, until) with its settled outcome, in order; each once."""
    return _settled(connection, _legs_of_period(only_phones=False), _asked(office, from_ms, until_ms))


def legs_of(connection: Connection, office: str, contact_id: str) -> list[tuple[Leg, str]]:
    """Return the legs of a contact with their settled outcome, in order."""
    table = tables.leg_outcomes
    these = _legs_with_outcome().where(table.c.office_id == office, table.c.contact_id == contact_id)
    return _settled(connection, these, {"office": office})


def gaps(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Gap]:
    """Return the gaps that reach into [from, until), in order."""
    rows = connection.execute(_gaps_of_period(), _asked(office, from_ms, until_ms))
    return [Gap(row.box, row.start, row.until, row.reason, row.events_lost, row.seq) for row in rows]


@cache
def _gaps_of_period() -> Select[Any]:
    table = tables.gaps
    reaching = (table.c.start < _parameter("until"), table.c.until >= _parameter("since"))
    return (
        select(table).where(table.c.office_id == _parameter("office"), *reaching).order_by(table.c.start, table.c.seq)
    )


def all_gaps(connection: Connection, from_ms: int, until_ms: int) -> dict[str, list[tuple[int, int]]]:
    """Return office -> its gaps that reach into [from, until)."""
    table = tables.gaps
    period = and_(table.c.start < until_ms, table.c.until >= from_ms)
    found: dict[str, list[tuple[int, int]]] = {}
    for office, start, until in connection.execute(
        select(table.c.office_id, table.c.start, table.c.until).where(period)
    ):
        found.setdefault(office, []).append((start, until))
    return found


def registrations(
    connection: Connection, office: str, from_ms: int, until_ms: int, role: str = "phone"
) -> list[Registration]:
    """Return the changes of phones in [from, until), and of each phone the last one before that, in order."""
    rows = _changes(connection, "registrations", office, from_ms, until_ms, role)
    return [Registration(row.seq, row.at, row.role, row.extension, bool(row.registered)) for row in rows]


def told(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Told]:
    """Return what was told in [from, until), and of each extension's states the last one before that, in order."""
    return [told_of(row) for row in _changes(connection, "told", office, from_ms, until_ms)]


def _changes(
    connection: Connection, name: str, office: str, from_ms: int, until_ms: int, role: str | None = None
) -> list[Row[Any]]:
    """Return the changes in [from, until), and the last ones before that which say how it began, in order."""
    asked = _asked(office, from_ms, until_ms) | ({} if role is None else {"role": role})
    statements = (_last_before(name, of_role=role is not None), _changes_of_period(name, of_role=role is not None))
    found = [row for statement in statements for row in connection.execute(statement, asked)]
    return sorted(found, key=lambda row: (row.at, row.box, row.epoch, row.seq))


@cache
def _last_before(name: str, *, of_role: bool) -> Select[Any]:
    table, of_office = tables.metadata.tables[name], _of_office(name, of_role=of_role)
    names = [table.c.extension, *([table.c.state] if "state" in table.c else [])]
    earlier = select(*names, func.max(table.c["at"]).label("at")).where(of_office, table.c["at"] < _parameter("since"))
    before = earlier.group_by(*names).subquery()
    last = and_(table.c["at"] == before.c["at"], *(column == before.c[column.name] for column in names))
    return select(table).join(before, last).where(of_office)


@cache
def _changes_of_period(name: str, *, of_role: bool) -> Select[Any]:
    table = tables.metadata.tables[name]
    return select(table).where(_of_office(name, of_role=of_role), *_within(table.c["at"]))


def _of_office(name: str, *, of_role: bool) -> ColumnElement[bool]:
    table = tables.metadata.tables[name]
    own = table.c.office_id == _parameter("office")
    return and_(own, table.c.role == _parameter("role")) if of_role else own


def voices(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Voice]:
    """Return phones' reports of calls that ended in [from, until), in order."""
    table = tables.voice
    period = and_(table.c.office_id == office, table.c.at >= from_ms, table.c.at < until_ms)
    rows = connection.execute(select(table).where(period).order_by(table.c.at, table.c.box, table.c.epoch, table.c.seq))
    return [voice_of(row) for row in rows]


def registers(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Registers]:
    """Return counted REGISTERs whose span began in [from, until), in order."""
    table = tables.registers
    period = and_(table.c.office_id == office, table.c.start >= from_ms, table.c.start < until_ms)
    order = (table.c.start, table.c.box, table.c.epoch, table.c.seq)
    return [registers_of(row) for row in connection.execute(select(table).where(period).order_by(*order))]


def health(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[BoxHealth]:
    """Return what boxes said of themselves in [from, until), in order."""
    table = tables.health
    period = and_(table.c.office_id == office, table.c.at >= from_ms, table.c.at < until_ms)
    rows = connection.execute(select(table).where(period).order_by(table.c.at, table.c.box, table.c.epoch, table.c.seq))
    return [BoxHealth(row.box, row.epoch, row.at, row.received, json.loads(row.counters)) for row in rows]


def observed_span(connection: Connection, office: str) -> tuple[int, int] | None:
    """Return the times of an office's first and last event; None where nothing was seen yet."""
    return observed_spans(connection, office).get(office)


def observed_spans(connection: Connection, office: str | None = None) -> dict[str, tuple[int, int]]:
    """Return the times of each office's first and last event, of those that anything was seen of."""
    table = tables.boxes
    found = select(table.c.office_id, func.min(table.c.first_event), func.max(table.c.last_event)).where(
        table.c.first_event.is_not(None), table.c.office_id != ""
    )
    if office is not None:
        found = found.where(table.c.office_id == office)
    rows = connection.execute(found.group_by(table.c.office_id))
    return {name: (int(first), int(last)) for name, first, last in rows}


def boxes(connection: Connection, office: str | None = None) -> list[BoxStatus]:
    """Return the boxes of an office ("": those that no office lists; None: all)."""
    table = tables.boxes
    found = select(table).order_by(table.c.box)
    rows = connection.execute(found if office is None else found.where(table.c.office_id == office))
    return [
        BoxStatus(
            row.box, row.office_id, bool(row.online), row.first_seen, row.last_seen, row.last_event, row.epoch,
            row.acked, bool(row.clock_ok), row.version, row.health_at, json.loads(row.health),
        )
        for row in rows
    ]  # fmt: skip


def quarantine(connection: Connection, limit: int) -> list[Quarantined]:
    """Return the junk seen last, newest first."""
    table = tables.quarantine
    rows = connection.execute(select(table).order_by(table.c.last_seen.desc(), table.c.digest).limit(limit))
    return [
        Quarantined(row.topic, row.reason, bytes(row.payload), row.first_seen, row.last_seen, row.times) for row in rows
    ]


def quarantined(connection: Connection) -> int:
    """Return how many kinds of junk there are."""
    return int(connection.execute(select(func.count()).select_from(tables.quarantine)).scalar_one())


@cache
def _legs_of_period(*, only_phones: bool) -> Select[Any]:
    period = (*_within(tables.legs.c.start), _ONCE)
    found = _legs_with_outcome().where(*period)
    return found.where(tables.legs.c.role == "phone") if only_phones else found


def _legs_with_outcome() -> Select[Any]:
    left, right = tables.legs, tables.leg_outcomes
    keys = ("office_id", "start", "box", "epoch", "seq")
    same = and_(*(left.c[key] == right.c[key] for key in keys))
    order = (left.c.start, left.c.box, left.c.epoch, left.c.seq)
    return (
        select(left, right.c.outcome).join(right, same).where(left.c.office_id == _parameter("office")).order_by(*order)
    )


def _settled(connection: Connection, found: Select[Any], asked: dict[str, Any]) -> list[tuple[Leg, str]]:
    return [(leg_of(row), row[-1]) for row in connection.execute(found, asked).all()]


def _parameter(name: str) -> BindParameter[Any]:
    return bindparam(name)


def _asked(office: str, from_ms: int, until_ms: int) -> dict[str, Any]:
    return {"office": office, "since": from_ms, "until": until_ms}


def _within(time: ColumnElement[Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return time >= _parameter("since"), time < _parameter("until")
