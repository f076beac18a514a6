"""What delivery costs: `fieldkit.bench.delivery`."""

import pytest

from fieldkit.bench.delivery import GOAL_BYTES, payload_bytes
from fieldkit.cli import main


def test_a_leg_takes_at_most_sixty_bytes_in_batches_of_ten() -> None:
    """The size of the wire is what a metered line pays for: it must not creep up."""
    assert payload_bytes() <= GOAL_BYTES


@pytest.mark.timeout(300)  # real programs, and thousands of calls, beside whatever else the machine does
def test_the_benchmark_prints_figures_beside_goals(capsys) -> None:
    """The short one runs to its end with real programs; whether a goal is met depends on the machine."""
    assert main(["bench", "sink", "--quick"]) in {0, 1}
    said = capsys.readouterr().out
    for what in ("payload of a leg", "sent for a leg, with TLS", "spool: events appended",
                 "drain of 12,000 events", "legs/CPU-s", "phones ring", "boxes, broker away",
                 "stored, stitched, closed days marked", "one office's 90 days", "fleet of 10 offices, 30 days",
                 "times the calls"):  # fmt: skip
        assert what in said
