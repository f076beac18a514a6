"""How many calls at once a board's heap holds, with the core where a board has it: frozen, outside the heap."""

import subprocess
from pathlib import Path

import pytest
from build_micropython import FROZEN_ONLY, build, frozen_command


@pytest.fixture(scope="module")
def vm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MicroPython with the core frozen into it."""
    return build(tmp_path_factory.mktemp("micropython"))


def test_two_hundred_calls_at_once_are_all_reported(vm: Path) -> None:
    """Every leg with its own times and caller, all open at the same time, and no MemoryError."""
    command = frozen_command(vm, "100k", "many_legs", "200")
    done = subprocess.run(command, env=FROZEN_ONLY, cwd=vm.parent, capture_output=True, text=True, check=False)
    assert ("(200, 200)\n", "") == (done.stdout, done.stderr)
