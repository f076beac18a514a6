import gzip
import json
from pathlib import Path

import pytest

from cloud_sink.kpi.accessibility import FORMULAS

DAY = "2026-11-22"
LAB = "/api/v1/offices/lab"


def test_every_queue_is_as_the_pbx_logged_it(client, captures: Path):
    """From packets to JSON: offered, answered and abandoned are the PBX's own, the speed of answer within 0.6 s."""
    expected = json.loads((captures / "office-day-A.expected.json").read_text())
    shown = client.get(f"{LAB}/report", params={"day": DAY}).json()["queues"]
    for queue, figures in expected["queues"].items():
        for kpi, figure in figures.items():
            tolerance = expected["asa_tolerance_s"] if kpi == "asa" else 0
            assert figure == pytest.approx(shown[queue][kpi]["value"], abs=tolerance), (queue, kpi)


def test_every_value_says_what_it_rests_on(client):
    """Counters, basis, unit and whether it is a small sample; shares with their interval around them."""
    report = client.get(f"{LAB}/report", params={"day": DAY}).json()
    for value in report["total"].values():
        assert value["basis"] in ("caller", "queue", "ring")
        assert {"value", "numerator", "denominator", "unit", "interval", "small"} < set(value)
    level = report["total"]["service_level"]
    assert level["interval"][0] < level["value"] < level["interval"][1]
    assert report["total"]["coverage"]["interval"] is None


def test_offices_tell_which_days_there_are(client):
    """First and last moment in the office's own time."""
    (office,) = client.get("/api/v1/offices").json()
    assert ("lab", "Lab office", "Europe/London", DAY) == tuple(
        office[key] for key in ("office", "name", "time_zone", "latest_day")
    )
    assert office["first"].startswith(f"{DAY}T06:39")
    assert office["first"] < office["last"]


def test_without_a_period_the_latest_observed_day_is_meant(client):
    """The same as asking for it."""
    assert client.get(f"{LAB}/report").json() == client.get(f"{LAB}/report", params={"day": DAY}).json()


def test_period_by_its_ends(client):
    """Two parts of a day add up to the day; a time without an offset is meant in the office's zone."""
    spans = [(f"{DAY}T06:00", f"{DAY}T06:45Z"), (f"{DAY}T06:45", f"{DAY}T08:00:00+01:00")]
    parts = [client.get(f"{LAB}/report", params={"from": a, "until": b}).json()["total"] for a, b in spans]
    whole = client.get(f"{LAB}/report", params={"from": DAY, "until": DAY}).json()["total"]
    for kpi in ("offered", "answered", "abandoned", "missed_contacts"):
        assert whole[kpi]["value"] == sum(part[kpi]["value"] for part in parts)


def test_quarter_hours_add_up_to_the_day(client):
    """96 rows, the sum of which is the report's."""
    total = client.get(f"{LAB}/report", params={"day": DAY}).json()["total"]
    buckets = client.get(f"{LAB}/grid", params={"day": DAY}).json()["buckets"]
    assert 96 == len(buckets)
    for column, kpi in (("offered", "offered"), ("answered", "answered"), ("missed", "missed_contacts")):
        assert total[kpi]["value"] == sum(bucket[column] for bucket in buckets)


def test_threshold_can_be_switched(client):
    """A shorter one is harder to keep, in the report and in the grid."""
    levels = [
        client.get(f"{LAB}/report", params={"day": DAY, "threshold_s": seconds}).json()["total"]["service_level"][
            "value"
        ]
        for seconds in (0, 5, 20)
    ]
    assert levels == sorted(levels)
    assert levels[0] < levels[2]
    grid = client.get(f"{LAB}/grid", params={"day": DAY, "threshold_s": 5}).json()
    assert 5 == grid["threshold_s"]


def test_contacts_come_in_pages(client):
    """Pages put together are everything, in order of arrival; filters hold for each of them."""
    asked = {"day": DAY, "direction": "in", "queue": "support", "limit": 40}
    first = client.get(f"{LAB}/contacts", params=asked).json()
    found = first["contacts"]
    while len(found) < first["total"]:
        found += client.get(f"{LAB}/contacts", params=asked | {"offset": len(found)}).json()["contacts"]
    times = [contact["t_offer"] for contact in found]
    assert times == sorted(times)
    assert {("in", "support")} == {(contact["direction"], contact["queue"]) for contact in found}


def test_contact_with_its_legs(client):
    """Every leg it names is there, each with a settled outcome."""
    page = client.get(f"{LAB}/contacts", params={"day": DAY, "disposition": "answered", "direction": "in"}).json()
    asked = page["contacts"][0]
    answer = client.get(f"{LAB}/contacts/{asked['contact_id']}").json()
    assert asked == answer["contact"]
    assert asked["legs"] == [leg["leg_id"] for leg in answer["legs"]]
    assert all(leg["outcome"] for leg in answer["legs"])


def test_missed_callers_are_the_report_s(client):
    """As many to call back as the KPI says, the latest first."""
    total = client.get(f"{LAB}/report", params={"day": DAY}).json()["total"]
    callers = client.get(f"{LAB}/missed", params={"day": DAY}).json()["callers"]
    assert total["callback_open"]["value"] == sum(caller["state"] == "open" for caller in callers)
    assert total["missed_contacts"]["value"] == sum(caller["attempts"] for caller in callers)
    assert [caller["last"] for caller in callers] == sorted((caller["last"] for caller in callers), reverse=True)


def test_catalogue_explains_every_number_of_a_report(client):
    """No KPI without title, formula and source."""
    known = {kpi["id"]: kpi for kpi in client.get("/api/v1/kpis").json()}
    report = client.get(f"{LAB}/report", params={"day": DAY}).json()
    shown = {*report["total"], *report["queues"]["support"], *report["extensions"]["101"]}
    scopes = {"total", "queues", "extensions"}
    assert {kpi_id for kpi_id, kpi in known.items() if scopes.intersection(kpi["scopes"])} == shown
    assert all(kpi["title"] and kpi["formula"] and kpi["source"] for kpi in known.values())


def test_health_names_the_boxes(client):
    """Which boxes report, and whether anything lies in quarantine."""
    health = client.get("/api/v1/health").json()
    assert ("ok", 1, 0) == (health["status"], health["offices"], health["quarantined"])
    assert [("lab", True)] == [(box["box"], box["online"]) for box in health["boxes"]]


def test_openapi_describes_every_address(client):
    """A program can find out by itself what there is."""
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {f"/api/v1/{rest}" for rest in ("offices", "kpis", "health")} < set(paths)
    assert "/api/v1/offices/{office}/report" in paths
    assert "/" not in paths


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("offices/nowhere/report", 404, 'there is no office "nowhere"; there is: lab'),
        ("offices/lab/report?day=yesterday", 422, '"yesterday" is no day: write it as 2026-06-01'),
        ("offices/lab/report?from=2026-11-22", 422, 'a period needs both "from" and "until"'),
        ("offices/lab/report?from=2026-11-23&until=2026-11-22", 422, "must be later"),
        ("offices/lab/report?from=2020-01-01&until=2026-11-22", 422, "at most 400 days"),
        ("offices/lab/report?day=2026-11-22&from=2026-11-22&until=2026-11-22", 422, "for one of them"),
        ("offices/lab/report?day=0001-01-01", 422, "outside the calendar"),
        ("offices/lab/report?from=now&until=then", 422, '"now" is no time'),
        ("offices/lab/report?threshold_s=-1", 422, '"threshold_s"'),
        ("offices/lab/contacts?limit=100000", 422, '"limit"'),
        ("offices/lab/contacts/none-such", 404, 'has no contact "none-such"'),
        ("offices/nowhere/contacts/x", 404, "no office"),
    ],
)
def test_wrong_questions_get_one_line(client, path: str, status: int, words: str):
    """Which of the visitor's words is wrong, and what would do."""
    answer = client.get(f"/api/v1/{path}")
    assert status == answer.status_code
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def test_survey_s_answers_are_the_pbx_s(client, captures: Path):
    """The keys that callers pressed at the survey's number, as Asterisk's own dialplan read them."""
    calls = json.loads(gzip.decompress((captures / "office-day-A.truth" / "calls.json.gz").read_bytes()))["calls"]
    told = [
        json.loads(event["extra"])["extra"].split("/")
        for call in calls
        for event in call.get("user", [])
        if event["type"] == "SURVEY" and call["legs"][0]["exten"] == "442079460510"
    ]
    total = client.get(f"{LAB}/report", params={"day": DAY}).json()["total"]
    for kpi, column in (("csat_mean", 0), ("ces", 1)):
        keyed = [int(answers[column]) for answers in told]
        assert sum(keyed) / len(keyed) == pytest.approx(total[kpi]["value"])
    assert len(told) == total["nps"]["denominator"]


def test_a_week_and_a_month_are_periods_too(client):
    """The recorded Sunday ends its week; both ways of asking at once are refused in a line."""
    week = client.get(f"{LAB}/report", params={"week": DAY}).json()
    month = client.get(f"{LAB}/report", params={"month": DAY[:7]}).json()
    day = client.get(f"{LAB}/report", params={"day": DAY}).json()
    assert ["2026-11-16", "2026-11-01"] == [each["period"]["from"][:10] for each in (week, month)]
    assert day["total"]["offered"] == week["total"]["offered"] == month["total"]["offered"]
    assert 422 == client.get(f"{LAB}/report", params={"week": DAY, "day": DAY}).status_code


@pytest.mark.parametrize("formula", FORMULAS)
def test_service_level_is_of_the_formula_asked_for(client, formula: str):
    """The headline number is one of the six that stand beside it, in total and in every queue; the page shows it so."""
    asked = {"day": DAY, "formula": formula, "threshold_s": 5}
    report = client.get(f"{LAB}/report", params=asked).json()
    assert (formula, 5) == (report["service_level"]["formula"], report["service_level"]["threshold_s"])
    for values in (report["total"], *report["queues"].values()):
        assert values[formula] == values["service_level"]
    page = client.get("/", params={"office": "lab", **asked}).text
    assert f'data-kpi="service_level" data-value="{report["total"]["service_level"]["value"]}"' in page
    assert "back to the office" in page


def test_unknown_formula_is_refused(client):
    """One line, 422."""
    assert 422 == client.get(f"{LAB}/report", params={"day": DAY, "formula": "sl_best"}).status_code
