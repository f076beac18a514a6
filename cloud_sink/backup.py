"""`ringtap-sink backup` and `restore`: the database into one file, and back."""

import argparse
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cloud_sink.errors import ConfigurationError
from cloud_sink.store import Store

Progress = Callable[[int, int], None]


def add_backup_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `backup`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="file to write: SQLite, whatever the sink runs on")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `restore`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what `backup` wrote")
    parser.add_argument("--force", action="store_true", help="replace what the database holds")


def back_up(store: Store, file: Path, *, force: bool, progress: Progress) -> str:
    """Write the backup; returns what there is to say. Raises SinkError."""
    if file.exists() and not force:
        raise ConfigurationError(f"{file}: is there already: name another file, or say --force")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: there is no folder {file.parent}")
    store.check_schema()
    store.back_up(file, progress)
    return f"{file}: {file.stat().st_size:,} bytes, a backup of {store.url}"


def restore(store: Store, file: Path, *, force: bool, progress: Progress) -> str:
    """Read it back; returns what there is to say. Raises SinkError."""
    _check_file(file)
    backup = Store.open(f"sqlite:///{file}")
    backup.check_schema()
    backup.close()
    store.migrate()
    if not store.is_empty() and not force:
        raise ConfigurationError(f"{store.url} holds data: stop the sink and say --force to replace it")
    store.restore(file, progress)
    store.users.end_sessions()  # who signed out since the backup must not be signed in again
    return (
        f"{store.url}: restored from {file}. Start the sink: boxes send again what this backup does not hold, as far "
        "as they keep it (a week)."
    )


def _check_file(file: Path) -> None:
    """Raise where this is no backup."""
    try:
        with file.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    if head != b"SQLite format 3\0":
        raise ConfigurationError(f"{file}: is no backup of ringtap-sink")
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"{file}: is damaged: {error}") from error
    finally:
        connection.close()
    if verdict != "ok":
        raise ConfigurationError(f"{file}: is damaged: {verdict}")
