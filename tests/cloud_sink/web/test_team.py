"""A recorded day with what people know about it: names, teams, shifts, scores; beside the PBX's own log."""

import csv
import io
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import httpx
import openpyxl
import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.contacts.work_rules import Criterion, Scorecard
from cloud_sink.imports.importing import apply, read_file
from cloud_sink.imports.kinds import KINDS
from cloud_sink.store import ImportOrigin, Store

from .conftest import NOW_MS, serving

DAY = "2026-11-22"
ORIGIN = ImportOrigin(NOW_MS, "file.csv", "test")
LAB = "/api/v1/offices/lab"
AGENTS = {"Alice": "101", "Bob": "102", "Carol": "103", "Dave": "104", "Erin": "105"}
CUSTOMER = "447700915400"  # called the office and was not answered
TEAMS = {"Erin": "sales"}
FILES = {
    "agents": "agent,extension,from,team\n"
    + "".join(f"{name},{phone},2026-01-01,{TEAMS.get(name, 'support')}\n" for name, phone in AGENTS.items()),
    "schedules": "agent,start,end,activity\n"
    + "".join(f"{name},{DAY} 06:30,{DAY} 07:30,on queue\n{name},{DAY} 07:30,{DAY} 07:45,break\n" for name in AGENTS),
    "qa_scores": f"agent,at,score,out_of\nAlice,{DAY},9,10\nBob,{DAY},70,\n",
    "staff": "agent,joined,left,hourly_cost\nAlice,2024-01-01,,24\nBob,2024-01-01,2026-11-22,\n",
    "costs": "what,from,until,amount\nrent,2026-11-01,2026-11-30,1800\n",
    "tariffs": "name,prefix,per_minute\nall,4,0.06\n",
    "absences": f"agent,from,until,reason\nZoe,{DAY},{DAY},sick\n",
    "dispositions": "disposition,number,at,success\n"
     f"delivery,+447700981365,{DAY} 06:40,yes\ndelivery,+447700977444,{DAY} 06:40,\n"
     f"invoice,+447700995072,{DAY} 06:40,no\ninvoice,+447700999999,{DAY} 06:40,yes\n",
    "surveys": "question,score,number,at,queue,agent\n"
     f"csat,5,+447700981365,{DAY} 06:40,,\ncsat,3,,{DAY} 06:41,sales,Erin\nnps,9,,{DAY} 06:42,,\n",
    "customers": f"number,name,segment,shared\n+{CUSTOMER},Example Ltd,gold,no\n",
}  # fmt: skip
CARD = Scorecard("support", (Criterion("qa_score", 100), Criterion("service_level", 80, weight=2)), queue="support")


@pytest.fixture(scope="module")
def staffed(
    tmp_path_factory: pytest.TempPathFactory, store: Store, plans: dict[str, OfficePlan]
) -> Iterator[httpx.Client]:
    """A copy of the recorded day with imports, served."""
    folder = tmp_path_factory.mktemp("staffed")
    source = sqlite3.connect(store.url.removeprefix("sqlite:///"))
    source.execute("VACUUM INTO ?", (str(folder / "sink.db"),))
    source.close()
    copy = Store.open(f"sqlite:///{folder / 'sink.db'}")
    plan = replace(plans["lab"], scorecards=(CARD,))
    for kind, text in FILES.items():
        (folder / f"{kind}.csv").write_text(text)
        apply(read_file(folder / f"{kind}.csv", kind, plan, copy), kind, plan, copy, how="write", origin=ORIGIN)
    with serving(copy, {"lab": plan}) as address, httpx.Client(base_url=address, timeout=60) as found:
        yield found
    copy.close()


def team(client: httpx.Client) -> dict:
    """The day's team report."""
    return client.get(f"{LAB}/team", params={"day": DAY}).json()


def rows(client: httpx.Client, name: str) -> list[dict[str, str]]:
    """An export's rows."""
    answer = client.get(f"{LAB}/export/{name}.csv", params={"day": DAY})
    assert 200 == answer.status_code
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_agents_have_names_and_the_numbers_of_their_phones(client: httpx.Client, staffed: httpx.Client):
    """The same calls and states as by extension, imported answers apart; whoever has no name is the phone."""
    phones = client.get(f"{LAB}/report", params={"day": DAY}).json()["extensions"]
    found = {each["agent"]: each for each in team(staffed)["agents"]}
    assert phones.keys() - set(AGENTS.values()) == found.keys() - AGENTS.keys()
    for name, phone in AGENTS.items():
        assert [phone] == found[name]["extensions"]
        for kpi, value in phones[phone].items():
            assert value == found[name]["kpis"][kpi] or kpi in ("csat", "csat_mean"), kpi


def test_imported_numbers_are_there(staffed: httpx.Client):
    """Adherence within its bounds, quality as imported, a leaver of two; and null for whoever has no schedule."""
    found = team(staffed)
    adherence = [each["kpis"]["schedule_adherence"]["value"] for each in found["agents"]]
    assert len(AGENTS) == sum(value is not None and 0 <= value <= 100 for value in adherence)
    assert 80 == found["teams"]["support"]["qa_score"]["value"]
    assert (2, 50) == tuple(found["everybody"][name]["value"] for name in ("headcount", "turnover_rate"))
    assert ["sales", "support"] == list(found["teams"])


def test_scorecard_by_the_teams_own_criteria(staffed: httpx.Client):
    """Quality of its agents and the service level of its queue, in the API and in the KPI matrix."""
    found = team(staffed)
    (quality, level) = found["scorecards"]["support"]
    assert ("qa_score", 80, 80) == (quality["kpi"], quality["value"], quality["points"])
    report = staffed.get(f"{LAB}/report", params={"day": DAY}).json()
    assert report["queues"]["support"]["service_level"]["value"] == level["value"]
    points = (quality["points"] + 2 * level["points"]) / 3
    assert pytest.approx(points, abs=0.01) == found["teams"]["support"]["scorecard"]["value"]
    assert ["qa_score", "service_level", "scorecard"] == [row["kpi"] for row in rows(staffed, "scorecards")]


def test_discipline_events_name_agents(client: httpx.Client, staffed: httpx.Client):
    """Without schedules only what happened to calls; with them what was not kept of the plan as well."""
    plain, named = (each.get(f"{LAB}/discipline", params={"day": DAY}).json()["lapses"] for each in (client, staffed))
    of_calls = {"no_answer", "long_ring", "rejected", "quick_hangup"}
    assert {each["rule"] for each in plain} <= of_calls
    assert len(plain) == sum(each["rule"] in of_calls for each in named)
    planned = [each for each in named if each["rule"] not in of_calls]
    assert planned
    assert {each["agent"] for each in planned} <= set(AGENTS)
    assert sorted(each["at"] for each in named) == [each["at"] for each in named]
    assert [each["rule"] for each in named] == [row["rule"] for row in rows(staffed, "discipline")]


def test_the_timeline_adds_up_to_the_states(staffed: httpx.Client):
    """I4 in what people take away: nobody is in two states at once, and states last as long as on the timeline."""
    total: dict[str, float] = {}
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in rows(staffed, "timeline"):
        total[row["agent"]] = total.get(row["agent"], 0) + float(row["seconds"])
        spans.setdefault(row["agent"], []).append(tuple(map(datetime.fromisoformat, (row["from"], row["until"]))))  # type: ignore[arg-type]
    assert all(a[1] <= b[0] for found in spans.values() for a, b in pairwise(sorted(found)))
    columns = ("busy_s", "available_s", "break_s", "do_not_disturb_s", "out_of_queue_s", "offline_s")
    for row in rows(staffed, "agent_states"):
        assert pytest.approx(total[row["agent"]]) == sum(float(row[column]) for column in columns)


def test_spending_adds_up(staffed: httpx.Client):
    """Calls by tariff, staff by agent, a thirtieth of the month's rent; together they are the cost per contact."""
    found = rows(staffed, "spending")
    total = staffed.get(f"{LAB}/report", params={"day": DAY}).json()["total"]
    amounts: dict[str, float] = {}
    for row in found:
        amounts[row["kind"]] = amounts.get(row["kind"], 0) + float(row["amount"])
    assert [("staff", "Alice"), ("other", "rent")] == [
        (row["kind"], row["name"]) for row in found if row["kind"] != "calls"
    ]
    assert {"call_cost": amounts["calls"], "staff_cost": 30, "other_cost": 60} == {
        name: pytest.approx(total[name]["value"]) for name in ("call_cost", "staff_cost", "other_cost")
    }
    spent = sum(total[name]["value"] for name in ("call_cost", "staff_cost", "other_cost"))
    assert pytest.approx(spent / total["answered"]["value"], abs=1e-5) == total["cost_per_contact"]["value"]


def test_staffing_hour_by_hour(client: httpx.Client):
    """The hour that was called in needs agents, and the phones of the recorded office were there."""
    hours = client.get(f"{LAB}/staffing", params={"day": DAY}).json()
    assert 24 == len(hours)
    busy = max(hours, key=lambda hour: hour["offered"])
    assert f"{DAY}T06:00:00+00:00" == busy["from"]
    assert busy["agents_needed"] - busy["agents_there"] == pytest.approx(busy["occupancy_forecast_gap"])
    assert 10 < busy["agents_there"] <= 20
    assert hours[3]["agents_there"] is None  # before the tap
    assert [str(hour["offered"]) for hour in hours] == [row["offered"] for row in rows(client, "staffing")]


def test_customers_are_named(staffed: httpx.Client):
    """Beside each of their calls, and nobody else's."""
    for name in ("contacts", "missed", "callers"):
        found = rows(staffed, name)
        assert {"Example Ltd"} == {row["customer"] for row in found if CUSTOMER in (row["caller"], row.get("did"))}
        assert {""} == {row["segment"] for row in found if CUSTOMER not in (row["caller"], row.get("did"))}


def test_page_shows_names_teams_and_events(client: httpx.Client, staffed: httpx.Client):
    """Names instead of phones, each team's row, and the events; without imports nothing of it but the calls'."""
    named = staffed.get("/agents", params={"office": "lab", "day": DAY}).text
    assert all(f'data-agent="{name}"' in named for name in AGENTS)
    assert (2, 1) == (named.count("data-team="), named.count('id="discipline-title"'))
    assert "Adherence" in named
    plain = client.get("/agents", params={"office": "lab", "day": DAY}).text
    assert 'data-agent="101"' in plain
    assert (0, 0) == (plain.count("data-team="), plain.count('data-kpi="schedule_adherence"'))


def test_what_was_imported_is_listed(staffed: httpx.Client, client: httpx.Client):
    """Every kind, with its rows; none where nothing was imported."""
    found = {each["kind"]: each for each in staffed.get(f"{LAB}/imports").json()}
    assert [*KINDS, "queue_log"] == list(found)
    assert (10, f"{DAY}T06:30:00+00:00") == (found["schedules"]["rows"], found["schedules"]["first"])
    assert (1, None) == (found["customers"]["rows"], found["customers"]["first"])
    assert {0} == {each["rows"] for each in client.get(f"{LAB}/imports").json()}


@pytest.mark.parametrize("kind", KINDS)
def test_templates_can_be_fetched(client: httpx.Client, kind: str):
    """As both kinds of file."""
    answer = client.get(f"/api/v1/imports/{kind}/template.csv")
    assert f'attachment; filename="ringtap-{kind}.csv"' == answer.headers["content-disposition"]
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(f"/api/v1/imports/{kind}/template.xlsx").content)).active
    heads = [column.name for column in KINDS[kind].columns]
    assert heads == next(csv.reader([answer.text.lstrip("\ufeff").splitlines()[0]]))
    assert heads == [cell.value for cell in sheet[1]]


def test_unknown_template_is_refused(client: httpx.Client):
    """The answer names what there is."""
    answer = client.get("/api/v1/imports/tea/template.csv")
    assert (422, True) == (answer.status_code, "agents, schedules" in answer.json()["detail"])


def test_what_was_noted_is_counted(staffed: httpx.Client):
    """Two words of three notes, the more frequent first; a note of no call of the day is none."""
    found = rows(staffed, "results")
    assert [("delivery", "2", "66.667", "1", "0"), ("invoice", "1", "33.333", "0", "1")] == [
        tuple(row[head] for head in ("noted", "calls", "share (%)", "successes", "failures")) for row in found
    ]
    assert float(found[0]["talk_avg_s"]) > 0


def test_what_callers_answered_elsewhere_is_counted(staffed: httpx.Client, client: httpx.Client):
    """In total, of the queue and the agent that the call or the file names; the page of the day shows it."""
    heard, found = (each.get(f"{LAB}/report", params={"day": DAY}).json() for each in (client, staffed))
    assert (2, 1) == tuple(
        found["total"][kpi]["denominator"] - heard["total"][kpi]["denominator"] for kpi in ("csat", "nps")
    )
    call = staffed.get(f"{LAB}/contacts", params={"day": DAY, "limit": 1000}).json()["contacts"]
    [about] = [each for each in call if each["caller"] == "447700981365" and each["direction"] == "in"]
    assert 5.0 == found["queues"][about["queue"]]["csat_mean"]["value"]
    agents = {each["agent"]: each["kpis"]["csat_mean"]["value"] for each in team(staffed)["agents"]}
    assert 3.0 == agents["Erin"]
    assert "Satisfied" in staffed.get("/", params={"office": "lab", "day": DAY}).text


def test_comparison_names_teams_and_agents(staffed: httpx.Client):
    """The first half of the recorded quarter of an hour beside the second: everybody who was in both."""
    second = {"from": f"{DAY}T06:46:00Z", "until": f"{DAY}T06:53:00Z"}
    answer = staffed.get(f"{LAB}/export/comparison.csv", params=second)
    found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert set(AGENTS) == {row["name"] for row in found if row["scope"] == "agent"}
    assert {"sales", "support"} == {row["name"] for row in found if row["scope"] == "team"}
    phones = {(row["name"], row["kpi"]): row for row in found if row["scope"] == "extension"}
    for row in found:
        if row["scope"] == "agent" and (AGENTS[row["name"]], row["kpi"]) in phones:
            assert phones[AGENTS[row["name"]], row["kpi"]]["difference"] == row["difference"]
