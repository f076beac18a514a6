"""What an admin does with users, however he reaches them."""

from itertools import count

import pytest

from cloud_sink.store import Store, User
from cloud_sink.users.accounts import DAY_MS
from cloud_sink.users.administration import Administration, CannotAdminister, rights_text, state_text

from .conftest import T0

LONDON = frozenset({"london"})


@pytest.fixture
def store(tmp_path):
    """Maria the admin and Jens the viewer."""
    opened = Store.open(f"sqlite:///{tmp_path / 'sink.db'}")
    opened.migrate()
    for name, role in (("maria", "admin"), ("jens", "viewer")):
        opened.users.add(User(name, role, "hash", False, False, T0, LONDON))
    yield opened
    opened.close()


@pytest.fixture
def maria(store):
    """Maria, who changes users on the page, one thing a millisecond."""
    return Administration(store, ["london", "paris"], count(T0).__next__, "maria", "10.0.0.7")


def test_what_is_done_goes_on_record(store, maria):
    """By whom, from where, about whom."""
    maria.add(" Ada ", "manager", "", every_office=False, offices=LONDON)
    maria.set_rights("ada", "viewer", every_office=True, offices=frozenset())
    maria.set_disabled("ada", disabled=True)
    token_id, secret = maria.create_token("ada", "sheet", 30)
    maria.revoke_token(token_id)
    maria.remove("ada")
    lines = store.users.told(10)[::-1]
    assert {("maria", "10.0.0.7")} == {(line.user, line.address) for line in lines}
    assert [
        ("user added", "ada: manager, offices: london"),
        ("role given", "ada: viewer, offices: all"),
        ("user disabled", "ada"),
        ("token created", f"{token_id} of ada (sheet)"),
        ("token revoked", token_id),
        ("user removed", "ada"),
    ] == [(line.what, line.about) for line in lines]
    assert all(secret not in line.about for line in lines)


def test_nobody_takes_his_own_rights(maria):
    """Else nobody might be left who can give them back. Another admin can."""
    for deed in (
        lambda: maria.set_rights("maria", "viewer", every_office=True, offices=frozenset()),
        lambda: maria.set_disabled("MARIA", disabled=True),
        lambda: maria.remove("maria"),
        lambda: maria.make_password("maria"),
    ):
        with pytest.raises(CannotAdminister, match="ask another admin"):
            deed()
    assert ("admin, offices: all", "") == (rights_text(maria.user("maria")), state_text(maria.user("maria")))


def test_the_command_line_may_do_it(store):
    """Whoever can read the database is nobody's colleague."""
    Administration(store, [], lambda: T0).set_disabled("maria", disabled=True)
    assert "disabled" == state_text(store.users.get("maria"))


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        (lambda a: a.add("jens", "viewer", "", every_office=True, offices=frozenset()), 'a user "jens" already'),
        (lambda a: a.add("no blanks", "viewer", "", every_office=True, offices=frozenset()), "cannot be a name"),
        (lambda a: a.add("x", "viewer", "", every_office=False, offices=frozenset({"rome"})), 'no office "rome"'),
        (lambda a: a.set_rights("jens", "viewer", every_office=False, offices=frozenset({"rome"})), 'no office "rome"'),
        (lambda a: a.set_disabled("nobody", disabled=True), 'no user "nobody"'),
        (lambda a: a.create_token("jens", "", 0), "from 1 to 3650 days"),
        (lambda a: a.revoke_token("none"), 'no token "none"'),
    ],
)
def test_what_cannot_be_is_told(maria, deed, problem):
    """In one line."""
    with pytest.raises(CannotAdminister, match=problem):
        deed(maria)


def test_a_made_password_and_a_token_hold(store, maria):
    """The user's sessions end with the old password; a token ends when it was told to."""
    user, made = maria.make_password("jens")
    assert ("jens", True) == (user.name, len(made) >= 15)
    assert store.users.get("jens").password not in ("hash", made)
    maria.create_token("jens", "", 2)
    [token] = store.users.tokens()
    assert token.created_ms + 2 * DAY_MS == token.until_ms
