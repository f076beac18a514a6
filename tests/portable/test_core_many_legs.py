"""As many calls at once as a board's table holds, on both interpreters."""

from many_legs import hear_many_legs


def test_two_hundred_calls_at_once_are_all_reported() -> None:
    """Every leg with its own times and caller, none lost, none evicted."""
    assert (200, 200) == hear_many_legs(200)
