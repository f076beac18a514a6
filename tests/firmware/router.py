"""A router that streams a recording as TZSP, and the board that listens to it."""

import contextlib
import json
import socket
import struct
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgpack
import paho.mqtt.publish
from build_micropython import FROZEN_ONLY, frozen_command
from machine_room import BOARD_HEAP

from collector.adapters.pcapfile import open_captures

ETHERNET = b"\x01\x00\x00\x01"  # TZSP version 1, received, Ethernet
STAMP = b"\x0d\x08"  # a tagged field of 8 bytes: see vm/unix_board.py
END = b"\x01"
STAMPS_FROM_MS = 1_795_000_000_000  # when the board's own time begins, as in vm/unix_board.py
FAR_BEHIND_BYTES = 65_536  # a third of Linux's receive buffer
PATIENCE_S = 80
RETRY_S = 4
UNIX_1900_S = 2_208_988_800
START_S = 3.0  # a board has started and asked for the time


@dataclass
class Board:
    """A firmware process: its settings, its process, and what it printed."""

    port: int
    process: "subprocess.Popen[str]"
    output: Path
    status_port: int

    def is_idle(self) -> bool:
        """True while nothing waits in its socket (or the socket is gone)."""
        return not receive_queue(self.port)

    def figures(self) -> dict[str, int]:
        """What it counted, printed when it restarted."""
        return dict(json.loads(self.output.read_text().splitlines()[-1]))


def make_settings(folder: Path, lab_config: Path, tzsp_port: int, mqtt: dict[str, object], **board: object) -> Path:
    """The lab's settings in the form that a board reads."""
    sections = tomllib.loads(lab_config.read_text())
    settings = {name: sections[name] for name in ("box", "sip", "numbers", "privacy")}
    settings["spool"] = {"path": str(folder / "spool")}
    settings["mqtt"] = mqtt
    settings["board"] = {"ntp": "", "status_port": 0, "watchdog_s": 0, "tzsp_port": tzsp_port, "root": f"{folder}/"}
    settings["board"].update(board)
    path = folder / "settings.json"
    path.write_text(json.dumps(settings))
    return path


@contextlib.contextmanager
def running_broker(folder: Path, port: int, *more: str) -> Iterator[None]:
    """A real mosquitto that forgets everything when it ends; `more` are lines of its configuration."""
    settings = folder / f"mosquitto-{port}.conf"
    settings.write_text(
        "\n".join(["user root", "persistence false", f"listener {port} 127.0.0.1", "allow_anonymous true", *more, ""])
    )
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", settings], stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def running_board(vm: Path, settings: Path, clock: str, *more: str, heap: str = BOARD_HEAP) -> Iterator[Board]:
    """A board that listens; killed at the end unless it has ended."""
    board = json.loads(settings.read_text())["board"]
    port = board["tzsp_port"]
    output = settings.with_name("board.out")
    command = frozen_command(vm, heap, "unix_board", str(settings), clock, *more)
    with (
        output.open("w") as out,
        subprocess.Popen(command, env=FROZEN_ONLY, cwd=vm.parent, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or receive_queue(port) is not None)
            assert process.poll() is None, output.read_text()
            yield Board(port, process, output, board["status_port"])
        finally:
            process.kill()


def wait_until(condition, seconds: float = PATIENCE_S, look_s: float = 0.02) -> None:  # type: ignore[no-untyped-def]
    """Fail when it does not come true in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(look_s)


def receive_queue(port: int) -> int | None:
    """Bytes that wait in the socket bound to the port; None where there is no such socket."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].partition(":")[2], 16) == port:
            return int(fields[4].partition(":")[2], 16)
    return None


def stream_stamped(recording: Path, port: int, limit: int | None = None, burst: int = 0) -> int:
    """Frames with the recording's own time; returns their number.

    Each as soon as the board has taken the one before, or, with `burst`, so many at once and the next ones 20 ms later,
    taken or not.
    """
    frames = frames_of(recording)[:limit]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for sent, frame in enumerate(frames):
            sock.send(ETHERNET + STAMP + struct.pack(">Q", frame[1]) + END + frame[0])
            if burst and sent % burst == 0:
                time.sleep(0.02)
            while not burst and receive_queue(port):
                time.sleep(0.0002)
    wait_until(lambda: not receive_queue(port))
    return len(frames)


def frames_of(recording: Path) -> list[tuple[bytes, int, int, int]]:
    """(frame, time in ms, link type, original length) of a recording."""
    return list(open_captures([str(recording)]).frames())


def command(box: str, broker_port: int, **content: object) -> None:
    """Publish a command to a box."""
    payload = msgpack.packb(content)
    paho.mqtt.publish.single(f"rt/1/{box}/cmd", payload, qos=1, hostname="127.0.0.1", port=broker_port)


def restart(board: Board, broker_port: int) -> dict[str, int]:
    """Ask the board to restart until it does (it may not be connected yet); returns its figures."""
    for _ in range(PATIENCE_S // RETRY_S):
        command("lab", broker_port, do="restart")
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert 0 == board.process.wait(RETRY_S), board.output.read_text()
            return board.figures()
    raise AssertionError(board.output.read_text())


def stream_paced(recording: Path, port: int, speed: int, begun: float) -> int:
    """Every frame at its own time, `speed` times as fast; `begun`: when the recording's time began.

    Later where the board is far behind: it runs on a machine that has something else to do, too.
    """
    frames = frames_of(recording)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for frame in frames:
            time.sleep(max(0.0, begun + (frame[1] - frames[0][1]) / 1000 / speed - time.monotonic()))
            while (receive_queue(port) or 0) > FAR_BEHIND_BYTES:
                time.sleep(0.01)
            sock.send(ETHERNET + END + frame[0])
    wait_until(lambda: receive_queue(port) == 0)
    return len(frames)


def as_received(recording: Path, times: Path, offset_ms: int, into: Path) -> Path:
    """The recording's frames at the times when the board received them, in Unix milliseconds: one pcap file.

    What `ringtap replay` makes of it is what a collector would have made of the same datagrams at the same times.
    """
    frames = frames_of(recording)
    stamps = struct.unpack(f">{len(frames)}Q", times.read_bytes())
    with into.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for (frame, _, _, length), stamp in zip(frames, stamps, strict=True):
            seconds, rest_ms = divmod(stamp + offset_ms, 1000)
            file.write(struct.pack("<IIII", seconds, rest_ms * 1000, len(frame), length) + frame)
    return into


class TimeServer:
    """An NTP server (RFC 4330) that says a recording's time: it begins in some seconds, and runs at `speed`."""

    def __init__(self, start_ms: int, speed: int) -> None:
        self.begun = time.monotonic() + START_S  # when the recording's time begins
        self._start_ms = start_ms
        self._speed = speed
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._sock.getsockname()[1]}"
        self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            _, client = self._sock.recvfrom(64)
            self.asked += 1
            now_ms = self._start_ms + (time.monotonic() - self.begun) * 1000 * self._speed
            seconds = now_ms / 1000 + UNIX_1900_S
            stamp = struct.pack(">II", int(seconds), int(seconds % 1 * 2**32))
            self._sock.sendto(b"\x24\x02" + bytes(38) + stamp, client)


def make_tls(folder: Path, port: int) -> tuple[dict[str, object], list[str]]:
    """Certificates in the folder; a board's `mqtt` section, and mosquitto's lines for a listener that asks for them."""
    make_certificates(folder)
    mqtt = {"host": "localhost", "port": port, "ca_file": f"{folder}/ca.der"}
    mqtt |= {"certificate_file": f"{folder}/box.der", "key_file": f"{folder}/box-key.der"}
    return mqtt, [
        f"listener {port} 127.0.0.1", f"cafile {folder}/ca.crt", f"certfile {folder}/server.crt",
        f"keyfile {folder}/server.key", "require_certificate true", "use_identity_as_username true",
    ]  # fmt: skip


def make_certificates(folder: Path) -> None:
    """An authority, a broker (localhost) and a box (lab), elliptic curves, PEM and DER, made by openssl."""
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    _openssl(folder, f"req -x509 {curve} -keyout ca.key -out ca.crt -subj /CN=ringtap-test")
    for name, subject in (("server", "localhost"), ("box", "lab")):
        _openssl(folder, f"req {curve} -keyout {name}.key -out {name}.csr -subj /CN={subject}")
        (folder / "san.cnf").write_text(f"subjectAltName=DNS:{subject}\n")
        signed = f"x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san.cnf"
        _openssl(folder, f"{signed} -out {name}.crt")
    for name in ("ca", "box"):
        _openssl(folder, f"x509 -in {name}.crt -outform DER -out {name}.der")
    _openssl(folder, "ec -in box.key -outform DER -out box-key.der")


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)
