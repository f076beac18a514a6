"""What goes on this moment, as the page shows it."""

import httpx
import pytest
from starlette.testclient import TestClient

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.states import AVAILABLE, PAUSE, Interval
from cloud_sink.live import LivePicture, Progress
from cloud_sink.store import Store
from cloud_sink.web.app import create_app
from cloud_sink.web.live import add_live
from cloud_sink.web.now_page import Doings, describe_moment

from .conftest import NOW_MS

CUSTOMER, OTHER = "447700900123", "447700900456"


def line(caller: str, seconds: float, phase: str = "talking") -> Progress:
    """A customer's own leg."""
    return Progress(f"line-{caller}", phase, "trunk", "in", "", caller, "4400", NOW_MS - round(seconds * 1000))


def phone(extension: str, phase: str, caller: str, seconds: float = 5) -> Progress:
    """A phone that customers' calls reach."""
    start = NOW_MS - round(seconds * 1000)
    return Progress(f"phone-{extension}", phase, "phone", "in", extension, caller, extension, start)


def moment(*legs: Progress, states=None, names=None, shown=str):
    """What the page is told."""
    return describe_moment(legs, states or {}, names or {}, now_ms=NOW_MS, shown=shown)


def test_who_waits_is_on_the_line_and_spoken_to_by_nobody():
    """One of two talks with 101, whose PBX shows his number without the country; the other waits for 70 s."""
    found = moment(
        line(CUSTOMER, 90), line(OTHER, 70), phone("101", "talking", "07700900123"), phone("102", "ringing", OTHER)
    )
    assert (1, "1:10 min", 1, 1) == (found.waiting, found.longest, found.ringing, found.talking)
    assert (0, "") == (moment(phone("101", "talking", CUSTOMER)).waiting, moment().longest)


def test_two_withheld_callers_are_two():
    """Numbers do not tell them apart, but one of them talks."""
    found = moment(line("", 9), line("", 8), phone("101", "talking", ""))
    assert 1 == found.waiting
    assert "withheld" == found.rows[0].whom


def test_a_phone_that_rings_or_talks_is_told_before_its_state():
    """The state is some seconds old; names come from the seats, the talking leg before the ringing one."""
    states = {
        "101": [Interval(AVAILABLE, NOW_MS - 60_000, NOW_MS, logged_in=True)],
        "102": [
            Interval(AVAILABLE, NOW_MS - 900_000, NOW_MS - 600_000, logged_in=True),
            Interval(PAUSE, NOW_MS - 600_000, NOW_MS - 300_000, logged_in=True, source="feature_code"),
            Interval(PAUSE, NOW_MS - 300_000, NOW_MS, logged_in=True, source="told"),
        ],
    }
    legs = (phone("101", "talking", CUSTOMER), phone("101", "ringing", OTHER))
    found = moment(*legs, states=states, names={"101": "Alice"}, shown=lambda number: f"caller-{number[-3:]}")
    assert [("Alice", "101", "in a call", "caller-123"), ("102", "102", "on break", "")] == [
        (row.name, row.phone, row.words, row.whom) for row in found.rows
    ]
    assert ["5.0 s", "10:00 min"] == [row.since for row in found.rows]


def test_states_are_read_once_for_all_who_look(office):
    """Within five seconds; then again."""
    clock = [0.0]
    doings = Doings(lambda: clock[0])
    first = doings.of(office)
    assert first[0] is doings.of(office)[0]
    clock[0] = 6.0
    assert first[0] is not doings.of(office)[0]
    assert first[0] == doings.of(office)[0]


def test_the_page_shows_the_day_and_follows(client: httpx.Client):
    """The recorded day's numbers, every phone with what it did last, and a script that asks again."""
    html = client.get("/now", params={"office": "lab"}).text
    assert 'data-refresh-s="3"' in html
    total = client.get("/api/v1/offices/lab/report", params={"day": "2026-11-22"}).json()["total"]
    for kpi in ("service_level", "offered", "asa"):
        assert f'data-kpi="{kpi}" data-value="{total[kpi]["value"]}"' in html
    assert 'data-phone="101"' in html
    assert 'href="/now?office=lab" aria-current="page"' in html


def test_a_live_leg_is_on_the_page(empty_store: Store):
    """Within a refresh of the box's word, and gone when it ended."""
    app, picture = create_app(empty_store, {"lab": OfficePlan("lab")}, now_ms=lambda: NOW_MS), LivePicture()
    add_live(app, picture)
    picture.receive_progress("box", "lab", phone("101", "ringing", CUSTOMER))
    client = TestClient(app, base_url="http://127.0.0.1")
    html = client.get("/now").text
    assert '<span id="waiting">—</span>' in html  # no line was ever seen here: that is not 0
    assert ('class="desk ringing" data-phone="101"' in html, CUSTOMER in html) == (True, True)
    picture.receive_progress("box", "lab", phone("101", "ended", CUSTOMER))
    assert "No phone was seen today" in client.get("/now").text


@pytest.fixture
def office(store: Store, plans):
    """The lab."""
    from cloud_sink.office import Offices

    return Offices(store, plans, lambda: NOW_MS).get("lab")
