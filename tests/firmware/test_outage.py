"""A board whose broker is away and whose power fails: `outage.py` with a part of the hour."""

from pathlib import Path

import outage
import pytest
from processes import EVER, free_port, make_office, sink, stop
from router import make_settings, restart, running_broker, wait_until

FRAMES = 8000  # of office-day-A, half of the hour; the whole of it by hand
CUTS = 3
ONLINE_FRAMES, LAST_FRAMES = 1500, 100
RING_BYTES = 12_288  # minutes pass within a second: more waits for the sink than it would


@pytest.mark.timeout(600)  # seconds where the machine does nothing else
def test_power_cuts_while_the_broker_is_away_lose_nothing_that_was_written(
    vm: Path, tmp_path: Path, captures: Path, lab_config: Path
) -> None:
    """Three cuts in the middle of writes to flash, then mosquitto and the sink; the wear is counted.

    Every event whose flush had returned is in the sink's database once, and every cut lies in a gap.
    """
    port = free_port()
    office = make_office(tmp_path, lab_config, embedded=False, port=port)
    frames = outage.stretched(captures / "office-day-A.pcap.gz", FRAMES)
    flash = outage.run_outage(vm, office, port, tmp_path, frames, CUTS, seed=1)
    figures = outage.report(flash, office, frames[0][1])
    assert (CUTS, 0, 0, 0) == tuple(
        figures[name] for name in ("cuts", "flushed_not_arrived", "arrived_twice", "silent_cuts")
    )
    assert figures["flushed"] > 200
    assert figures["only_in_memory_at_a_cut"] > 0
    assert 0 < figures["most_erased_block"] < figures["erases_an_hour"]
    assert figures["years_of_outage"] > 10


@pytest.mark.timeout(300)
def test_power_cut_of_a_board_that_is_online_is_a_gap(
    vm: Path, tmp_path: Path, captures: Path, lab_config: Path
) -> None:
    """What was in memory only is gone; the next start learns from the sink what came last, and says since when.

    Nothing is written to flash for it.
    """
    port = free_port()
    office = make_office(tmp_path, lab_config, embedded=False, port=port)
    broker = {"host": "127.0.0.1", "port": port}
    settings = make_settings(tmp_path, lab_config, free_port(), broker, ring_bytes=RING_BYTES)
    outage.spool_in_flash(settings)
    frames = outage.stretched(captures / "office-day-A.pcap.gz", ONLINE_FRAMES)
    flash = outage.Flash(tmp_path)
    flash.make()
    flash.let_power_last(-1, 1)
    begin_ms, cut_ms = frames[0][1], frames[-1][1]
    with running_broker(tmp_path, port), sink(office) as process:
        store = office.store()
        with outage.powered_board(vm, settings, begin_ms) as board:
            outage.stream_until_cut(frames[:-LAST_FRAMES], board)
            wait_until(lambda: len(store.legs("lab", *EVER)) > 20)
            outage.stream_until_cut(frames[-LAST_FRAMES:], board)
            board.process.kill()
        with outage.powered_board(vm, settings, cut_ms + outage.AWAY_MS) as board:
            wait_until(lambda: outage.is_told(cut_ms, office))
            restart(board, port)
        gaps = [gap for gap in store.gaps("lab", *EVER) if gap.reason == "not_running"]
        stop(process)
    assert 1 == len(gaps)
    assert begin_ms < gaps[0].from_ms <= cut_ms < gaps[0].until_ms < cut_ms + 2 * outage.AWAY_MS
    assert "flushed" not in (tmp_path / "journal").read_text()
