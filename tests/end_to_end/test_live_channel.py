"""A ringing phone on a wallboard: from the packet through a real broker to the sink's API."""

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import msgpack
from processes import Office, free_port, make_office, mosquitto
from sip_builders import Tap, make_request, make_response

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.wallboard import Wallboard

GOAL_S = 0.3


@contextlib.contextmanager
def dashboard(office: Office):
    """Address of a sink's page."""
    command = [sys.executable, "-m", "cloud_sink", "serve", "--config", str(office.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().partition("dashboard=")[2].split()[0]
        process.kill()


def look(address: str) -> tuple[int, int]:
    """How many phones ring and talk in the lab."""
    with urllib.request.urlopen(f"{address}/api/v1/offices/lab/live", timeout=5) as answer:
        shown = json.load(answer)
    return shown["ringing"], shown["talking"]


def seconds_until(address: str, expected: tuple[int, int]) -> float:
    """How long it takes until the API shows this."""
    begun = time.monotonic()
    while look(address) != expected:
        assert time.monotonic() - begun < 5, look(address)
    return time.monotonic() - begun


def test_a_ringing_phone_is_shown_within_300_ms(tmp_path: Path, lab_config: Path) -> None:
    """Measured while durable events stand in the same queue: ringing, talking and the end, each in time."""
    port = free_port()
    office = make_office(tmp_path, lab_config, embedded=False, port=port)
    with mosquitto(tmp_path, port), dashboard(office) as address:
        publisher = MqttPublisher(
            Spool(str(tmp_path / "box.db")), Broker("127.0.0.1", port), Identity("lab", "lab", "", "")
        )
        while not publisher._ready:
            publisher.pump(0.05)
        tap = Tap()
        tap.monitor.listen_to_progress(Wallboard(publisher, lambda _event: None).receive_progress)
        junk = msgpack.packb([1] * 3000)
        for _ in range(500):
            publisher._publish("ev", junk)  # 150 KB of durable messages ahead of what comes now
        took = []
        tap.to_phone(0, make_request("INVITE", 1))
        tap.from_phone(180, make_response(180, 1))
        took.append(seconds_until(address, (1, 0)))
        tap.from_phone(4_200, make_response(200, 1))
        took.append(seconds_until(address, (0, 1)))
        tap.to_phone(64_200, make_request("BYE", 2, to_tag=";tag=b"))
        tap.from_phone(64_230, make_response(200, 2, "BYE"))
        took.append(seconds_until(address, (0, 0)))
        publisher.close()
    print("seconds from packet to page:", took)
    assert max(took) < GOAL_S
