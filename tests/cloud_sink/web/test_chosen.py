from collections.abc import Iterator
from datetime import date

import pytest

from cloud_sink.contacts.records import JALALI, OfficePlan
from cloud_sink.office import Office
from cloud_sink.question import Question
from cloud_sink.store import Store
from cloud_sink.web.chosen import Chosen, asked_days

NOW_MS = 1_795_354_000_000  # 2026-11-22


@pytest.fixture
def office(empty_store: Store) -> Iterator[Office]:
    """An office of a sink without any calls."""
    return Office(OfficePlan("lab"), empty_store, lambda: NOW_MS)


def choose(office: Office, **asked: str) -> Chosen:
    """What a page shows when it is asked so."""
    question = Question(**({"day": None, "from_": None, "until": None} | asked))
    return Chosen(office, [office], office.period(question), asked=True)


@pytest.mark.parametrize(
    ("asked", "earlier", "later"),
    [
        ({"day": "2026-11-20"}, ("2026-11-19", "2026-11-19"), ("2026-11-21", "2026-11-21")),
        ({"day": "2026-11-22"}, ("2026-11-21", "2026-11-21"), None),
        ({"week": "2026-11-11"}, ("2026-11-02", "2026-11-08"), ("2026-11-16", "2026-11-22")),
        ({"month": "2026-03"}, ("2026-02-01", "2026-02-28"), ("2026-04-01", "2026-04-30")),
        ({"from_": "2026-11-01", "until": "2026-11-03"}, ("2026-10-29", "2026-10-31"), ("2026-11-04", "2026-11-06")),
    ],
)
def test_steps_lead_to_days_of_the_same_kind(office: Office, asked, earlier, later):
    """As many days, or the whole month beside a month; nothing lies after today."""
    found = choose(office, **asked)
    assert tuple(map(date.fromisoformat, earlier)) == found.earlier
    assert (later and tuple(map(date.fromisoformat, later))) == found.later


def test_months_are_those_of_the_offices_calendar(empty_store: Store):
    """Beside Mehr 1405 lie Shahrivar and Aban."""
    office = Office(OfficePlan("tehran", calendar=JALALI), empty_store, lambda: NOW_MS)
    found = choose(office, month="1405-07")
    assert (date(2026, 8, 23), date(2026, 9, 22)) == found.earlier
    assert (date(2026, 10, 23), date(2026, 11, 21)) == found.later


def test_a_period_that_reaches_into_the_future_offers_the_weeks_of_its_past(office: Office):
    """The day whose week and month are offered has happened, or is the first."""
    assert date(2026, 11, 22) == choose(office, month="2026-11").around
    assert date(2026, 12, 1) == choose(office, month="2026-12").around


def test_one_end_alone_is_one_day():
    """As a form with one field left empty sends it."""
    assert ("2026-11-01", "2026-11-01") == (asked_days(from_="2026-11-01").from_, asked_days(from_="2026-11-01").until)
    assert 0 == asked_days().ways


def test_chosen_days_go_with_the_visitor(client):
    """From a week to the same week of another page; to the day page as its last day; nothing is fixed unasked."""
    page = client.get("/period", params={"office": "lab", "week": "2026-11-22"}).text
    for path in ("agents", "signalling", "calls", "reports"):
        assert f'href="/{path}?office=lab&amp;from=2026-11-16&amp;until=2026-11-22"' in page
    day = client.get("/", params={"from": "2026-11-16", "until": "2026-11-22"}).text
    assert "<h1>Sunday, 22 November 2026</h1>" in day
    assert 'href="/agents?office=lab"' in client.get("/").text


def test_every_page_understands_every_way_of_asking(client):
    """A day, a week, a month, both ends; two ways at once are refused in a line."""
    for path in ("/", "/period", "/calls", "/agents", "/signalling", "/reports"):
        for asked in ({"day": "2026-11-22"}, {"week": "2026-11-22"}, {"month": "2026-11"}, {"from": "2026-11-21"}):
            assert 200 == client.get(path, params=asked).status_code, (path, asked)
        assert 422 == client.get(path, params={"day": "2026-11-22", "month": "2026-11"}).status_code, path
