"""Signing in as a browser does it."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import Store, User
from cloud_sink.users.passwords import hash_password
from cloud_sink.users.throttle import OF_ADDRESS
from cloud_sink.web.app import create_app

from .conftest import NOW_MS

PASSWORD = "four horses eat purple soup"
HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def stored_password() -> str:
    """Made once: it is dear."""
    return hash_password(PASSWORD)


@pytest.fixture
def sink(empty_store: Store, stored_password: str) -> Store:
    """A sink with a manager and a screen."""
    empty_store.users.add(User("jens", "manager", stored_password, False, False, NOW_MS, frozenset({"lab"})))
    empty_store.users.add(User("screen", "wallboard", stored_password, False, True, NOW_MS))
    return empty_store


@pytest.fixture
def browser(sink: Store) -> Iterator[TestClient]:
    """A browser that follows where it is led."""
    app = create_app(sink, {"lab": OfficePlan("lab")}, now_ms=lambda: NOW_MS)
    with TestClient(app, base_url="http://127.0.0.1", headers=HTML) as client:
        yield client


def sign_in(browser: TestClient, name: str = "jens", password: str = PASSWORD, **more: str):
    """Fill in the form."""
    return browser.post("/sign-in", data={"name": name, "password": password, **more}, follow_redirects=False)


def test_back_to_the_page_that_was_asked_for(browser: TestClient):
    """Asked for a page, signed in, there it is."""
    form = browser.get("/calls?office=lab&day=2026-11-22")
    assert "Sign in to ringtap" in form.text
    (there,) = re.findall(r'name="next" value="([^"]*)"', form.text)
    answer = sign_in(browser, next=there.replace("&amp;", "&"))
    assert "/calls?office=lab&day=2026-11-22" == answer.headers["location"]
    assert "Signed in as" in browser.get("/calls?office=lab&day=2026-11-22").text
    assert "/" == browser.get("/sign-in", follow_redirects=False).headers["location"]


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/\t/evil", ""]
)
def test_nobody_is_sent_to_another_site(browser: TestClient, there: str):
    """Whatever a link to the sign-in page says."""
    assert "/" == sign_in(browser, next=there).headers["location"]


def test_the_cookie_is_for_this_sink_and_no_script(browser: TestClient):
    """Gone when the browser is closed; a screen's stays."""
    cookie = sign_in(browser).headers["set-cookie"]
    assert re.fullmatch(r"id=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)
    assert "Max-Age=7776000" in sign_in(browser, "screen").headers["set-cookie"]


def test_over_tls_the_cookie_is_secure(sink: Store):
    """And bound to this host."""
    app = create_app(sink, {}, now_ms=lambda: NOW_MS, local=False)
    with TestClient(app, base_url="https://kpi.example.com", headers=HTML) as client:
        cookie = sign_in(client).headers["set-cookie"]
    assert re.fullmatch(r"__Host-id=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", cookie)


def test_a_wrong_password(browser: TestClient):
    """Is told without saying what was wrong; the name stands there again, the password does not."""
    answer = sign_in(browser, password="wrong <b>")
    assert (401, True) == (answer.status_code, "do not belong together" in answer.text)
    assert ('value="jens"' in answer.text, "wrong" in answer.text) == (True, False)
    assert "set-cookie" not in answer.headers
    assert (401, False) == (sign_in(browser, "<b>").status_code, "<b>" in sign_in(browser, "<b>").text)


def test_too_many_guesses(browser: TestClient, monkeypatch: pytest.MonkeyPatch):
    """The page says how long to wait."""
    monkeypatch.setattr("cloud_sink.users.passwords.is_right", lambda *_: False)
    statuses = [sign_in(browser).status_code for _ in range(OF_ADDRESS.tries + 1)]
    assert [401] * OF_ADDRESS.tries + [429] == statuses
    assert "try again in 30 seconds." in sign_in(browser).text


def test_a_form_that_is_too_large_is_not_read(browser: TestClient):
    """Nobody has signed in yet: memory is not his."""
    assert 401 == sign_in(browser, filler="x" * 100_000).status_code


def test_signing_out(browser: TestClient):
    """Ends the session on the server and in the browser."""
    secret = sign_in(browser).cookies["id"]
    assert "/sign-in" == browser.post("/sign-out", follow_redirects=False).headers["location"]
    assert "id" not in browser.cookies
    browser.cookies.set("id", secret)
    assert "Sign in to ringtap" in browser.get("/").text


def test_ones_own_account(browser: TestClient):
    """Says who one is; takes another password, which the old sessions do not survive."""
    sign_in(browser)
    page = browser.get("/account")
    assert "Open to you: lab." in page.text
    new = "five cows drink green tea"
    for fields, problem in (
        ({"old": "x", "new": new, "again": new}, "not your present password"),
        ({"old": PASSWORD, "new": new, "again": "y"}, "not the same both times"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "has 5 characters"),
    ):
        answer = browser.post("/account/password", data=fields)
        assert (422, True) == (answer.status_code, problem in answer.text), answer.text
    assert "is changed" in browser.post("/account/password", data={"old": PASSWORD, "new": new, "again": new}).text
    assert 303 == sign_in(browser, password=new).status_code
    assert "Signed out in 1 other browser." in browser.post("/account/sessions").text


def test_an_account_without_offices_is_told_so(sink: Store, browser: TestClient):
    """And finds no page but its own."""
    sink.users.set_rights("jens", "viewer", every_office=False, offices=frozenset())
    sign_in(browser)
    assert "No office is open to you yet" in browser.get("/account").text
    assert "No office is open to you yet" in browser.get("/").text
