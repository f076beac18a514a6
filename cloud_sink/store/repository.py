"""The store as the rest of the sink sees it: one object for one database, safe to use from several threads.

One thread ingests; any number may read beside it, each call in a transaction of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.errors import StoreUnusable
from cloud_sink.store import (
    copying,
    days,
    forgetting,
    import_runs,
    mailings,
    trimming,
)  # fmt: skip
from cloud_sink.store.days import OfficeDay, Rollup
from cloud_sink.store.engine import clear_errors, open_engine, shown_url, writing
from cloud_sink.store.forgetting import Forgotten
from cloud_sink.store.junk import Quarantine
from cloud_sink.store.logged import QUEUE_LOG
from cloud_sink.store.marking import ClosedDays
from cloud_sink.store.questions import Questions
from cloud_sink.store.records import (
    Acknowledgement,
    Arrival,
    ImportCounts,
    ImportedRow,
    ImportOrigin,
    ImportRun,
    Mailing,
    Quarantined,
)
from cloud_sink.store.restitch import change_logged, rebuild
from cloud_sink.store.users import Users
from cloud_sink.store.writing import ingest

MIGRATIONS = Path(__file__).parent / "migrations"


class Store(Questions):
    """Legs, contacts, gaps and boxes of all offices in one database."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._writing = writing(engine)

    @classmethod
    def open(cls, url: str) -> "Store":
        """Return the store at a SQLAlchemy address; touches nothing yet. Raises StoreUnusable."""
        return cls(open_engine(url))

    @property
    def url(self) -> str:
        """The database's address, its password hidden."""
        return shown_url(self._engine)

    @property
    def users(self) -> Users:
        """Who may see what is stored here."""
        return Users(self._engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # --- schema

    def migrate(self) -> None:
        """Bring the schema up to date. Raises StoreUnusable."""
        with clear_errors(self._engine), self._engine.begin() as connection:
            config = _alembic_config()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreUnusable(
                    f'database "{self.url}" was made by a newer ringtap ({error}): update this one'
                ) from error

    def check_schema(self) -> None:
        """Raise StoreUnusable where the schema is not this program's."""
        with clear_errors(self._engine), self._engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        wanted = ScriptDirectory.from_config(_alembic_config()).get_current_head()
        if found != wanted:
            raise StoreUnusable(
                f'database "{self.url}" has schema {found or "none"}, this program needs {wanted}: '
                "run `ringtap-sink migrate --config FILE`"
            )

    def has_users(self) -> bool:
        """Whether anybody may sign in; nobody in a database that is not there yet, and asking makes none."""
        file = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and not (file and Path(file).exists()):
            return False
        with clear_errors(self._engine):
            return inspect(self._engine).has_table("users") and self.users.any()

    def back_up(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """Write everything into an SQLite file, while others read and write. Raises StoreUnusable."""
        with clear_errors(self._engine):
            copying.back_up(self._engine, file, _make_tables, progress)

    def restore(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """Replace everything by what such a file holds. Raises StoreUnusable."""
        with clear_errors(self._engine):
            copying.restore(self._engine, file, progress)

    def is_empty(self) -> bool:
        """Whether nothing was ever stored."""
        with clear_errors(self._engine):
            return copying.is_empty(self._engine)

    # --- writing

    def ingest(
        self, arrivals: Sequence[Arrival], plans: Mapping[str, OfficePlan], now_ms: int
    ) -> list[Acknowledgement]:
        """Write arrivals in one transaction; what is returned is committed. Raises SQLAlchemyError, nothing written."""
        with self._writing.begin() as connection:
            return ingest(connection, arrivals, plans, now_ms)

    def forget_quarantined(self, row: Quarantined) -> None:
        """Drop a row of the quarantine that was of use after all."""
        with self._writing.begin() as connection:
            Quarantine(connection).forget(row)

    def keep_mailing(self, kept: Mailing) -> None:
        """Write how a report that is mailed fares."""
        with self._writing.begin() as connection:
            mailings.keep(connection, kept)

    def rebuild(self, plan: OfficePlan, progress: Callable[[int, int], None]) -> int:
        """Stitch every leg of an office again by its plan of today; returns the number of contacts.

        All or nothing: whoever reads meanwhile sees the contacts of before. `progress` gets (legs done, legs in all).
        """
        with clear_errors(self._engine), self._writing.begin() as connection:
            return rebuild(connection, plan, progress)

    def change_imported(
        self, plan: OfficePlan, kind: str, rows: Sequence[ImportedRow], how: str, origin: ImportOrigin
    ) -> ImportCounts:
        """Make `rows` all that is stored about their parts ("write"), or "remove" these; the same again: no change.

        Contacts that a queue log's visits touch are made again in the same transaction.
        """
        with clear_errors(self._engine), self._writing.begin() as connection:
            change = import_runs.change(connection, plan.office, kind, rows, how, origin)
            if kind == QUEUE_LOG:
                change_logged(connection, plan, change, origin.at_ms)
            return change.counts

    def undo_import(self, plan: OfficePlan, run: str, now_ms: int) -> ImportRun:
        """Take an import back. Raises CannotUndo."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            undone, change = import_runs.undo(connection, plan.office, run, now_ms)
            if undone.kind == QUEUE_LOG:
                change_logged(connection, plan, change, now_ms)
            return undone

    def write_day(self, day: OfficeDay, marks: int, rollup: Rollup) -> None:
        """Write a computed day, and how far its office has been computed with it."""
        with self._writing.begin() as connection:
            days.write_day(connection, day, marks)
            days.write_rollup(connection, rollup)

    def mark_days(self, office: str, numbers: Sequence[int]) -> None:
        """Say that closed days are out of date, because something else that they rest on was changed."""
        with self._writing.begin() as connection:
            days.mark_days(connection, office, numbers)

    def drop_marks(self, office: str, marks: Mapping[int, int]) -> None:
        """Take marks away from days that are never computed, unless others came since there were so many."""
        with self._writing.begin() as connection:
            days.drop_marks(connection, office, marks)

    def trim_calls(self, office: str, kept_from: int, midnight_ms: int) -> int:
        """Delete an office's calls of the days before `kept_from`, which begins at midnight; returns how many rows."""
        with self._writing.begin() as connection:
            return trimming.trim_calls(connection, office, kept_from, midnight_ms)

    def trim_health(self, office: str, before_ms: int) -> int:
        """Delete an office's health reports older than that; returns how many."""
        with self._writing.begin() as connection:
            return trimming.trim_health(connection, office, before_ms)

    def trim_imports(self, office: str, before_ms: int) -> int:
        """Delete what was imported for an office and holds no more since then; returns how many rows."""
        with self._writing.begin() as connection:
            return trimming.trim_imports(connection, office, before_ms)

    def trim_quarantine(self, before_ms: int) -> int:
        """Delete what was received last before that and could not be used; returns how many rows."""
        with self._writing.begin() as connection:
            return trimming.trim_quarantine(connection, before_ms)

    def forget(self, plans: Mapping[str, OfficePlan], number: str, now_ms: int, *, rehearse: bool) -> Forgotten:
        """Take a caller's number out of everything about these offices; `rehearse`: say what that were, change nothing.

        Raises StoreUnusable.
        """
        with clear_errors(self._engine), self._writing.connect() as connection, connection.begin() as transaction:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what is deleted is overwritten on the disk
            closed = ClosedDays(connection, plans, now_ms)
            found = forgetting.forget_quarantined(connection, number)
            for plan in plans.values():
                found = found.plus(forgetting.forget_number(connection, plan, number, closed))
            closed.write()
            if rehearse:
                transaction.rollback()
            return found


def _make_tables(url: str) -> None:
    store = Store.open(url)
    store.migrate()
    store.close()


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
