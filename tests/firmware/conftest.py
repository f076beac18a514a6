"""Lets the firmware's tests share their builders, and builds MicroPython with the firmware in it once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
sys.path.insert(0, str(Path(__file__).parents[1] / "portable"))
from build_micropython import build


@pytest.fixture(scope="session")
def vm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MicroPython for 32 bits with the core, the firmware and the tests' programs frozen into it."""
    return build(tmp_path_factory.mktemp("micropython"))
