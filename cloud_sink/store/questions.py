"""What can be asked of a store: every question by name, each answered in a transaction of its own."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Engine

from cloud_sink.contacts.facts import BoxHealth, Registers, Told, Voice
from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.kpi.fleet import OfficeCounts
from cloud_sink.kpi.queue_words import AgentLog
from cloud_sink.store import callers, counting, days, forgetting, import_runs, imported, logged, mailings, reading
from cloud_sink.store.days import FleetRow, Rollup
from cloud_sink.store.imported import Change
from cloud_sink.store.records import (
    BoxStatus,
    Gap,
    ImportedRow,
    ImportRun,
    ImportStatus,
    Mailing,
    Quarantined,
    Registration,
)

_Answer = TypeVar("_Answer")


class Questions:
    """Reads legs, contacts, gaps and boxes of all offices; beside it, one thread may write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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

    def is_own_phone(self, office: str, number: str) -> bool:
        """Whether a number is an extension of the office."""
        return self._read(forgetting.is_own_phone, office, number)

    def _read(self, question: Callable[..., _Answer], *arguments: object) -> _Answer:
        with self._engine.connect() as connection:
            return question(connection, *arguments)
