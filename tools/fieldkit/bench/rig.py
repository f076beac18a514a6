"""The installed programs as processes that can be killed: a broker, a sink, and a collector for each box."""

import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.adapters.pcapfile import open_captures
from collector.errors import WrongUse
from fieldkit.bench.relay import Relay

PAUSE_MS = 600_000  # between two repetitions: longer than any call or gap that would tie them together
STOP_S = 10.0
CALL_ID = re.compile(rb"((?:Call-ID:\s*|Replaces(?::\s*|=)))[^\s@]", re.IGNORECASE)
OTHER_CHARACTERS = b"-ghijklmnopqrstuvwxyz"  # no Call-ID of a recording begins with one of them


class Program:
    """One program: started, killed without mercy, started again. What it says on standard error goes to `log`."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.starts = 0
        self._command = list(command)
        self._log = log
        self.output = log.with_suffix(".out")
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of_module(cls, module: str, arguments: Sequence[str], log: Path) -> "Program":
        """One of our own programs, with this interpreter."""
        return cls(log.stem, (*_module(module), *arguments), log)

    @property
    def pid(self) -> int:
        """Number of the process that was started last; 0 before any."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it (again)."""
        self.starts += 1
        with self._log.open("ab") as log, self.output.open("wb") as output:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=log)

    @property
    def runs(self) -> bool:
        """True from its start to its end."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in good order, or without where it takes too long."""
        if self._process is None or not self.runs:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def said(self) -> str:
        """Everything it said on standard error."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is set up: `config` holds an office whose boxes are `boxes` copies of one recording's."""

    capture: Path
    config: Path
    boxes: int
    repeats: int
    embedded: bool
    speed: float


class Rig:
    """Everything of one run, in one folder: each box has an office of its own, and a line of its own to the broker."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.database = folder / "sink.db"
        self.recording = folder / "recording.pcap"
        self.offices = [f"office-{number}" for number in range(1, plan.boxes + 1)]
        repeat_capture(plan.capture, self.recording, plan.repeats)
        port = free_port()
        self.relays = [Relay(port) for _ in self.offices]
        self.sink_relay = None if plan.embedded else Relay(port)
        self.broker = None if plan.embedded else Program("broker", write_mosquitto(folder, port), folder / "broker.log")
        sink_port = port if self.sink_relay is None else self.sink_relay.port
        sink_config = write_sink(folder, plan, self.offices, self.database, sink_port)
        self.sink = Program(
            "sink", (*_module("cloud_sink"), "serve", "--config", str(sink_config)), folder / "sink.log"
        )
        self.boxes = [
            Program(office, self._collector(folder, office, relay.port), folder / f"{office}.log")
            for office, relay in zip(self.offices, self.relays, strict=True)
        ]

    def programs(self) -> list[Program]:
        """All of them, the broker first."""
        return [*([self.broker] if self.broker else []), self.sink, *self.boxes]

    def all_relays(self) -> list[Relay]:
        """Every line there is."""
        return [*self.relays, *([self.sink_relay] if self.sink_relay else [])]

    def dashboard(self) -> str:
        """Address of the page of the sink that runs now; "" until it is ready."""
        words = self.sink.output.read_text().split()
        return next((word.partition("=")[2] for word in words if word.startswith("dashboard=")), "")

    def end(self) -> None:
        """Stop what runs."""
        for program in reversed(self.programs()):
            program.stop()
        for relay in self.all_relays():
            relay.stop()

    def _collector(self, folder: Path, office: str, port: int) -> tuple[str, ...]:
        config = folder / f"{office}.toml"
        text = _without_office(self.plan.config)
        text = text.replace('id = "lab"', f'id = "{office}"').replace('office = "lab"', f'office = "{office}"')
        config.write_text(f'{text}\n[spool]\npath = "{folder}/{office}.db"\n[mqtt]\nport = {port}\n')
        speed = ("--speed", str(self.plan.speed)) if self.plan.speed else ()
        source = ("--once", "--source", str(self.recording))
        return (*_module("collector"), "run", "--config", str(config), *source, *speed)


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def repeat_capture(source: Path, target: Path, times: int) -> None:
    """Write a recording several times one after the other into one pcap file, each later and with other Call-IDs."""
    frames = [frame for frame in open_captures([str(source)]).frames() if frame is not None]
    step_ms = frames[-1][1] - frames[0][1] + PAUSE_MS
    with target.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, frames[0][2]))
        for number in range(times):
            for data, at_ms, _, length in frames:
                seconds, ms = divmod(at_ms + number * step_ms, 1000)
                file.write(struct.pack("<IIII", seconds, ms * 1000, len(data), length) + _with_other_id(data, number))


def _with_other_id(frame: bytes, number: int) -> bytes:
    """A frame whose call is another one: the first character of its Call-ID is exchanged, wherever it is named."""
    return frame if number == 0 else CALL_ID.sub(rb"\g<1>" + OTHER_CHARACTERS[number : number + 1], frame)


def _module(name: str) -> tuple[str, ...]:
    return sys.executable, "-m", name


def write_mosquitto(folder: Path, port: int) -> tuple[str, ...]:
    """A broker with amnesia: it keeps nothing on disk."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(program).exists():
        raise WrongUse("mosquitto not found: apt-get install mosquitto")
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 1000000\n"
    )
    return program, "-c", str(config)


def _without_office(config: Path) -> str:
    """The box's part of a file."""
    return config.read_text().partition("[offices.")[0]


def _office_part(config: Path) -> str:
    _, begin, rest = config.read_text().partition("[offices.")
    return begin + rest


def write_sink(folder: Path, plan: Plan, offices: Sequence[str], database: Path, port: int) -> Path:
    """The sink's configuration: the recording's office once for each name, with one box of that name."""
    part = _office_part(plan.config)
    copies = [part.replace("[offices.lab", f"[offices.{name}").replace('["lab"]', f'["{name}"]') for name in offices]
    embedded = f"127.0.0.1:{port}" if plan.embedded else ""
    sink = f'[sink]\ndatabase = "sqlite:///{database}"\nlisten = "127.0.0.1:0"\nembedded_broker = "{embedded}"\n'
    config = folder / "sink.toml"
    config.write_text("\n".join([sink, f"[mqtt]\nport = {port}", *copies]))
    return config
