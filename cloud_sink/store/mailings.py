"""Which reports were mailed, and which could not be."""

from sqlalchemy import Connection, delete, insert, select

from cloud_sink.store import tables
from cloud_sink.store.records import Mailing


def mailing(connection: Connection, office: str, report: str) -> Mailing | None:
    """Return how a report fares; None before it was due for the first time."""
    table = tables.mailings
    row = connection.execute(select(table).where(table.c.office_id == office, table.c.report == report)).one_or_none()
    return None if row is None else Mailing(*row)


def keep(connection: Connection, kept: Mailing) -> None:
    """Write how a report fares, in place of what was known."""
    table = tables.mailings
    connection.execute(delete(table).where(table.c.office_id == kept.office, table.c.report == kept.report))
    values = (kept.office, kept.report, kept.done_ms, kept.due_ms, kept.sent_ms, kept.attempts, kept.retry_ms)
    connection.execute(insert(table).values((*values, kept.problem)))
