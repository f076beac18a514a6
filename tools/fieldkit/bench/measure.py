"""Measuring a command as a whole process, by the operating system's own accounting."""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What one finished process used."""

    cpu_s: float  # user and system
    rss_mb: float  # largest resident set
    exit_code: int
    output: str


# A process inherits the largest resident set of the one that forked it: this small one stands between, and a figure
# cannot be less than its own 10 MB.
LAUNCHER = """
import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
said = f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}"
os.write(int(sys.argv[1]), said.encode())
"""
KILLED = "0 0 -9"


def run_measured(command: Sequence[str], *, timeout_s: float = 600) -> Usage:
    """Run a command to its end; what it prints to standard output is kept, the rest is thrown away."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as account:
        launched = [sys.executable, "-S", "-E", "-c", LAUNCHER, str(account.fileno()), *command]
        process = subprocess.Popen(
            launched,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[account.fileno()],
        )
        watchdog = threading.Timer(timeout_s, os.killpg, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            process.wait()
        finally:
            watchdog.cancel()
        output.seek(0)
        account.seek(0)
        printed = output.read().decode(errors="replace")
        cpu_s, rss_kb, exit_code = (account.read().decode() or KILLED).split()
    return Usage(cpu_s=float(cpu_s), rss_mb=int(rss_kb) / 1024, exit_code=int(exit_code), output=printed)


def describe_machine() -> str:
    """One line: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}"
