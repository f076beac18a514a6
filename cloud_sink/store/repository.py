"""The store as the rest of the sink sees it: one object for one database, safe to use from several threads.

One thread ingests; any number may read beside it, each call in a transaction of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from cloud_sink.contacts.facts import BoxHealth, Registers, Told, Voice
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.errors import StoreUnusable
from cloud_sink.kpi.fleet import OfficeCounts
from cloud_sink.kpi.queue_words import AgentLog
from cloud_sink.store import (
    callers,
    copying,
    counting,
    days,
    forgetting,
    import_runs,
    imported,
    logged,
    mailings,
    reading,
    trimming,
)  # fmt: skip
from cloud_sink.store.days import FleetRow, OfficeDay, Rollup
from cloud_sink.store.engine import clear_errors, open_engine, shown_url, writing
from cloud_sink.store.forgetting import Forgotten
from cloud_sink.store.imported import Change
from cloud_sink.store.junk import Quarantine
from cloud_sink.store.logged import QUEUE_LOG
from cloud_sink.store.marking import ClosedDays
from cloud_sink.store.records import (
    Acknowledgement,
    Arrival,
    BoxStatus,
    Gap,
    ImportCounts,
    ImportedRow,
    ImportOrigin,
    ImportRun,
    ImportStatus,
    Mailing,
    Quarantined,
    Registration,
)
from cloud_sink.store.restitch import change_logged, rebuild
from cloud_sink.store.users import Users
from cloud_sink.store.writing import ingest

MIGRATIONS = Path(__file__).parent / "migrations"

_Answer = TypeVar("_Answer")


class Store:
    """Legs, contacts, gaps and boxes of all offices in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
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

    def is_own_phone(self, office: str, number: str) -> bool:
        """Whether a number is an extension of the office."""
        return self._read(forgetting.is_own_phone, office, number)

    # --- reading

    def offices(self) -> list[str]:
        """Return the offices that something is stored of."""
        return self._read(reading.offices)

    def importing_offices(self) -> set[str]:
        """Return the offices that anything was imported for."""
        return self._read(imported.offices)

    def contacts(self, office: str, from_ms: int, until_ms: int) -> list[Contact]:
        """Return the contacts offered in [from, until), in order."""
        return self._read(reading.contacts, office, from_ms, until_ms)

    def legs(self, office: str, from_ms: int, until_ms: int) -> list[tuple[Leg, str]]:
        """Return every leg begun in [from, until) with its settled outcome."""
        return self._read(reading.legs, office, from_ms, until_ms)

    def phone_legs(self, office: str, from_ms: int, until_ms: int) -> list[tuple[Leg, str]]:
        """Return the phone legs begun in [from, until) with their settled outcome."""
        return self._read(reading.phone_legs, office, from_ms, until_ms)

    def legs_of(self, office: str, contact_id: str) -> list[tuple[Leg, str]]:
        """Return the legs of a contact with their settled outcome."""
        return self._read(reading.legs_of, office, contact_id)

    def gaps(self, office: str, from_ms: int, until_ms: int) -> list[Gap]:
        """Return the times in [from, until) that a box did not see, or lost."""
        return self._read(reading.gaps, office, from_ms, until_ms)

    def registrations(self, office: str, from_ms: int, until_ms: int) -> list[Registration]:
        """Return the changes of phones in [from, until), and of each phone the last one before that."""
        return self._read(reading.registrations, office, from_ms, until_ms)

    def imported(
        self,
        office: str,
        kind: str,
        from_ms: int,
        until_ms: int,
        longest_ms: int | None = None,
        key: str | None = None,
    ) -> list[ImportedRow]:
        """Return imported rows that hold at some moment of [from, until); none may hold for over `longest_ms`.

        `key`: only those with this key.
        """
        return self._read(imported.read, office, kind, from_ms, until_ms, longest_ms, key)

    def imported_parts(self, office: str, kind: str, parts: Sequence[str]) -> list[ImportedRow]:
        """Return the imported rows about some parts."""
        return self._read(imported.read_parts, office, kind, parts)

    def logged_contact(self, office: str, contact_id: str) -> Contact | None:
        """Return a contact that only an imported queue log tells of."""
        return self._read(logged.contact, office, contact_id)

    def change_of_import(self, office: str, kind: str, rows: Sequence[ImportedRow], how: str) -> Change:
        """Return what an import would do."""
        return self._read(imported.change_by, office, kind, rows, how)

    def import_runs(self, office: str) -> list[ImportRun]:
        """Return the imports of an office, the latest first."""
        return self._read(import_runs.runs, office)

    def import_status(self, office: str) -> list[ImportStatus]:
        """Return what was imported for an office, by kind."""
        return self._read(imported.status, office)

    def caller_numbers(self, office: str, limit: int = 100) -> list[str]:
        """Return numbers of an office's latest callers, in the form that its boxes send them."""
        return self._read(reading.caller_numbers, office, limit)

    def trunk_registrations(self, office: str, from_ms: int, until_ms: int) -> list[Registration]:
        """Return the same of the PBX at its carrier."""
        return self._read(reading.registrations, office, from_ms, until_ms, "trunk")

    def told(self, office: str, from_ms: int, until_ms: int) -> list[Told]:
        """Return what event packages told in [from, until), and of each state the last time before that."""
        return self._read(reading.told, office, from_ms, until_ms)

    def agent_log(self, office: str, from_ms: int, until_ms: int) -> AgentLog:
        """Return what imported queue logs say of agents in [from, until)."""
        return self._read(logged.agent_log, office, from_ms, until_ms)

    def voices(self, office: str, from_ms: int, until_ms: int) -> list[Voice]:
        """Return phones' reports of how calls sounded that ended in [from, until)."""
        return self._read(reading.voices, office, from_ms, until_ms)

    def registers(self, office: str, from_ms: int, until_ms: int) -> list[Registers]:
        """Return counted REGISTERs whose span began in [from, until)."""
        return self._read(reading.registers, office, from_ms, until_ms)

    def health(self, office: str, from_ms: int, until_ms: int) -> list[BoxHealth]:
        """Return what boxes said of themselves in [from, until)."""
        return self._read(reading.health, office, from_ms, until_ms)

    def observed_span(self, office: str) -> tuple[int, int] | None:
        """Return the times of the first and the last event; None before any."""
        return self._read(reading.observed_span, office)

    def observed_spans(self) -> dict[str, tuple[int, int]]:
        """Return the same of every office."""
        return self._read(reading.observed_spans)

    def contacts_around(self, office: str, from_ms: int, until_ms: int, since_ms: int, to_ms: int) -> list[Contact]:
        """Return the contacts offered in [from, until), and the other ones of their callers in [since, to)."""
        return self._read(callers.contacts_around, office, from_ms, until_ms, since_ms, to_ms)

    def customers(self, office: str, from_ms: int, until_ms: int) -> list[Contact]:
        """Return the contacts of customers and colleagues offered in [from, until), in order."""
        return self._read(callers.customers, office, from_ms, until_ms)

    def callers(self, office: str, from_ms: int, until_ms: int) -> list[tuple[str, tuple[str, ...]]]:
        """Return (caller, where he waited) of every contact of [from, until) with a number; "" is a customer."""
        return self._read(callers.callers, office, from_ms, until_ms)

    def lost_contacts(self, office: str, from_ms: int, until_ms: int, to_ms: int) -> list[Contact]:
        """Return contacts of [from, until) that may count as missed, and their callers' answered ones until `to`."""
        return self._read(callers.lost_contacts, office, from_ms, until_ms, to_ms)

    def rollups(self) -> dict[str, Rollup]:
        """Return how far the closed days of each office have been computed."""
        return self._read(days.rollups)

    def rollup(self, office: str) -> Rollup | None:
        """Return how far the closed days of an office have been computed; None: not at all."""
        return self._read(days.rollup, office)

    def dirty_days(self, from_day: int, until_day: int) -> dict[str, dict[int, int]]:
        """Return office -> closed day of [from, until] that is out of date -> its marks."""
        return self._read(days.dirty_days, from_day, until_day)

    def day_details(self, office: str, from_day: int, until_day: int) -> dict[int, bytes]:
        """Return the packed measurements of the computed days of [from, until]."""
        return self._read(days.day_details, office, from_day, until_day)

    def fleet_rows(self, from_day: int, until_day: int) -> list[FleetRow]:
        """Return each office's computed days of [from, until] put together."""
        return self._read(days.fleet_rows, from_day, until_day)

    def count_contacts(
        self, offices: Sequence[str], from_ms: int, until_ms: int, threshold_s: int
    ) -> dict[str, OfficeCounts]:
        """Count the contacts offered in [from, until) of offices with the same service level."""
        return self._read(counting.count_contacts, offices, from_ms, until_ms, threshold_s)

    def answered_waits(self, offices: Sequence[str], from_ms: int, until_ms: int) -> dict[str, list[int]]:
        """Return office -> wait in ms of each customer who was answered in [from, until)."""
        return self._read(counting.answered_waits, offices, from_ms, until_ms)

    def all_gaps(self, from_ms: int, until_ms: int) -> dict[str, list[tuple[int, int]]]:
        """Return office -> the times in [from, until) that a box did not see."""
        return self._read(reading.all_gaps, from_ms, until_ms)

    def boxes(self, office: str | None = None) -> list[BoxStatus]:
        """Return the boxes of an office; "": those that no office lists; None: all."""
        return self._read(reading.boxes, office)

    def quarantined(self) -> int:
        """Return how many kinds of junk were received."""
        return self._read(reading.quarantined)

    def quarantine(self, limit: int = 100) -> list[Quarantined]:
        """Return the junk seen last, newest first."""
        return self._read(reading.quarantine, limit)

    def mailing(self, office: str, report: str) -> Mailing | None:
        """Return how a report that is mailed fares; None before it was due for the first time."""
        return self._read(mailings.mailing, office, report)

    def _read(self, question: Callable[..., _Answer], *arguments: object) -> _Answer:
        with self._engine.connect() as connection:
            return question(connection, *arguments)


def _make_tables(url: str) -> None:
    store = Store.open(url)
    store.migrate()
    store.close()


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
