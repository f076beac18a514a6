"""Everything of one run in one folder: a broker, a sink, and a collector for each box, as processes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.adapters.pcapfile import open_captures
from fieldkit.bench import brokers
from fieldkit.bench.brokers import free_port
from fieldkit.bench.disk import SmallDisk, can_mount
from fieldkit.bench.program import Program
from fieldkit.bench.relay import Relay
from fieldkit.bench.stepped import set_clock
from fieldkit.packets import write_pcap

PAUSE_MS = 600_000  # between two repetitions: longer than any call or gap that would tie them together
CALL_ID = re.compile(rb"((?:Call-ID:\s*|Replaces(?::\s*|=)))[^\s@]", re.IGNORECASE)
OTHER_CHARACTERS = b"-ghijklmnopqrstuvwxyz"  # no Call-ID of a recording begins with one of them
REFUSED, MENDED = "kept in memory only", "can be written again"  # what a collector says of its spool's disk


@dataclass(frozen=True, slots=True)
class Plan:
    """What is set up: `config` holds an office whose boxes are `boxes` copies of one recording's.

    `spool_bytes`: bound of each spool, where it is not the usual one.
    """

    capture: Path
    config: Path
    boxes: int
    repeats: int
    broker: str  # one of brokers.BROKERS
    speed: float
    spool_bytes: int | None = None


class Rig:
    """All of one run: each box has an office of its own, and a line of its own to the broker."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.database = folder / "sink.db"
        self.recording = folder / "recording.pcap"
        self.offices = [f"office-{number}" for number in range(1, plan.boxes + 1)]
        self.clocks: dict[str, Path] = {}  # of each program of ours
        repeat_capture(plan.capture, self.recording, plan.repeats)
        port = free_port()
        self.relays = [Relay(port) for _ in self.offices]
        self.sink_relay = None if plan.broker == "embedded" else Relay(port)
        self.mapper, self.broker = _make_broker(plan.broker, folder, port)
        sink_port = port if self.sink_relay is None else self.sink_relay.port
        sink_config = write_sink(folder, plan, self.offices, self.database, sink_port)
        self.sink = self._program("cloud_sink", ("serve", "--config", str(sink_config)), folder / "sink.log")
        self.disk = SmallDisk(folder / "disk") if can_mount() else None  # of the first box's spool
        self.boxes = [
            self._program("collector", self._collector(folder, office, relay.port), folder / f"{office}.log")
            for office, relay in zip(self.offices, self.relays, strict=True)
        ]

    def programs(self) -> list[Program]:
        """All that may be killed, the broker first."""
        return [*([self.broker] if self.broker else []), self.sink, *self.boxes]

    def start(self, *, without_sink: bool = False) -> None:
        """Start everything, or all but the sink."""
        for program in (*([self.mapper] if self.mapper else []), *self.programs()):
            if program is not self.sink or not without_sink:
                program.start()

    def all_relays(self) -> list[Relay]:
        """Every line there is."""
        return [*self.relays, *([self.sink_relay] if self.sink_relay else [])]

    def dashboard(self) -> str:
        """Address of the page of the sink that runs now; "" until it is ready."""
        words = self.sink.output.read_text().split()
        return next((word.partition("=")[2] for word in words if word.startswith("dashboard=")), "")

    def trusts_memory(self, box: Program) -> bool:
        """True while a box has not come back to a disk that refused: a kill would lose what memory holds."""
        said = box.said()
        return said.count(REFUSED) > said.count(MENDED)

    def end(self) -> None:
        """Stop what runs."""
        for program in reversed(self.programs()):
            program.stop()
        if self.mapper:
            self.mapper.kill()
        for relay in self.all_relays():
            relay.stop()
        if self.disk:
            self.disk.unmount()

    def _program(self, module: str, arguments: Sequence[str], log: Path) -> Program:
        clock = self.clocks[log.stem] = log.with_suffix(".clock")
        set_clock(clock, 0)
        return Program.of_module(module, arguments, log, clock)

    def _collector(self, folder: Path, office: str, port: int) -> tuple[str, ...]:
        config = folder / f"{office}.toml"
        text = _without_office(self.plan.config)
        text = text.replace('id = "lab"', f'id = "{office}"').replace('office = "lab"', f'office = "{office}"')
        place = self.disk.folder if self.disk and office == self.offices[0] else folder
        bound = f"max_bytes = {self.plan.spool_bytes}\n" if self.plan.spool_bytes else ""
        config.write_text(f'{text}\n[spool]\npath = "{place}/{office}.db"\n{bound}[mqtt]\nport = {port}\n')
        speed = ("--speed", str(self.plan.speed)) if self.plan.speed else ()
        return ("run", "--config", str(config), "--once", "--source", str(self.recording), *speed)


def _make_broker(kind: str, folder: Path, port: int) -> tuple[Program | None, Program | None]:
    """Port mapper and broker, as far as this kind has them."""
    if kind == "rabbitmq":
        mapper, mapper_port = brokers.rabbitmq_port_mapper(folder)
        return mapper, brokers.rabbitmq(folder, port, mapper_port)
    return None, brokers.mosquitto(folder, port) if kind == "mosquitto" else None


def repeat_capture(source: Path, target: Path, times: int) -> None:
    """Write a recording several times one after the other into one pcap file, each later and with other Call-IDs."""
    frames = list(open_captures([str(source)]).frames())
    step_ms = frames[-1][1] - frames[0][1] + PAUSE_MS
    repeated = (
        (_with_other_id(data, number), at_ms + number * step_ms)
        for number in range(times)
        for data, at_ms, _, _ in frames
    )
    with target.open("wb") as file:
        write_pcap(file, repeated, frames[0][2])


def _with_other_id(frame: bytes, number: int) -> bytes:
    """A frame whose call is another one: the first character of its Call-ID is exchanged, wherever it is named."""
    return frame if number == 0 else CALL_ID.sub(rb"\g<1>" + OTHER_CHARACTERS[number : number + 1], frame)


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
    embedded = f"127.0.0.1:{port}" if plan.broker == "embedded" else ""
    sink = f'[sink]\ndatabase = "sqlite:///{database}"\nlisten = "127.0.0.1:0"\nembedded_broker = "{embedded}"\n'
    config = folder / "sink.toml"
    config.write_text("\n".join([sink, f"[mqtt]\nport = {port}", *copies]))
    return config
