"""One caller's data taken out: his number is replaced by a code that stands for one day's calls and nobody.

His calls go on counting, but nobody can tell whose they were, nor bring those of different days together.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.repeats import DAY_MS
from cloud_sink.store import tables
from cloud_sink.store.import_runs import drop_undo
from cloud_sink.store.logged import QUEUE_LOG
from cloud_sink.store.marking import ClosedDays
from cloud_sink.store.restitch import Restitcher

NUMBER_COLUMNS = ("caller", "callee", "connected", "refer_to", "diverted_by")
CODE_BYTES = 9
CUSTOMERS = "customers"  # imported lists that hold callers' numbers


@dataclass(frozen=True, slots=True)
class Forgotten:
    """In how many rows of each kind the number was."""

    legs: int = 0
    contacts: int = 0
    imported: int = 0
    quarantined: int = 0

    def plus(self, other: "Forgotten") -> "Forgotten":
        """Both together."""
        return Forgotten(
            self.legs + other.legs, self.contacts + other.contacts, self.imported + other.imported,
            self.quarantined + other.quarantined,
        )  # fmt: skip


def forget_number(connection: Connection, plan: OfficePlan, number: str, closed: ClosedDays) -> Forgotten:
    """Take a number out of an office's legs, contacts and imported lists; contacts are stitched anew from the legs."""
    legs, outcomes = tables.legs, tables.leg_outcomes
    keys = [column.name for column in legs.primary_key.columns]
    same = and_(*(legs.c[key] == outcomes.c[key] for key in keys))
    found = connection.execute(
        select(*(legs.c[key] for key in keys), *(legs.c[name] for name in NUMBER_COLUMNS), outcomes.c.contact_id)
        .join(outcomes, same)
        .where(legs.c.office_id == plan.office, _holds(number))
    ).all()
    codes: dict[int, str] = defaultdict(lambda: f"forgotten-{secrets.token_hex(CODE_BYTES)}")  # by UTC day
    begun: dict[str, int] = {}  # contact -> its first leg with the number
    for row in found:
        begun[row.contact_id] = min(row.start, begun.get(row.contact_id, row.start))
    for row in found:
        code = codes[begun[row.contact_id] // DAY_MS]
        changed = {name: code for name in NUMBER_COLUMNS if getattr(row, name) == number}
        this = and_(*(legs.c[key] == getattr(row, key) for key in keys))
        connection.execute(update(legs).where(this).values(changed))
    logged = _forget_logged(connection, plan.office, number, codes)
    restitcher = Restitcher(connection, plan)
    for start in sorted({row.start for row in found} | set(logged)):
        _, times = restitcher.stitch_around(start, start)
        if times:
            closed.call_changed(plan.office, *times)
    imported = _forget_imported(connection, plan.office, number) + len(logged)
    imported += _forget_noted(connection, plan.office, number, codes)
    drop_undo(connection, plan.office)
    return Forgotten(len(found), len(begun), imported)


def forget_quarantined(connection: Connection, number: str) -> Forgotten:
    """Drop messages in quarantine that hold the number: what they are of nobody can tell."""
    table = tables.quarantine
    rows = connection.execute(select(table.c.digest, table.c.payload, table.c.reason)).all()
    digests = [row.digest for row in rows if number.encode() in bytes(row.payload) or number in row.reason]
    for digest in digests:
        connection.execute(delete(table).where(table.c.digest == digest))
    return Forgotten(quarantined=len(digests))


def is_own_phone(connection: Connection, office: str, number: str) -> bool:
    """Whether the number is an extension of the office."""
    table = tables.legs
    found = select(table.c.seq).where(table.c.office_id == office, table.c.extension == number).limit(1)
    return connection.execute(found).first() is not None


def _holds(number: str) -> ColumnElement[bool]:
    return or_(*(tables.legs.c[name] == number for name in NUMBER_COLUMNS))


def _forget_imported(connection: Connection, office: str, number: str) -> int:
    table = tables.imports
    these = and_(table.c.office_id == office, table.c.kind == CUSTOMERS, table.c.number == number)
    return int(connection.execute(delete(table).where(these)).rowcount)


def _forget_noted(connection: Connection, office: str, number: str, codes: Mapping[int, str]) -> int:
    """Put codes in its place wherever else imported rows name it: results of calls, notes; returns in how many."""
    table, whole = tables.imports, re.compile(rf"(?<!\w){re.escape(number)}(?!\w)")
    texts = ("part", "key", "number", "fields")
    own = and_(table.c.office_id == office, or_(*(table.c[name].contains(number, autoescape=True) for name in texts)))
    changed = 0
    for row in connection.execute(select(table).where(own)).all():
        values = {name: whole.sub(codes[row.at // DAY_MS], row._mapping[name]) for name in texts}
        if any(values[name] != row._mapping[name] for name in texts):
            keys = [column.name for column in table.primary_key.columns]
            this = and_(*(table.c[name] == row._mapping[name] for name in keys))
            connection.execute(update(table).where(this).values(values))
            changed += 1
    return changed


def _forget_logged(connection: Connection, office: str, number: str, codes: Mapping[int, str]) -> list[int]:
    """Replace it in an imported queue log too; returns when those calls were."""
    table = tables.imports
    these = and_(table.c.office_id == office, table.c.kind == QUEUE_LOG, table.c.number == number)
    times = sorted(set(connection.execute(select(table.c["at"]).where(these)).scalars()))
    for at_ms in times:
        of_time = and_(these, table.c["at"] == at_ms)
        connection.execute(update(table).where(of_time).values(number=codes[at_ms // DAY_MS]))
    return times
