"""Errors by who must act: `collector.errors`."""

import pytest

from collector import errors


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [("WrongUse", 2), ("ConfigurationError", 2), ("CaptureError", 2), ("SpoolError", 1)],
)
def test_exit_codes_tell_wrong_use_from_problems(error, exit_code):
    """2 where the command was called in a way that cannot work, 1 where the world is in the way."""
    assert exit_code == getattr(errors, error).exit_code
    assert issubclass(getattr(errors, error), errors.RingtapError)
