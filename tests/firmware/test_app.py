"""The firmware's own application on a real MicroPython, between a router's stream and a real broker and sink."""

from pathlib import Path

import pytest
from processes import (
    Office,
    free_port,
    make_office,
    replayed,
    sink,
    stop,
    stored_contacts,
    stored_legs,
)
from router import make_settings, restart, running_board, running_broker, stream_stamped

HEAP = "300k"


@pytest.fixture
def office(tmp_path: Path, lab_config: Path) -> Office:
    """The lab's office behind a mosquitto of its own."""
    return make_office(tmp_path, lab_config, embedded=False, port=free_port())


def broker_port(office: Office) -> int:
    """The port in the office's file."""
    return int(office.config.read_text().partition("[mqtt]\nport = ")[2].split()[0])


def test_an_offices_day_arrives_as_from_a_collector(
    rom: Path, office: Office, captures: Path, tmp_path: Path, lab_config: Path
) -> None:
    """Every leg and contact of office-day-A in the sink's database is what `ringtap replay` says; nothing is lost."""
    recording = captures / "office-day-A.pcap.gz"
    port = broker_port(office)
    settings = make_settings(tmp_path, lab_config, free_port(), {"host": "127.0.0.1", "port": port})
    with running_broker(tmp_path, port), sink(office) as server:
        with running_board(rom, settings, "stamped", heap=HEAP) as board:
            sent = stream_stamped(recording, board.port)
            figures = restart(board, port)
        stop(server)
    print(figures)
    assert (sent, 0, 0) == (figures["frames"], figures["dropped_datagrams"], figures["undelivered"])
    assert (0, 0, 0) == (figures["core_errors"], figures["memory_errors"], figures["legs_evicted"])
    assert replayed(recording, office.config, "legs") == stored_legs(office)
    assert replayed(recording, office.config, "contacts") == stored_contacts(office)
