"""A recording through real processes: collector, broker and sink; the database says what `ringtap replay` says."""

import resource
import subprocess
from pathlib import Path

import pytest
from processes import (
    Office,
    collector,
    replayed,
    sink,
    stop,
    stored_contacts,
    stored_legs,
    wait_for_legs,
)


@pytest.mark.parametrize("name", ["a-direct", "b-ringgroup", "c-queue"])
def test_database_equals_replay(office: Office, captures: Path, name: str) -> None:
    """Every leg and contact of a recording reaches the database, each once, as `ringtap replay` shows it."""
    recording = captures / f"{name}.pcap.gz"
    with sink(office) as process:
        with collector(office, recording) as box:
            assert 0 == box.wait(120)
        stop(process)
    assert replayed(recording, office.config, "legs") == stored_legs(office)
    assert replayed(recording, office.config, "contacts") == stored_contacts(office)


def test_killed_sink_loses_and_doubles_nothing(office: Office, captures: Path) -> None:
    """A sink killed with -9 three times in the middle of an office's day: nothing is lost, nothing is there twice."""
    recording = captures / "office-day-A.pcap.gz"
    with collector(office, recording, "--speed", "30") as box:
        for legs in (60, 200, 350):
            with sink(office) as process:
                wait_for_legs(office, legs)
                assert box.poll() is None
                process.kill()
                process.wait(60)
        with sink(office) as process:
            assert 0 == box.wait(200)
            stop(process)
    assert replayed(recording, office.config, "legs") == stored_legs(office)
    assert replayed(recording, office.config, "contacts") == stored_contacts(office)


def test_a_full_disk_of_the_sink_stops_nothing_for_good(office: Office, captures: Path) -> None:
    """The sink's database cannot be written: events wait in the box; once there is room they come, each once."""
    recording = captures / "c-queue.pcap.gz"
    with sink(office) as process:
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, hard))  # files of the sink grow no further
        with collector(office, recording) as box:
            with pytest.raises(subprocess.TimeoutExpired):
                box.wait(4)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            assert 0 == box.wait(120)
        stop(process)
    assert replayed(recording, office.config, "legs") == stored_legs(office)


def test_box_without_an_office_waits_in_its_spool(office: Office, captures: Path) -> None:
    """Events of a box that no office lists are neither stored nor forgotten: once it is listed they all come."""
    listed = office.config.read_text()
    office.config.write_text(listed.replace('boxes = ["lab"]', 'boxes = ["another"]'))
    recording = captures / "a-direct.pcap.gz"
    with collector(office, recording) as box:
        with sink(office) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                box.wait(4)
            assert [] == stored_legs(office)
            stop(process)
        office.config.write_text(listed)
        with sink(office) as process:
            assert 0 == box.wait(120)
            stop(process)
    assert replayed(recording, office.config, "legs") == stored_legs(office)
