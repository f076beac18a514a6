import pytest

from cloud_sink.users.roles import ADMIN, ANYBODY, MANAGER, ROLES, VIEWER, WALLBOARD, Asker


def test_who_may_what():
    """Numbers and changes for admins and managers, the sink itself for admins; screens may only read."""
    rights = {name: (asker.sees_numbers, asker.changes, asker.administers) for name in ROLES
              if (asker := Asker("x", name, frozenset()))}  # fmt: skip
    assert {
        ADMIN: (True, True, True),
        MANAGER: (True, True, False),
        VIEWER: (False, False, False),
        WALLBOARD: (False, False, False),
    } == rights


@pytest.mark.parametrize("name", ROLES)
def test_only_screens_stay_signed_in(name: str):
    """Nobody sits at a wallboard to sign in again."""
    assert (name == WALLBOARD) == ROLES[name].stays


def test_where_nobody_signs_in_everything_is_allowed():
    """As on a demo's loopback address."""
    assert ("", None, True) == (ANYBODY.name, ANYBODY.offices, ANYBODY.administers)
