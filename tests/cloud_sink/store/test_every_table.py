"""Of every table it is known how long its rows stay, and that a forgotten caller is in none. On both databases.

A new table names how long it is kept (`info` in `cloud_sink.store.tables`), and gets rows in `fill`.
"""

import zlib
from dataclasses import fields
from datetime import date

import pytest
from sqlalchemy import select

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import Destination, OfficePlan
from cloud_sink.keeping import Keeper
from cloud_sink.kpi.period import midnight_ms
from cloud_sink.retention import Retention
from cloud_sink.rolling import Roller
from cloud_sink.store import (
    AuditLine,
    BatchArrived,
    Gap,
    Health,
    ImportedRow,
    ImportOrigin,
    Junk,
    Mailing,
    Registration,
    Session,
    StateArrived,
    Store,
    Token,
    User,
    tables,
)

from .conftest import make_call

DAY_MS = 86_400_000
FIRST, DAYS, KEEP = date(2026, 6, 1), 30, 10
PLAN = OfficePlan("lab", repeat_days=1, destinations=(Destination("support", "queue", ("442079460400",)),))
PLANS = {"lab": PLAN}
OLDEST = midnight_ms(FIRST, "UTC") + 10 * 3_600_000
NOW = OLDEST + DAYS * DAY_MS
AGES_MS = (OLDEST, OLDEST + 5 * DAY_MS, NOW - DAY_MS)
SOMEBODY = "447700900001"
TIMES = {  # the column that says how old a row is, of each table whose rows go
    "legs": "start", "leg_outcomes": "start", "contacts": "t_offer", "islands": "start", "registrations": "at",
    "told": "at", "voice": "at", "registers": "start", "health": "at", "quarantine": "last_seen", "imports": "until",
    "import_runs": "at", "audit": "at",
}  # fmt: skip


def make_batch(first: int, at: int) -> BatchArrived:
    """One event of every kind."""
    return BatchArrived(
        "box", "lab", 1, first, first + 7, 1, at, legs=make_call(first, at, SOMEBODY),
        registrations=[Registration(first + 2, at, "phone", "101", True)],
        told=[Told(at, "101", "dnd_on", seq=first + 3)],
        voices=[Voice(at, "101", "0a", 400, seq=first + 4)],
        registers=[Registers(at, at + 900_000, "phone", "101", 1, 0, seq=first + 5)],
        gaps=[Gap("box", at + 1_800_000, at + 1_801_000, "asleep", 0, first + 6)],
        health=[Health(first + 7, at, {})],
    )  # fmt: skip


def write_imports(store: Store, at: int, name: str) -> None:
    """A list of customers, what came of a call, and a visit of a queue: all of them name the caller."""
    visit = {
        "queue": "support", "did": "", "agent": "101", "t_answer": at + 9_000, "t_end": at + 70_000,
        "disposition": "answered", "ended_by": "caller",
    }  # fmt: skip
    rows = {
        "customers": ImportedRow(0, 1 << 52, SOMEBODY, "", SOMEBODY, {"number": SOMEBODY, "name": name}),
        "dispositions": ImportedRow(
            at, at, f"{SOMEBODY}@{at}", f"{SOMEBODY}@{at}", SOMEBODY,
            {"number": SOMEBODY, "disposition": f"call {SOMEBODY} back", "at": at},
        ),
        "queue_log": ImportedRow(at, at + 70_000, f"call{at}", "1", SOMEBODY, visit),
    }  # fmt: skip
    for kind, row in rows.items():
        store.change_imported(PLAN, kind, [row], "write", ImportOrigin(at, f"{kind}.csv", "somebody"))


@pytest.fixture
def filled(store: Store) -> Store:
    """Something in every table, of long ago and of yesterday, much of it about one caller."""
    for number, at in enumerate(AGES_MS):
        store.ingest([make_batch(1 + 8 * number, at), Junk("rt/1/x/ev", str(at), f"<{SOMEBODY}".encode())], PLANS, at)
        write_imports(store, at, f"name {number}")
        store.users.tell(AuditLine(at, "jens", "10.0.0.1", "signed in", ""))
    store.ingest([StateArrived("box", "lab", NOW, 1, True, 1, 1, True, "0", "", "")], PLANS, NOW)
    store.users.add(User("jens", "manager", "", False, False, OLDEST, frozenset({"lab"})))
    store.users.open_session(Session("d", "jens", OLDEST, NOW, NOW + DAY_MS, "10.0.0.1"))
    store.users.add_token(Token("t", "1", "jens", "", OLDEST, None))
    Roller(store, PLANS, lambda: NOW).roll()
    store.keep_mailing(Mailing("lab", "week", NOW, NOW, NOW, 0, 0, ""))
    return store


def rows_of(store: Store, name: str) -> list[dict[str, object]]:
    """A table's rows, what is compressed in them unpacked."""
    with store._engine.connect() as connection:
        found = connection.execute(select(tables.metadata.tables[name])).mappings()
        return [{column: _readable(value) for column, value in row.items()} for row in found]


def _readable(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        try:
            return zlib.decompress(bytes(value))
        except zlib.error:
            return bytes(value)
    return value


def tables_with(store: Store, text: str) -> set[str]:
    """The tables in whose rows a text is found."""
    return {name for name in tables.metadata.tables if text in repr(rows_of(store, name))}


def test_every_table_says_how_long_it_is_kept() -> None:
    """By a key of `[retention]`, for good, or as what it is about; whose rows go by age has a time."""
    settings = {each.name for each in fields(Retention)}
    kept = {name: table.info.get(tables.KEPT) for name, table in tables.metadata.tables.items()}
    assert settings | {tables.FOR_GOOD, tables.CURRENT} == set(kept.values())
    assert {name for name, how in kept.items() if how in settings} == set(TIMES)


def test_what_is_too_old_is_gone_from_every_table(filled: Store) -> None:
    """Of the first day nothing is left where age decides, and no table was emptied; twice is as once."""
    store = filled
    store.mark_days("lab", [1])
    assert set() == {name for name in tables.metadata.tables if not rows_of(store, name)}
    keeper = Keeper(store, PLANS, Retention(KEEP, 2, KEEP, KEEP, KEEP), lambda: NOW)
    sum(keeper.trim())
    for name, time in TIMES.items():
        times = [row[time] for row in rows_of(store, name)]
        assert times, name
        assert min(times) > OLDEST + DAY_MS, name
    assert set() == {name for name in tables.metadata.tables if not rows_of(store, name)}
    assert 0 == sum(keeper.trim())


def test_a_forgotten_caller_is_in_no_table(filled: Store) -> None:
    """Neither in columns nor packed, of long ago or of yesterday; what came of his calls still counts."""
    store = filled
    store.mark_days("lab", [1])
    assert set() == {name for name in tables.metadata.tables if not rows_of(store, name)}
    holding = tables_with(store, SOMEBODY)
    assert {"legs", "contacts", "imports", "import_runs", "quarantine"} <= holding
    found = store.forget(PLANS, SOMEBODY, NOW, rehearse=False)
    assert set() == tables_with(store, SOMEBODY)
    assert (3, 7, 3) == (found.contacts, found.imported, found.quarantined)
    notes = [row for row in rows_of(store, "imports") if row["kind"] == "dispositions"]
    assert 3 == len(notes)
    callers = {row["t_offer"]: row["caller"] for row in rows_of(store, "contacts")}
    assert sorted(callers.values()) == sorted(note["number"] for note in notes)
