"""The brokers that delivery is tried on, as processes on a port of loopback that let anyone in.

Both forget: mosquitto keeps nothing on disk, RabbitMQ's data are thrown away before every other start (in between it
starts with what a kill left behind).
"""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from collector.errors import WrongUse
from fieldkit.bench.program import Program

BROKERS = ("mosquitto", "embedded", "rabbitmq")  # embedded: inside the sink, no process of its own
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the wrapper in /usr/sbin goes to the system's own folders

MOSQUITTO_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 1000000
"""
RABBITMQ_CONFIGURATION = """\
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.allow_anonymous = true
"""


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mosquitto(folder: Path, port: int, settings: Path | None = None) -> Program:
    """A mosquitto that keeps nothing on disk, or with these `settings`. Raises WrongUse where it is not installed."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(program).exists():
        raise WrongUse("mosquitto not found: apt-get install mosquitto")
    if settings is None:
        settings = folder / "mosquitto.conf"
        settings.write_text(MOSQUITTO_CONFIGURATION.format(port=port))
    return Program("broker", (program, "-c", str(settings)), folder / "broker.log")


def rabbitmq_port_mapper(folder: Path) -> tuple[Program, int]:
    """Erlang's port mapper, which a node starts by itself and leaves behind: one of our own, and its port."""
    port = free_port()
    command = (shutil.which("epmd") or "epmd", "-port", str(port), "-address", "127.0.0.1")
    return Program("epmd", command, folder / "epmd.log"), port


def rabbitmq(folder: Path, port: int, mapper_port: int, settings: Path | None = None) -> Program:
    """A RabbitMQ node with everything it writes in `folder`. Raises WrongUse where it is not installed.

    `settings`: folder of rabbitmq.conf and enabled_plugins; without: one that lets anyone in on `port`.
    """
    if not RABBITMQ.exists():
        raise WrongUse("RabbitMQ not found: apt-get install rabbitmq-server")
    home = folder / "rabbitmq"
    home.mkdir(exist_ok=True)
    if settings is None:
        settings = home
        (home / "rabbitmq.conf").write_text(RABBITMQ_CONFIGURATION.format(port=port))
        (home / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
    environment = {
        "HOME": str(home),
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RUNNING_UNDER_SYSTEMD": "1",  # be the node instead of a shell that waits for it
        "RABBITMQ_NODENAME": f"ringtap-{port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_CONFIG_FILE": str(settings / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(settings / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(settings / "enabled_plugins"),
        "RABBITMQ_LOGS": "-",
    }
    log = folder / "broker.log"
    return Program(
        "broker", (str(RABBITMQ),), log, environment=os.environ | environment, prepare=_forgetting(home / "data")
    )


def _forgetting(data: Path) -> Callable[[int], None]:
    def forget(start: int) -> None:
        if start % 2:
            shutil.rmtree(data, ignore_errors=True)

    return forget
