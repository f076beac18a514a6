"""Lets the firmware's tests share their builders, and compiles the firmware once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
from machine_room import compile_firmware, make_rom


@pytest.fixture(scope="session")
def rom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core, the firmware and the tests' programs as one ROM image."""
    folder = tmp_path_factory.mktemp("rom")
    image = folder / "ringtap.romfs"
    image.write_bytes(make_rom(compile_firmware(folder / "files")))
    return image
