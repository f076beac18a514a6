"""The dashboard as a person sees it: in a real browser, and as plain HTML."""

import re

import pytest
from playwright.sync_api import Page

from cloud_sink.contacts.records import OfficePlan

from .conftest import NOW_MS, serving

DAY = "2026-11-22"
PATH = f"/?office=lab&day={DAY}"
PATHS = (  # every page with numbers
    PATH,
    "/planning?office=lab&weeks=2",
    f"/agents?office=lab&day={DAY}",
    f"/signalling?office=lab&day={DAY}",
    f"/period?office=lab&week={DAY}",
)
SIZES = ((1280, 900), (320, 640))
NEXT_DAY_MS = NOW_MS + 86_400_000


def numbers(page: Page, within: str) -> dict[str, str]:
    """The KPIs that a part of the page shows: id -> exact value; a KPI shown twice must show the same."""
    found: dict[str, str] = {}
    shown = page.locator(f"{within} [data-kpi]").evaluate_all(
        "all => all.map(each => [each.dataset.kpi, each.dataset.value])"
    )
    for kpi, value in shown:
        assert found.setdefault(kpi, value) == value, kpi
    return found


def written(values: dict[str, dict[str, float | None]]) -> dict[str, str]:
    """The API's values as the page's attributes write them."""
    return {kpi: "" if value["value"] is None else f"{value['value']!r}" for kpi, value in values.items()}


def test_every_number_on_the_page_is_the_api_s(page, address, client):
    """In total, for each queue, each other place and each extension."""
    report = client.get("/api/v1/offices/lab/report", params={"day": DAY}).json()
    page.goto(address + PATH)
    assert numbers(page, ".hero").items() <= written(report["total"]).items()
    assert written(report["total"]) == numbers(page, "#basis")
    for attribute, part in (("place", "queues"), ("extension", "extensions")):
        rows = page.locator(f"tr[data-{attribute}]")
        shown = list(filter(None, rows.evaluate_all(f"rows => rows.map(row => row.dataset.{attribute})")))
        for name in shown:
            assert numbers(page, f'tr[data-{attribute}="{name}"]').items() <= written(report[part][name]).items()
        called = {
            name for name, values in report[part].items() if "offered" not in values or values["offered"]["value"]
        }
        assert called == set(shown)


def test_headline_numbers_are_readable_as_they_stand(page, address):
    """What a manager reads, with what it rests on beside it."""
    page.goto(address + PATH)
    level = page.locator(".level-card").inner_text()
    assert "80.5 %" in level
    assert "On target" in level
    assert "Target: 80 % answered within 20 s" in level
    assert "211 of 262 calls were answered in time" in level
    assert "no after-call work" in page.locator(".hero").inner_text()
    assert "34 to call back" in page.locator("#missed").inner_text()


def test_chart_shows_the_table_s_counts(page, address):
    """It is drawn, its table is folded away, and pointing at a bar reads the row out."""
    page.goto(address + PATH)
    page.locator("#chart.drawn canvas").wait_for()
    assert not page.locator("#day-table").evaluate("details => details.open")
    index = page.locator("#quarters tbody tr").evaluate_all(
        "rows => rows.findIndex(row => Number(row.querySelector('[data-offered]').textContent) > 0)"
    )
    page.locator("#chart").scroll_into_view_if_needed()
    box = page.locator("#chart .u-over").bounding_box()
    quarters = page.locator("#quarters tbody tr").count()
    page.mouse.move(box["x"] + box["width"] * (index + 0.5) / quarters, box["y"] + box["height"] / 2)
    row = page.locator("#quarters tbody tr").nth(index)
    offered = row.locator("[data-offered]").text_content()
    page.locator("#readout", has_text=re.compile(rf"^06:30–06:45: {offered} offered · \d+ in time")).wait_for()


def test_quarter_hours_add_up(page, address, client):
    """Each row's parts are its calls, and all rows are the day's."""
    offered = client.get("/api/v1/offices/lab/report", params={"day": DAY}).json()["total"]["offered"]["value"]
    page.goto(address + PATH)
    rows = page.locator("#quarters tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td')].slice(0, 6).map(cell => Number(cell.textContent)))"
    )
    assert all(row[0] == sum(row[1:]) for row in rows)
    assert offered == sum(row[0] for row in rows)


def test_without_javascript_everything_but_the_chart_is_there(browser, address, client):
    """The same numbers, and the day as a table that stands open."""
    report = client.get("/api/v1/offices/lab/report", params={"day": DAY}).json()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + PATH)
    html = page.content()
    context.close()
    assert all(f'data-kpi="{kpi}" data-value="{value}"' in html for kpi, value in written(report["total"]).items())
    assert re.search(r'<details id="day-table" open(="")?>', html)


def test_nothing_is_loaded_from_outside_or_refused(page, address):
    """Every request goes to this server, succeeds, and the browser complains about nothing."""
    asked, complaints = [], []
    page.on("response", lambda answer: asked.append((answer.url, answer.status)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address + PATH)
    page.locator("#chart.drawn canvas").wait_for()
    assert complaints == []
    assert {(True, 200)} == {(url.startswith(address), status) for url, status in asked}


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_fits_every_screen(browser, address, width: int, height: int, scheme: str, path: str):
    """No sideways scrolling of the page, light or dark; wide tables scroll by themselves."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address + path)
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert (scheme == "dark") == (sum(map(int, re.findall(r"\d+", background)[:3])) < 200)


@pytest.mark.parametrize("path", PATHS)
def test_text_can_be_told_from_its_background(browser, address, path: str):
    """WCAG AA: 4.5 to 1 for every text, in both schemes."""
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(address + path)
        assert [] == page.evaluate(CONTRAST)
        context.close()


CONTRAST = """() => {
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number)
    .map((v, i) => colour.startsWith("color(srgb") && i < 3 ? v * 255 : v);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  for (const node of document.querySelectorAll('body *')) {
    const text = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!text || node.closest('.off, .hidden, option, svg, script, noscript')) continue;
    const [a, b] = [numbers(getComputedStyle(node).color), behind(node)].map(luminance).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.add(`${node.className} ${node.textContent.trim()}`);
  }
  return [...faint];
}"""


def test_only_the_current_day_follows_new_calls(client):
    """Today is asked for again and again, a day of the past is not; neither is tomorrow's link offered today."""
    today = client.get(PATH).text
    past = client.get("/", params={"office": "lab", "day": "2026-11-20"}).text
    assert 'data-refresh-s="15"' in today
    assert "follows new calls" in today
    assert 'data-refresh-s="0"' in past
    assert "http-equiv" not in past
    assert 'rel="next"' not in today
    assert 'rel="next"' in past


def test_page_fetches_fresh_numbers_in_place(page, address):
    """What the reader has opened stays open."""
    page.clock.install()
    page.goto(address + PATH)
    page.locator("#formulas summary").click()
    page.evaluate("document.activeElement.blur(); document.querySelector('h1').textContent = 'old'")
    with page.expect_response(lambda answer: answer.url == address + PATH):
        page.clock.run_for(16_000)
    page.locator("h1", has_text="Sunday, 22 November 2026").wait_for()
    assert page.locator("#formulas").evaluate("details => details.open")
    assert 1 == page.locator("#chart canvas").count()


def test_first_page_is_the_latest_observed_day(store, plans, client):
    """Where today has nothing yet the last day with calls is shown."""
    with serving(store, plans, NEXT_DAY_MS) as tomorrow:
        html = client.get(tomorrow + "/").text
    assert "Sunday, 22 November 2026" in html


def test_day_without_calls_says_so(client):
    """No dashes without a word: the box was not watching then, so nothing is known and nothing is zero."""
    html = client.get("/", params={"office": "lab", "day": "2026-11-20"}).text
    assert 4 == html.count("Nothing was watched on this day.")
    assert "Nobody" not in html
    assert "not at all on this day" in html
    assert 'data-kpi="offered" data-value=""' in html


def test_before_the_first_call(empty_store):
    """A page that waits, with and without an office configured."""
    import httpx

    for plans, words in (
        ({}, "Waiting for the first call"),
        ({"lab": OfficePlan("lab", name="Lab")}, "Nothing was watched on this day."),
    ):
        with serving(empty_store, plans) as address:
            assert words in httpx.get(address).text


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("office=nowhere", 404, "there is no office &#34;nowhere&#34;; there is: lab"),
        ("day=soon", 422, "&#34;soon&#34; is no day"),
        ("day=9999-12-31", 422, "outside the calendar"),
        ("office=%3Cscript%3E", 404, "&lt;script&gt;"),
    ],
)
def test_wrong_address_gets_a_page_with_a_way_back(client, query: str, status: int, words: str):
    """One line says what is wrong; what the visitor wrote is never markup."""
    answer = client.get(f"/?{query}")
    assert status == answer.status_code
    assert words in answer.text
    assert 'href="/"' in answer.text
    assert "<script>" not in answer.text


def test_browser_is_told_to_load_from_here_only(client):
    """On pages, on errors and on the API."""
    for path in (PATH, "/?office=nowhere", "/api/v1/health", "/static/ringtap.css"):
        policy = client.get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "http" not in policy
