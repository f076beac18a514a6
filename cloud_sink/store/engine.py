"""One engine per database: SQLite set up so that a committed row survives a power cut, errors as one clear line."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from cloud_sink.errors import StoreUnusable

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers of the page never wait for the writer
    "PRAGMA synchronous = FULL",  # NORMAL lost 6 to 21 acknowledged batches in a power cut
    "PRAGMA busy_timeout = 5000",  # `rebuild` beside a running sink waits for its turn
    "PRAGMA journal_size_limit = 67108864",  # a long reader lets the WAL grow: give the disk back afterwards
)
_BEGIN = "sqlite_begin"  # execution option: how a transaction begins on SQLite


def open_engine(url: str) -> Engine:
    """Return an engine for a database address; opens no connection. Raises StoreUnusable."""
    try:
        engine = create_engine(make_url(url), pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreUnusable(
            f'database "{_shown(url)}": not an address this sink understands: {_line(error)}'
        ) from error
    except ModuleNotFoundError as error:
        raise StoreUnusable(
            f'database "{_shown(url)}" needs the Python package {error.name}: pip install "ringtap[postgresql]"'
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def writing(engine: Engine) -> Engine:
    """Return the engine for transactions that write: on SQLite they take the write lock at once and never deadlock."""
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


@contextmanager
def clear_errors(engine: Engine) -> Iterator[None]:
    """Turn the database's complaints into one line that names the database."""
    try:
        yield
    except DBAPIError as error:
        raise StoreUnusable(f'database "{shown_url(engine)}" cannot be used: {_line(error.orig or error)}') from error
    except SQLAlchemyError as error:
        raise StoreUnusable(f'database "{shown_url(engine)}" cannot be used: {_line(error)}') from error


def shown_url(engine: Engine) -> str:
    """Return the database's address without its password."""
    return engine.url.render_as_string(hide_password=True)


def insert_new(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of all columns in their order; those whose key is there already are left out."""
    if not rows:
        return
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(column.name) for column in table.columns)
    places = ", ".join(["?" if connection.dialect.paramstyle == "qmark" else "%s"] * len(table.columns))
    statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    connection.exec_driver_sql(statement, list(rows))


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin too late and without the write lock: we begin ourselves
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma).close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _shown(url: str) -> str:
    return url.rsplit("@", 1)[-1]


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
