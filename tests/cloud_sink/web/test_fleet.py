"""The fleet as programs and people see it."""

import pytest

DAY = "2026-11-22"
FLEET = "/api/v1/fleet"


def test_a_fleet_of_one_is_its_office(client):
    """The recorded day: the same counters as the office's own report."""
    fleet = client.get(FLEET, params={"from": DAY, "until": DAY}).json()
    (line,) = fleet["offices"]
    report = client.get("/api/v1/offices/lab/report", params={"day": DAY}).json()
    for kpi_id, value in line["kpis"].items():
        if kpi_id != "coverage":
            assert report["total"][kpi_id] == value
    assert ("lab", line["kpis"]["offered"]) == (line["office"], fleet["total"]["kpis"]["offered"])
    assert report["percentiles"]["wait"] == line["wait_s"]


def test_another_threshold_is_for_every_office(client):
    """One of those that are counted."""
    strict = client.get(FLEET, params={"from": DAY, "until": DAY, "threshold_s": "5"}).json()
    report = client.get("/api/v1/offices/lab/report", params={"day": DAY, "threshold_s": 5}).json()
    assert report["total"]["service_level"] == strict["offices"][0]["kpis"]["service_level"]
    assert 5 == strict["threshold_s"]


def test_without_days_it_is_the_last_thirty(client):
    """Until today, as the offices' clocks show it."""
    fleet = client.get(FLEET).json()
    assert ("2026-10-24", DAY) == (fleet["from"], fleet["until"])
    assert fleet["total"]["kpis"]["offered"]["value"] > 0


@pytest.mark.parametrize(
    "query", ["from=yesterday", f"from={DAY}&until=2026-11-21", "from=2020-01-01&until=2026-01-01", "threshold_s=17",
              "until=0001-01-01"]
)  # fmt: skip
def test_impossible_questions_are_refused_in_one_line(client, query: str):
    """422 and what is wrong; on the page too."""
    answer = client.get(f"{FLEET}?{query}")
    assert (422, 1) == (answer.status_code, len(answer.json()["detail"].splitlines()))
    assert 422 == client.get(f"/fleet?{query}").status_code


def test_the_page_shows_every_office_with_its_numbers(client):
    """Each row leads to its office; the numbers are the API's."""
    page = client.get(f"/fleet?from={DAY}&until={DAY}").text
    offered = client.get(FLEET, params={"from": DAY, "until": DAY}).json()["total"]["kpis"]["offered"]["value"]
    assert '<tr data-office="lab"><th scope="row"><a href="/?office=lab">' in page
    assert f'data-kpi="offered" data-value="{offered}"' in page
