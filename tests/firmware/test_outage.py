"""A board whose broker is away and whose power fails: `outage.py` with a part of the hour."""

from pathlib import Path

import outage
import pytest
from processes import free_port, make_office

FRAMES = 8000  # of office-day-A, half of the hour; the whole of it by hand
CUTS = 3


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
