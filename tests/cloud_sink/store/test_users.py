"""Users, sessions, tokens and the record, on SQLite and on PostgreSQL."""

from dataclasses import replace

import pytest

from cloud_sink.store import AuditLine, Session, Store, Token, User
from cloud_sink.store import users as module

T0 = 1_790_000_000_000
MARIA = User("maria", "admin", "$argon2id$...", False, False, T0)
JENS = User("jens", "manager", "", False, False, T0, frozenset({"london", "paris"}))


def make_session(digest: str = "d", user: str = "jens", at_ms: int = T0) -> Session:
    """Signed in for an hour."""
    return Session(digest, user, at_ms, at_ms, at_ms + 3_600_000, "10.0.0.1")


def test_users_come_back_as_they_went_in(store: Store):
    """By name; a name is there once."""
    assert not store.users.any()
    assert store.users.add(MARIA)
    assert store.users.add(JENS)
    assert not store.users.add(replace(JENS, role="admin"))
    assert [JENS, MARIA] == store.users.all()
    assert (JENS, None) == (store.users.get("jens"), store.users.get("eve"))
    assert store.users.any()


def test_rights_are_replaced(store: Store):
    """Offices that are not named again are granted no more."""
    store.users.add(JENS)
    store.users.set_rights("jens", "viewer", every_office=False, offices=frozenset({"paris", "rome"}))
    assert replace(JENS, role="viewer", offices=frozenset({"paris", "rome"})) == store.users.get("jens")
    store.users.set_rights("jens", "viewer", every_office=True, offices=frozenset())
    assert replace(JENS, role="viewer", every_office=True, offices=frozenset()) == store.users.get("jens")


def test_a_session_holds_until_its_end(store: Store):
    """And belongs to a user who is there."""
    store.users.add(JENS)
    store.users.open_session(make_session())
    store.users.open_session(make_session("nobodys", "eve"))
    assert (make_session(), JENS) == store.users.session("d", T0 + 3_599_999)
    assert store.users.session("d", T0 + 3_600_000) is None
    assert store.users.session("nobodys", T0) is None
    store.users.see_session("d", T0 + 60_000)
    found = store.users.session("d", T0 + 60_000)
    assert found is not None
    assert T0 + 60_000 == found[0].seen_ms
    store.users.end_session("d")
    assert store.users.session("d", T0) is None


@pytest.mark.parametrize("how", ["disable", "password", "remove"])
def test_who_is_locked_out_is_signed_out(store: Store, how: str):
    """At once, in every browser; another user's session stays."""
    store.users.add(JENS)
    store.users.add(MARIA)
    for digest, user in (("a", "jens"), ("b", "jens"), ("c", "maria")):
        store.users.open_session(make_session(digest, user))
    if how == "disable":
        store.users.set_disabled("jens", disabled=True)
        store.users.set_disabled("jens", disabled=False)
    elif how == "password":
        store.users.set_password("jens", "another", keep="b")
    else:
        store.users.remove("jens")
        store.users.add(JENS)
    left = [digest for digest in "abc" if store.users.session(digest, T0)]
    assert (["b", "c"] if how == "password" else ["c"]) == left


def test_a_disabled_users_session_and_token_are_none(store: Store):
    """Even one that was opened meanwhile."""
    store.users.add(replace(JENS, disabled=True))
    store.users.open_session(make_session())
    store.users.add_token(Token("t", "1", "jens", "", T0, None))
    assert (None, None) == (store.users.session("d", T0), store.users.token("t", T0))


def test_sessions_of_a_user_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch):
    """The oldest go, and those that are over; others' stay."""
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    store.users.add(JENS)
    store.users.add(MARIA)
    store.users.open_session(make_session("m", "maria"))
    for place, digest in enumerate("abc"):
        store.users.open_session(make_session(digest, at_ms=T0 + place))
    assert [None, True, True, True] == [store.users.session(each, T0 + 5) and True for each in "abcm"]
    assert 2 == store.users.end_sessions("jens", keep="")
    assert 1 == store.users.end_sessions()


def test_tokens(store: Store):
    """Hold until their end or until they are revoked, and tell when they were used last."""
    store.users.add(JENS)
    ending, lasting = Token("e", "1", "jens", "till", T0, T0 + 10), Token("l", "2", "jens", "wall", T0 + 1, None)
    store.users.add_token(ending)
    store.users.add_token(lasting)
    assert [ending, lasting] == store.users.tokens()
    assert (ending, JENS) == store.users.token("e", T0 + 9)
    assert store.users.token("e", T0 + 10) is None
    store.users.see_token("l", T0 + 5)
    assert (replace(lasting, used_ms=T0 + 5), JENS) == store.users.token("l", T0 + 10**12)
    assert (True, False) == (store.users.revoke_token("2"), store.users.revoke_token("2"))
    assert store.users.token("l", T0) is None
    store.users.remove("jens")
    assert [] == store.users.tokens()


def test_a_hash_is_renewed_unless_the_password_was_changed(store: Store):
    """Two at once do not undo each other."""
    store.users.add(MARIA)
    store.users.renew_hash("maria", "another", "lost")
    store.users.renew_hash("maria", MARIA.password, "dearer")
    assert replace(MARIA, password="dearer") == store.users.get("maria")


def test_the_record_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch):
    """The latest first, the oldest go."""
    monkeypatch.setattr(module, "MAX_AUDIT_LINES", 3)
    lines = [AuditLine(T0 + place, "maria", "10.0.0.1", "signed in", str(place)) for place in range(5)]
    for line in lines:
        store.users.tell(line)
    assert lines[:1:-1] == store.users.told(10)
    assert lines[:3:-1] == store.users.told(1)
