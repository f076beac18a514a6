"""The two brokers that the sink must get along with: a real mosquitto and the embedded one."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from networks import answers, free_port, wait_for

from cloud_sink.adapters.embedded_broker import EmbeddedBroker


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Address of a real mosquitto."""
    port = free_port()
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", configuration], stderr=subprocess.DEVNULL) as broker:
        wait_for(lambda: answers(port))
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
