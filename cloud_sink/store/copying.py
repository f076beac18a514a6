"""Backups: the whole database as one SQLite file, whatever it runs on; restored into either.

SQLite copies itself while it is written to. PostgreSQL is read in one snapshot, table by table; so a backup is also the
way from one to the other.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select

from cloud_sink.store import tables
from cloud_sink.store.engine import insert_new, open_engine, writing
from cloud_sink.store.user_tables import users

ROWS = 5_000  # copied together
PAGES = 2_000  # of SQLite, copied before others may write again

Progress = Callable[[int, int], None]  # done, in all


def back_up(engine: Engine, file: Path, migrate: Callable[[str], None], progress: Progress) -> None:
    """Write the database into a file that is there only once it is whole. `migrate` makes tables at an address."""
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    if engine.dialect.name == "sqlite":
        _copy_sqlite(Path(engine.url.database or ""), partial, progress)
    else:
        migrate(f"sqlite:///{partial}")
        target = open_engine(f"sqlite:///{partial}")
        snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.begin() as source, writing(target).begin() as connection:
            _copy_tables(source, connection, progress)
        target.dispose()
        _leave_wal(partial)
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(file)


def restore(engine: Engine, file: Path, progress: Progress) -> None:
    """Make the file's content the database's, in one step; whoever reads meanwhile sees what was before."""
    if engine.dialect.name == "sqlite":
        engine.dispose()
        _copy_sqlite(file, Path(engine.url.database or ""), progress)
        return
    source = open_engine(f"sqlite:///{file}")
    with source.connect() as connection, writing(engine).begin() as target:
        for table in tables.metadata.sorted_tables:
            target.execute(delete(table))
        _copy_tables(connection, target, progress)
    source.dispose()


def is_empty(engine: Engine) -> bool:
    """Whether nothing was ever stored in a migrated database."""
    with engine.connect() as connection:
        return not any(connection.execute(select(table).limit(1)).first() for table in (tables.boxes, users))


def _copy_sqlite(source: Path, target: Path, progress: Progress) -> None:
    """SQLite's own online backup: others read and write the source meanwhile."""
    with sqlite3.connect(source) as reading, sqlite3.connect(target) as copied:
        reading.backup(copied, pages=PAGES, progress=lambda _, left, pages: progress(pages - left, pages), sleep=0.001)
        copied.execute("PRAGMA journal_mode = DELETE")  # one file, no second one beside it
    reading.close()
    copied.close()


def _leave_wal(file: Path) -> None:
    """Make it one file."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def _copy_tables(source: Connection, target: Connection, progress: Progress) -> None:
    counts = {
        table.name: int(source.execute(select(func.count()).select_from(table)).scalar_one())
        for table in tables.metadata.sorted_tables
    }
    total, done = sum(counts.values()), 0
    for table in tables.metadata.sorted_tables:
        found = source.execute(select(table), execution_options={"yield_per": ROWS})
        for rows in found.partitions():
            insert_new(target, table, [tuple(row) for row in rows])
            done += len(rows)
            progress(done, total)
