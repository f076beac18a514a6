"""A database of many offices: one filled through the sink's own ingest, the others copied from it row by row.

The copies have the same calls under another office's name, which is all that the cost of a query depends on.
"""

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cloud_sink.contacts.records import Destination, Leg, OfficePlan
from cloud_sink.garbage import rare_garbage_collection
from cloud_sink.kpi.period import midnight_ms
from cloud_sink.rolling import Roller
from cloud_sink.store import BatchArrived, Store, tables
from cloud_sink.store.rows import leg_id

TODAY = date(2026, 6, 30)  # a Tuesday
DAYS = 90
LEGS_A_WEEKDAY = 150
BATCH_LEGS = 10  # as a box sends them
MESSAGES = 50  # as many as the sink takes into a transaction when it has something to catch up with
COPIED = ("legs", "contacts", "leg_outcomes", "islands", "office_days", "office_day_details", "rollups")
MODEL = "office-0000"


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the database, and what the first office's ingest cost."""

    store: Store
    plans: dict[str, OfficePlan]
    now_ms: int
    legs: int
    ingest_legs_a_cpu_second: float


def fill_database(file: Path, offices: int, legs_a_weekday: int = LEGS_A_WEEKDAY) -> Filled:
    """Make it: 90 closed days, and half of today; every day computed."""
    plans = {f"office-{number:04}": _plan(f"office-{number:04}") for number in range(offices)}
    store = Store.open(f"sqlite:///{file}")
    store.migrate()
    now_ms = midnight_ms(TODAY, "UTC") + 13 * 3_600_000
    legs = list(_legs(now_ms, legs_a_weekday))
    rate = _ingest(store, legs, plans, now_ms)
    Roller(store, plans, lambda: now_ms).roll()
    _copy(file, list(plans)[1:])
    return Filled(store, plans, now_ms, len(legs) * offices, rate)


def _plan(office: str) -> OfficePlan:
    places = (
        Destination("sales", "queue", ("442079460400",), ("101", "102", "103", "104")),
        Destination("support", "queue", ("442079460401",), ("105", "106", "107", "108")),
    )
    return OfficePlan(office, destinations=places)


def _legs(now_ms: int, legs_a_weekday: int) -> Iterator[Leg]:
    """Customers' calls of an office, nine to five on weekdays, in the order in which they begin."""
    chance = random.Random(1)  # noqa: S311 - calls that differ, no secret
    seq = 1
    for back in range(DAYS, -1, -1):
        day = TODAY - timedelta(days=back)
        if day.weekday() < 5:
            opens = midnight_ms(day, "UTC") + 9 * 3_600_000
            for at_ms in sorted(chance.randrange(opens, opens + 8 * 3_600_000) for _ in range(legs_a_weekday // 2)):
                if at_ms < now_ms - 3_600_000:
                    yield from _call(chance, seq, at_ms)
                    seq += 2


def _call(chance: random.Random, seq: int, at_ms: int) -> list[Leg]:
    """A customer's call over the trunk, and the phone that rang for it."""
    wait, talk = round(1000 * chance.expovariate(1 / 15)) + 500, round(1000 * chance.expovariate(1 / 180)) + 1000
    answered = chance.random() < 0.9
    end_ms = at_ms + wait + talk * answered
    number, queue = f"4477009{chance.randrange(30_000):05}", chance.choice(("442079460400", "442079460401"))
    extension = str(101 + chance.randrange(8))

    def leg(number_of_leg: int, role: str, callee: str, start_ms: int, answer_ms: int | None) -> Leg:
        return Leg(
            leg_id(MODEL, 1, number_of_leg), MODEL, MODEL, 1, number_of_leg, f"{number_of_leg * 7919:016x}", role, "in",
            extension if role == "phone" else "", number, callee, start_ms, start_ms + 80, answer_ms, end_ms,
            200 if answered else 487, ended_by="caller", transport="udp",
        )  # fmt: skip

    phone = leg(seq + 1, "phone", extension, at_ms + 120, at_ms + wait if answered else None)
    return [leg(seq, "trunk", queue, at_ms, at_ms + 40), phone]


def _ingest(store: Store, legs: Sequence[Leg], plans: dict[str, OfficePlan], now_ms: int) -> float:
    """Store and stitch them as they would arrive, every day but today marked; returns legs a CPU-second.

    Garbage is looked for as often as the sink does.
    """
    batches = [
        BatchArrived(MODEL, MODEL, 1, some[0].seq, some[-1].seq, 1, now_ms, legs=list(some))
        for some in (legs[at : at + BATCH_LEGS] for at in range(0, len(legs), BATCH_LEGS))
    ]
    with rare_garbage_collection():
        begun = time.process_time()
        for at in range(0, len(batches), MESSAGES):
            store.ingest(batches[at : at + MESSAGES], plans, now_ms)
        return len(legs) / (time.process_time() - begun)


def _copy(file: Path, offices: Sequence[str]) -> None:
    """Give every other office the first one's rows."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")  # a benchmark's data may be made again
    connection.execute("PRAGMA cache_size = -65536")
    for at in range(0, len(offices), 20):
        connection.execute("BEGIN IMMEDIATE")
        for office in offices[at : at + 20]:
            for table in COPIED:
                _copy_rows(connection, table, office, ("office_id",))
            _copy_rows(connection, "boxes", office, ("office_id", "box"))
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _copy_rows(connection: sqlite3.Connection, table: str, office: str, renamed: Sequence[str]) -> None:
    names = [column.name for column in tables.metadata.tables[table].columns]
    listed = ", ".join(f'"{name}"' for name in names)
    values = ", ".join("?" if name in renamed else f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table}" ({listed}) SELECT {values} FROM "{table}" WHERE office_id = ?'  # noqa: S608
    connection.execute(statement, [*(office for name in names if name in renamed), MODEL])
