"""Contacts counted by the database: the counters of `cloud_sink.kpi.fleet`, said once more in SQL.

They are for many offices at once; a test holds them against the KPIs, which are computed from the contacts one by one.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, case, cast, func, or_, select

from cloud_sink.kpi.fleet import COUNTED, OfficeCounts
from cloud_sink.kpi.measurement import STANDARD_THRESHOLDS_S
from cloud_sink.kpi.volume import ABANDONED, ANSWERED, BLOCKED, OVERFLOW, TRUNK_SEEN, UNKNOWN, VOICEMAIL
from cloud_sink.store import tables

_C = tables.contacts.c
_OFFERED = and_(_C.direction == "in", _C.disposition != BLOCKED)
_ANSWERED = and_(_C.direction == "in", _C.disposition == ANSWERED)
_ABANDONED = and_(_C.direction == "in", _C.disposition == ABANDONED)
_IN_VAIN = and_(
    _C.direction == "in", _C.disposition == UNKNOWN, _C.visibility != TRUNK_SEEN, _C.ended_by == "pbx"
)  # fmt: skip
_SENT_ON = and_(_C.direction == "in", _C.disposition.in_((OVERFLOW, VOICEMAIL)))
_WAITED = and_(_ANSWERED, _C.wait_ms.is_not(None))
_HANDLED = and_(_ANSWERED, _C.t_end.is_not(None))

Expression = ColumnElement[Any]


def _count(condition: Expression) -> Expression:
    return func.sum(case((condition, 1), else_=0))


def _sum(column: Expression, condition: Expression) -> Expression:
    return func.sum(case((condition, column), else_=0))


def _expressions(threshold_s: int) -> dict[str, Expression]:
    """Every counter; `threshold_s` is the offices' own."""
    limits = {"time": threshold_s, **{str(each): each for each in STANDARD_THRESHOLDS_S}}
    within = {f"in_{name}": _count(and_(_WAITED, _C.wait_ms <= 1000 * s)) for name, s in limits.items()}
    within |= {f"abandoned_in_{name}": _count(and_(_ABANDONED, _C.wait_ms <= 1000 * s)) for name, s in limits.items()}
    return within | {
        "offered": _count(_OFFERED),
        "answered": _count(_ANSWERED),
        "abandoned": _count(_ABANDONED),
        "short_abandoned": _count(and_(_ABANDONED, _C.short)),
        "in_vain": _count(_IN_VAIN),
        "missed": _count(or_(_IN_VAIN, _SENT_ON, and_(_ABANDONED, ~_C.short))),
        "overflow": _count(or_(_IN_VAIN, _SENT_ON)),
        "waits": _count(_WAITED),
        "wait_ms": _sum(_C.wait_ms, _WAITED),
        "handled": _count(_HANDLED),
        "talk_ms": _sum(_C.talk_ms, _HANDLED),
        "hold_ms": _sum(_C.hold_ms, _HANDLED),
        "outbound": _count(_C.direction == "out"),
        "connected": _count(and_(_C.direction == "out", _C.disposition == ANSWERED)),
        "from_caller": _count(and_(_OFFERED, _C.wait_basis == "caller")),
        "from_queue": _count(and_(_OFFERED, _C.wait_basis == "queue")),
        "from_ring": _count(and_(_OFFERED, _C.wait_basis == "ring")),
    }


def _within(offices: Sequence[str], from_ms: int, until_ms: int) -> Expression:
    return and_(_C.office_id.in_(offices), _C.t_offer >= from_ms, _C.t_offer < until_ms)


def count_contacts(
    connection: Connection, offices: Sequence[str], from_ms: int, until_ms: int, threshold_s: int
) -> dict[str, OfficeCounts]:
    """Count the contacts offered in [from, until) of each office that has any."""
    expressions = _expressions(threshold_s)
    found = select(_C.office_id, *(expressions[name] for name in COUNTED))
    rows = connection.execute(found.where(_within(offices, from_ms, until_ms)).group_by(_C.office_id)).all()
    return {row[0]: OfficeCounts(*map(int, row[1:])) for row in rows}


def answered_waits(connection: Connection, offices: Sequence[str], from_ms: int, until_ms: int) -> dict[str, list[int]]:
    """Return office -> wait in ms of each customer's contact of [from, until) that was answered after a wait."""
    listed = func.aggregate_strings(cast(_C.wait_ms, String), ",")  # one row an office: rows cost more than numbers
    found = select(_C.office_id, listed).where(_within(offices, from_ms, until_ms), _WAITED).group_by(_C.office_id)
    return {office: list(map(int, waits.split(","))) for office, waits in connection.execute(found)}
