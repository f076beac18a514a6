import re
from datetime import datetime
from itertools import pairwise
from pathlib import Path

DAY = "2026-11-22"
AGENTS = "/api/v1/offices/lab/agents"
NAMES = {
    "Alice": "101", "Bob": "102", "Carol": "103", "Dave": "104", "Erin": "105", "Frank": "106", "Gina": "107",
    "Hugo": "108",
}  # fmt: skip


def spans(agent):
    """An agent's intervals: (state, from, until) in Unix seconds."""
    times = [(each["state"], each["from"], each["until"]) for each in agent["states"]]
    return [(state, *(datetime.fromisoformat(end).timestamp() for end in ends)) for state, *ends in times]


def test_breaks_are_those_of_the_pbx(client, captures: Path):
    """Between the PBX's own PAUSEALL and UNPAUSEALL nobody is available, and outside of them nobody is on break."""
    agents = {agent["extension"]: spans(agent) for agent in client.get(AGENTS, params={"day": DAY}).json()["agents"]}
    log = [line.split("|") for line in (captures / "office-day-A.truth" / "queue_log").read_text().splitlines()]
    since: dict[str, int] = {}
    pauses: dict[str, list[tuple[int, int]]] = {}
    for time, _, _, name, event, *_ in log:
        extension = NAMES.get(name, name.removeprefix("Agent"))
        if event == "PAUSEALL":
            since[extension] = int(time)
        elif event == "UNPAUSEALL" and extension in since:
            pauses.setdefault(extension, []).append((since.pop(extension), int(time)))
    assert 20 <= sum(map(len, pauses.values()))
    for extension, found in pauses.items():
        found += [(at, 2**40) for name, at in since.items() if name == extension]
        available = [(start, end) for state, start, end in agents[extension] if state == "available"]
        breaks = [(start, end) for state, start, end in agents[extension] if state == "pause"]
        assert not [1 for a, b in found for start, end in available if max(a + 1, start) < min(b - 1, end)]
        assert all(any(a - 1 <= start and end <= b + 1 for a, b in found) for start, end in breaks)


def test_states_of_a_day_never_overlap(client):
    """Each begins where the last one ended, or after what was not watched."""
    for agent in client.get(AGENTS, params={"day": DAY}).json()["agents"]:
        found = spans(agent)
        assert found
        assert all(a[2] <= b[1] for a, b in pairwise(found))


def test_numbers_are_those_of_the_report(client):
    """The same values by another way."""
    report = client.get("/api/v1/offices/lab/report", params={"day": DAY}).json()["extensions"]
    agents = client.get(AGENTS, params={"day": DAY}).json()["agents"]
    assert report == {agent["extension"]: agent["kpis"] for agent in agents}
    assert 0 < report["101"]["occupancy"]["value"] < 100


def test_page_shows_every_extension(client):
    """A row each, with a timeline and the day before to step to."""
    page = client.get("/agents", params={"office": "lab", "day": DAY}).text
    agents = client.get(AGENTS, params={"day": DAY}).json()["agents"]
    assert len(agents) == page.count("data-agent=")
    assert 'class="pause"' in page
    assert "day=2026-11-21" in page
    assert "No phone was seen" not in page
    assert 422 == client.get("/agents", params={"day": "never"}).status_code


def test_page_shows_a_week_day_by_day(client):
    """The numbers are the API's of these days; only the day that was watched has a row, and leads to its timelines."""
    page = client.get("/agents", params={"office": "lab", "week": DAY}).text
    week, day = (client.get("/api/v1/offices/lab/team", params=asked).json() for asked in ({"week": DAY}, {"day": DAY}))
    together, _, rest = page.partition('id="days"')
    for kpi in ("login_time", "occupancy"):
        assert f'data-kpi="{kpi}" data-value="{week["everybody"][kpi]["value"]}"' in together
    assert [DAY] == re.findall(r'data-day="([^"]*)"', rest)
    assert f'data-kpi="occupancy" data-value="{day["everybody"]["occupancy"]["value"]}"' in rest
    assert f'href="/agents?office=lab&amp;day={DAY}"' in rest
    assert "Agents, 16 November 2026 to 22 November 2026" in page
    assert "Time at work" in page
    assert "22 Nov, 06:" in page
