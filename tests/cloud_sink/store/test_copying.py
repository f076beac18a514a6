"""Backups of both databases: one file, restored into either, and boxes close the hole."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud_sink import backup
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.errors import ConfigurationError
from cloud_sink.store import (
    Acknowledgement,
    BatchArrived,
    Gap,
    Health,
    Junk,
    Session,
    StateArrived,
    Store,
    Token,
    User,
    tables,
)
from cloud_sink.store.rows import leg_id

T0 = 1_760_000_000_000
PLANS = {"lab": OfficePlan("lab")}


def nothing(_done: int, _all: int) -> None:
    """Progress that nobody watches."""


def make_leg(seq: int) -> Leg:
    """A ring nobody answered."""
    start = T0 + seq * 60_000
    return Leg(
        leg_id("box", 7, seq), "lab", "box", 7, seq, "0a1b", "phone", "in", "101", "442079460999", "101", start,
        start + 200, None, start + 10_000, partial=True,
    )  # fmt: skip


def send(store: Store, first: int, last: int) -> None:
    """A box's numbered events."""
    legs = [make_leg(seq) for seq in range(first, last + 1)]
    store.ingest([BatchArrived("box", "lab", 7, first, last, 1, T0, legs=legs)], PLANS, T0)


def fill(store: Store) -> None:
    """Something in most tables."""
    send(store, 1, 5)
    facts = BatchArrived(
        "box", "lab", 7, 6, 7, 1, T0, gaps=[Gap("box", T0, T0 + 5, "x", 1, 6)], health=[Health(7, T0, {"a": 1})]
    )
    store.ingest([facts, Junk("rt/1/x/ev", "junk", b"\x00\xff")], PLANS, T0)


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with store._engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }


def other_store(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    """An empty database of the other kind."""
    if store.url.startswith("sqlite"):
        from .conftest import new_postgres_database

        name = f"c{abs(hash(request.node.nodeid)):x}"
        return Store.open(new_postgres_database(request.getfixturevalue("postgres"), name))
    return Store.open(f"sqlite:///{tmp_path / 'other.db'}")


def test_a_backup_restored_is_the_database_of_then(store: Store, tmp_path: Path) -> None:
    """Every row of every table, whatever was written since; the file stands alone."""
    fill(store)
    then = content(store)
    file = tmp_path / "backup.db"
    assert str(file) in backup.back_up(store, file, force=False, progress=nothing)
    assert [file] == [path for path in tmp_path.iterdir() if path.name.startswith("backup")]
    send(store, 8, 12)
    assert then != content(store)
    backup.restore(store, file, force=True, progress=nothing)
    assert then == content(store)
    send(store, 8, 12)  # and it works as before


def test_a_backup_moves_between_databases(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """SQLite's restored into PostgreSQL and the other way round: the same rows."""
    fill(store)
    file = tmp_path / "backup.db"
    backup.back_up(store, file, force=False, progress=nothing)
    other = other_store(store, tmp_path, request)
    backup.restore(other, file, force=False, progress=nothing)
    assert content(store) == content(other)
    other.close()


def test_nothing_is_overwritten_unless_told_so(store: Store, tmp_path: Path) -> None:
    """Neither a file nor a database with data; a file that is no backup, or a damaged one, is refused in a line."""
    fill(store)
    file = tmp_path / "backup.db"
    backup.back_up(store, file, force=False, progress=nothing)
    with pytest.raises(ConfigurationError, match="--force"):
        backup.back_up(store, file, force=False, progress=nothing)
    backup.back_up(store, file, force=True, progress=nothing)
    with pytest.raises(ConfigurationError, match=r"holds data.*--force"):
        backup.restore(store, file, force=False, progress=nothing)
    whole = file.read_bytes()
    for broken, problem in ((b"", "no backup"), (b"hello", "no backup"), (whole[: len(whole) // 2], "damaged")):
        file.write_bytes(broken)
        with pytest.raises(ConfigurationError, match=problem):
            backup.restore(store, file, force=True, progress=nothing)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        backup.restore(store, tmp_path / "none.db", force=True, progress=nothing)
    assert 5 == len(store.legs("lab", 0, 1 << 52))


def test_after_a_restore_boxes_send_what_is_missing(store: Store, tmp_path: Path) -> None:
    """The box says what it still holds, and is asked for everything since the backup; nothing is counted twice."""
    send(store, 1, 5)
    file = tmp_path / "backup.db"
    backup.back_up(store, file, force=False, progress=nothing)
    send(store, 6, 9)
    now = content(store)
    backup.restore(store, file, force=True, progress=nothing)
    birth = StateArrived("box", "lab", T0, 1, True, 7, 10, True, "0.1.0", "demo", "boot-1")
    (answer,) = store.ingest([replace(birth, kept=2)], PLANS, T0)
    assert Acknowledgement("box", 7, 5, replay_from=6) == answer
    send(store, 6, 9)
    for name in ("legs", "contacts", "leg_outcomes", "islands"):
        assert now[name] == content(store)[name]


def test_users_are_in_a_backup_and_nobody_is_signed_in_by_it(store: Store, tmp_path: Path) -> None:
    """Who signed out since must not be signed in again; a database with users counts as one with data."""
    jens = User("jens", "manager", "hash", False, False, T0, frozenset({"lab"}))
    token = Token("t", "1", "jens", "sheet", T0, None)
    store.users.add(jens)
    store.users.add_token(token)
    store.users.open_session(Session("d", "jens", T0, T0, T0 + 1000, "10.0.0.1"))
    file = tmp_path / "backup.db"
    backup.back_up(store, file, force=False, progress=nothing)
    store.users.remove("jens")
    backup.restore(store, file, force=False, progress=nothing)
    assert ([jens], [token]) == (store.users.all(), store.users.tokens())
    assert store.users.session("d", T0) is None
    with pytest.raises(ConfigurationError, match="holds data"):
        backup.restore(store, file, force=False, progress=nothing)
