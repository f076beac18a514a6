"""A veth cable whose far end is in a network namespace of its own, and a real collector at the near end."""

import collections
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgpack

from collector.core import wire, wire_reader
from collector.errors import RingtapError, WrongUse

NEAR_ADDRESS, FAR_ADDRESS = "10.231.77.1", "10.231.77.2"
TICKS = os.sysconf("SC_CLK_TCK")
START_S = 15
LOOK_S = 0.2  # between two looks at the spool's log


@dataclass(frozen=True, slots=True)
class Cable:
    """Names of the two interfaces and of the far one's namespace."""

    near: str
    far: str
    namespace: str

    def far_command(self, *command: str) -> list[str]:
        """The command as it runs in the far namespace."""
        return ["ip", "netns", "exec", self.namespace, *command]


@contextlib.contextmanager
def make_cable() -> Iterator[Cable]:
    """Raises WrongUse where the rights are missing."""
    if os.geteuid() != 0:
        raise WrongUse("listening and network namespaces need root: run it with sudo")
    cable = Cable(f"rtb{os.getpid()}", f"rtc{os.getpid()}", f"ringtap-bench-{os.getpid()}")
    _ip(f"netns add {cable.namespace}")
    try:
        _ip(f"link add {cable.near} type veth peer name {cable.far} netns {cable.namespace}")
        _ip(f"addr add {NEAR_ADDRESS}/30 dev {cable.near}")
        _ip(f"link set {cable.near} up")
        _ip(f"-n {cable.namespace} addr add {FAR_ADDRESS}/30 dev {cable.far}")
        _ip(f"-n {cable.namespace} link set {cable.far} up")
        yield cable
    finally:
        subprocess.run(f"ip netns del {cable.namespace}".split(), check=False)


def _ip(command: str) -> None:
    done = subprocess.run(f"ip {command}".split(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongUse(f"ip {command}: {done.stderr.strip()}; the benchmark needs network namespaces")


def start_quietly(command: Sequence[str], folder: str) -> subprocess.Popen[bytes]:
    """A program that says nothing and leaves its files in the folder."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet)


class Box:
    """A collector process with a spool and no broker: what it heard is counted in its spool."""

    def __init__(self, folder: Path, sources: str) -> None:
        self._spool = folder / "spool.db"
        self._log = folder / "log.txt"
        config = folder / "box.toml"
        config.write_text(
            '[box]\nid = "bench"\n[privacy]\ncaller_numbers = "clear"\n'
            f'[spool]\npath = "{self._spool}"\n[mqtt]\nport = 9\n[sip]\npbx = ["10.77.1.5"]\n{sources}'
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "collector", "run", "--config", str(config)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        self._wait_for_start()
        self.begin()

    def _wait_for_start(self) -> None:
        until = time.monotonic() + START_S
        while "event=source_started" not in self._log.read_text():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RingtapError(f"the collector did not start: {self._log.read_text().strip()}")
            time.sleep(0.05)
        time.sleep(0.2)

    def begin(self) -> None:
        """Measure from now on."""
        self._since = time.monotonic(), self._cpu_s()

    def cpu_share(self) -> float:
        """Percent of one core since `begin`."""
        since, used_s = self._since
        return 100 * (self._cpu_s() - used_s) / (time.monotonic() - since)

    def rss_mb(self) -> float:
        """Largest resident set so far."""
        return self._status("VmHWM") / 1024

    def now_mb(self) -> float:
        """Resident set now."""
        return self._status("VmRSS") / 1024

    def commits(self, seconds: float) -> float:
        """Commits of the spool a second, counted for this long in its write-ahead log."""
        log = self._spool.with_name(self._spool.name + "-wal")
        until = time.monotonic() + seconds
        generation, before = count_commits(log.read_bytes())
        commits = 0
        while time.monotonic() < until:
            time.sleep(LOOK_S)
            now_generation, now = count_commits(log.read_bytes())
            if now_generation != generation:  # the log was emptied into the database, and begins anew
                generation, before = now_generation, 0
            commits, before = commits + now - before, now
        return commits / seconds

    def stop(self) -> tuple[dict[str, int], collections.Counter[str], float]:
        """SIGTERM: (counters of the last health event, legs by what became of them, seconds it took)."""
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        stop_s = time.monotonic() - begun
        return *self._read_spool(), stop_s

    def kill(self) -> None:
        """At the end, whatever happened."""
        self._process.kill()
        self._process.wait()

    def _read_spool(self) -> tuple[dict[str, int], collections.Counter[str]]:
        counters: dict[str, int] = {}
        legs: collections.Counter[str] = collections.Counter()
        with contextlib.closing(sqlite3.connect(self._spool)) as spool:
            for t_ms, body in spool.execute("SELECT t_ms, body FROM event ORDER BY seq"):
                kind, *fields = msgpack.unpackb(body)
                if kind == wire.KIND_HEALTH:
                    counters = fields[0]
                elif kind == wire.KIND_LEG:
                    [item] = wire_reader.decode_batch([wire.SCHEMA_VERSION, 0, 1, t_ms, 1, [[kind, 0, *fields]]]).items
                    legs[_fate(item.event)] += 1
        return counters, legs

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))


def count_commits(log: bytes) -> tuple[bytes, int]:
    """(Salt, commits) of a write-ahead log of SQLite: https://www.sqlite.org/fileformat2.html, section 4.1."""
    if len(log) < 32:
        return b"", 0
    page_bytes = int.from_bytes(log[8:12], "big")
    salt = log[16:24]
    commits = 0
    for at in range(32, len(log) - 24 - page_bytes + 1, 24 + page_bytes):
        if log[at + 8 : at + 16] != salt:
            break
        commits += log[at + 4 : at + 8] != bytes(4)  # the size of the database stands in a commit's last frame only
    return salt, commits


def _fate(leg: object) -> str:
    """Whose call it was (the generator's callers tell), and whether it is whole."""
    flood = getattr(leg, "caller", "").startswith("666")
    whole = getattr(leg, "final_code", 0) == 200 and not getattr(leg, "partial", True)
    return "flood" if flood else "whole" if whole else "broken"
