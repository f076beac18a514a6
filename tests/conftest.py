"""What every test may ask for: the recordings, unpacked once per run."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# a machine that is busy with something else is no fault of the code
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# the files whose tests take longest: the first to be started, so that no worker is alone with one of them at the end
LONGEST = (
    "end_to_end/test_recording_to_database.py", "firmware/test_app.py", "end_to_end/test_backups.py",
    "chaos/test_chaos.py", "fieldkit/test_bench_delivery.py", "firmware/test_outage.py", "web/test_document_page.py",
    "web/test_page.py", "packaging/test_compiled_wheel.py", "packaging/test_wheel.py",
    "store/test_live_equals_rebuild.py",
)  # fmt: skip
CAPTURES = Path(__file__).parent / "captures"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first, everything else in its own order."""

    def place(item: pytest.Item) -> int:
        return next(
            (number for number, name in enumerate(LONGEST) if item.path.as_posix().endswith(name)), len(LONGEST)
        )

    items.sort(key=place)


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
