"""A recording through real processes: collector, broker and sink; the database says what `ringtap replay` says."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from processes import (
    Office,
    collector,
    erase_acknowledged,
    free_port,
    last_event_ms,
    make_office,
    mosquitto,
    replayed,
    run_sink_command,
    sink,
    stop,
    stored_contacts,
    stored_gaps,
    stored_legs,
    wait_for_legs,
)


@pytest.fixture(params=["mosquitto", "embedded"])
def office(request: pytest.FixtureRequest, tmp_path: Path, lab_config: Path) -> Iterator[Office]:
    """The lab's office on each broker in turn: a real mosquitto, or the one inside the sink."""
    embedded, port = request.param == "embedded", free_port()
    with ExitStack() as running:
        if not embedded:
            running.enter_context(mosquitto(tmp_path, port))
        yield make_office(tmp_path, lab_config, embedded=embedded, port=port)


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


def test_a_sink_restored_from_a_backup_gets_everything_again(office: Office, captures: Path, tmp_path: Path) -> None:
    """Yesterday's database is put back; today's events come again from the box's spool, each once."""
    first, second = captures / "a-direct.pcap.gz", captures / "c-queue.pcap.gz"
    with sink(office) as process:
        with collector(office, first) as box:
            assert 0 == box.wait(120)
        stop(process)
    backup = (tmp_path / "sink.db").read_bytes()
    with sink(office) as process:
        with collector(office, second) as box:
            assert 0 == box.wait(120)
        stop(process)
    everything = stored_legs(office)
    for file in tmp_path.glob("sink.db*"):
        file.unlink()
    (tmp_path / "sink.db").write_bytes(backup)
    assert len(stored_legs(office)) < len(everything)
    with sink(office) as process:
        with collector(office, captures / "b-ringgroup.pcap.gz") as box:
            assert 0 == box.wait(120)
        stop(process)
    assert set(everything) < set(stored_legs(office))


def test_a_backup_made_while_serving_loses_nothing(office: Office, captures: Path, tmp_path: Path) -> None:
    """In the middle of an office's day: backed up, killed, its database gone, restored, and the box goes on sending.

    A second run of the collector brings what the first one had delivered to the sink that is no more, if it ended.
    """
    recording, backup = captures / "office-day-A.pcap.gz", tmp_path / "backup" / "sink.db"
    backup.parent.mkdir()
    expected = replayed(recording, office.config, "legs")
    with collector(office, recording, "--speed", "40") as box:
        with sink(office) as process:
            wait_for_legs(office, 60)
            run_sink_command(office, "backup", backup)
            wait_for_legs(office, min(len(stored_legs(office)) + 60, len(expected)))
            process.kill()
            process.wait(60)
        for file in tmp_path.glob("sink.db*"):
            file.unlink()
        run_sink_command(office, "restore", backup)
        with sink(office) as process:
            assert 0 == box.wait(300)
            with collector(office, captures / "b-ringgroup.pcap.gz") as again:
                assert 0 == again.wait(120)
            stop(process)
    assert set(expected) <= set(stored_legs(office))
    assert len(expected) + len(replayed(captures / "b-ringgroup.pcap.gz", office.config, "legs")) == len(
        stored_legs(office)
    )
    assert [] == stored_gaps(office)


def test_what_nobody_has_after_a_restore_is_a_gap(office: Office, captures: Path, tmp_path: Path) -> None:
    """The box needed the room of what the sink had acknowledged: the restored sink says what is gone, and from when."""
    backup = tmp_path / "backup.db"
    for number, name in enumerate(("a-direct", "b-ringgroup", "c-queue")):
        with sink(office) as process:
            with collector(office, captures / f"{name}.pcap.gz") as box:
                assert 0 == box.wait(120)
            stop(process)
        if number == 0:
            run_sink_command(office, "backup", backup)
            begin = last_event_ms(office)
            before = len(stored_legs(office))
        elif number == 1:
            erase_acknowledged(tmp_path / "spool.db")
            run_sink_command(office, "restore", backup, "--force")
            assert before == len(stored_legs(office))
    ((reason, start, events),) = stored_gaps(office)
    assert ("events_gone", begin) == (reason, start)
    assert len(replayed(captures / "b-ringgroup.pcap.gz", office.config, "legs")) <= events
    legs = stored_legs(office)
    assert before + len(replayed(captures / "c-queue.pcap.gz", office.config, "legs")) == len(legs)


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
