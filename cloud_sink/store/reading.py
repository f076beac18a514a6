"""What pages, reports and the command line ask of the store. Plain Core, no dialect."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, func, select

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
    table = tables.contacts
    period = and_(table.c.office_id == office, table.c.t_offer >= from_ms, table.c.t_offer < until_ms)
    rows = connection.execute(select(table).where(period).order_by(table.c.t_offer, table.c.contact_id))
    return [contact_of(row) for row in rows]


def caller_numbers(connection: Connection, office: str, limit: int) -> list[str]:
    """Return the numbers of the latest callers who had one."""
    table = tables.contacts
    numbered = and_(table.c.office_id == office, table.c.direction == "in", table.c.caller != "")
    found = select(table.c.caller).where(numbered).order_by(table.c.t_offer.desc()).limit(limit)
    return list(connection.execute(found).scalars())


def phone_legs(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[tuple[Leg, str]]:
    """Return the phone legs begun in [from, until) with their settled outcome, in order; each once."""
    start = tables.legs.c.start
    period = (start >= from_ms, start < until_ms, tables.legs.c.role == "phone", _ONCE)
    return _settled(connection, _legs_with_outcome(office).where(*period))


def legs(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[tuple[Leg, str]]:
    """Return every leg begun in [from, until) with its settled outcome, in order; each once."""
    start = tables.legs.c.start
    return _settled(connection, _legs_with_outcome(office).where(start >= from_ms, start < until_ms, _ONCE))


def legs_of(connection: Connection, office: str, contact_id: str) -> list[tuple[Leg, str]]:
    """Return the legs of a contact with their settled outcome, in order."""
    table = tables.leg_outcomes
    return _settled(
        connection,
        _legs_with_outcome(office).where(table.c.office_id == office, table.c.contact_id == contact_id),
    )


def gaps(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Gap]:
    """Return the gaps that reach into [from, until), in order."""
    table = tables.gaps
    period = and_(table.c.office_id == office, table.c.start < until_ms, table.c.until >= from_ms)
    rows = connection.execute(select(table).where(period).order_by(table.c.start, table.c.seq))
    return [Gap(row.box, row.start, row.until, row.reason, row.events_lost, row.seq) for row in rows]


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
    rows = _changes(connection, tables.registrations, office, from_ms, until_ms, tables.registrations.c.role == role)
    return [Registration(row.seq, row.at, row.role, row.extension, bool(row.registered)) for row in rows]


def told(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Told]:
    """Return what was told in [from, until), and of each extension's states the last one before that, in order."""
    return [told_of(row) for row in _changes(connection, tables.told, office, from_ms, until_ms)]


def _changes(
    connection: Connection, table: Table, office: str, from_ms: int, until_ms: int, *which: ColumnElement[bool]
) -> list[Row[Any]]:
    """Return the changes in [from, until), and the last ones before that which say how it began, in order."""
    of_office = and_(table.c.office_id == office, *which)
    names = [table.c.extension, *([table.c.state] if "state" in table.c else [])]
    before = (
        select(*names, func.max(table.c.at).label("at"))
        .where(of_office, table.c.at < from_ms)
        .group_by(*names)
        .subquery()
    )
    last = and_(table.c.at == before.c.at, *(column == before.c[column.name] for column in names))
    found = [
        *connection.execute(select(table).join(before, last).where(of_office)),
        *connection.execute(select(table).where(of_office, table.c.at >= from_ms, table.c.at < until_ms)),
    ]
    return sorted(found, key=lambda row: (row.at, row.box, row.epoch, row.seq))


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


def _legs_with_outcome(office: str) -> Select[Any]:
    left, right = tables.legs, tables.leg_outcomes
    keys = ("office_id", "start", "box", "epoch", "seq")
    same = and_(*(left.c[key] == right.c[key] for key in keys))
    order = (left.c.start, left.c.box, left.c.epoch, left.c.seq)
    return select(left, right.c.outcome).join(right, same).where(left.c.office_id == office).order_by(*order)


def _settled(connection: Connection, found: Select[Any]) -> list[tuple[Leg, str]]:
    return [(leg_of(row), row[-1]) for row in connection.execute(found).all()]
