"""How many calls at once a board's heap holds, with the core's bytecode where a board has it: outside the heap.

Measured: importing the core takes 38 KB of heap for what freezing would not keep in flash, a talking leg 730 bytes.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from run_micropython import ROOT, compile_core
from unpack_micropython import micropython_command

sys.path.insert(0, str(ROOT / "tests" / "firmware"))
from machine_room import LAUNCHER, make_rom


@pytest.mark.parametrize(("heap", "calls"), [("100k", 48), ("256k", 200)])
def test_so_many_calls_at_once_are_all_reported(heap: str, calls: int, tmp_path: Path) -> None:
    """Every leg with its own times and caller, all open at the same time, and no MemoryError."""
    (tmp_path / "core").mkdir()
    rom = tmp_path / "core.romfs"
    rom.write_bytes(make_rom(compile_core(tmp_path / "core")))
    command = [*micropython_command(heap), LAUNCHER, str(rom), "many_legs", str(calls)]
    environment = {**os.environ, "MICROPYPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (f"({calls}, {calls})\n", "") == (done.stdout, done.stderr)
