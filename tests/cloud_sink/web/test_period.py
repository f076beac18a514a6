"""Several days together and day by day, as plain HTML: the numbers are the API's, the links lead on."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from cloud_sink.contacts.records import JALALI, Destination, Leg, OfficePlan
from cloud_sink.kpi.period import midnight_ms
from cloud_sink.store import BatchArrived, Store
from cloud_sink.store.rows import leg_id

from .conftest import serving

FIRST, DAYS = date(2026, 11, 16), 9  # a Monday; until Tuesday of the next week
NOW_MS = midnight_ms(FIRST + timedelta(days=DAYS - 1), "UTC") + 18 * 3_600_000
QUEUE = Destination("support", "queue", ("442079460400",), members=("101",))
PLAN = OfficePlan("lab", name="Lab", destinations=(QUEUE,))
LAB = "/api/v1/offices/lab"
LINK = re.compile(r'href="(/[^"]*)"')


def make_calls(day: date) -> list[Leg]:
    """As many customers at ten as the day of the month says, every third of them not answered."""
    start = midnight_ms(day, "UTC") + 10 * 3_600_000
    return [
        leg for number in range(day.day) for leg in make_call(day.day * 1000 + 2 * number, start + number * 120_000)
    ]


def make_call(seq: int, start: int) -> list[Leg]:
    """One call: a leg from the carrier, a leg to a phone."""
    answer = start + 9_000 if seq // 2 % 3 else None
    end = start + (60_000 if answer else 30_000)
    number = f"44770090{seq:04d}"

    def leg(offset: int, role: str, extension: str, answered: int | None) -> Leg:
        return Leg(
            leg_id("box", 7, seq + offset), "lab", "box", 7, seq + offset, f"{seq + offset:012x}", role, "in",
            extension, number, extension or "442079460400", start + 100 * offset, start + 300, answered, end,
            final_code=200 if answered else 487, ended_by="caller",
        )  # fmt: skip

    return [leg(0, "trunk", "", start + 50), leg(1, "phone", "101", answer)]


@pytest.fixture(scope="module")
def days_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Nine days of calls."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('period') / 'sink.db'}")
    opened.migrate()
    legs = [leg for number in range(DAYS) for leg in make_calls(FIRST + timedelta(days=number))]
    opened.ingest(
        [BatchArrived("box", "lab", 7, legs[0].seq, legs[-1].seq, 1, NOW_MS, legs=legs)], {"lab": PLAN}, NOW_MS
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def asking(days_store: Store) -> Iterator[httpx.Client]:
    """A visitor without JavaScript, on the evening of the ninth day."""
    with serving(days_store, {"lab": PLAN}, NOW_MS) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def shown(html: str) -> dict[str, str]:
    """The KPIs of a part of the page."""
    return dict(re.findall(r'data-kpi="(\w+)" data-value="([^"]*)"', html))


def part(html: str, start: str, end: str) -> str:
    """What stands between two marks."""
    return html.partition(start)[2].partition(end)[0]


def written(values: dict[str, dict[str, float | None]]) -> dict[str, str]:
    """The API's values as the page's attributes write them."""
    return {kpi: "" if value["value"] is None else f"{value['value']!r}" for kpi, value in values.items()}


def test_a_week_shows_the_api_s_numbers_in_total_and_by_day(asking):
    """Every day's row is that day's own report, and their calls add up to the week's."""
    html = asking.get("/period", params={"office": "lab", "week": "2026-11-18"}).text
    assert "<h1>16 November 2026 to 22 November 2026</h1>" in html
    total = asking.get(f"{LAB}/report", params={"week": "2026-11-18"}).json()["total"]
    assert shown(part(html, 'id="together"', "</section>")).items() <= written(total).items()
    rows = re.findall(r'<tr data-day="([-\d]+)">(.*?)</tr>', html, re.DOTALL)
    assert [str(FIRST + timedelta(days=number)) for number in range(7)] == [day for day, _ in rows]
    for day, row in rows:
        own = asking.get(f"{LAB}/report", params={"day": day}).json()["total"]
        assert shown(row).items() <= written(own).items()
        assert date.fromisoformat(day).day == float(shown(row)["offered"])
    assert total["offered"]["value"] == sum(range(16, 23))


def test_queues_and_extensions_are_those_of_the_period(asking):
    """The same rows as the API's report."""
    html = asking.get("/period", params={"week": "2026-11-18"}).text
    report = asking.get(f"{LAB}/report", params={"week": "2026-11-18"}).json()
    for attribute, group in (("place", "queues"), ("extension", "extensions")):
        rows = dict(re.findall(rf'<tr data-{attribute}="([^"]*)">(.*?)</tr>', html, re.DOTALL))
        assert rows
        for name, row in rows.items():
            assert shown(row).items() <= written(report[group][name]).items()


def test_bars_are_in_proportion_to_the_busiest_day(asking):
    """The last day's bar has the full height, the first 16 of its 22 parts."""
    html = asking.get("/period", params={"week": "2026-11-18"}).text
    bars = part(html, 'class="fates days"', "</svg>").split("<g>")[1:]
    heights = [sum(float(h) for h in re.findall(r'width="8" height="([\d.]+)"', bar)) for bar in bars]
    assert [pytest.approx(100 * number / 22) for number in range(16, 23)] == heights


def test_one_can_walk_from_week_to_week_and_to_each_day(asking):
    """Before and after, as far as there are days; every link of the page answers."""
    html = asking.get("/period", params={"office": "lab", "week": "2026-11-18"}).text
    assert 'rel="prev" href="/period?office=lab&amp;from=2026-11-09&amp;until=2026-11-15"' in html
    assert 'rel="next" href="/period?office=lab&amp;from=2026-11-23&amp;until=2026-11-29"' in html
    last = asking.get("/period", params={"office": "lab", "week": "2026-11-24"}).text
    assert 'rel="next"' not in last
    assert ["2026-11-23", "2026-11-24"] == re.findall(r'data-day="([-\d]+)"', last)
    for link in {link.replace("&amp;", "&") for link in LINK.findall(html) if "/export/" not in link}:
        assert 200 == asking.get(link).status_code, link


def test_a_month_leads_to_the_months_beside_it(asking):
    """October has 31 days, November 30."""
    html = asking.get("/period", params={"office": "lab", "month": "2026-11"}).text
    assert "<h1>November 2026</h1>" in html
    assert 'rel="prev" href="/period?office=lab&amp;from=2026-10-01&amp;until=2026-10-31"' in html


def test_jalali_weeks_and_months(days_store):
    """The week of an office in Iran begins on Saturday, its month on the first of Azar."""
    plan = OfficePlan("lab", calendar=JALALI, week_start="saturday", destinations=(QUEUE,))
    with serving(days_store, {"lab": plan}, NOW_MS) as address, httpx.Client(base_url=address, timeout=60) as client:
        html = client.get("/", params={"office": "lab", "day": "2026-11-22"}).text
        assert '<a href="/period?office=lab&amp;from=2026-11-21&amp;until=2026-11-27">the week</a>' in html
        assert '<a href="/period?office=lab&amp;from=2026-11-22&amp;until=2026-12-21">the month</a>' in html
        month = client.get("/period", params={"office": "lab", "month": "1405-09"}).text
        assert "<h1>Azar 1405</h1>" in month
        assert "Sunday, 1 Azar 1405</a>" in month
        assert 'rel="prev" href="/period?office=lab&amp;from=2026-10-23&amp;until=2026-11-21"' in month


def test_the_day_says_from_when_waiting_counts(asking):
    """A sentence, in which PBX keeps its capitals."""
    html = asking.get("/", params={"office": "lab"}).text
    assert "Waiting is counted from the PBX&#39;s own answer." in html


@pytest.mark.parametrize("path", ["/", "/agents", "/calls", "/period"])
def test_pages_lead_to_the_week_and_the_month(asking, path: str):
    """Of the day they show, by the office's weeks and months."""
    target = path if path in ("/agents", "/calls") else "/period"
    html = asking.get(path, params={"office": "lab"}).text
    shown = ' aria-current="true"' if path == "/period" else ""
    assert f'<a href="{target}?office=lab&amp;from=2026-11-23&amp;until=2026-11-29"{shown}>the week</a>' in html
    assert f'<a href="{target}?office=lab&amp;from=2026-11-01&amp;until=2026-11-30">the month</a>' in html


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("week=soon", 422, "is no day"),
        ("month=2026-13", 422, "write it as 2026-06"),
        ("week=2026-11-18&month=2026-11", 422, "for one of them"),
        ("from=2026-11-18&until=2026-11-16", 422, "must be later"),
        ("office=nowhere", 404, "there is no office"),
    ],
)
def test_wrong_questions_are_told_in_a_line(asking, query: str, status: int, words: str):
    """On a page with a way back."""
    answer = asking.get(f"/period?{query}")
    assert status == answer.status_code
    assert words in answer.text


def test_days_nobody_watched_say_so(asking):
    """No rows of dashes."""
    html = asking.get("/period", params={"from": "2026-01-01", "until": "2026-01-31"}).text
    assert "Nothing was watched on these days." in html
    assert "data-day" not in html


def test_without_offices_the_page_waits(empty_store):
    """As every other page does."""
    with serving(empty_store, {}) as address:
        assert "Waiting for the first call" in httpx.get(f"{address}/period").text


def test_before_the_first_call_the_page_is_of_this_week(empty_store):
    """It is there, and says that nothing was watched."""
    with serving(empty_store, {"lab": PLAN}, NOW_MS) as address:
        html = httpx.get(f"{address}/period").text
    today = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()
    assert date(2026, 11, 24) == today
    assert "<h1>23 November 2026 to 29 November 2026</h1>" in html
    assert "Nothing was watched on these days." in html


def test_a_week_beside_the_week_before(asking):
    """The API's numbers of both, by a link of the page; without being asked nothing is compared."""
    asked = {"office": "lab", "week": "2026-11-24"}
    plain = asking.get("/period", params=asked).text
    assert "Then</th>" not in plain
    link = re.findall(r'href="(/period[^"]*compare=previous)#comparison"', plain)[0].replace("&amp;", "&")
    found = part(asking.get(link).text, 'id="comparison"', "</section>")
    assert "16 November 2026 to 22 November 2026" in found
    report = asking.get(f"{LAB}/report", params={"week": "2026-11-24", "compare": "previous"}).json()
    now, before = report["total"]["offered"]["value"], report["comparison"]["total"]["offered"]["before"]["value"]
    assert f'<th scope="row">Offered</th><td class="num">{before:.0f}</td><td class="num">{now:.0f}</td>' in found


def test_what_stands_out_in_a_week(client: httpx.Client):
    """Every sentence of the API with its calls, each with its day and linked; of a longer time the table is linked."""
    week = {"from": f"{FIRST}", "until": f"{FIRST + timedelta(days=6)}"}
    said = client.get(f"{LAB}/insights", params=week).json()["insights"]
    html = client.get("/period", params={"office": "lab", **week}).text
    assert said
    for insight in said:
        assert f"<summary>{insight['text']}</summary>" in html
        assert all(f"/calls/{contact}?office=lab" in html for contact in insight["contacts"])
    assert re.search(r'<td class="at"><a href="/calls/[^"]*">22 Nov 06:\d\d</a>', html)
    longer = client.get("/period", params={"office": "lab", "from": "2026-11-01", "until": "2026-11-30"}).text
    assert "<summary>" not in longer.partition('id="days-title"')[0]
    assert "/reports/table/insights?office=lab&amp;from=2026-11-01&amp;until=2026-11-30" in longer
