"""A ringing phone on a wallboard: from the packet through a real broker to the sink's API."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from processes import Office, free_port, make_office, mosquitto
from sip_builders import Tap, make_request, make_response

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.core.events import GapObserved
from collector.wallboard import Wallboard


@contextlib.contextmanager
def dashboard(office: Office):
    """Address of a sink's page."""
    command = [sys.executable, "-m", "cloud_sink", "serve", "--config", str(office.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().partition("dashboard=")[2].split()[0]
        process.kill()


def look(address: str) -> tuple[int, int]:
    """How many phones ring and talk in the lab."""
    with urllib.request.urlopen(f"{address}/api/v1/offices/lab/live", timeout=60) as answer:
        shown = json.load(answer)
    return shown["ringing"], shown["talking"]


def wait_until_shown(address: str, expected: tuple[int, int]) -> None:
    """Fail if the API does not come to show this."""
    until = time.monotonic() + 120
    while look(address) != expected:
        assert time.monotonic() < until, look(address)
        time.sleep(0.01)


def test_a_ringing_phone_waits_for_no_durable_event(tmp_path: Path, lab_config: Path) -> None:
    """Shown while the database cannot be written: ringing, talking and the end. How soon: `ringtap bench sink`."""
    port = free_port()
    office = make_office(tmp_path, lab_config, embedded=False, port=port)
    with mosquitto(tmp_path, port), dashboard(office) as address, contextlib.ExitStack() as stack:
        publisher = MqttPublisher(
            Spool(str(tmp_path / "box.db")), Broker("127.0.0.1", port), Identity("lab", "lab", "", "")
        )
        stack.callback(publisher.close)
        while not publisher._ready:
            publisher.pump(0.05)
        tap = Tap()
        tap.monitor.listen_to_progress(Wallboard(publisher, lambda _event: None).receive_progress)
        with contextlib.closing(sqlite3.connect(tmp_path / "sink.db", isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")
            publisher.write([GapObserved(1_795_000_000_000, 1_795_000_000_001, "test", 1)])
            publisher.pump()
            tap.to_phone(0, make_request("INVITE", 1))
            tap.from_phone(180, make_response(180, 1))
            wait_until_shown(address, (1, 0))
            tap.from_phone(4_200, make_response(200, 1))
            wait_until_shown(address, (0, 1))
            tap.to_phone(64_200, make_request("BYE", 2, to_tag=";tag=b"))
            tap.from_phone(64_230, make_response(200, 2, "BYE"))
            wait_until_shown(address, (0, 0))
            assert 1 == publisher.undelivered()
            busy.execute("ROLLBACK")
        until = time.monotonic() + 120
        while publisher.undelivered():
            assert time.monotonic() < until
            publisher.pump(0.05)
