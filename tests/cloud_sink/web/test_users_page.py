"""The page of users: what an admin sees and does there, and who cannot."""

import re

import pytest
from starlette.testclient import TestClient

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import Session, Store, User
from cloud_sink.users.accounts import Accounts, digest, new_token
from cloud_sink.users.settings import WebSettings
from cloud_sink.web.app import create_app

from .conftest import NOW_MS

HOUR_MS = 3_600_000
OFFICES = {"lab": OfficePlan("lab"), "paris": OfficePlan("paris")}
PAGE = {"Origin": "http://127.0.0.1", "Accept": "text/html"}


def browser(store: Store, session: str = "") -> TestClient:
    """A browser of this machine, signed in or not."""
    app = create_app(store, OFFICES, now_ms=lambda: NOW_MS)
    client = TestClient(app, base_url="http://127.0.0.1", headers=PAGE, follow_redirects=False)
    if session:
        client.cookies.set("id", session)
    return client


@pytest.fixture
def users(empty_store: Store) -> Store:
    """A store with a signed-in user of each role."""
    for role in ("admin", "manager", "viewer"):
        empty_store.users.add(User(role, role, "", False, False, NOW_MS, frozenset({"lab"})))
        empty_store.users.open_session(Session(digest(role), role, NOW_MS, NOW_MS, NOW_MS + HOUR_MS, "here"))
    return empty_store


def change(client: TestClient, deed: str, name: str, **more: object) -> str:
    """Press one of the buttons in a user's row; the answer's text."""
    return client.post("/users/change", data={"deed": deed, "name": name, **more}).text


def secret_of(html: str) -> str:
    """What is shown this once."""
    return re.search(r'<code id="secret">([^<]+)</code>', html)[1]


def test_an_admin_adds_somebody_who_can_sign_in(users: Store):
    """Name, role and offices as they were filled in; the password is shown once and never again."""
    admin = browser(users, "admin")
    html = admin.post("/users/add", data={"name": "Ada", "role": "manager", "office": ["lab", "paris"]}).text
    password = secret_of(html)
    ada = users.users.get("ada")
    assert ("manager", frozenset({"lab", "paris"}), False) == (ada.role, ada.offices, ada.every_office)
    assert Accounts(users, WebSettings(), lambda: NOW_MS).sign_in("ada", password, "here")
    again = admin.get("/users").text
    assert 'data-user="ada"' in again
    assert password not in again
    assert ("user added", "admin") in {(line.what, line.user) for line in users.users.told(9)}


def test_each_button_does_what_it_says(users: Store):
    """Role and offices, lock and let in, another password, tokens, remove; each holds at once."""
    admin, viewer = browser(users, "admin"), browser(users, "viewer")
    assert 200 == viewer.get("/account").status_code
    assert "viewer is manager now, for offices: all." in change(
        admin, "rights", "viewer", role="manager", every_office="1"
    )
    assert "manager" == users.users.get("viewer").role
    assert "locked out" in change(admin, "disable", "viewer")
    assert 303 == viewer.get("/account").status_code
    assert "may sign in again" in change(admin, "enable", "viewer")
    made = secret_of(change(admin, "password", "viewer"))
    assert Accounts(users, WebSettings(), lambda: NOW_MS).sign_in("viewer", made, "here")
    html = change(admin, "token", "viewer", label="sheet", days="7")
    secret, [token] = secret_of(html), users.users.tokens()
    program = {"Authorization": f"Bearer {secret}"}
    assert 200 == browser(users).get("/api/v1/offices", headers=program).status_code
    assert "is refused from now on" in change(admin, "revoke", "viewer", token=token.id)
    assert 401 == browser(users).get("/api/v1/offices", headers=program | {"Accept": "*/*"}).status_code
    assert "tick" in change(admin, "remove", "viewer")
    assert "is removed" in change(admin, "remove", "viewer", sure="1")
    assert users.users.get("viewer") is None


def test_only_admins_and_only_from_our_own_page(users: Store):
    """Managers and viewers get neither page nor form, other sites' pages nothing at all, an admin's token nothing."""
    fields = {"deed": "disable", "name": "admin"}
    for role in ("manager", "viewer"):
        other = browser(users, role)
        assert 403 == other.get("/users").status_code
        assert 403 == other.post("/users/change", data=fields).status_code
        assert 403 == other.post("/users/add", data={"name": "x", "role": "admin"}).status_code
        assert "/users" not in other.get("/account").text
    assert '<a href="/users">' in browser(users, "admin").get("/account").text
    foreign = browser(users, "admin").post("/users/change", data=fields, headers={"Origin": "http://evil.example"})
    assert 403 == foreign.status_code
    token, secret = new_token("admin", "", NOW_MS, None)
    users.users.add_token(token)
    program = browser(users).get("/users", headers={"Authorization": f"Bearer {secret}"})
    assert (403, True) == (program.status_code, "not with a token" in program.text)
    assert not users.users.get("admin").disabled
    assert ["admin", "manager", "viewer"] == [each.name for each in users.users.all()]


def test_an_admin_stays_one(users: Store):
    """No form for himself but tokens; asked all the same, it is refused in a line."""
    admin = browser(users, "admin")
    own = admin.get("/users").text.partition('data-user="admin"')[2].partition("</section>")[0]
    assert 'value="token"' in own
    assert not any(f'value="{deed}"' in own for deed in ("rights", "disable", "remove", "password"))
    for deed in ("rights", "disable", "remove", "password"):
        refused = change(admin, deed, "admin", role="viewer", sure="1")
        assert "ask another admin" in refused
    assert "admin" == users.users.get("admin").role


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "two words", "role": "viewer"}, "cannot be a name"),
        ({"name": "manager", "role": "viewer"}, "a user &#34;manager&#34; already"),
        ({"name": "x", "role": "king"}, "no role &#34;king&#34;"),
        ({"name": "x", "role": "viewer", "office": "rome"}, "no office &#34;rome&#34;"),
        ({"name": "<b>", "role": "viewer"}, "&lt;b&gt;"),
        ({"name": "x" * 9000, "role": "viewer"}, "cannot be a name"),
    ],
)
def test_what_cannot_be_is_told_on_the_page(users: Store, fields: dict[str, str], problem: str):
    """A line above the form, and nobody is added."""
    answer = browser(users, "admin").post("/users/add", data=fields)
    assert (422, True) == (answer.status_code, problem in answer.text.lower())
    assert 3 == len(users.users.all())


def test_the_first_user_is_an_admin(empty_store: Store):
    """Where nobody has to sign in yet the page leads to it; with the first admin everybody has to."""
    anybody = browser(empty_store)
    assert "Add the first user" in anybody.get("/users").text
    refused = anybody.post("/users/add", data={"name": "jens", "role": "viewer"})
    assert (422, True) == (refused.status_code, "the first user must be an admin" in refused.text.lower())
    secret_of(anybody.post("/users/add", data={"name": "maria", "role": "admin"}).text)
    assert 303 == anybody.get("/users").status_code
