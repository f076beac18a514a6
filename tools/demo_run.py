"""The running half of tools/demo: starts sink and collector as real processes and feeds them the recording.

recording --stdin--> ringtap-collector --MQTT--> broker in ringtap-sink --> SQLite --> page on http://127.0.0.1:8080
"""

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo_check import differences, kpi_table, read_kpis

ROOT = Path(__file__).resolve().parents[1]
CAPTURES = ROOT / "tests" / "captures"
CONFIGURATION = CAPTURES / "asterisk-lab.toml"
RECORDING = CAPTURES / "office-day-A.pcap.gz"
EXPECTED = CAPTURES / "office-day-A.expected.json"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10

SINK_SECTIONS = """
[sink]
database = "sqlite:///{folder}/sink.db"
listen = "127.0.0.1:{port}"
embedded_broker = "127.0.0.1:0"
"""
BOX_SECTIONS = """
[[source]]
kind = "file"
path = "{recording}"

[spool]
path = "{folder}/spool.db"

[mqtt]
host = "127.0.0.1"
port = {broker_port}
"""


class DemoError(Exception):
    """A part of the demo failed and has said why; `status` is its exit status."""

    def __init__(self, part: str, status: int) -> None:
        super().__init__(f"{part} ended with exit status {status}: its message stands above")
        self.status = 2 if status == 2 else 1


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line; wrong use ends with exit status 2."""
    parser = argparse.ArgumentParser(
        prog="tools/demo",
        description="Replay a recorded office day through collector, broker and sink, and serve its dashboard.",
        epilog="example: tools/demo --speed 60 --port 9000",
    )
    parser.add_argument(
        "--speed", type=parse_speed, default="max", metavar="N|max", help="times real time (default: max)"
    )
    parser.add_argument("--port", type=int, default=8080, help="port of the page on 127.0.0.1 (default: 8080)")
    parser.add_argument("--check", action="store_true", help="end after the replay; exit 0 only if the KPIs are right")
    chosen = parser.parse_args(arguments)
    if not 0 <= chosen.port <= 65535:
        parser.error("--port must be from 0 (any free one) to 65535")
    if not is_free(chosen.port):
        parser.error(f"port {chosen.port} is taken: stop what listens there, or choose another one with --port")
    return chosen


def is_free(port: int) -> bool:
    """Whether the page can listen on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def parse_speed(text: str) -> str:
    """A factor of real time, or "max"."""
    if text != "max" and not 0 < float(text) < 1e6:
        raise ValueError(text)
    return text


@contextlib.contextmanager
def running(command: list[str], **options: object) -> Iterator["subprocess.Popen[str]"]:
    """The process, ended when the block ends; in a session of its own, so that Ctrl-C reaches only the demo."""
    process = subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_ready(sink: "subprocess.Popen[str]") -> dict[str, str]:
    """What the sink's ready line says: `dashboard`, `broker`, `database`."""
    assert sink.stdout is not None
    watchdog = threading.Timer(START_TIMEOUT_S, sink.kill)
    watchdog.start()
    try:
        for line in sink.stdout:
            if " ready " in line:
                return dict(word.partition("=")[::2] for word in line.split() if "=" in word)
    finally:
        watchdog.cancel()
    raise DemoError("the sink", sink.wait())


def replay(folder: Path, broker_port: str, speed: str) -> None:
    """Let a collector read the whole recording and wait until the sink has acknowledged everything."""
    config = folder / "box.toml"
    sections = BOX_SECTIONS.format(folder=folder, recording=RECORDING, broker_port=broker_port)
    config.write_text(CONFIGURATION.read_text() + sections)
    command = [sys.executable, "-m", "collector", "run", "--config", str(config), "--once"]
    if speed != "max":
        command += ["--speed", speed]
    with running(command) as collector:
        status = collector.wait()
    if status:
        raise DemoError("the collector", status)


def check(address: str, expected: dict[str, Any]) -> int:
    """Print the KPI table and what differs from the PBX's own log; 0 when nothing does."""
    shown = read_kpis(address, expected["office"], expected["day"])
    print(kpi_table(shown))
    wrong = differences(expected, shown)
    for line in wrong:
        print(f"differs: {line}")
    print("the KPIs on the page differ from the PBX's own log" if wrong else "the KPIs equal the PBX's own log")
    return 1 if wrong else 0


def run(chosen: argparse.Namespace, folder: Path) -> int:
    """The whole demo inside one temporary folder; the exit status."""
    config = folder / "sink.toml"
    config.write_text(CONFIGURATION.read_text() + SINK_SECTIONS.format(folder=folder, port=chosen.port))
    expected = json.loads(EXPECTED.read_text())
    command = [sys.executable, "-m", "cloud_sink", "serve", "--config", str(config)]
    with running(command, stdout=subprocess.PIPE) as sink:
        ready = wait_ready(sink)
        print(f"the dashboard is on {ready['dashboard']}", flush=True)
        begun = time.monotonic()
        replay(folder, ready["broker"].rpartition(":")[2], chosen.speed)
        print(f"the office's day is in the sink after {time.monotonic() - begun:.1f} s")
        if chosen.check:
            return check(ready["dashboard"], expected)
        page = f"{ready['dashboard']}/?office={expected['office']}&day={expected['day']}"
        print(f"see it on {page} (Ctrl-C ends the demo)", flush=True)
        raise DemoError("the sink", sink.wait())


def main() -> int:
    """Run the demo; 0 fine, 1 wrong KPIs or a part that failed, 2 wrong use."""
    chosen = parse_arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ringtap-demo-") as folder:
        try:
            return run(chosen, Path(folder))
        except KeyboardInterrupt:
            print("\nended")
            return 0
        except DemoError as error:
            print(f"tools/demo: {error}", file=sys.stderr)
            return error.status


if __name__ == "__main__":
    sys.exit(main())
