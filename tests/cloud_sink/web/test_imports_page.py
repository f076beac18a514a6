"""Imports through the page, as a person makes them: checked, looked at, stored, taken back."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from cloud_sink.contacts.records import JALALI, OfficePlan
from cloud_sink.imports.kinds import KINDS
from cloud_sink.store import Store, User
from cloud_sink.users.accounts import new_token
from cloud_sink.web.imports_page import kind_title
from cloud_sink.web.uploads import KEPT_MS, MOST_BYTES, MOST_WAITING, Upload, Uploads, shown_name

from .conftest import NOW_MS, serving

SHIFTS = "agent,start,end,activity\n"
GOOD = SHIFTS + "Alice,2026-06-01 09:00,2026-06-01 11:00,on queue\nBob,2026-06-01 09:00,2026-06-01 10:00,break\n"
BAD = SHIFTS + "Alice,2026-06-01 09:00,2026-06-01 08:00,on queue\n,2026-06-01,2026-06-01 10:00,sleeping\n"
LONDON = OfficePlan("lab", name="Lab & Sons", time_zone="Europe/London")
PLANS = {"lab": LONDON, "york": replace(LONDON, office="york", name="York", calendar=JALALI)}


@pytest.fixture
def visitor(empty_store: Store) -> Iterator[httpx.Client]:
    """A person at an office without calls."""
    with serving(empty_store, PLANS) as address, httpx.Client(base_url=address, timeout=60) as client:
        client.headers["Origin"] = address  # as a browser sends it with a form
        yield client


def send(client: httpx.Client, content: str | bytes, kind: str = "schedules", name: str = "s.csv", office: str = "lab"):
    """Choose a file and press "Check it"."""
    return client.post(
        "/imports/check", params={"office": office}, data={"kind": kind}, files={"file": (name, content)}
    )


def press(client: httpx.Client, button: str, **fields: str) -> httpx.Response:
    """Press another button of the page."""
    return client.post(f"/imports/{button}", params={"office": "lab"}, data=fields)


def key_of(page: httpx.Response) -> str:
    """What the button "Store it" sends."""
    return re.findall(r'name="key" value="([^"]+)"', page.text)[0]


def stored(client: httpx.Client, kind: str = "schedules", office: str = "lab") -> int:
    """How many rows there are."""
    return next(each["rows"] for each in client.get(f"/api/v1/offices/{office}/imports").json() if each["kind"] == kind)


def test_a_file_is_checked_then_stored_then_taken_back(visitor):
    """Checking stores nothing and says what would change; the history says what was done."""
    page = send(visitor, GOOD)
    assert (200, 0) == (page.status_code, stored(visitor))
    assert "2 rows read: 2 new" in page.text
    assert "agent Alice · start 2026-06-01 09:00 · end 2026-06-01 11:00 · activity on_queue · paid yes" in page.text
    answer = press(visitor, "store", key=key_of(page))
    assert (303, "/imports?office=lab#history") == (answer.status_code, answer.headers["location"])
    assert 2 == stored(visitor)
    history = visitor.get("/imports", params={"office": "lab"}).text
    assert "2 rows: 2 new" in history
    assert "22 November 2026, 13:26" in history
    (run,) = re.findall(r'name="run" value="([^"]+)"', history)
    assert 303 == press(visitor, "undo", run=run).status_code
    assert 0 == stored(visitor)
    assert "taken back 22 November 2026, 13:26" in visitor.get("/imports", params={"office": "lab"}).text
    assert "it was taken back already" in press(visitor, "undo", run=run).text


def test_mistakes_are_told_by_row_and_nothing_is_kept(visitor):
    """Each with its column and what to write; there is no button to store such a file."""
    page = send(visitor, BAD)
    assert 422 == page.status_code
    rows = re.findall(r'<tr data-row="(\d+)"><td class="num">\d+</td><th scope="row">(\w+)</th>', page.text)
    assert [("2", "end"), ("3", "activity"), ("3", "agent"), ("3", "start")] == sorted(rows)
    assert "must be later than &#34;start&#34;" in page.text
    assert 'name="key"' not in page.text
    assert 0 == stored(visitor)


def test_what_a_correction_replaces_is_shown_beside_it(visitor):
    """Then the same file again has nothing to do."""
    press(visitor, "store", key=key_of(send(visitor, GOOD)))
    page = send(visitor, SHIFTS + "Alice,2026-06-01 10:00,2026-06-01 11:00,training\n")
    assert "1 row read: 1 corrected" in page.text
    changes = page.text.partition('id="changes"')[2].partition("</table>")[0]
    assert changes.index("activity on_queue") < changes.index("activity training")
    press(visitor, "store", key=key_of(page))
    again = send(visitor, SHIFTS + "Alice,2026-06-01 10:00,2026-06-01 11:00,training\n")
    assert "All of it is stored already" in again.text
    assert 'name="key"' not in again.text


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_template_can_be_taken_and_sent_back(visitor, kind: str, form: str):
    """As it is, from the link on the page."""
    link = f"/api/v1/imports/{kind}/template.{form}"
    assert f'href="{link}"' in visitor.get("/imports").text
    page = send(visitor, visitor.get(link).content, kind, f"{kind}.{form}")
    assert "is fine" in page.text
    assert 303 == press(visitor, "store", key=key_of(page)).status_code
    assert 1 == stored(visitor, kind)


def test_a_queue_log_goes_the_same_way(visitor):
    """Asterisk's own lines; the contact it tells of is there afterwards."""
    log = "1780304400|c1|NONE|NONE|DID|442079460400\n1780304400|c1|support|NONE|ENTERQUEUE||447700900123|1\n"
    page = send(visitor, log + "1780304430|c1|support|NONE|ABANDON|1|1|30\n", "queue_log", "queue_log")
    assert "caller 447700900123" in page.text
    press(visitor, "store", key=key_of(page))
    contacts = visitor.get("/api/v1/offices/lab/contacts", params={"day": "2026-06-01"}).json()["contacts"]
    assert ["abandoned"] == [each["disposition"] for each in contacts]


def test_jalali_days_in_an_office_that_counts_so(visitor):
    """The page's own dates too."""
    page = send(visitor, "agent,from,until\nReza,1405-09-01,1405-09-03\n", "absences", office="york")
    assert "from 2026-11-22 00:00" in page.text
    assert 303 == visitor.post("/imports/store?office=york", data={"key": key_of(page)}).status_code
    assert "1 Azar 1405, 13:26" in visitor.get("/imports?office=york").text
    assert "1 row, 1 Azar 1405" in visitor.get("/imports?office=york").text


def test_what_is_no_use_is_refused_in_a_line(visitor):
    """No file, no such kind, a key that was used or is another office's, a body too large or of unknown length."""
    assert "choose a file first" in visitor.post("/imports/check?office=lab", data={"kind": "agents"}).text
    assert "no import &#34;x&#34;" in send(visitor, GOOD, kind="x").text
    key = key_of(send(visitor, GOOD))
    assert 422 == visitor.post("/imports/store?office=york", data={"key": key}).status_code
    assert [303, 422] == [press(visitor, "store", key=key).status_code for _ in range(2)]
    large = send(visitor, b"x" * (MOST_BYTES + 100_000))
    assert (413, True) == (large.status_code, "larger than 16 MB" in large.text)
    pieces = visitor.post("/imports/check?office=lab", content=iter([b"x"]), headers={"Content-Type": "text/plain"})
    assert 411 == pieces.status_code
    assert "cannot be read as an XLSX workbook" in send(visitor, b"PK\3\4 no workbook", name="a.xlsx").text


def test_only_who_may_change_things_imports(empty_store: Store):
    """A manager's name is kept with what he imported; a viewer finds neither form nor button, and is refused."""
    for role in ("manager", "viewer"):
        empty_store.users.add(User(role, role, "", False, False, NOW_MS, frozenset({"lab"})))
    tokens = {role: new_token(role, "", NOW_MS, None) for role in ("manager", "viewer")}
    for token, _ in tokens.values():
        empty_store.users.add_token(token)
    with serving(empty_store, PLANS) as address:
        manager, viewer = (
            httpx.Client(base_url=address, headers={"Authorization": f"Bearer {secret}"}, timeout=60)
            for _, secret in tokens.values()
        )
        key = key_of(send(manager, GOOD))
        assert [403, 403] == [send(viewer, GOOD).status_code, press(viewer, "store", key=key).status_code]
        assert 404 == send(manager, GOOD, office="york").status_code
        assert 303 == press(manager, "store", key=key).status_code
        pages = [client.get("/imports", params={"office": "lab"}).text for client in (manager, viewer)]
        assert ["<td>manager</td>" in page for page in pages] == [True, True]
        assert ["Check it" in page for page in pages] == ["Take back" in page for page in pages] == [True, False]


def test_names_of_files_and_cells_are_text(visitor):
    """Nothing that somebody wrote into a file becomes part of the page."""
    page = send(visitor, SHIFTS + "<b>x</b>,2026-06-01 09:00,2026-06-01 11:00,<i>\n", name="C:\\dir\\<script>.csv")
    assert "<script>" not in page.text.partition("<body>")[2]
    assert "&lt;script&gt;.csv: 1 mistake" in page.text
    assert "<b>" not in page.text.partition("</header>")[2]


def test_files_wait_for_so_long_and_so_many():
    """The oldest goes first; each is handed out once, to its own office."""
    now = [0]
    uploads = Uploads(lambda: now[0])
    keys = [uploads.keep(Upload("lab", "agents", f"{number}", b"")) for number in range(MOST_WAITING + 1)]
    assert uploads.take(keys[0], "lab") is None
    assert uploads.take(keys[1], "york") is None
    assert "1" == uploads.take(keys[1], "lab").name
    assert uploads.take(keys[1], "lab") is None
    now[0] = KEPT_MS + 1
    assert uploads.take(keys[2], "lab") is None


def test_names_of_files_and_kinds_as_people_read_them():
    """Without folders and what cannot be printed; kinds with a capital."""
    assert ["b.csv", "b.csv", "file", "x" * 100] == [
        shown_name(name) for name in ("/a/b.csv", "C:\\a\\b\x00.csv", "/", "x" * 500)
    ]
    assert ["QA scores", "Queue log", "Agents"] == [kind_title(name) for name in ("qa_scores", "queue_log", "agents")]


def test_in_a_browser(empty_store: Store, tmp_path: Path, page: Page):
    """A file chosen, checked, stored and taken back with the mouse."""
    file = tmp_path / "shifts.csv"
    file.write_text(GOOD)
    with serving(empty_store, PLANS) as address:
        page.goto(f"{address}/imports?office=lab")
        page.select_option("select[name=kind]", "schedules")
        page.set_input_files("input[type=file]", file)
        page.click("text=Check it")
        assert 2 == page.locator("#changes tbody tr").count()
        page.click("text=Store it")
        page.wait_for_url("**/imports?office=lab#history")
        assert 1 == page.locator("#runs tbody tr").count()
        page.click("#runs button")
        page.wait_for_selector("text=taken back 22 November")
    assert [] == empty_store.imported("lab", "schedules", 0, NOW_MS)
