"""The command `ringtap-sink` as a user runs it: a process, its output, its exit code."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cloud_sink.cli import make_parser
from cloud_sink.store import Junk, Store

OFFICE = '[offices.lab]\nboxes = ["lab"]\n'


def write_config(folder: Path, *, listen: str = "127.0.0.1:0", broker: str = "127.0.0.1:0", more: str = OFFICE) -> Path:
    """A configuration with a database in `folder` and free ports."""
    path = folder / "sink.toml"
    path.write_text(
        f'[sink]\ndatabase = "sqlite:///{folder}/sink.db"\nlisten = "{listen}"\nembedded_broker = "{broker}"\n{more}'
    )
    return path


Run = Callable[..., CompletedProcess[str]]


def start(*arguments: object) -> CompletedProcess[str]:
    """Run the command to its end, as a process."""
    command = [sys.executable, "-m", "cloud_sink", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@contextmanager
def serving(config: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A sink that serves: (its process, what its ready line says)."""
    command = [sys.executable, "-m", "cloud_sink", "serve", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ringtap-sink: ready "), line + (process.stderr.read() if process.stderr else "")
            yield process, dict(word.split("=", 1) for word in line.split()[2:])
        finally:
            process.kill()


@pytest.mark.parametrize("stop_by", [signal.SIGTERM, signal.SIGINT])
def test_serve_until_told_to_stop(tmp_path: Path, stop_by: signal.Signals) -> None:
    """One line says where everything is; the page answers; a signal ends it, silently."""
    with serving(write_config(tmp_path)) as (process, where):
        assert ["dashboard", "broker", "database"] == list(where)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", where["dashboard"])
        assert f"sqlite:///{tmp_path}/sink.db" == where["database"]
        with urllib.request.urlopen(where["dashboard"], timeout=60) as page:
            assert 200 == page.status
        host, port = where["broker"].split(":")
        socket.create_connection((host, int(port)), timeout=60).close()
        process.send_signal(stop_by)
        _, complaints = process.communicate(timeout=60)
        assert (0, "") == (process.returncode, complaints)


def test_busy_ports_are_named(tmp_path: Path) -> None:
    """A busy port is one line that names the key and the address; exit 2."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        for key, settings in (("listen", {"listen": address}), ("embedded_broker", {"broker": address})):
            done = start("serve", "--config", write_config(tmp_path, **settings))
            expected = (
                f"ringtap-sink: [sink] {key}: cannot listen on {address}: "
                "Address already in use; stop what does, or choose another port\n"
            )
            assert (2, "", expected) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_unwritable_database_is_named(ringtap_sink: Run, tmp_path: Path, command: str) -> None:
    """A database that cannot be made is one line with its address and the reason; exit 2."""
    config = tmp_path / "sink.toml"
    config.write_text(f'[sink]\ndatabase = "sqlite:///{tmp_path}/nowhere/sink.db"\n{OFFICE}')
    done = ringtap_sink(command, "--config", config)
    expected = (
        f'ringtap-sink: database "sqlite:///{tmp_path}/nowhere/sink.db" cannot be used: unable to open database file\n'
    )
    assert (2, "", expected) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[snik]\n", 'unknown section "snik" in the file (did you mean "sink"?)'),
        ("", "no office yet: write [offices.NAME] and list its boxes there"),
        ("[[[", "not valid TOML"),
    ],
)
def test_configuration_mistakes_are_named(ringtap_sink: Run, tmp_path: Path, text: str, complaint: str) -> None:
    """A mistake in the configuration is one line that names the file; exit 2."""
    config = tmp_path / "sink.toml"
    config.write_text(text)
    done = ringtap_sink("serve", "--config", config)
    assert 2 == done.returncode
    assert done.stderr.startswith(f"ringtap-sink: {config}: {complaint}")
    assert 1 == done.stderr.count("\n")


def test_check_config(ringtap_sink: Run, tmp_path: Path) -> None:
    """A good configuration is told so, with its offices and their boxes, without touching the database."""
    done = ringtap_sink("check-config", "--config", write_config(tmp_path))
    assert 0 == done.returncode
    assert "fine, database sqlite:///" in done.stdout
    assert "  office lab: 0 destinations, boxes: lab\n" in done.stdout
    assert not (tmp_path / "sink.db").exists()


def test_migrate_and_rebuild(ringtap_sink: Run, tmp_path: Path) -> None:
    """`rebuild` asks for `migrate` first, then says how many contacts there are; an unknown office is named."""
    config = write_config(tmp_path)
    done = ringtap_sink("rebuild", "--config", config)
    assert (2, "") == (done.returncode, done.stdout)
    assert "run `ringtap-sink migrate --config FILE`" in done.stderr
    assert f"sqlite:///{tmp_path}/sink.db: up to date\n" == ringtap_sink("migrate", "--config", config).stdout
    assert "lab: 0 contacts, 0 closed days\n" == ringtap_sink("rebuild", "--config", config).stdout
    done = ringtap_sink("rebuild", "--config", config, "--office", "lob")
    assert (2, f'ringtap-sink: {config}: no office "lob" (there is: lab)\n') == (done.returncode, done.stderr)


def test_quarantine_in_every_format(ringtap_sink: Run, tmp_path: Path) -> None:
    """What could not be used is listed as a table, as JSON and as JSON lines, newest first."""
    config = write_config(tmp_path)
    store = Store.open(f"sqlite:///{tmp_path}/sink.db")
    store.migrate()
    for now_ms, payload in ((1000, b"\x01"), (2000, b"\x02"), (3000, b"\x02")):
        store.ingest([Junk("rt/1/lab/ev", "not an array of six", payload)], {}, now_ms)
    first = {
        "topic": "rt/1/lab/ev", "reason": "not an array of six", "payload": "02", "times": 2,
        "first_seen": "1970-01-01T00:00:02+00:00", "last_seen": "1970-01-01T00:00:03+00:00",
    }  # fmt: skip
    table = ringtap_sink("quarantine", "--config", config)
    assert "1970-01-01T00:00:03+00:00       2 x  rt/1/lab/ev  not an array of six" == table.stdout.splitlines()[0]
    assert first == json.loads(ringtap_sink("quarantine", "--config", config, "--format", "json").stdout)[0]
    lines = ringtap_sink("quarantine", "--config", config, "--format", "jsonl", "--limit", "1").stdout.splitlines()
    assert [first] == [json.loads(line) for line in lines]


@pytest.mark.parametrize("arguments", [[], ["serve"], ["nonsense"], ["quarantine", "--config", "x", "--limit", "0"]])
def test_wrong_use(ringtap_sink: Run, arguments: list[str]) -> None:
    """Wrong use is explained and ends with 2."""
    done = ringtap_sink(*arguments)
    assert 2 == done.returncode
    assert "usage: ringtap-sink" in done.stderr


def test_every_command_has_help_with_an_example(ringtap_sink: Run) -> None:
    """`--help` of the program and of each command shows how it is called."""
    commands = re.search(r"\{(.*?)\}", make_parser().format_help())
    assert commands is not None
    of_commands = [ringtap_sink(name, "--help") for name in commands.group(1).split(",")]
    for done in (start("--help"), *of_commands):
        assert 0 == done.returncode
        assert "examples:\n  ringtap-sink " in done.stdout


@pytest.fixture
def migrated(ringtap_sink: Run, tmp_path: Path) -> Path:
    """The configuration of a sink whose database has its tables."""
    config = write_config(tmp_path)
    assert 0 == ringtap_sink("migrate", "--config", config).returncode
    return config


def test_export_prints_a_table(migrated: Path):
    """CSV on standard output, here with its heads alone."""
    done = start("export", "missed", "--config", migrated, "--day", "2026-06-01")
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.lstrip("\ufeff").startswith("caller,attempts,first,last")


def test_export_writes_a_spreadsheet(ringtap_sink: Run, migrated: Path, tmp_path: Path):
    """A file that begins as every XLSX does."""
    file = tmp_path / "report.xlsx"
    done = ringtap_sink("export", "report", "--config", migrated, "--format", "xlsx", "--output", file)
    assert 0 == done.returncode
    assert b"PK" == file.read_bytes()[:2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--day", "yesterday"), '"yesterday" is no day'),
        (("--office", "nowhere"), 'no office "nowhere"; there is: lab'),
        (("--output", "/nowhere/x.csv"), "/nowhere/x.csv: cannot be written"),
    ],
)
def test_export_tells_mistakes_in_one_line(ringtap_sink: Run, migrated: Path, arguments: tuple[str, ...], words: str):
    """Exit 2, and what would do."""
    done = ringtap_sink("export", "contacts", "--config", migrated, *arguments)
    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert words in done.stderr
