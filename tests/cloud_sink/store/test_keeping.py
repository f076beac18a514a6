"""What is too old goes, what was counted stays; a caller can be forgotten. On SQLite and PostgreSQL."""

from datetime import date, timedelta

from sqlalchemy import select

from cloud_sink.contacts.records import Destination, Leg, OfficePlan
from cloud_sink.keeping import Keeper
from cloud_sink.kpi.period import Period, day_number, midnight_ms
from cloud_sink.kpi.report import Report
from cloud_sink.office import Offices
from cloud_sink.retention import Retention
from cloud_sink.rolling import Roller
from cloud_sink.store import BatchArrived, Health, Junk, Registration, Store, tables

from .conftest import make_call

FIRST, DAYS = date(2026, 6, 1), 12
PLAN = OfficePlan("lab", repeat_days=1, destinations=(Destination("support", "queue", ("442079460400",)),))
PLANS = {"lab": PLAN}
NOW = midnight_ms(FIRST + timedelta(days=DAYS), "UTC") + 12 * 3_600_000
SOMEBODY, OTHER = "447700900001", "447700900002"


def at(day: int, second: int = 36_000) -> int:
    """A moment of a day, ten in the morning unless told otherwise."""
    return midnight_ms(FIRST + timedelta(days=day), "UTC") + second * 1000


def fill(store: Store) -> None:
    """Two callers a day; the last call of each day goes on across midnight."""
    legs: list[Leg] = []
    for day in range(DAYS):
        legs += make_call(len(legs) + 1, at(day), SOMEBODY)
        legs += make_call(len(legs) + 1, at(day, 86_390), OTHER)
    states = [Registration(900, midnight_ms(FIRST, "UTC"), "phone", "101", True)]
    batch = BatchArrived("box", "lab", 1, 1, 901, 1, NOW, legs=legs, registrations=states)
    store.ingest([batch, Junk("rt/1/box/ev", "odd", f"x{SOMEBODY}x".encode())], PLANS, NOW)


def report(store: Store, first: int, last: int) -> Report:
    """The office's report of some days."""
    period = Period.of_days(FIRST + timedelta(days=first), FIRST + timedelta(days=last), "UTC")
    return Offices(store, PLANS, lambda: NOW).get("lab").report(period)


def keeper(store: Store, **days: int) -> Keeper:
    """Whoever deletes, told to keep so many days."""
    return Keeper(store, PLANS, Retention(**days), lambda: NOW)


def rows_of(store: Store, name: str) -> list[tuple[object, ...]]:
    """A table's rows."""
    with store._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(tables.metadata.tables[name]))]


def test_what_was_counted_outlives_the_calls(store: Store) -> None:
    """KPIs of days whose calls are gone are the same; what only calls could tell is null."""
    fill(store)
    Roller(store, PLANS, lambda: NOW).roll()
    before = report(store, 0, 8)
    assert sum(keeper(store, calls_days=5).trim()) > 0
    left = [leg.t_invite for leg, _ in store.legs("lab", 0, 1 << 52)]
    kept_from = midnight_ms(FIRST + timedelta(days=7), "UTC")
    assert kept_from - 86_400_000 < min(left)
    after = report(store, 0, 8)
    for kpi_id in ("offered", "answered", "service_level", "asa", "avg_talk_time", "fcr_repeat"):
        assert before.total[kpi_id] == after.total[kpi_id]
    assert before.extensions["101"]["login_time"] == after.extensions["101"]["login_time"]
    assert (2, None) == (before.total["unique_callers"].value, after.total["unique_callers"].value)
    assert report(store, 3, 3).total["offered"].value == 2
    assert 0 == Roller(store, PLANS, lambda: NOW).roll()


def test_only_days_that_are_counted_for_good_lose_their_calls(store: Store) -> None:
    """Not computed yet, or waiting to be computed again: their calls stay."""
    fill(store)
    assert 0 == sum(keeper(store, calls_days=1, quarantine_days=0).trim())
    Roller(store, PLANS, lambda: NOW).roll()
    store.mark_days("lab", [day_number(midnight_ms(FIRST, "UTC"), "UTC") + 2])
    sum(keeper(store, calls_days=1).trim())
    assert min(leg.t_invite for leg, _ in store.legs("lab", 0, 1 << 52)) < midnight_ms(FIRST + timedelta(days=2), "UTC")
    sum(keeper(store, calls_days=1).trim())
    assert 4 <= len(store.contacts("lab", midnight_ms(FIRST + timedelta(days=2), "UTC"), NOW))


def test_a_call_across_midnight_stays_whole(store: Store) -> None:
    """All of its legs go with the day after: stitching again what is left changes nothing."""
    fill(store)
    Roller(store, PLANS, lambda: NOW).roll()
    sum(keeper(store, calls_days=5).trim())
    left = rows_of(store, "contacts")
    store.rebuild(PLAN, lambda _done, _all: None)
    assert sorted(left) == sorted(rows_of(store, "contacts"))


def test_a_phone_that_registered_long_ago_still_is(store: Store) -> None:
    """The last word of each phone is kept, however old."""
    fill(store)
    Roller(store, PLANS, lambda: NOW).roll()
    sum(keeper(store, calls_days=2).trim())
    assert 1 == len(rows_of(store, "registrations"))


def test_calls_that_come_too_late_change_no_counted_day(store: Store) -> None:
    """They are stored, and gone with the next deletion; the row they would belong to stays as it is."""
    fill(store)
    roller = Roller(store, PLANS, lambda: NOW)
    roller.roll()
    sum(keeper(store, calls_days=5).trim())
    offered = report(store, 0, 8).total["offered"]
    late = BatchArrived("box", "lab", 1, 950, 951, 1, NOW, legs=make_call(950, at(1, 50_000), OTHER))
    store.ingest([late], PLANS, NOW)
    roller.roll()
    assert offered == report(store, 0, 8).total["offered"]


def test_health_and_quarantine_go_by_age(store: Store) -> None:
    """Each by its own days; 0 keeps the quarantine for good."""
    store.ingest([Junk("rt/1/x/ev", "old", b"")], PLANS, NOW - 91 * 86_400_000)
    store.ingest([Junk("rt/1/x/ev", "new", b"")], PLANS, NOW)
    health = [Health(seq, NOW - age * 86_400_000, {}) for seq, age in ((1, 3), (2, 1))]
    store.ingest([BatchArrived("box", "lab", 1, 1, 2, 1, NOW, health=health)], PLANS, NOW)
    sum(keeper(store, quarantine_days=0, health_days=2).trim())
    assert (2, 1) == (len(rows_of(store, "quarantine")), len(rows_of(store, "health")))
    sum(keeper(store).trim())
    assert ["new"] == [row.reason for row in store.quarantine()]


def test_a_forgotten_caller_is_nowhere(store: Store) -> None:
    """Not in legs, contacts, imported lists or quarantine; his calls still count, apart from each other."""
    fill(store)
    before = report(store, 0, DAYS - 1)
    rehearsed = store.forget(PLANS, SOMEBODY, NOW, rehearse=True)
    assert (24, 12, 1) == (rehearsed.legs, rehearsed.contacts, rehearsed.quarantined)
    assert before.to_json() == report(store, 0, DAYS - 1).to_json()
    assert rehearsed == store.forget(PLANS, SOMEBODY, NOW, rehearse=False)
    for table in tables.metadata.sorted_tables:
        assert SOMEBODY not in repr(rows_of(store, table.name))
    after = report(store, 0, DAYS - 1)
    for kpi_id in ("offered", "answered", "service_level", "asa"):
        assert before.total[kpi_id] == after.total[kpi_id]
    assert (2, 13) == (before.total["unique_callers"].value, after.total["unique_callers"].value)
    contacts = rows_of(store, "contacts")
    store.rebuild(PLAN, lambda _done, _all: None)
    assert sorted(contacts) == sorted(rows_of(store, "contacts"))
    assert 0 == store.forget(PLANS, SOMEBODY, NOW, rehearse=False).legs


def test_forgetting_marks_the_days_it_changes(store: Store) -> None:
    """Repeats of a caller who is several callers now are none."""
    fill(store)
    roller = Roller(store, PLANS, lambda: NOW)
    roller.roll()
    store.forget(PLANS, SOMEBODY, NOW, rehearse=False)
    assert 0 < roller.roll()
    assert store.is_own_phone("lab", "101")
