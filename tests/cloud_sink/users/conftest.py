"""A sink's users, and a clock that a test moves."""

import pytest

from cloud_sink.store import Store, User
from cloud_sink.users import passwords
from cloud_sink.users.accounts import Accounts
from cloud_sink.users.settings import WebSettings

T0 = 1_790_000_000_000
PASSWORD = "four horses eat purple soup"


class Clock:
    """Time as a test says."""

    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        """Now."""
        return self.ms


@pytest.fixture(scope="session")
def stored_password() -> str:
    """The hash of PASSWORD: made once, it is dear."""
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def clock() -> Clock:
    """At T0."""
    return Clock()


@pytest.fixture
def accounts(empty_store: Store, clock: Clock, stored_password: str) -> Accounts:
    """Maria the admin, Jens the manager, a screen, and Eve who was locked out: all with one password."""
    for name, role in (("maria", "admin"), ("jens", "manager"), ("screen", "wallboard"), ("eve", "viewer")):
        empty_store.users.add(User(name, role, stored_password, name == "eve", False, T0, frozenset({"london"})))
    return Accounts(empty_store, WebSettings(), clock)
