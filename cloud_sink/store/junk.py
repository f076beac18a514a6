"""The quarantine: what was received and could not be used, each kind once with a count, bounded."""

import hashlib

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, true, update

from cloud_sink.store import tables
from cloud_sink.store.records import Junk, Quarantined

MAX_ROWS = 10_000  # enough to see what a broken or newer box sends; the oldest kinds go first
MAX_ROWS_OF_TOPIC = 1_000  # one box must not push out what others sent
MAX_PAYLOAD = 16 * 1024  # a batch has at most 8 KiB


class Quarantine:
    """Adds junk within a transaction and keeps the table within its bound."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._added: set[str] = set()  # topics

    def add(self, junk: Junk, now_ms: int) -> None:
        """Count junk up that is there already, else keep it."""
        table = tables.quarantine
        digest = _digest(junk.topic, junk.reason, junk.payload)
        again = update(table).where(table.c.digest == digest)
        if self._connection.execute(again.values(last_seen=now_ms, times=table.c.times + 1)).rowcount:
            return
        self._added.add(_plain(junk.topic))
        self._connection.execute(
            insert(table).values(
                digest=digest, topic=_plain(junk.topic), reason=_plain(junk.reason), payload=junk.payload[:MAX_PAYLOAD],
                first_seen=now_ms, last_seen=now_ms, times=1,
            )
        )  # fmt: skip

    def trim(self) -> None:
        """Drop the rows not seen for the longest time where there are too many."""
        if not self._added:
            return
        table = tables.quarantine
        for topic in self._added:
            self._trim(table.c.topic == topic, MAX_ROWS_OF_TOPIC)
        self._trim(true(), MAX_ROWS)

    def forget(self, row: Quarantined) -> None:
        """Drop a row that was of use after all."""
        table = tables.quarantine
        same = and_(table.c.topic == row.topic, table.c.reason == row.reason, table.c.payload == row.payload)
        self._connection.execute(delete(table).where(same))

    def _trim(self, which: ColumnElement[bool], limit: int) -> None:
        table = tables.quarantine
        rows = self._connection.execute(select(func.count()).select_from(table).where(which)).scalar_one()
        if rows > limit:
            oldest = select(table.c.digest).where(which).order_by(table.c.last_seen).limit(rows - limit)
            self._connection.execute(delete(table).where(table.c.digest.in_(oldest.scalar_subquery())))


def _digest(topic: str, reason: str, payload: bytes) -> str:
    return hashlib.sha256(f"{topic}\n{reason}\n".encode("utf-8", "replace") + payload).hexdigest()[:32]


def _plain(text: str) -> str:
    """Return text that every database takes: no zero character, no lone surrogate, at most 500 characters."""
    return text[:500].replace("\0", "\\0").encode("utf-8", "replace").decode("utf-8")
