import logging

import pytest
from argon2 import PasswordHasher

from cloud_sink.users import passwords
from cloud_sink.users.accounts import DAY_MS, HOUR_MS, MINUTE_MS, Accounts, SignInRefused, digest, new_token
from cloud_sink.users.roles import Asker
from cloud_sink.users.throttle import OF_ADDRESS, OF_USER

from .conftest import PASSWORD, T0, Clock

HERE = "10.0.0.1"
JENS = Asker("jens", "manager", frozenset({"london"}))


def test_who_signs_in_is_known_by_the_session(accounts: Accounts):
    """However the name is typed; the secret itself is stored nowhere."""
    secret = accounts.sign_in(" Jens", PASSWORD, HERE)
    assert JENS == accounts.by_session(secret)
    assert accounts.by_session(digest(secret)) is None
    assert secret != accounts.sign_in("jens", PASSWORD, HERE)
    assert Asker("maria", "admin", None) == accounts.by_session(accounts.sign_in("maria", PASSWORD, HERE))


@pytest.mark.parametrize(("name", "password"), [("jens", "wrong"), ("nobody", PASSWORD), ("eve", PASSWORD), ("", "")])
def test_every_refusal_sounds_the_same(accounts: Accounts, name: str, password: str):
    """Nobody learns whether a user exists or is locked out."""
    with pytest.raises(SignInRefused, match=r"^Name and password do not belong together\.$"):
        accounts.sign_in(name, password, HERE)


def test_an_unknown_name_costs_as_much_as_a_known_one(accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    """A password is checked all the same."""
    checked = []
    monkeypatch.setattr(passwords, "is_right", lambda *given: bool(checked.append(given)))
    for name in ("jens", "nobody", "eve", "no name at all"):
        with pytest.raises(SignInRefused):
            accounts.sign_in(name, "x", HERE)
    assert 4 == len(checked)


def test_guesses_from_one_address_are_slowed_down(accounts: Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """Whoever it guesses at; elsewhere one signs in as before."""
    right = passwords.is_right
    monkeypatch.setattr(passwords, "is_right", lambda *_: False)
    for guess in range(OF_ADDRESS.tries):
        with pytest.raises(SignInRefused, match="do not belong together"):
            accounts.sign_in(f"user{guess}", "x", HERE)
    monkeypatch.setattr(passwords, "is_right", right)
    with pytest.raises(SignInRefused, match="Too many") as refused:
        accounts.sign_in("jens", PASSWORD, HERE)
    assert OF_ADDRESS.every_ms == refused.value.wait_ms
    assert accounts.sign_in("jens", PASSWORD, "10.0.0.2")
    clock.ms += OF_ADDRESS.every_ms
    assert accounts.sign_in("jens", PASSWORD, HERE)


def test_guesses_at_one_user_are_slowed_down(accounts: Accounts, monkeypatch: pytest.MonkeyPatch):
    """From however many addresses; where he signed in before he still can."""
    assert accounts.sign_in("jens", PASSWORD, HERE)
    right = passwords.is_right
    monkeypatch.setattr(passwords, "is_right", lambda *_: False)
    for guess in range(OF_USER.tries):
        with pytest.raises(SignInRefused, match="do not belong together"):
            accounts.sign_in("jens", "x", f"10.1.0.{guess}")
    monkeypatch.setattr(passwords, "is_right", right)
    with pytest.raises(SignInRefused, match="Too many"):
        accounts.sign_in("jens", PASSWORD, "10.2.0.1")
    assert accounts.sign_in("jens", PASSWORD, HERE)


def test_idle_sessions_end(accounts: Accounts, clock: Clock):
    """After an hour without use; a page that follows new calls by itself is no use."""
    secret = accounts.sign_in("jens", PASSWORD, HERE)
    for _ in range(3):
        clock.ms += 59 * MINUTE_MS
        assert accounts.by_session(secret)
    for _ in range(6):
        clock.ms += 10 * MINUTE_MS
        assert accounts.by_session(secret, used=False)
    clock.ms += MINUTE_MS
    assert accounts.by_session(secret, used=False) is None
    clock.ms -= 30 * MINUTE_MS
    assert accounts.by_session(secret) is None


def test_used_sessions_end_too(accounts: Accounts, clock: Clock):
    """After half a day, whatever one does."""
    secret = accounts.sign_in("jens", PASSWORD, HERE)
    for _ in range(23):
        clock.ms += HOUR_MS // 2
        assert accounts.by_session(secret)
    clock.ms += HOUR_MS // 2
    assert accounts.by_session(secret) is None


def test_screens_stay_signed_in(accounts: Accounts, clock: Clock):
    """A quarter of a year."""
    secret = accounts.sign_in("screen", PASSWORD, HERE)
    clock.ms += 89 * DAY_MS
    assert accounts.by_session(secret, used=False)
    clock.ms += DAY_MS
    assert accounts.by_session(secret) is None


def test_signing_out_ends_the_session_on_the_server(accounts: Accounts):
    """Whatever the browser still holds; others of the user stay."""
    secret, other = (accounts.sign_in("jens", PASSWORD, HERE) for _ in range(2))
    accounts.sign_out(secret, JENS, HERE)
    assert accounts.by_session(secret) is None
    assert accounts.by_session(other)


def test_another_password(accounts: Accounts):
    """Needs the present one and a good one; ends the other sessions."""
    secret, other = (accounts.sign_in("jens", PASSWORD, HERE) for _ in range(2))
    for old, new, problem in (("wrong", "x", "present"), (PASSWORD, "short", "15 at least")):
        with pytest.raises(SignInRefused, match=problem):
            accounts.change_password(JENS, old, new, secret, HERE)
    accounts.change_password(JENS, PASSWORD, "five cows drink green tea", secret, HERE)
    assert accounts.by_session(secret)
    assert accounts.by_session(other) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in("jens", PASSWORD, HERE)
    assert accounts.sign_in("jens", "five cows drink green tea", HERE)


def test_a_cheap_hash_is_renewed(accounts: Accounts):
    """When its user signs in."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    accounts._users.set_password("jens", cheap)
    accounts.sign_in("jens", PASSWORD, HERE)
    user = accounts._users.get("jens")
    assert user is not None
    assert not passwords.is_outdated(user.password)


def test_a_token_is_its_user(accounts: Accounts, clock: Clock):
    """With his role of now; kept hashed, refused once it is over."""
    token, secret = new_token("jens", "sheet", T0, T0 + DAY_MS)
    accounts._users.add_token(token)
    assert secret not in repr(accounts._users.tokens())
    assert JENS == accounts.by_token(secret)
    accounts._users.set_rights("jens", "viewer", every_office=True, offices=frozenset())
    assert Asker("jens", "viewer", None) == accounts.by_token(secret)
    assert accounts.by_token(secret + "x") is None
    clock.ms += DAY_MS
    assert accounts.by_token(secret) is None


def test_everything_is_on_record(accounts: Accounts, caplog: pytest.LogCaptureFixture):
    """Also for the journal; what was typed as an unknown name is not: it may be a password."""
    with caplog.at_level(logging.INFO):
        secret = accounts.sign_in("jens", PASSWORD, HERE)
        for name in ("jens", "my secret pass"):
            with pytest.raises(SignInRefused):
                accounts.sign_in(name, "wrong", "10.0.0.9")
        accounts.sign_out(secret, JENS, HERE)
    told = {(line.user, line.address, line.what, line.about) for line in accounts._users.told(10)}
    assert {
        ("jens", HERE, "signed in", ""),
        ("jens", "10.0.0.9", "sign-in refused", "wrong password"),
        ("", "10.0.0.9", "sign-in refused", "no such user"),
        ("jens", HERE, "signed out", ""),
    } == told
    assert "sign-in refused: user jens, from 10.0.0.9 (wrong password)" in caplog.messages
    assert "my secret pass" not in caplog.text
    assert PASSWORD not in caplog.text
