"""Backups of a sink that boxes send to: what is put back, what comes again, and what nobody has any more."""

from pathlib import Path

from processes import (
    Office,
    collector,
    erase_acknowledged,
    last_event_ms,
    replayed,
    run_sink_command,
    sink,
    stop,
    stored_gaps,
    stored_legs,
    wait_for_legs,
)


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
