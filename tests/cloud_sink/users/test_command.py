"""`ringtap-sink user` as somebody at a terminal, or a script, uses it."""

import contextlib
import io
import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_sink.cli import main
from cloud_sink.store import Store
from cloud_sink.users.accounts import Accounts, digest
from cloud_sink.users.passwords import is_right, weakness
from cloud_sink.users.settings import WebSettings

PASSWORD = "four horses eat purple soup"
OFFICES = '[offices.london]\nboxes = ["a"]\n[offices.paris]\nboxes = ["b"]\n'
User = Callable[..., tuple[int, str, str]]


@pytest.fixture
def user(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> User:
    """Run `ringtap-sink user ...`, its password from standard input: (exit code, output, complaint)."""

    def run(*arguments: str, password: str = PASSWORD, more: str = OFFICES) -> tuple[int, str, str]:
        config = tmp_path / "sink.toml"
        config.write_text(f'[sink]\ndatabase = "sqlite:///{tmp_path}/sink.db"\n{more}')
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        try:
            code = main(["user", *arguments, "--config", str(config)])
        except SystemExit as wrong_use:
            code = int(wrong_use.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """What the command wrote."""
    return Store.open(f"sqlite:///{tmp_path / 'sink.db'}")


def test_the_first_user_comes_before_the_first_start(user: User, store: Store):
    """The database is made for him; his password is the line that was read, and is shown nowhere."""
    code, said, _ = user("add", "Maria", "--role", "admin")
    assert (0, "maria: admin, offices: all\n") == (code, said)
    found = store.users.get("maria")
    assert found is not None
    assert is_right(PASSWORD, found.password)
    assert PASSWORD not in repr(store.users.told(10))
    assert Accounts(store, WebSettings(), lambda: 0).sign_in("maria", PASSWORD, "here")


def test_a_generated_password_is_shown_once(user: User, store: Store):
    """And works."""
    code, said, _ = user("add", "jens", "--role", "manager", "--office", "paris", "--generate")
    first, second = said.splitlines()
    password = second.removeprefix("password, shown this once: ")
    assert (0, "jens: manager, offices: paris", "") == (code, first, weakness(password, "jens"))
    found = store.users.get("jens")
    assert found is not None
    assert is_right(password, found.password)


@pytest.mark.parametrize(
    ("arguments", "password", "problem"),
    [
        (("add", "two words", "--role", "admin"), PASSWORD, '"two words" cannot be a name'),
        (("add", "jens", "--role", "manager"), PASSWORD, "say which offices with --office, or --all-offices"),
        (("add", "jens", "--role", "manager", "--office", "rome"), PASSWORD, 'no office "rome" (there is: london'),
        (("add", "jens", "--role", "admin"), "short", "the password has 5 characters: use 15 at least"),
        (("add", "jens", "--role", "king"), PASSWORD, "invalid choice: 'king'"),
        (("add", "jens"), PASSWORD, "--role"),
        (("role", "eve", "--role", "admin"), "", 'there is no user "eve" (there is: none yet)'),
        (("token", "create", "eve"), "", 'there is no user "eve"'),
        (("token", "revoke", "1a2b"), "", 'there is no token "1a2b" (there is: none)'),
        (("add",), "", "NAME"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_line(user: User, arguments: tuple[str, ...], password: str, problem: str):
    """Exit code 2, nothing is changed."""
    code, said, complaint = user(*arguments, password=password)
    assert (2, "", True) == (code, said, problem in complaint), complaint
    assert "Traceback" not in complaint


def test_a_name_is_there_once(user: User):
    """Whoever adds it again is told what changes it."""
    user("add", "jens", "--role", "admin", "--no-password")
    code, _, complaint = user("add", "JENS", "--role", "admin")
    assert (2, True) == (code, "`ringtap-sink user role` or `password` changes it" in complaint)


def test_the_only_office_need_not_be_named(user: User, store: Store):
    """As with every command."""
    user("add", "jens", "--role", "viewer", "--no-password", more="[offices.lab]\n")
    found = store.users.get("jens")
    assert found is not None
    assert frozenset({"lab"}) == found.offices


def test_changes_hold_at_once(user: User, store: Store):
    """Another role, other offices, another password, locked out, let in, gone."""
    user("add", "jens", "--role", "viewer", "--office", "london")
    accounts = Accounts(store, WebSettings(), lambda: 0)
    secret = accounts.sign_in("jens", PASSWORD, "here")
    assert (0, "jens: manager, offices: all\n") == user("role", "jens", "--role", "manager", "--all-offices")[:2]
    who = accounts.by_session(secret)
    assert who is not None
    assert ("manager", None) == (who.role, who.offices)
    assert 0 == user("password", "jens", password="five cows drink green tea")[0]
    assert accounts.by_session(secret) is None
    secret = accounts.sign_in("jens", "five cows drink green tea", "here")
    assert (0, "jens: disabled\n") == user("disable", "jens")[:2]
    assert accounts.by_session(secret) is None
    assert (0, "jens: enabled\n") == user("enable", "jens")[:2]
    assert accounts.sign_in("jens", "five cows drink green tea", "here")
    assert (0, "jens: removed\n") == user("remove", "jens")[:2]
    assert store.users.get("jens") is None


def test_tokens_are_shown_once(user: User, store: Store):
    """Stored hashed, listed without their secret, refused once revoked."""
    user("add", "hall", "--role", "wallboard", "--all-offices", "--no-password")
    code, said, _ = user("token", "create", "hall", "--label", "hall", "--days", "7")
    about, secret = said.splitlines()
    token_id = about.split()[1]
    accounts = Accounts(store, WebSettings(), lambda: 0)
    assert (0, True) == (code, secret.startswith("rt_"))
    assert accounts.by_token(secret) is not None
    listed = user("token", "list")[1]
    assert (True, False, False) == (token_id in listed, secret in listed, digest(secret) in listed)
    assert (2, True) == (user("token", "create", "hall", "--days", "0")[0], True)
    assert (0, f"token {token_id}: revoked\n") == user("token", "revoke", token_id)[:2]
    assert accounts.by_token(secret) is None


def test_lists(user: User):
    """For people and for programs; the record has everything that was done, and no password."""
    user("add", "maria", "--role", "admin")
    user("add", "jens", "--role", "viewer", "--office", "london", "--no-password")
    user("disable", "jens")
    table = user("list")[1].splitlines()
    assert ["name", "role", "offices", "state", "tokens", "since"] == table[0].split()
    assert ["jens", "viewer", "london", "disabled", "0"] == table[1].split()[:5]
    rows = json.loads(user("list", "--format", "json")[1])
    assert [("jens", ["london"], True, False), ("maria", None, False, True)] == [
        (row["name"], row["offices"], row["disabled"], row["password"]) for row in rows
    ]
    log = json.loads(user("log", "--format", "json")[1])
    assert ["user disabled", "user added", "user added"] == [line["what"] for line in log]
    assert "command line" in user("log", "--limit", "1")[1]


def test_an_open_sink_is_told(user: User):
    """Adding users changes nothing while the configuration trusts a proxy."""
    said = user("add", "maria", "--role", "admin", more=f"[web]\nopen = true\n{OFFICES}")[1]
    assert "nobody is asked to sign in as long as [web] open = true" in said


def at_a_terminal(config: Path, *typed: str) -> tuple[int, str]:
    """Add Maria at a real terminal: (exit code, everything that is seen there)."""
    command = [sys.executable, "-m", "cloud_sink", "user", "add", "maria", "--role", "admin", "--config", str(config)]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, command)
    seen = b""
    for prompt, answer in zip((b"Password: ", b"The same again: "), typed, strict=True):
        while prompt not in seen:
            seen += os.read(terminal, 1024)
        os.write(terminal, answer.encode() + b"\n")
    with contextlib.suppress(OSError):  # how a terminal says that nobody is there any more
        while more := os.read(terminal, 1024):
            seen += more
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


def test_a_terminal_asks_twice(user: User, tmp_path: Path, store: Store):
    """Unseen; two that differ change nothing."""
    user("list")  # writes the configuration
    code, seen = at_a_terminal(tmp_path / "sink.toml", PASSWORD, PASSWORD + "!")
    assert (2, True, False) == (code, "not the same both times" in seen, PASSWORD in seen)
    assert store.users.get("maria") is None
    code, seen = at_a_terminal(tmp_path / "sink.toml", PASSWORD, PASSWORD)
    assert (0, True, False) == (code, "maria: admin" in seen, PASSWORD in seen)
