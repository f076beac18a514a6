"""A router that streams a recording as TZSP, and the board that listens to it."""

import contextlib
import json
import socket
import struct
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgpack
import paho.mqtt.publish
from machine_room import vm_command, vm_environment

from collector.adapters.pcapfile import open_captures

ETHERNET = b"\x01\x00\x00\x01\x01"  # TZSP version 1, received, Ethernet; END
TIME_HEAD = b"\x01\x04\x00\x00\x01"  # see vm/unix_board.py
QUEUE_BYTES = 65_536  # of the receiver's socket: a sender that waits below it loses nothing
PATIENCE_S = 60


@dataclass
class Board:
    """A firmware process: its settings, its process, and what it printed."""

    port: int
    process: "subprocess.Popen[str]"
    output: Path

    def figures(self) -> dict[str, int]:
        """What it counted, printed when it restarted."""
        return dict(json.loads(self.output.read_text().splitlines()[-1]))


def make_settings(folder: Path, lab_config: Path, tzsp_port: int, mqtt: dict[str, object], **board: object) -> Path:
    """The lab's settings in the form that a board reads."""
    sections = tomllib.loads(lab_config.read_text())
    settings = {name: sections[name] for name in ("box", "sip", "numbers", "privacy")}
    settings["spool"] = {"path": str(folder / "spool")}
    settings["mqtt"] = mqtt
    settings["board"] = {"ntp": "", "status_port": 0, "watchdog_s": 0, "tzsp_port": tzsp_port, **board}
    path = folder / "settings.json"
    path.write_text(json.dumps(settings))
    return path


@contextlib.contextmanager
def running_broker(folder: Path, port: int, *more: str) -> Iterator[None]:
    """A real mosquitto that forgets everything when it ends; `more` are lines of its configuration."""
    settings = folder / f"mosquitto-{port}.conf"
    settings.write_text(
        "\n".join(["persistence false", f"listener {port} 127.0.0.1", "allow_anonymous true", *more, ""])
    )
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", settings], stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def running_board(rom: Path, settings: Path, clock: str, *more: str, heap: str) -> Iterator[Board]:
    """A board that listens; killed at the end unless it has ended."""
    port = json.loads(settings.read_text())["board"]["tzsp_port"]
    output = settings.with_name("board.out")
    command = vm_command(rom, "unix_board", str(settings), clock, *more, heap=heap)
    with (
        output.open("w") as out,
        subprocess.Popen(command, env=vm_environment(), stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or receive_queue(port) is not None)
            assert process.poll() is None, output.read_text()
            yield Board(port, process, output)
        finally:
            process.kill()


def wait_until(condition, seconds: float = PATIENCE_S) -> None:  # type: ignore[no-untyped-def]
    """Fail when it does not come true in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def receive_queue(port: int) -> int | None:
    """Bytes that wait in the socket bound to the port; None where there is no such socket."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].partition(":")[2], 16) == port:
            return int(fields[4].partition(":")[2], 16)
    return None


def stream_stamped(recording: Path, port: int) -> int:
    """Every frame, as fast as the board takes them, with the recording's own time; returns their number."""
    sent = 0
    last_ms = None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for sent, frame in enumerate(frames_of(recording), 1):
            if frame[1] != last_ms:
                last_ms = frame[1]
                sock.send(TIME_HEAD + struct.pack(">Q", last_ms))
            sock.send(ETHERNET + frame[0])
            while sent % 16 == 0 and (receive_queue(port) or 0) > QUEUE_BYTES:
                time.sleep(0.001)
    wait_until(lambda: receive_queue(port) == 0)
    return sent


def frames_of(recording: Path) -> list[tuple[bytes, int, int, int]]:
    """(frame, time in ms, link type, original length) of a recording."""
    return [frame for frame in open_captures([str(recording)]).frames() if frame is not None]


def command(box: str, broker_port: int, **content: object) -> None:
    """Publish a command to a box."""
    payload = msgpack.packb(content)
    paho.mqtt.publish.single(f"rt/1/{box}/cmd", payload, qos=1, hostname="127.0.0.1", port=broker_port)


def restart(board: Board, broker_port: int) -> dict[str, int]:
    """Ask the board to restart; returns its figures."""
    command("lab", broker_port, do="restart")
    assert 0 == board.process.wait(30), board.output.read_text()
    return board.figures()
