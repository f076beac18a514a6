"""Events on disk until the sink has them: one SQLite file, in WAL mode, every commit synced.

Rows are numbered from 1 without a hole within an epoch, a random 32-bit number of this numbering; (epoch, seq) is what
makes delivery idempotent, so a numbering is never used twice: not by a copy of the file on another machine, and not
when the sink knows numbers that this file has not given yet. What must be dropped is dropped oldest first, and a
GapObserved in its place says how much. Used from one thread only.
"""

import contextlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgpack

from collector.core import wire
from collector.core.events import GapObserved
from collector.errors import SpoolError
from collector.ports import Row
from collector.spool_file import (
    CORRUPT_CODES,
    DISK_CODES,
    EVENT_TABLE,
    open_database,
    primary_code,
    set_aside,
    used_bytes,
)

MEMORY_BYTES = 16 << 20  # while the disk refuses: a day of a busy office
MAX_FORGOTTEN = 100  # acknowledgements that are not on disk yet
KEEP_S = 7 * 86_400  # so long what the sink has stays here: a sink restored from a backup may ask for it
RETURN_S = 10  # a disk that refused is tried again this often, once the sink has what memory holds
DROP_SHARE = 16  # a full spool drops a sixteenth at once: few gaps instead of one for every event
SANE_CLOCK_S = 1_600_000_000  # a box without a clock boots in 1970; ages are not counted from there
DAY_S = 86_400

FULL, AGED, CORRUPT = "spool_full", "spool_aged", "spool_corrupt"  # reasons of gaps

logger = logging.getLogger(__name__)


class Spool:
    """The file at `path`, bounded to about `max_bytes` and `max_days`; `machine` names the computer it is on."""

    def __init__(
        self,
        path: str,
        *,
        max_bytes: int = 256 << 20,
        max_days: int = 90,
        machine: str = "",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._max_days = max_days
        self._epoch = self._last_seq = 0
        self._first_seq = 1
        self._forgotten = 0  # acknowledgements since the last commit
        self._source = ""
        self._source_events = 0
        self._machine = machine
        self._clock = clock
        self._now = monotonic
        self._left_in_file = 0  # events that wait there while memory has to do
        self._connections = 0  # so many were counted, whatever the file says
        self._in_memory_since: float | None = None  # None: on disk, as it should be
        self._file_bytes = max_bytes
        self._database = self._open()
        self._refresh()
        self._leave_other_machine()

    # --- the numbering ---

    @property
    def epoch(self) -> int:
        """Random 32-bit number of this numbering."""
        return self._epoch

    @property
    def first_seq(self) -> int:
        """Number of the oldest event kept; `last_seq + 1` if there is none."""
        return self._first_seq

    @property
    def last_seq(self) -> int:
        """Number of the newest event ever written in this epoch; 0 if there is none."""
        return self._last_seq

    @property
    def kept_seq(self) -> int:
        """Number of the oldest event that is still there, although the sink may have it; `last_seq + 1` without any."""
        try:
            (oldest,) = self._database.execute("SELECT min(seq) FROM event").fetchone()
        except sqlite3.DatabaseError as error:
            self._replace(error)
            oldest = None
        return int(oldest) if oldest is not None else self._last_seq + 1

    @property
    def kept_ms(self) -> int:
        """When that event was, in Unix milliseconds; 0 without any."""
        try:
            row = self._database.execute("SELECT t_ms FROM event ORDER BY seq LIMIT 1").fetchone()
        except sqlite3.DatabaseError as error:
            self._replace(error)
            return 0
        return max(0, int(row[0])) if row else 0

    def undelivered(self) -> int:
        """How many events the destination does not have: here, and in the file while memory has to do."""
        return self._last_seq - self._first_seq + 1 + self._left_in_file

    def renew_epoch(self) -> None:
        """Begin another numbering; what the sink does not have is numbered again from 1, in its order."""
        self._write_or_replace(self._number_again)

    def _number_again(self, database: sqlite3.Connection) -> None:
        database.execute("DELETE FROM event WHERE seq < ?", (self._first_seq,))
        self._write_meta(database, "acked", 0)
        database.execute("ALTER TABLE event RENAME TO numbered_before")
        database.execute(EVENT_TABLE)
        columns = "t_ms, stored_s, doubt, lost, body"
        database.execute(f"INSERT INTO event ({columns}) SELECT {columns} FROM numbered_before ORDER BY seq")  # noqa: S608 - constant
        database.execute("DROP TABLE numbered_before")
        self._write_identity(database)

    def _leave_other_machine(self) -> None:
        """A copied card must not go on with the numbers that the other one gives."""
        if self._read_meta("machine") != self._machine:
            self.renew_epoch()

    def next_connection(self) -> int:
        """Count a connection to the broker: rises over restarts too."""
        self._connections = max(self._connections, int(self._read_meta("connection") or 0)) + 1
        self._write_or_replace(lambda database: self._write_meta(database, "connection", self._connections))
        return self._connections

    # --- where a recording was left ---

    def resume_source(self, source: str) -> int:
        """How many events of this source were written before it was interrupted; 0 for one that is new or finished.

        A recording says the same again when it is read again: so many events are to be left out.
        """
        count, _, name = self._read_meta("source").partition(" ")
        self._source, self._source_events = source, int(count) if name == source else 0
        return self._source_events

    def finish_source(self) -> None:
        """The source has been read to its end: read again, it is a new one."""
        self._source, self._source_events = "", 0
        self._write_or_replace(lambda database: self._write_meta(database, "source", ""))

    # --- rows ---

    def append(self, rows: Sequence[tuple[int, list[object]]], doubt: str = "") -> None:
        """Keep (Unix milliseconds, array) rows in one transaction; raises SpoolError only for a bug of the disk.

        `doubt`: "boot offset" where the times were reckoned with a clock that nobody had set; `settle` puts them right.
        """
        self.handle_time()
        try:
            self._append(rows, doubt)
        except sqlite3.DatabaseError as error:
            self._replace(error)
            self._append(rows, doubt)
        self._source_events += len(rows)

    def pending(self, after_seq: int, limit: int) -> list[Row]:
        """Up to `limit` rows after `after_seq`, oldest first, all of the same doubt."""
        query = "SELECT seq, t_ms, body, doubt FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        try:
            rows = self._database.execute(query, (max(after_seq, self._first_seq - 1), limit)).fetchall()
        except sqlite3.DatabaseError as error:
            self._replace(error)
            return []
        return [(seq, t_ms, msgpack.unpackb(body)) for seq, t_ms, body, doubt in rows if doubt == rows[0][3]]

    def doubt_after(self, after_seq: int) -> str:
        """The doubt of the first row after `after_seq`; "" without one."""
        query = "SELECT doubt FROM event WHERE seq > ? ORDER BY seq LIMIT 1"
        try:
            row = self._database.execute(query, (max(after_seq, self._first_seq - 1),)).fetchone()
        except sqlite3.DatabaseError as error:
            self._replace(error)
            return ""
        return str(row[0]) if row else ""

    def settle(self, boot: str, offset_ms: int) -> None:
        """The clock is right now: move the rows of this boot by as much as it was set since, and doubt them no more."""
        try:
            self._settle(boot, offset_ms)
        except sqlite3.DatabaseError as error:
            self._replace(error)

    def _settle(self, boot: str, offset_ms: int) -> None:
        doubts = [doubt for (doubt,) in self._database.execute("SELECT DISTINCT doubt FROM event WHERE doubt != ''")]
        with self._transaction() as database:
            for doubt in doubts:
                written_under, _, offset_then = doubt.partition(" ")
                if written_under == boot:
                    by_ms = offset_ms - int(offset_then)  # a clock that was months behind makes nothing months old
                    change = "t_ms = max(0, t_ms + ?), stored_s = max(0, stored_s + ?), doubt = ''"
                    database.execute(f"UPDATE event SET {change} WHERE doubt = ?", (by_ms, by_ms // 1000, doubt))  # noqa: S608 - constant

    def discard_through(self, epoch: int, seq: int) -> None:
        """Send no more what the destination has; an acknowledgement of another epoch changes nothing.

        It is written with the next commit that has to be made anyway: the destination would tell again after a crash,
        and a card is spared half of its writes. The rows go after a week, or when their space is needed.
        """
        if epoch != self._epoch or seq < self._first_seq:
            return
        self._first_seq = min(seq, self._last_seq) + 1
        self._forgotten += 1
        if self._forgotten > MAX_FORGOTTEN:
            self._write_or_replace(lambda _database: None)

    def replay_from(self, epoch: int, seq: int) -> bool:
        """The destination has lost what follows from `seq`: send again what is still there. False: nothing is."""
        from_seq = max(seq, self.kept_seq)
        if epoch != self._epoch or from_seq >= self._first_seq:
            return False
        self._first_seq = from_seq
        return True

    def close(self) -> None:
        """Leave one tidy file."""
        if self._in_memory_since is not None and self._first_seq <= self._last_seq:
            logger.error("%s: %d events in memory are lost", self._path, self._last_seq - self._first_seq + 1)
        with contextlib.suppress(sqlite3.DatabaseError), self._transaction():
            pass
        self._database.close()

    # --- bounds ---

    def _write_or_replace(self, write: Callable[[sqlite3.Connection], object]) -> None:
        """One small transaction; where the file refuses, there will be another one without it."""
        try:
            with self._transaction() as database:
                write(database)
        except sqlite3.DatabaseError as error:
            self._replace(error)

    def _append(self, rows: Sequence[tuple[int, list[object]]], doubt: str) -> None:
        with self._transaction() as database:
            for t_ms, body in rows:
                self._insert(database, t_ms, body, 0, doubt)
            self._write_source(database, len(rows))
            self._drop_aged(database)
            while used_bytes(database) > self._max_bytes and self._drop_oldest(database):
                pass

    def _write_source(self, database: sqlite3.Connection, more: int = 0) -> None:
        if self._source:
            self._write_meta(database, "source", f"{self._source_events + more} {self._source}")

    def _insert(self, database: sqlite3.Connection, t_ms: int, body: list[object], lost: int, doubt: str = "") -> None:
        row = (t_ms, int(self._clock()), doubt, lost, msgpack.packb(body))
        database.execute("INSERT INTO event (t_ms, stored_s, doubt, lost, body) VALUES (?, ?, ?, ?, ?)", row)

    def _drop_aged(self, database: sqlite3.Connection) -> None:
        limit = int(self._clock()) - self._max_days * DAY_S
        waits = (self._first_seq,)
        oldest = database.execute("SELECT stored_s FROM event WHERE seq >= ? ORDER BY seq LIMIT 1", waits).fetchone()
        if oldest and SANE_CLOCK_S <= oldest[0] < limit:
            newest = database.execute("SELECT max(seq) FROM event WHERE stored_s < ?", (limit,)).fetchone()[0]
            self._drop_through(database, newest, AGED)

    def _drop_oldest(self, database: sqlite3.Connection) -> bool:
        """Drop a share of the rows, what the sink has first; False when there is nothing that could go."""
        if self._erase_acknowledged(database):
            return True
        waits = "SELECT min(seq), count(*) FROM event WHERE seq >= ?"
        first, count = database.execute(waits, (self._first_seq,)).fetchone()
        if count < 2:
            return False
        self._drop_through(database, first + max(1, count // DROP_SHARE) - 1, FULL)
        return True

    def _erase_acknowledged(self, database: sqlite3.Connection) -> bool:
        had = "SELECT min(seq), count(*) FROM event WHERE seq < ?"
        first, count = database.execute(had, (self._first_seq,)).fetchone()
        if count:
            through = min(first + max(1, count // 4), self._first_seq - 1)
            database.execute("DELETE FROM event WHERE seq <= ?", (through,))
        return bool(count)

    def _drop_through(self, database: sqlite3.Connection, seq: int, reason: str) -> None:
        count = "sum(CASE WHEN lost THEN lost ELSE 1 END)"
        query = f"SELECT {count}, min(t_ms), max(t_ms) FROM event WHERE seq BETWEEN ? AND ?"  # noqa: S608 - constant
        lost, from_ms, until_ms = database.execute(query, (self._first_seq, seq)).fetchone()
        database.execute("DELETE FROM event WHERE seq <= ?", (seq,))
        t_ms, body = wire.encode_event(GapObserved(from_ms, until_ms, reason, lost))
        self._insert(database, t_ms, body, lost)
        logger.warning("%s: %d events were dropped before the sink had them (%s)", self._path, lost, reason)

    # --- the file ---

    def _open(self) -> sqlite3.Connection:
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            return self._connect(self._path)
        except sqlite3.DatabaseError as error:
            return self._open_instead(error)
        except OSError as error:
            raise SpoolError(f"{self._path}: the spool's folder cannot be made: {error.strerror}") from error

    def _connect(self, path: str) -> sqlite3.Connection:
        return open_database(path, self._write_identity)

    def _open_instead(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        """A corrupt file is set aside for a new one; where the disk refuses to write, memory has to do."""
        code = primary_code(error)
        if code in CORRUPT_CODES:
            return self._set_aside(error)
        if code in DISK_CODES:
            logger.error("%s: %s; events are kept in memory only until this is mended", self._path, error)
            self._max_bytes = min(self._max_bytes, MEMORY_BYTES)
            if self._in_memory_since is None:
                self._left_in_file = self._last_seq - self._first_seq + 1
            self._in_memory_since = self._now()
            return self._connect(":memory:")
        if code == sqlite3.SQLITE_BUSY:
            raise SpoolError(f"{self._path}: is in use by another collector; stop it, or set another [spool] path")
        raise SpoolError(f"{self._path}: the spool cannot be opened: {error}; check [spool] path and its permissions")

    def _set_aside(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        aside = set_aside(self._path)
        logger.error("%s: %s; set aside as %s, a new spool begins", self._path, error, aside)
        database = self._connect(self._path)
        now_ms = int(self._clock() * 1000)
        t_ms, body = wire.encode_event(GapObserved(now_ms, now_ms, CORRUPT, 0))
        self._insert(database, t_ms, body, 0)
        return database

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """The file failed while it was in use: go on with another one."""
        self._database.close()
        self._database = self._open_instead(error)
        self._refresh()

    def handle_time(self) -> None:
        """Go back to a disk that was mended; not before memory is empty, since the file has another numbering."""
        since, now = self._in_memory_since, self._now()
        if since is not None and self._first_seq > self._last_seq and now - since >= RETURN_S:
            self._return_to_file(now)

    def _return_to_file(self, now: float) -> None:
        database = None
        try:
            database = self._connect(self._path)
            self._write_meta(database, "connection", self._connections)  # it can be written, too
            self._write_source(database)
        except sqlite3.DatabaseError:
            self._in_memory_since = now
            if database is not None:
                database.close()
            return
        self._database.close()
        self._database, self._in_memory_since, self._max_bytes = database, None, self._file_bytes
        self._left_in_file = 0
        self._refresh()
        self._leave_other_machine()
        logger.warning("%s: can be written again; events are kept there", self._path)

    # --- small things ---

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One commit, which also notes what the destination has."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._write_meta(self._database, "acked", self._first_seq - 1)
            self._database.execute(
                "DELETE FROM event WHERE seq < ? AND stored_s < ?", (self._first_seq, int(self._clock()) - KEEP_S)
            )
            yield self._database
        except BaseException:
            if self._database.in_transaction:  # SQLite itself rolls back when the disk is full
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        self._refresh()

    def _refresh(self) -> None:
        self._forgotten = 0
        self._epoch = int(self._read_meta("epoch"))
        row = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        self._last_seq = int(row[0]) if row else 0
        after = (int(self._read_meta("acked") or 0),)
        (first,) = self._database.execute("SELECT min(seq) FROM event WHERE seq > ?", after).fetchone()
        self._first_seq = int(first) if first is not None else self._last_seq + 1

    def _read_meta(self, key: str) -> str:
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def _write_meta(self, database: sqlite3.Connection, key: str, value: int | str) -> None:
        database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _write_identity(self, database: sqlite3.Connection) -> None:
        self._write_meta(database, "epoch", secrets.randbits(32))
        self._write_meta(database, "machine", self._machine)
