"""An office that counts Jalali months: every page and file says its dates so, programs get ISO as before."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import openpyxl
import pypdf
import pytest

from cloud_sink.contacts.records import JALALI
from cloud_sink.reports.saved import SavedReport

from .conftest import serving

DAY = "2026-11-22"  # the first of Azar 1405, a Sunday
LAB = "/api/v1/offices/lab"
GREGORIAN_DATE = re.compile(r"\b(November|Nov|December|October) ?(2026)?\b")
SAVED = {"lab": (SavedReport("month", "The month", ("summary",), period="month"),)}


@pytest.fixture(scope="module")
def tehran(store, plans) -> Iterator[httpx.Client]:
    """The recorded day, in an office with Iran's calendar and weeks."""
    changed = {name: replace(plan, calendar=JALALI, week_start="saturday") for name, plan in plans.items()}
    with serving(store, changed, reports=SAVED) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"/?day={DAY}", "<h1>Sunday, 1 Azar 1405</h1>"),
        (f"/?day={DAY}&compare=week", "Sunday, 24 Aban 1405"),
        (f"/agents?day={DAY}", "Agents on Sunday, 1 Azar 1405"),
        (f"/signalling?day={DAY}", "Signalling on Sunday, 1 Azar 1405"),
        (f"/calls?from={DAY}", "Sunday, 1 Azar 1405"),
        ("/calls?from=2026-11-21&until=2026-11-22", "<small>1 Azar</small>"),
        (f"/reports?from={DAY}", "Sunday, 1 Azar 1405"),
        ("/reports?from=2026-10-23&until=2026-11-21", "Aban 1405"),
        ("/planning?weeks=2", "the 2 weeks until 1 Azar 1405"),
        ("/fleet?from=2026-11-21&until=2026-11-22", "30 Aban 1405 to 1 Azar 1405"),
    ],
)
def test_pages_write_jalali_dates(tehran, path: str, words: str):
    """And no month of the other calendar beside them."""
    html = tehran.get(path).text
    assert words in html
    assert not GREGORIAN_DATE.search(html)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", {"day": "1405-09-01"}),
        ("/agents", {"from": "1405-09-01", "until": "1405-09-02"}),
        ("/signalling", {"from": "1405-09-01", "until": "1405-09-02"}),
        ("/calls", {"from": "1405-09-01", "until": "1405-09-02"}),
        ("/reports", {"from": "1405-09-01", "until": "1405-09-02"}),
        ("/period", {"from": "1405-09-01", "until": "1405-09-02"}),
        ("/fleet", {"from": "1405-09-01", "until": "1405-09-02"}),
    ],
)  # fmt: skip
def test_days_are_chosen_as_they_are_shown(tehran, path: str, asked: dict[str, str]):
    """What a form holds can be sent again; the same page comes as with ISO dates."""
    html = tehran.get(path, params=asked).text
    fields = re.findall(r'<input name="(day|from|until)" value="([^"]*)"', html)
    assert asked == dict(fields)
    assert 'type="date"' not in html
    iso = {"1405-09-01": "2026-11-22", "1405-09-02": "2026-11-23"}
    same = tehran.get(path, params={name: iso[day] for name, day in asked.items()}).text
    assert re.findall(r"<h1>.*</h1>", same) == re.findall(r"<h1>.*</h1>", html)
    assert re.findall(r'data-value="[^"]*"', same) == re.findall(r'data-value="[^"]*"', html)


def test_the_api_understands_jalali_days_and_answers_in_iso(tehran):
    """A period may be asked for in either calendar."""
    asked = ({"from": "1405-08-30", "until": "1405-09-01"}, {"from": "2026-11-21", "until": "2026-11-22"})
    periods = [tehran.get(f"{LAB}/report", params=each).json()["period"] for each in asked]
    assert periods[0] == periods[1]
    assert "2026-11-21T00:00:00+00:00" == periods[0]["from"]


def test_one_call_tells_its_day(tehran):
    """As the list does that it was chosen from."""
    contact = tehran.get(f"{LAB}/contacts", params={"day": DAY, "limit": 1}).json()["contacts"][0]["contact_id"]
    assert "Sunday, 1 Azar 1405" in tehran.get(f"/calls/{contact}", params={"office": "lab"}).text


def test_planning_begins_the_week_on_saturday(tehran):
    """The columns follow the office's week, each with its own numbers."""
    html = tehran.get("/planning", params={"weeks": 2}).text
    assert ["Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"] == re.findall(r'<abbr title="\w+">(\w+)</abbr>', html)
    row = re.search(r"<tr><th scope=.row.>06:00</th>(.*?)</tr>", html, re.DOTALL)
    assert row is not None
    shades = re.findall(r"<td class=.num shade-(\d)", row[1])
    assert shades[1] == max(shades) > "0"  # the recorded day is a Sunday
    assert 1 == sum(shade > "0" for shade in shades)


def test_a_jalali_month_is_a_period(tehran):
    """From midnight of the first of Azar; the API answers in ISO."""
    period = tehran.get(f"{LAB}/report", params={"month": "1405-09"}).json()["period"]
    assert ("2026-11-22T00:00:00+00:00", "2026-12-22T00:00:00+00:00") == (period["from"], period["until"])
    problem = tehran.get(f"{LAB}/report", params={"month": "1405-13"})
    assert (422, '"1405-13" is no month: write it as 1405-09') == (problem.status_code, problem.json()["detail"])


def test_files_are_headed_in_jalali_and_hold_iso(tehran):
    """The PDF's heading, the spreadsheet's header; cells with times stay for programs."""
    pages = pypdf.PdfReader(io.BytesIO(tehran.get(f"{LAB}/export/summary.pdf", params={"month": "1405-09"}).content))
    assert "Azar 1405" in pages.pages[0].extract_text()
    answer = tehran.get(f"{LAB}/export/contacts.xlsx", params={"day": DAY})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert "Sunday, 1 Azar 1405" in sheet.oddHeader.right.text
    assert str(sheet["A2"].value).startswith(DAY)


def test_a_saved_report_of_the_month_is_of_the_jalali_month(tehran):
    """On its first day it has one day."""
    answer = tehran.get(f"{LAB}/reports/month.xlsx", params={"on": DAY})
    assert "ringtap-lab-2026-11-22-month.xlsx" in answer.headers["content-disposition"]
    whole = tehran.get(f"{LAB}/reports/month.xlsx", params={"month": "1405-08"})
    assert "ringtap-lab-2026-10-23_2026-11-21-month.xlsx" in whole.headers["content-disposition"]
