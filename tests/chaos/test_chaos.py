"""Everything is killed at random while calls come in: `ringtap bench chaos` in short, on either broker."""

import random
from pathlib import Path

import pytest

from fieldkit.bench.chaos import run_chaos
from fieldkit.bench.rig import Plan


@pytest.mark.parametrize("embedded", [False, True], ids=["mosquitto", "embedded"])
def test_nothing_is_lost_and_nothing_is_counted_twice(captures: Path, lab_config: Path, embedded: bool) -> None:
    """Broker (with amnesia), sink and three collectors killed with -9, lines cut: as if nothing had happened."""
    seed = random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")  # shown where it fails
    plan = Plan(captures / "c-queue.pcap.gz", lab_config, boxes=3, repeats=2, embedded=embedded, speed=120.0)
    outcome = run_chaos(plan, seed, disturb_s=14.0)
    assert [] == outcome.problems
    assert outcome.legs == 3 * 2 * 223
    assert outcome.events >= outcome.legs
    assert outcome.kills >= 3
