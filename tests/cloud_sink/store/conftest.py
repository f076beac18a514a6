"""Builders of what boxes send, and the databases that the store's tests run on: SQLite and a real PostgreSQL."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_sink.contacts.records import Leg
from cloud_sink.store import Store
from cloud_sink.store.rows import leg_id

POSTGRES_PLACES = ("/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))


def _postgres_program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join((*POSTGRES_PLACES, os.environ.get("PATH", ""))))
    assert found, f"{name} not found: apt-get install postgresql"
    return found


def _run(folder: Path, program: str, *arguments: object) -> None:
    """Run a program of PostgreSQL as a user it accepts: it refuses to be root."""
    user = None
    if os.geteuid() == 0:
        user = "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"
        shutil.chown(folder, user)
    command = [_postgres_program(program), *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=user)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a real PostgreSQL server of this test run: own data directory, socket in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="ringtap-pg-", dir="/tmp"))  # a socket's path has at most 107 characters
    data = folder / "data"
    _run(folder, "initdb", "-D", data, "-A", "trust", "-U", "ringtap", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    _run(folder, "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    yield f"postgresql+psycopg://ringtap@/{{name}}?host={folder}"
    _run(folder, "pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def empty_postgres(postgres: str) -> str:
    """Name of a database with all its tables: to be copied."""
    store = Store.open(new_postgres_database(postgres, "empty"))
    store.migrate()
    store.close()
    return "empty"


@pytest.fixture
def postgres_store(postgres: str, empty_postgres: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store on PostgreSQL."""
    name = f"t{abs(hash(request.node.nodeid)):x}"
    store = Store.open(new_postgres_database(postgres, name, like=empty_postgres))
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store: each test that asks for it runs on both databases."""
    store: Store = request.getfixturevalue("empty_store" if request.param == "sqlite" else "postgres_store")
    return store


def new_postgres_database(server: str, name: str, like: str = "template1") -> str:
    """Create a database on the test run's server, as a copy of another, and return its address."""
    import psycopg

    with psycopg.connect(server.format(name="postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    return server.format(name=name)


def make_call(seq: int, start: int, caller: str) -> list[Leg]:
    """A call of a minute to the queue, answered by 101: its two legs, numbered from `seq`."""
    trunk = Leg(
        leg_id("box", 1, seq), "lab", "box", 1, seq, f"{seq:012x}", "trunk", "in", "", caller, "442079460400", start,
        start + 20, start + 50, start + 70_000, 200, ended_by="caller",
    )  # fmt: skip
    phone = replace(
        trunk, leg_id=leg_id("box", 1, seq + 1), seq=seq + 1, call_key=f"{seq + 1:012x}", role="phone", extension="101",
        callee="101", t_invite=start + 100, t_ring=start + 200, t_answer=start + 9_000,
    )  # fmt: skip
    return [trunk, phone]
