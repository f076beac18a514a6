"""The spool's SQLite file: its tables, how it is opened so that no commit is lost, and what its errors mean."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
DISK_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
_PRIMARY_CODE = 0xFF  # the low byte of SQLite's extended result codes
_PRAGMAS = ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY")

EVENT_TABLE = """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        t_ms INTEGER NOT NULL,     -- of the event, Unix milliseconds
        stored_s INTEGER NOT NULL, -- when it was written, Unix seconds
        doubt TEXT NOT NULL,       -- "boot offset" while nobody knew the time: what t_ms was reckoned with; else empty
        lost INTEGER NOT NULL,     -- how many dropped events this row stands for: 0, except for gaps of the spool
        body BLOB NOT NULL         -- msgpack of the event's array
    )"""
_META_TABLE = "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID"


def open_database(path: str, begin_numbering: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """Open or make the file; `begin_numbering` writes into a new one who it is. Raises sqlite3.DatabaseError."""
    # a commit may wait for the disk in a thread of its own while the loop goes on; never two threads at once
    database = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        _check(database)
        database.execute("BEGIN IMMEDIATE")  # also takes the lock: a second collector stops here
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'event'").fetchone():
            database.execute(EVENT_TABLE)
            database.execute(_META_TABLE)
            begin_numbering(database)
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def primary_code(error: sqlite3.DatabaseError) -> int:
    """SQLite's own number for what went wrong; 0 where it does not say."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


def set_aside(path: str) -> str:
    """Rename a corrupt file and what belongs to it; returns its new name."""
    aside = path + ".corrupt"
    for suffix in ("", "-wal", "-shm"):
        if Path(path + suffix).exists():
            Path(path + suffix).replace(aside + suffix)
    return aside


def used_bytes(database: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    pages, free, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _check(database: sqlite3.Connection) -> None:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        error = sqlite3.DatabaseError(f"database disk image is malformed: {verdict}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
