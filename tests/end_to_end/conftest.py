"""Lets the end-to-end tests share `processes.py`, and an office on each broker."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from processes import Office, free_port, make_office, mosquitto


@pytest.fixture(params=["mosquitto", "embedded"])
def office(request: pytest.FixtureRequest, tmp_path: Path, lab_config: Path) -> Iterator[Office]:
    """The lab's office on each broker in turn: a real mosquitto, or the one inside the sink."""
    embedded, port = request.param == "embedded", free_port()
    with ExitStack() as running:
        if not embedded:
            running.enter_context(mosquitto(tmp_path, port))
        yield make_office(tmp_path, lab_config, embedded=embedded, port=port)
