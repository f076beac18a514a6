"""A program as a process that can be killed without mercy and started again."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_S = 10.0


class Program:
    """One program: started, killed without mercy, started again. What it says on standard error goes to `log`.

    It runs in a process group of its own, so that a kill takes its helpers along. `prepare` is called before each start
    with its number, from 1.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        prepare: Callable[[int], object] = abs,
    ) -> None:
        self.name = name
        self.starts = 0
        self.output = log.with_suffix(".out")
        self._command = list(command)
        self._log = log
        self._environment = environment
        self._prepare = prepare
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of_module(cls, module: str, arguments: Sequence[str], log: Path, clock: Path | None = None) -> "Program":
        """One of our own programs, with this interpreter; `clock`: a file of `fieldkit.bench.stepped`."""
        stepped = () if clock is None else ("fieldkit.bench.stepped", str(clock))
        rest = (*stepped, module) if stepped else (module,)
        return cls(log.stem, (sys.executable, "-m", *rest, *arguments), log)

    @property
    def pid(self) -> int:
        """Number of the process that was started last; 0 before any."""
        return self._process.pid if self._process else 0

    @property
    def runs(self) -> bool:
        """True from its start to its end."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start it (again)."""
        self.starts += 1
        self._prepare(self.starts)
        with self._log.open("ab") as log, self.output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
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
