"""The door: every route there is, asked by everybody there may be."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.live import LivePicture
from cloud_sink.store import Session, Store, User
from cloud_sink.users.accounts import digest, new_token
from cloud_sink.users.roles import ROLES
from cloud_sink.users.settings import WebSettings
from cloud_sink.web.app import create_app
from cloud_sink.web.guard import PUBLIC
from cloud_sink.web.live import add_live

from .conftest import NOW_MS, fill, serving

HOUR_MS = 3_600_000
PLACES = {"office": "lab", "contact_id": "none", "name": "report", "kind": "csv"}
HTML = {"Accept": "text/html,*/*"}
OFFICES = {"lab": OfficePlan("lab"), "paris": OfficePlan("paris")}


def make_app(store: Store, **more: object) -> FastAPI:
    """The application as `serve` makes it."""
    app = create_app(store, OFFICES, now_ms=lambda: NOW_MS, **more)
    add_live(app, LivePicture())
    return app


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route, its places filled in."""
    found = set()
    for entry in app.routes:
        included = getattr(entry, "original_router", None)
        for route in included.routes if included else [entry]:
            path = re.sub(r"{(\w+)(:\w+)?}", lambda place: PLACES.get(place[1], "x"), route.path)
            found |= {(method, path) for method in getattr(route, "methods", None) or ()}
    return sorted(found)


@pytest.fixture
def app(empty_store: Store) -> FastAPI:
    """An application with a user of each role: of the lab, who is signed in, and has a token."""
    for role in ROLES:
        empty_store.users.add(User(role, role, "", False, False, NOW_MS, frozenset({"lab"})))
        empty_store.users.open_session(Session(digest(role), role, NOW_MS, NOW_MS, NOW_MS + HOUR_MS, "here"))
    return make_app(empty_store)


def browser(app: FastAPI, role: str = "") -> TestClient:
    """Somebody with a session of that role, or nobody."""
    client = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False)
    if role:
        client.cookies.set("id", role)
    return client


def test_the_walk_below_meets_every_route(app: FastAPI):
    """Pages, API, what rings now, the API's description, and what changes something."""
    paths = dict.fromkeys(path for _, path in routes(app))
    assert len(paths) > 30
    assert {"/", "/calls/none", "/fleet", "/account", "/sign-out", "/api/v1/openapi.json", "/api/v1/offices/lab/live",
            "/api/v1/boxes", "/api/v1/offices/lab/export/report.csv"} <= set(paths)  # fmt: skip
    assert "POST" in {method for method, _ in routes(app)}


def test_nothing_answers_somebody_unknown(app: FastAPI):
    """Programs are told to sign in, people are led there; only what is public answers, and what does not exist."""
    stranger = browser(app)
    for method, path in [*routes(app), ("GET", "/no-such-page"), ("GET", "//api/v1/offices"), ("PUT", "/x")]:
        own = {"Origin": "http://127.0.0.1"}
        answer = stranger.request(method, f"http://127.0.0.1{path}", headers=own)
        page = stranger.request(method, f"http://127.0.0.1{path}", headers=own | HTML)
        if path in PUBLIC:
            assert answer.status_code in (200, 401), path
        else:
            assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"]), (method, path)
            assert (303, True) == (page.status_code, page.headers["location"].startswith("/sign-in")), (method, path)
        assert "lab" not in answer.text.lower().replace("label", "")
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("secret", ["", "rt_wrong", "admin"])
def test_a_wrong_token_is_nobody(app: FastAPI, secret: str):
    """Even beside a good cookie: whoever shows a token is judged by it."""
    stranger = browser(app)
    for _, path in [each for each in routes(app) if each[0] == "GET" and each[1] not in PUBLIC]:
        assert 401 == stranger.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code, path
    headers = {"Authorization": "Bearer rt_wrong"}
    assert 401 == browser(app, "admin").get("/api/v1/offices", headers=headers).status_code


@pytest.mark.parametrize("role", ROLES)
def test_everybody_known_may_read(app: FastAPI, role: str):
    """Every page and table of the office granted: none asks to sign in or forbids, but the page of users."""
    known = browser(app, role)
    for _, path in [each for each in routes(app) if each[0] == "GET" and each[1] not in (*PUBLIC, "/account")]:
        status = known.get(path, headers=HTML).status_code
        if path == "/users" and role != "admin":
            assert 403 == status, role
        else:
            assert status in (200, 404, 422), (role, path)
    assert f'Signed in as <a href="/account">{role}</a>' in known.get("/", headers=HTML).text


@pytest.mark.parametrize("role", ROLES)
def test_offices_that_were_not_granted_are_not_there(app: FastAPI, role: str):
    """But for admins, for whom every office is open."""
    known = browser(app, role)
    seen = [office["office"] for office in known.get("/api/v1/offices").json()]
    assert (["lab", "paris"] if role == "admin" else ["lab"]) == seen
    for path in [path.replace("lab", "paris") for method, path in routes(app) if method == "GET" and "lab" in path]:
        forbidden = known.get(path)
        if role != "admin":
            assert (404, True) == (forbidden.status_code, "there is no office" in forbidden.text), path
    if role != "admin":
        assert 404 == known.get("/?office=paris").status_code
        assert "paris" not in known.get("/fleet", headers=HTML).text


@pytest.mark.parametrize("role", ROLES)
def test_who_may_read_only_changes_nothing(app: FastAPI, role: str):
    """Whatever a later page forgets to ask: what is not safe needs a role that may change things."""
    known = browser(app, role)
    own = {"Sec-Fetch-Site": "same-origin"}
    answers = {method: known.request(method, "/later-page", headers=own).status_code for method in ("POST", "DELETE")}
    assert {404 if ROLES[role].changes else 403} == set(answers.values())
    assert 303 == known.post("/sign-out", headers=own).status_code


def test_another_sites_page_changes_nothing(app: FastAPI):
    """By what the browser says of where a request comes from; without a word it is refused too."""
    known = browser(app, "admin")
    for headers, right in (
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://127.0.0.1:81"}, False),
        ({}, False),
        ({"Origin": "http://127.0.0.1"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
    ):
        assert (404 if right else 403) == known.post("/later-page", headers=headers).status_code, headers
    assert "does not come from a page" in browser(app).post("/sign-in", headers={"Origin": "http://evil"}).text


def test_programs_with_a_token_come_from_nowhere(app: FastAPI):
    """No other site's page can show a token, so nothing is asked of where a request with one comes from."""
    token, secret = new_token("manager", "", NOW_MS, None)
    app.state.offices.store.users.add_token(token)
    program = browser(app)
    bearer = {"Authorization": f"Bearer {secret}"}
    assert ["lab"] == [office["office"] for office in program.get("/api/v1/offices", headers=bearer).json()]
    assert 404 == program.post("/later-page", headers=bearer).status_code


def test_websockets_are_guarded_too(app: FastAPI):
    """There is none yet; one that comes is closed to strangers and to other sites' pages."""

    @app.websocket("/later")
    async def later(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.state.asker.name)

    own = {"Origin": "http://127.0.0.1"}
    for client, headers in ((browser(app), own), (browser(app, "admin"), {"Origin": "http://evil.example"})):
        with (
            pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
            client.websocket_connect("ws://127.0.0.1/later", headers=headers),
        ):
            pass
    with browser(app, "admin").websocket_connect("ws://127.0.0.1/later", headers=own) as socket:
        assert "admin" == socket.receive_text()


def test_without_users_only_this_machine_may_ask(empty_store: Store):
    """On loopback, by loopback's names, so that no other site's name leads here; every page says that it is open."""
    client = TestClient(make_app(empty_store), base_url="http://localhost", follow_redirects=False)
    assert "No users yet" in client.get("/", headers=HTML).text
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080", "ringtap.localhost"):
        assert 200 == client.get("/api/v1/offices", headers={"Host": host}).status_code, host
    for host in ("kpi.example.com", "127.0.0.1.evil.example", "10.0.0.1", ""):
        refused = client.get("/api/v1/offices", headers={"Host": host})
        assert (403, True) == (refused.status_code, "[web] open = true" in refused.text), host
    assert 303 == client.get("/sign-in").status_code


def test_the_first_user_closes_an_open_sink(empty_store: Store):
    """At once, without a restart."""
    client = TestClient(make_app(empty_store), base_url="http://localhost", follow_redirects=False)
    assert 200 == client.get("/api/v1/offices").status_code
    empty_store.users.add(User("maria", "admin", "", True, False, NOW_MS))
    assert 401 == client.get("/api/v1/offices").status_code


def test_a_sink_that_others_reach_is_never_open(empty_store: Store):
    """Not even when its last user is removed."""
    client = TestClient(make_app(empty_store, local=False), base_url="http://localhost", follow_redirects=False)
    assert 401 == client.get("/api/v1/offices").status_code


def test_behind_a_proxy_that_asks_nobody_signs_in(empty_store: Store):
    """Whatever name it is asked by, users or not; other sites' pages change nothing here either."""
    empty_store.users.add(User("maria", "admin", "", False, False, NOW_MS))
    app = make_app(empty_store, local=False, web=WebSettings(open=True))
    client = TestClient(app, base_url="https://kpi.example.com", follow_redirects=False)
    page = client.get("/", headers=HTML)
    assert (200, False) == (page.status_code, "No users yet" in page.text)
    assert 403 == client.post("/later-page", headers={"Sec-Fetch-Site": "cross-site"}).status_code


def test_over_tls_the_cookie_has_another_name(app: FastAPI):
    """One that a page without TLS cannot set: such a session is nobody's here."""
    secure = TestClient(app, base_url="https://127.0.0.1", follow_redirects=False)
    secure.cookies.set("id", "admin")
    assert 401 == secure.get("/api/v1/offices").status_code
    secure.cookies.set("__Host-id", "admin")
    assert 200 == secure.get("/api/v1/offices").status_code


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory,
    recording: Callable[[str], Path],
    lab_config: Path,
    plans: dict[str, OfficePlan],
) -> Iterator[tuple[str, set[str]]]:
    """Address of a server of the recorded day with a viewer and a manager, and its callers' numbers."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('guard') / 'sink.db'}")
    store.migrate()
    fill(store, recording("office-day-A"), lab_config, plans)
    for role in ("viewer", "manager"):
        store.users.add(User(role, role, "", False, True, NOW_MS))
        store.users.open_session(Session(digest(role), role, NOW_MS, NOW_MS, NOW_MS + HOUR_MS, "here"))
    contacts = store.contacts("lab", 0, 1 << 52)
    numbers = {each.caller for each in contacts} | {each.did for each in contacts if each.direction == "out"}
    with serving(store, plans) as address:
        yield address, {number for number in numbers if len(number) > 6}
    store.close()


def test_viewers_find_no_number_anywhere(recorded: tuple[str, set[str]], store: Store):
    """Not in any page, table or answer of the recorded day; managers do, where numbers belong."""
    address, numbers = recorded
    contact = next(each for each in store.contacts("lab", 0, 1 << 52) if each.caller in numbers and each.legs)
    app = make_app(store)
    paths = [path.replace("none", contact.contact_id) for method, path in routes(app) if method == "GET"]
    paths += ["/api/v1/offices/lab/export/contacts.csv", "/api/v1/offices/lab/export/missed.csv"]
    shown: dict[str, set[str]] = {"viewer": set(), "manager": set()}
    for role, found in shown.items():
        with httpx.Client(base_url=address, cookies={"id": role}, timeout=60) as client:
            for path in paths:
                text = client.get(path).text
                if any(number in text for number in numbers):
                    found.add(path)
    assert set() == shown["viewer"]
    assert {"/", "/calls", f"/calls/{contact.contact_id}", "/api/v1/offices/lab/contacts"} <= shown["manager"]
