"""The demo, run to its end: recording, collector, embedded broker, sink, SQLite, API."""

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The demo's running half with these arguments, in this environment."""
    command = [sys.executable, "tools/demo_run.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def test_demo_shows_what_the_pbx_logged() -> None:
    """--check ends with 0: offered, answered and abandoned per queue are equal, ASA is within its tolerance."""
    done = run_demo("--check", "--port", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the KPIs equal the PBX's own log" in done.stdout


def test_busy_port_is_named() -> None:
    """A port that is taken ends with 2 and one line that names the way out."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_demo("--port", str(port))
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr.splitlines()[-1]


def test_wrong_use_is_told_apart() -> None:
    """A speed that is no number ends with 2 and one line that says so."""
    done = run_demo("--speed", "fast")
    assert done.returncode == 2
    assert "--speed" in done.stderr.splitlines()[-1]
