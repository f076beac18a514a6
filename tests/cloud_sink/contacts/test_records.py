"""What the records derive by themselves."""

from leg_builders import ring


def test_ring_and_talk_times_come_from_the_leg() -> None:
    """Ring until the answer, else until the end; talk without hold; None where it did not happen."""
    answered = ring("r", "101", "c", 0, 30, answer=10, hold_ms=5_000)
    refused = ring("s", "101", "c", 0, 0.2, ring=None, final_code=486)
    assert (9_900, 15_000) == (answered.ring_ms, answered.talk_ms)
    assert (None, None) == (refused.ring_ms, refused.talk_ms)
