"""What reports ask about callers: statements that are built once, because building one costs more than running it."""

import json

from sqlalchemy import BindParameter, ColumnElement, Connection, FromClause, and_, bindparam, case, or_, select

from cloud_sink.contacts.records import QUEUE, RING_GROUP, Contact
from cloud_sink.store import tables
from cloud_sink.store.rows import contact_of

_TABLE, _INNER = tables.contacts, tables.contacts.alias()
_C, _I = _TABLE.c, _INNER.c


def _asked(name: str) -> BindParameter[object]:
    return bindparam(name)


def _lost(table: FromClause) -> ColumnElement[bool]:
    """Whether a contact, or one of the places that it waited in, may have come to nothing."""
    unanswered = table.c.disposition.in_(("abandoned", "overflow", "voicemail", "unknown"))
    return and_(table.c.direction == "in", or_(unanswered, table.c.visits != ""))


_OWN = _C.office_id == _asked("office")
_PERIOD = and_(_C.t_offer >= _asked("since"), _C.t_offer < _asked("until"))
_INNER_PERIOD = and_(_I.office_id == _asked("office"), _I.t_offer >= _asked("since"), _I.t_offer < _asked("until"))
_NUMBER = case((_C.direction == "out", _C.did), else_=_C.caller)
_IN_ORDER = (_C.t_offer, _C.contact_id)

_CALLERS_OF_PERIOD = select(_I.caller).where(_INNER_PERIOD, _I.direction == "in", _I.caller != "").distinct()
_AROUND = (
    select(_TABLE)
    .where(
        _OWN, _C.t_offer >= _asked("first"), _C.t_offer < _asked("last"), or_(_PERIOD, _NUMBER.in_(_CALLERS_OF_PERIOD))
    )
    .order_by(*_IN_ORDER)
)
_LOST_CALLERS = select(_I.caller).where(_INNER_PERIOD, _lost(_INNER), _I.caller != "")
_SPOKEN = and_(_C.disposition == "answered", _C.direction.in_(("in", "out")), _NUMBER.in_(_LOST_CALLERS))
_LOST = (
    select(_TABLE)
    .where(
        _OWN, _C.t_offer >= _asked("since"), _C.t_offer < _asked("last"),
        or_(and_(_C.t_offer < _asked("until"), _lost(_TABLE)), _SPOKEN),
    )
    .order_by(*_IN_ORDER)
)  # fmt: skip
_CUSTOMERS = select(_TABLE).where(_OWN, _PERIOD, _C.direction.in_(("in", "int"))).order_by(*_IN_ORDER)
_CALLERS = select(_C.caller, _C.direction, _C.queue, _C.kind, _C.visits).where(
    _OWN, _PERIOD, _C.direction.in_(("in", "int")), _C.disposition != "blocked", _C.caller != ""
)


def contacts_around(
    connection: Connection, office: str, from_ms: int, until_ms: int, first_ms: int, last_ms: int
) -> list[Contact]:
    """Return the contacts offered in [from, until) and the other ones of their callers in [first, last), in order.

    Of a year of calls around a day, a report needs those that the day's callers made, or that were made to them.
    """
    asked = {"office": office, "since": from_ms, "until": until_ms, "first": first_ms, "last": last_ms}
    return [contact_of(row) for row in connection.execute(_AROUND, asked).all()]


def lost_contacts(connection: Connection, office: str, from_ms: int, until_ms: int, last_ms: int) -> list[Contact]:
    """Return contacts of [from, until) that may count as missed, and their callers' answered ones until `last`."""
    asked = {"office": office, "since": from_ms, "until": until_ms, "last": last_ms}
    return [contact_of(row) for row in connection.execute(_LOST, asked).all()]


def customers(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[Contact]:
    """Return the contacts of customers and colleagues offered in [from, until), in order."""
    asked = {"office": office, "since": from_ms, "until": until_ms}
    return [contact_of(row) for row in connection.execute(_CUSTOMERS, asked).all()]


def callers(connection: Connection, office: str, from_ms: int, until_ms: int) -> list[tuple[str, tuple[str, ...]]]:
    """Return (caller, where he waited) of every contact of [from, until) with a number; "" stands for a customer."""
    calls = []
    asked = {"office": office, "since": from_ms, "until": until_ms}
    for caller, direction, queue, kind, visits in connection.execute(_CALLERS, asked).all():
        places = [visit[0] for visit in json.loads(visits)] if visits else [queue]
        if direction != "in" and kind not in (QUEUE, RING_GROUP):
            places = places[1:]
        calls.append((caller, ("", *places) if direction == "in" else tuple(places)))
    return calls
