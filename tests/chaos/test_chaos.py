"""Everything is killed at random while calls come in: `ringtap bench chaos` in short, on each broker."""

import random
from pathlib import Path

import pytest

from fieldkit.bench.brokers import BROKERS
from fieldkit.bench.chaos import run_chaos, run_dropping
from fieldkit.bench.rig import Plan

LEGS = 223  # in c-queue


def make_plan(captures: Path, config: Path, broker: str = "mosquitto", repeats: int = 2) -> Plan:
    """Three boxes that hear the same recording twice."""
    return Plan(captures / "c-queue.pcap.gz", config, boxes=3, repeats=repeats, broker=broker, speed=120.0)


@pytest.mark.timeout(300)  # RabbitMQ takes ten seconds for each start, on a machine that has nothing else to do
@pytest.mark.parametrize("broker", BROKERS)
def test_nothing_is_lost_and_nothing_is_counted_twice(captures: Path, lab_config: Path, broker: str) -> None:
    """Programs killed with -9, lines cut, clocks set, a spool's disk full: as if nothing had happened."""
    seed = random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")  # shown where it fails
    disturb_s = 25.0 if broker == "rabbitmq" else 10.0
    outcome = run_chaos(make_plan(captures, lab_config, broker), seed, disturb_s=disturb_s)
    assert [] == outcome.problems
    assert outcome.legs == 3 * 2 * LEGS
    assert outcome.events >= outcome.legs
    assert sum(outcome.disturbances.values()) >= 1  # of which kind, the seed decides


def test_a_spool_that_is_too_small_tells_of_every_event_that_it_dropped(captures: Path, lab_config: Path) -> None:
    """What came and what gaps tell of is what an office with room for it has written."""
    dropped = run_dropping(make_plan(captures, lab_config, repeats=12))
    assert dropped.lost > 0
    assert dropped.stored > 0
    assert dropped.untold == 0
