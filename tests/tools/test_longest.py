"""The tests' own order: the files that are begun first are there."""

from pathlib import Path

from tests.conftest import LONGEST

TESTS = Path(__file__).resolve().parents[1]


def test_files_that_begin_first_are_there() -> None:
    """A file that is renamed must be renamed in the list."""
    missing = [name for name in LONGEST if not list(TESTS.glob(f"**/{name}"))]
    assert missing == []
