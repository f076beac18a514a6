"""The two brokers that the sink must get along with: a real mosquitto and the embedded one."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_sink.adapters.embedded_broker import EmbeddedBroker


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Address of a real mosquitto."""
    port = free_port()
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", configuration], stderr=subprocess.DEVNULL) as broker:
        _wait_for_port(port)
        yield "127.0.0.1", port
        broker.terminate()


@pytest.fixture
def embedded() -> Iterator[tuple[str, int]]:
    """Address of an embedded broker."""
    broker = EmbeddedBroker(("127.0.0.1", 0))
    broker.start()
    yield broker.address
    broker.stop()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest) -> tuple[str, int]:
    """Address of each broker in turn."""
    address: tuple[str, int] = request.getfixturevalue(request.param)
    return address


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}")
