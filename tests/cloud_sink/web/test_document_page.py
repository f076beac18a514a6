"""Reports read in the browser: what the file holds, without a file."""

import csv
import io
import re

import httpx
import pytest

from cloud_sink.reports.saved import SavedReport
from cloud_sink.reports.tables import EXPORTS
from cloud_sink.sheets import Table
from cloud_sink.web.document_page import MOST_ROWS, describe_sheet

from .conftest import PATIENCE_S

DAY = "2026-11-22"
LAB = "/api/v1/offices/lab"


@pytest.mark.parametrize("name", EXPORTS)
def test_every_table_can_be_read(client, name: str):
    """From the list of reports to each table, as many rows as its file has, and from there to its files."""
    link = f"/reports/table/{name}?office=lab&amp;day={DAY}"
    assert f'href="{link}"' in client.get("/reports", params={"office": "lab", "day": DAY}).text
    html = client.get(link.replace("&amp;", "&")).text
    files = {kind: client.get(f"{LAB}/export/{name}.{kind}", params={"day": DAY}) for kind in ("pdf", "xlsx", "csv")}
    text = files["csv"].content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    assert min(len(rows), MOST_ROWS) == body.count("<tr>")
    assert len(rows) > 0 or "Nothing in these days." in html
    for kind, answer in files.items():
        assert 200 == answer.status_code
        assert f'href="{LAB}/export/{name}.{kind}?day={DAY}"' in html


def test_a_table_says_what_it_rests_on_and_steps_to_other_days(client):
    """The share that was watched, and the week of the same table."""
    html = client.get("/reports/table/queues", params={"office": "lab", "day": DAY}).text
    assert "of the time was watched" in html
    assert "/reports/table/queues?office=lab&amp;from=2026-11-16&amp;until=2026-11-22" in html
    assert 'action="/reports/table/queues"' in html
    assert 422 == client.get("/reports/table/nothing", params={"office": "lab"}).status_code


def test_a_saved_report_is_shown_for_its_own_period_or_another(serve_with):
    """Yesterday unless days are named; all its tables below each other."""
    saved = SavedReport("daily", "Every morning", ("summary", "queues"), period="yesterday")
    with serve_with({"lab": (saved,)}) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        own = client.get("/reports/saved/daily", params={"office": "lab"}).text
        asked = client.get("/reports/saved/daily", params={"office": "lab", "day": DAY}).text
        assert ["Summary", "Queues"] == re.findall(r'<h2 id="sheet-\d">([^<]*)</h2>', asked)
        assert "Every morning" in own
        assert "Saturday, 21 November 2026" in own
        assert "Sunday, 22 November 2026" in asked
        assert f'href="{LAB}/reports/daily.xlsx?day={DAY}"' in asked
        assert ".csv?" not in asked
        assert 422 == client.get("/reports/saved/other", params={"office": "lab"}).status_code


def test_a_long_table_ends_with_a_word_of_what_is_left_out():
    """Rows beyond what a page bears are counted; numbers stand on the right, times without their zone."""
    rows = [[number, f"2026-11-22T06:{number % 60:02d}:00+00:00", "word " * 12] for number in range(MOST_ROWS + 3)]
    sheet = describe_sheet(Table("agent_states", ("n", "at", "says"), rows))
    assert ("Agent states", 3) == (sheet.title, sheet.left_out)
    assert ["num", "", "long"] == sheet.kinds
    assert ["1", "2026-11-22 06:01:00"] == [cell.text for cell in sheet.rows[1][:2]]


def test_few_observations_are_grey(client):
    """Ring group 302 had two calls: its shares are grey, those of support are not."""
    html = client.get("/reports/table/queues", params={"office": "lab", "day": DAY}).text
    rows = dict(re.findall(r"<tr><td>([^<]+)</td>(.*?)</tr>", html))
    assert 'class="num few"' in rows["hunt_302"]
    assert 'class="num few"' not in rows["support"]
    assert "Grey: from fewer than 20" in html
