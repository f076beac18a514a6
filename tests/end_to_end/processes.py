"""Real processes for the end-to-end tests: a broker, a sink, a collector, each started and stopped as a user would."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.store import Store

EVER = (0, 1 << 52)
CONTACT_FIELDS = (
    "queue", "did", "direction", "caller", "disposition", "agent", "extension", "wait_ms", "wait_basis", "ring_ms",
    "talk_ms", "hold_ms", "transfers", "rings", "short", "correlation",
)  # fmt: skip
CONTACT_TIMES = ("t_offer", "t_pbx_answer", "t_first_ring", "t_agent_answer", "t_end")
LEG_FIELDS = ("extension", "role", "direction", "caller", "callee", "outcome", "final_code", "ended_by", "partial")
LEG_TIMES = ("t_invite", "t_ring", "t_answer", "t_end")


@dataclass
class Office:
    """One office's file: what the collector and the sink read."""

    config: Path
    database: str

    def store(self) -> Store:
        """The sink's database, opened for reading."""
        return Store.open(self.database)


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_office(folder: Path, lab_config: Path, *, embedded: bool, port: int) -> Office:
    """The lab's configuration with a spool, a broker and a database in `folder`."""
    database = f"sqlite:///{folder}/sink.db"
    broker = f"127.0.0.1:{port}" if embedded else ""
    config = folder / "office.toml"
    config.write_text(
        f'{lab_config.read_text()}\n[spool]\npath = "{folder}/spool.db"\n[mqtt]\nport = {port}\n'
        f'[sink]\ndatabase = "{database}"\nlisten = "127.0.0.1:0"\nembedded_broker = "{broker}"\n'
    )
    return Office(config, database)


@contextmanager
def mosquitto(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A real mosquitto that forgets everything when it ends."""
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", settings], stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


@contextmanager
def sink(office: Office) -> Iterator[subprocess.Popen[str]]:
    """A sink that is ready; killed without mercy at the end unless it has ended."""
    command = [sys.executable, "-m", "cloud_sink", "serve", "--config", str(office.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ringtap-sink: ready ")
            yield process
        finally:
            process.kill()


@contextmanager
def collector(office: Office, recording: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A collector that reads a recording and ends when the sink has everything."""
    command = [sys.executable, "-m", "collector", "run", "--config", office.config, "--once", "--source", recording]
    with subprocess.Popen([*map(str, command), *more]) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_legs(office: Office, number: int) -> None:
    """Wait until the sink has stored so many legs."""
    store = office.store()
    until = time.monotonic() + 120
    while len(store.legs("lab", *EVER)) < number:
        assert time.monotonic() < until, f"no {number} legs within two minutes"
        time.sleep(0.05)
    store.close()


def stop(process: subprocess.Popen[str]) -> None:
    """End a sink in good order."""
    process.send_signal(signal.SIGTERM)
    assert 0 == process.wait(60)


def run_sink_command(office: Office, name: str, *arguments: object) -> None:
    """Run a command of `ringtap-sink` that ends well."""
    command = [sys.executable, "-m", "cloud_sink", name, *map(str, arguments), "--config", str(office.config)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)


def erase_acknowledged(spool: Path) -> None:
    """What a collector does where space is short: the rows that the sink has had go, and those only."""
    with sqlite3.connect(spool) as database:
        (acknowledged,) = database.execute("SELECT value FROM meta WHERE key = 'acked'").fetchone()
        database.execute("DELETE FROM event WHERE seq <= ?", (int(acknowledged),))
    database.close()


# --- what the sink stored and what replay says, in the same words ------------------------------------------------

Facts = list[tuple[object, ...]]


def stored_contacts(office: Office) -> Facts:
    """Every contact in the sink's database, without the ids that depend on the box's epoch."""
    store = office.store()
    contacts = [_contact_facts(contact) for contact in store.contacts("lab", *EVER)]
    store.close()
    return sorted(contacts, key=repr)


def stored_legs(office: Office) -> Facts:
    """Every leg in the sink's database with its settled outcome, without its id."""
    store = office.store()
    legs = [_leg_facts(leg, outcome) for leg, outcome in store.legs("lab", *EVER)]
    store.close()
    return sorted(legs, key=repr)


def stored_gaps(office: Office) -> Facts:
    """Reason, start and number of lost events of every stored gap."""
    store = office.store()
    found: Facts = [(gap.reason, gap.from_ms, gap.count) for gap in store.gaps("lab", *EVER)]
    store.close()
    return found


def last_event_ms(office: Office) -> int:
    """When the newest stored event was, Unix ms."""
    store = office.store()
    span = store.observed_span("lab")
    store.close()
    assert span is not None
    return span[1]


_replayed: dict[tuple[Path, str], Facts] = {}


def replayed(recording: Path, config: Path, show: str) -> Facts:
    """What `ringtap replay` says about a recording: its contacts or its legs.

    Asked once: offices of these tests differ in what replay does not read, where they keep and send things.
    """
    if (recording, show) not in _replayed:
        _replayed[recording, show] = _replay(recording, config, show)
    return _replayed[recording, show]


def _replay(recording: Path, config: Path, show: str) -> Facts:
    command = [sys.executable, "-m", "fieldkit", "replay", recording, "--config", config, "--show", show]
    done = subprocess.run(
        [*map(str, command), "--format", "jsonl"], capture_output=True, text=True, timeout=120, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    times, fields = (CONTACT_TIMES, CONTACT_FIELDS) if show == "contacts" else (LEG_TIMES, LEG_FIELDS)
    facts = [(*(row[name] for name in times), *(row[name] for name in fields)) for row in rows]
    if show == "contacts":
        facts = [(*fact, len(row["legs"])) for fact, row in zip(facts, rows, strict=True)]
    return sorted(facts, key=repr)


def _contact_facts(contact: Contact) -> tuple[object, ...]:
    times = (_seconds(getattr(contact, name)) for name in CONTACT_TIMES)
    return (*times, *(getattr(contact, name) for name in CONTACT_FIELDS), len(contact.legs))


def _leg_facts(leg: Leg, outcome: str) -> tuple[object, ...]:
    facts = (outcome if name == "outcome" else getattr(leg, name) for name in LEG_FIELDS)
    return (*(_seconds(getattr(leg, name)) for name in LEG_TIMES), *facts)


def _seconds(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / 1000
