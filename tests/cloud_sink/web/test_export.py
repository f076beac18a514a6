import csv
import io

import openpyxl
import pypdf
import pytest

from cloud_sink.reports.tables import EXPORTS

DAY = "2026-11-22"
LAB = "/api/v1/offices/lab"
FEWEST_ROWS = {
    "comparison": 0,
    "insights": 1,
    "outbound": 2,
    "results": 0,
    "scorecards": 0,
    "sound": 1,
    "spending": 1,
    "teams": 1,
}  # of the recorded day; nothing was seen the day before


def fetch(client, name: str, kind: str = "csv"):
    """Rows of an export as dictionaries; numbers stay text."""
    answer = client.get(f"{LAB}/export/{name}.{kind}", params={"day": DAY})
    assert 200 == answer.status_code
    assert f'attachment; filename="ringtap-lab-{DAY}-{name}.{kind}"' == answer.headers["content-disposition"]
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    heads, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rows]


def report(client):
    """The report the exports must agree with."""
    return client.get(f"{LAB}/report", params={"day": DAY}).json()


def value_shown(expected, kpi: str) -> str:
    """A count as it is printed."""
    return f"{expected['total'][kpi]['value']:.0f}"


def test_report_has_every_value_of_the_api(client):
    """In total, per queue, per extension: the same numbers, nulls empty."""
    expected = report(client)
    parts = {("total", ""): expected["total"]}
    parts |= {("queue", name): values for name, values in expected["queues"].items()}
    parts |= {("extension", name): values for name, values in expected["extensions"].items()}
    rows = {(row["scope"], row["name"], row["kpi"]): row["value"] for row in fetch(client, "report")}
    for (scope, name), values in parts.items():
        for kpi, value in values.items():
            shown = rows.pop((scope, name, kpi))
            assert value["value"] == (None if shown == "" else pytest.approx(float(shown)))
    assert {} == rows


@pytest.mark.parametrize("name", EXPORTS)
def test_both_kinds_of_file_hold_the_same(client, name: str):
    """Rows, heads and texts of the CSV are those of the XLSX."""
    text, sheet = fetch(client, name), fetch(client, name, "xlsx")
    assert [list(row) for row in text] == [list(row) for row in sheet]
    assert len(text) >= FEWEST_ROWS.get(name, 5)
    for row, cells in zip(text, sheet, strict=True):
        assert [value for value in row.values() if value == ""] == [
            "" for value in cells.values() if value in (None, "")
        ]


def test_contacts_are_all_of_the_day(client):
    """One row each, with times in the office's own clock and durations in seconds."""
    page = client.get(f"{LAB}/contacts", params={"day": DAY, "limit": 1000}).json()
    rows = fetch(client, "contacts", "xlsx")
    assert page["total"] == len(rows)
    assert [c["contact_id"] for c in page["contacts"]] == [row["contact_id"] for row in rows]
    waits = [None if c["wait_ms"] is None else c["wait_ms"] / 1000 for c in page["contacts"]]
    assert waits == [row["wait_s"] for row in rows]
    assert rows[0]["t_offer"].startswith(f"{DAY}T06:")


def test_missed_and_extensions_are_those_of_the_page(client):
    """As many callers to call back and as many phones."""
    expected = report(client)
    missed = fetch(client, "missed", "xlsx")
    assert expected["total"]["callback_open"]["value"] == sum(row["state"] == "open" for row in missed)
    phones = fetch(client, "extensions", "xlsx")
    assert {row["extension"]: row["rings"] for row in phones} == {
        name: values["rings"]["value"] for name, values in expected["extensions"].items()
    }


@pytest.mark.parametrize(("path", "status"), [("nonsense.csv", 422), ("report.docx", 422), ("report", 404)])
def test_unknown_export_is_refused(client, path: str, status: int):
    """The answer names what there is."""
    assert status == client.get(f"{LAB}/export/{path}").status_code


def test_page_links_every_export(client):
    """Each as all kinds on the page of reports, where the page of the day leads to."""
    assert f'href="/reports?office=lab&amp;day={DAY}"' in client.get("/", params={"office": "lab", "day": DAY}).text
    page = client.get("/reports", params={"office": "lab", "day": DAY}).text
    for name in EXPORTS:
        for kind in ("csv", "xlsx", "pdf"):
            assert f'href="{LAB}/export/{name}.{kind}?day={DAY}"' in page


@pytest.mark.parametrize("name", ["summary", "queues", "missed", "planning", "signalling"])
def test_pdf_holds_the_numbers(client, name: str):
    """What a person prints says the same, and how much of the day it rests on."""
    answer = client.get(f"{LAB}/export/{name}.pdf", params={"day": DAY})
    assert "application/pdf" == answer.headers["content-type"]
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    expected = report(client)
    assert f"{100 * expected['coverage']:.1f} % of the time was watched" in text
    words = {"summary": value_shown(expected, "offered"), "queues": "support", "missed": "442079460"}
    assert words.get(name, {"planning": "sun calls", "signalling": "Session establishment ratio"}.get(name)) in text


def test_calls_to_the_outside_are_all_in_the_funnel(client):
    """Attempts of all numbers shown are the report's calls made, and so are those answered."""
    total, rows = report(client)["total"], fetch(client, "outbound", "xlsx")
    assert total["outbound_attempts"]["value"] == sum(row["attempts"] for row in rows)
    assert total["outbound_connected"]["value"] == sum(row["answered"] for row in rows)


def test_callers_are_those_of_the_report(client):
    """As many different numbers, and every call of theirs."""
    total, rows = report(client)["total"], fetch(client, "callers", "xlsx")
    assert total["unique_callers"]["value"] == len(rows)
    assert total["calls_per_caller"]["numerator"] == sum(row["calls"] for row in rows)


def test_signalling_is_that_of_the_api(client):
    """Every figure of every vantage point, by leg and by contact; without phones' reports no score."""
    vantages = client.get(f"{LAB}/signalling", params={"day": DAY}).json()["vantages"]
    rows = {(row["seen_at"], row["counted_by"], row["kpi"]): row for row in fetch(client, "signalling", "xlsx")}
    for place, vantage in vantages.items():
        for counted in ("leg", "contact"):
            for kpi, figure in vantage[f"by_{counted}"].items():
                row = rows.pop((place, counted, kpi))
                assert [figure[key] for key in ("value", "p50", "p95")] == [
                    None if row[key] is None else pytest.approx(row[key]) for key in ("value", "p50", "p95")
                ]
    assert {} == rows
    assert [("all phones", 0, None)] == [
        (row["extension"], row["reports"], row["mos_lq"]) for row in fetch(client, "sound", "xlsx")
    ]


def test_planned_week_is_that_of_the_api(client):
    """Calls an hour and agents of each hour of the week; what was not watched is empty."""
    hours = client.get(f"{LAB}/planning", params={"until": DAY}).json()["hours"]
    rows = {row["hour"]: row for row in fetch(client, "planning", "xlsx")}
    assert [f"{hour:02d}:00" for hour in range(24)] == list(rows)
    for each in hours:
        row, day = rows[f"{each['hour']:02d}:00"], each["weekday"][:3].lower()
        assert each["agents_required"] == row[f"{day}_agents"]
        assert each["arrival_profile"] == (
            None if row[f"{day}_calls"] is None else pytest.approx(row[f"{day}_calls"], abs=0.005)
        )
    assert any(each["agents_required"] for each in hours)


def test_quality_is_that_of_the_page(client):
    """The report's own indicators and the boxes', the same values."""
    expected = report(client)["total"] | client.get(f"{LAB}/quality", params={"day": DAY}).json()["indicators"]
    rows = {row["what"]: row for row in fetch(client, "quality", "xlsx") if row["what"] != "gap"}
    assert {"coverage", "contacts_ambiguous", "kernel_drops", "clock_offset_ms"} <= rows.keys()
    for kpi, row in rows.items():
        assert row["value"] == (None if expected[kpi]["value"] is None else pytest.approx(expected[kpi]["value"]))
