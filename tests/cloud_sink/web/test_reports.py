import io
from datetime import time

import httpx
import openpyxl
import pytest

from cloud_sink.reports.saved import Condition, SavedReport, Schedule

DAY = "2026-11-22"
LAB = "/api/v1/offices/lab"
SAVED = {
    "lab": (
        SavedReport(
            "slow", "Slow queues", ("queues",), kpis=("offered", "asa"), where=(Condition("asa", ">", 5.0),),
            period="today", file_kind="xlsx",
        ),
        SavedReport(
            "monday", "Mondays", ("summary", "queues"), names=("support", "sales"), compare="week",
            schedule=Schedule(time(7), frozenset({0})), recipients=("boss@example.com",),
        ),
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def asking(serve_with):
    """A program that asks a sink with saved reports."""
    with serve_with(SAVED) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def sheet(answer: httpx.Response) -> list[tuple[object, ...]]:
    """Rows of the first sheet, heads first."""
    assert 200 == answer.status_code
    return list(openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True))


def test_saved_reports_are_listed(asking):
    """With when the next mail goes out, by the office's clock."""
    slow, monday = asking.get(f"{LAB}/reports").json()
    assert ("slow", ["queues"], [], None) == (slow["name"], slow["tables"], slow["to"], slow["next"])
    assert ("2026-11-23T07:00:00+00:00", None) == (monday["next"], monday["last_sent"])


def test_saved_report_keeps_what_was_asked_for(asking):
    """Two columns besides the name, and only queues that are slow; the same numbers as the report of the API."""
    heads, *rows = sheet(asking.get(f"{LAB}/reports/slow.xlsx"))
    assert ("queue", "offered", "asa (s)") == heads
    queues = asking.get(f"{LAB}/report", params={"day": DAY}).json()["queues"]
    slow = {name: values["asa"]["value"] for name, values in queues.items() if (values["asa"]["value"] or 0) > 5}
    assert slow
    assert slow == {name: asa for name, _, asa in rows}


def test_saved_report_of_another_period(asking):
    """Of any day asked for; the day before nothing was seen."""
    assert 1 == len(sheet(asking.get(f"{LAB}/reports/slow.xlsx", params={"day": "2026-11-20"})))
    assert 1 == len(sheet(asking.get(f"{LAB}/reports/slow.xlsx", params={"on": "2026-11-20"})))


def test_names_and_comparison(asking):
    """The summary of two queues and of all, beside the week before."""
    heads, *rows = sheet(asking.get(f"{LAB}/reports/monday.xlsx", params={"day": DAY}))
    assert ("before", "change") == heads[-2:]
    assert {"all", "support", "sales"} == {row[0] for row in rows}
    assert {"—"} == {row[-1] for row in rows if row[1] == "Average speed of answer"}


@pytest.mark.parametrize(("path", "status"), [("nobody.pdf", 404), ("monday.csv", 422), ("slow.docx", 422)])
def test_what_there_is_not(asking, path: str, status: int):
    """The answer says so in a line."""
    answer = asking.get(f"{LAB}/reports/{path}")
    assert status == answer.status_code
    assert answer.json()["detail"]


def test_page_offers_them_and_every_table(asking):
    """Saved reports with their mailing, and each table of the days chosen as three kinds of file that all exist."""
    page = asking.get("/reports", params={"office": "lab", "from": DAY, "until": DAY}).text
    for words in ("Slow queues", "mailed on Monday at 07:00 to boss@example.com", f'href="{LAB}/reports/monday.pdf"'):
        assert words in page
    for name in ("summary", "callers", "outbound"):
        assert f'href="{LAB}/export/{name}.pdf?day={DAY}"' in page
        assert 200 == asking.get(f"{LAB}/export/{name}.csv", params={"from": DAY, "until": DAY}).status_code


def test_page_tells_mistakes(asking):
    """A period that ends before it begins."""
    answer = asking.get("/reports", params={"from": "2026-11-22", "until": "2026-11-20"})
    assert 422 == answer.status_code
    assert "must be later" in answer.text
