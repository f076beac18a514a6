"""Starts programs on MicroPython with the firmware frozen into it, as a board has it (`build_micropython.py`)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "portable"))
from build_micropython import FROZEN_ONLY, frozen_command  # noqa: E402

BOARD_HEAP = "100k"  # what an ESP32 without external memory leaves to a program, Ethernet and TLS at work


def run_vm(vm: Path, module: str, *arguments: str, heap: str = BOARD_HEAP) -> "subprocess.CompletedProcess[str]":
    """Run a program of tests/firmware/vm to its end."""
    command = frozen_command(vm, heap, module, *arguments)
    return subprocess.run(
        command, env=FROZEN_ONLY, cwd=vm.parent, capture_output=True, text=True, check=False, timeout=110
    )
