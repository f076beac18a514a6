import csv
import io
from dataclasses import replace

import httpx
import pytest

from cloud_sink.contacts.records import Tariff
from cloud_sink.contacts.work_rules import Target

from .conftest import PATIENCE_S, serving

DAY = "2026-11-22"
LAB = "/api/v1/offices/lab"


def test_report_beside_an_earlier_one(client):
    """The day before the recording nobody watched: everything known now is null before, so no change is claimed."""
    report = client.get(f"{LAB}/report", params={"day": DAY, "compare": "previous"}).json()
    assert report["total"] == client.get(f"{LAB}/report", params={"day": DAY}).json()["total"]
    changes = report["comparison"]["total"]
    assert (None, None) == (changes["offered"]["difference"], changes["offered"]["before"]["value"])
    assert report["comparison"]["period"]["from"].startswith("2026-11-21")


def test_parts_of_the_day_are_compared(client):
    """The second part of the recording beside the first: the difference is that of both reports."""
    first = {"from": f"{DAY}T06:40", "until": f"{DAY}T06:50"}
    second = {"from": f"{DAY}T06:50", "until": f"{DAY}T07:00"}
    a, b = (client.get(f"{LAB}/report", params=part).json()["total"]["offered"]["value"] for part in (first, second))
    compared = client.get(f"{LAB}/report", params=second | {"compare": "previous"}).json()["comparison"]
    assert b - a == compared["total"]["offered"]["difference"]


def test_unknown_comparison_is_refused(client):
    """One line."""
    assert 422 == client.get(f"{LAB}/report", params={"compare": "yesteryear"}).status_code


def test_what_stands_out_names_its_calls(client):
    """The recorded day's support queue lost callers while most of its agents were talking; every call can be opened."""
    found = client.get(f"{LAB}/insights", params={"day": DAY}).json()["insights"]
    (left,) = [each for each in found if each["rule"] == "many_left"]
    assert "support" == left["subject"]
    assert left["figures"]["left"] == len(left["contacts"])
    for contact_id in left["contacts"]:
        contact = client.get(f"{LAB}/contacts/{contact_id}").json()["contact"]
        assert ("support", "abandoned") == (contact["queue"], contact["disposition"])


@pytest.mark.parametrize(("compare", "day"), [("previous", "Saturday, 21 November"), ("week", "Sunday, 15 November")])
def test_page_shows_both(client, compare: str, day: str):
    """The sentence with its calls, and the earlier day with how far it was watched."""
    page = client.get("/", params={"office": "lab", "day": DAY, "compare": compare}).text
    assert "callers of support left between" in page
    assert f"{day} 2026, 0 % of it watched" in page
    assert "Compared" in client.get("/").text


def test_cost_of_calls_is_shown_where_there_are_tariffs(store, plans):
    """The recorded day's calls to mobiles, priced; without tariffs the page does not speak of money."""
    priced = replace(plans["lab"], tariffs=(Tariff("all", ("4",), per_minute=0.6),))
    with serving(store, {"lab": priced}) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        total = client.get("/api/v1/offices/lab/report").json()["total"]
        assert total["call_cost"]["value"] > 0
        page = client.get("/").text
        assert f"{total['unpriced']['value']:.0f} without a tariff" in page
    with serving(store, plans) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        assert "<dt>Cost of calls</dt>" not in client.get("/").text


def test_targets_on_pages_and_as_a_table(store, plans):
    """Met and missed, each with its limit; the same by queue; without targets there is no card."""
    aims = (Target("asa", 28, at_most=True), Target("abandon_rate", 1, at_most=True))
    plan = replace(plans["lab"], targets=aims)
    with serving(store, {"lab": plan}) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        for page in ("/?office=lab&day=2026-11-22", "/period?office=lab&from=2026-11-16&until=2026-11-22"):
            card = client.get(page).text.partition('id="targets"')[2].partition("</section>")[0]
            assert "at most 28.0 s: met" in card
            assert "at most 1.0 %: missed" in card
            assert "/reports/table/targets?office=lab" in card
        table = client.get("/api/v1/offices/lab/export/targets.csv?day=2026-11-22").content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(table, newline="")))
        found = {(row["about"], row["kpi"]): (row["target"], row["met"]) for row in rows}
        assert ("<= 28", "True") == found["all", "asa"]
        assert ("<= 1", "False") == found["support", "abandon_rate"]
        assert ">= 80" == found["all", "service_level"][0]
    with serving(store, plans) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        assert 'id="targets"' not in client.get("/?office=lab&day=2026-11-22").text
