from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from cloud_sink.users import passwords

GOOD = "four horses eat purple soup"


@pytest.fixture(autouse=True)
def _as_a_sink_does(real_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the cost at which a sink hashes."""
    monkeypatch.setattr(passwords, "_hasher", real_hasher)


def test_what_is_stored_is_argon2id_above_owasps_minimum():
    """19 MiB, two passes, one lane; another salt each time."""
    stored = passwords.hash_password(GOOD)
    assert stored.startswith("$argon2id$")
    cost = extract_parameters(stored)
    assert cost.memory_cost >= 19 * 1024
    assert cost.time_cost >= 2
    assert stored != passwords.hash_password(GOOD)
    assert passwords.is_right(GOOD, stored)
    assert not passwords.is_right(GOOD + ".", stored)


def test_no_password_is_right_where_none_was_stored():
    """Nor where something else stands there."""
    assert not passwords.is_right("", "")
    assert not passwords.is_right(GOOD, "plain text")


def test_a_user_that_is_not_there_takes_as_long():
    """What is checked for nobody has the shape and the cost of what is stored, and is looked at to its end."""
    stored = passwords.hash_password(GOOD)
    assert extract_parameters(stored) == extract_parameters(passwords._NOBODYS)
    assert len(stored) == len(passwords._NOBODYS)
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(passwords._NOBODYS, GOOD)


def test_the_same_characters_however_they_are_composed():
    """One keyboard sends ü, another u and two dots."""
    assert passwords.is_right("vier Gru\u0308ne Zu\u0308ge", passwords.hash_password("vier Gr\u00fcne Z\u00fcge"))


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("fourteen chars", "has 14 characters"),
        ("x" * 257, "over 256"),
        ("a" * 20, "easily guessed"),
        ("123123123123123123", "easily guessed"),
        ("PasswordPassword1", "easily guessed"),
        ("maria.jones12maria.jones12", "easily guessed"),
        ("four horses eat purple soup", ""),
        ("صد دانه یاقوت دسته به دسته", ""),
        (" " * 5 + "twelve drums", ""),
    ],
)
def test_length_counts_and_nothing_that_everybody_tries(password: str, problem: str):
    """Any characters will do."""
    found = passwords.weakness(password, "maria.jones")
    assert problem in found
    assert bool(problem) == bool(found)


def test_generated_passwords_are_good_and_differ():
    """Typed by hand once."""
    made = {passwords.generate() for _ in range(50)}
    assert 50 == len(made)
    assert {""} == {passwords.weakness(each, "maria") for each in made}


def test_hashes_of_another_cost_are_outdated():
    """So that they are made anew when their user signs in."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    assert passwords.is_right(GOOD, cheap)
    assert passwords.is_outdated(cheap)
    assert not passwords.is_outdated(passwords.hash_password(GOOD))


def test_who_waits_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch):
    """However many guess, two are checked at a time, and the others do not keep the server busy."""
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.0)
    for _ in range(passwords.AT_ONCE):
        passwords._places.acquire()
    try:
        with ThreadPoolExecutor(1) as pool, pytest.raises(passwords.TooBusy):
            pool.submit(passwords.is_right, GOOD, "").result()
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._places.release()
