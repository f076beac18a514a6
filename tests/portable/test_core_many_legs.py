"""As many calls at once as a board's table holds, on both interpreters."""

from many_legs import hear_many_legs


def test_sixty_four_calls_at_once_are_all_reported() -> None:
    """The default of a board: every leg with its own times and caller, none lost, none evicted."""
    assert (64, 64) == hear_many_legs(64)
