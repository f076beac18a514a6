"""Time ranges that no contact crosses."""

from leg_builders import ZERO, ring, trunk

from cloud_sink.contacts.islands import OPEN_LEG_MS, end_of, islands


def test_overlapping_legs_share_an_island() -> None:
    """Legs that overlap, or follow within the gap, may be one contact; a longer pause separates."""
    legs = [trunk("t", "4400", "c", 0, 30), ring("r", "101", "c", 1, 29), ring("s", "101", "c", 49, 60)]
    assert [(ZERO, ZERO + 60_000)] == islands(legs, 20_000)
    assert [(ZERO, ZERO + 30_000), (ZERO + 49_000, ZERO + 60_000)] == islands(legs, 5_000)


def test_no_leg_no_island() -> None:
    """Nothing seen, nothing to stitch."""
    assert [] == islands([], 20_000)


def test_a_leg_without_an_end_reaches_far() -> None:
    """While a leg is open its contact may still grow, for a bounded time."""
    assert ZERO + 1_000 + OPEN_LEG_MS == end_of(ring("r", "101", "c", 0, None, answer=1))
