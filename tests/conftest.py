"""What every test may ask for: the recordings, unpacked once per run."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# a machine that is busy with something else is no fault of the code
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of recordings, their truth and their one configuration."""
    return CAPTURES


@pytest.fixture(scope="session")
def lab_config() -> Path:
    """The configuration that fits every recording."""
    return CAPTURES / "asterisk-lab.toml"


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of a recording as plain pcap, by its name: `recording("c-queue")`."""
    folder = tmp_path_factory.mktemp("recordings")

    def unpack(name: str) -> Path:
        path = folder / f"{name}.pcap"
        if not path.exists():
            path.write_bytes(gzip.decompress((CAPTURES / f"{name}.pcap.gz").read_bytes()))
        return path

    return unpack
