"""Measuring a command as a whole process, by the operating system's own accounting."""

import os
import platform
import subprocess
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


def run_measured(command: Sequence[str], *, timeout_s: float = 600) -> Usage:
    """Run a command to its end; what it prints to standard output is kept, the rest is thrown away."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, start_new_session=True
        )
        watchdog = threading.Timer(timeout_s, process.kill)
        watchdog.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            watchdog.cancel()
        output.seek(0)
        printed = output.read().decode(errors="replace")
    return Usage(
        cpu_s=usage.ru_utime + usage.ru_stime,
        rss_mb=usage.ru_maxrss / 1024,
        exit_code=os.waitstatus_to_exitcode(status),
        output=printed,
    )


def describe_machine() -> str:
    """One line: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}"
