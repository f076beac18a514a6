import pytest

from .conftest import serving

PLANNING = "/api/v1/offices/lab/planning"


def hours_with_calls(client, **query):
    """The hours of the week in which anybody called."""
    return [hour for hour in client.get(PLANNING, params=query).json()["hours"] if hour["offered"]]


def test_week_of_the_recorded_day(client):
    """168 hours, of which the recording watched 25 minutes of one: its calls per hour, and agents by Erlang A."""
    plan = client.get(PLANNING).json()
    (hour,) = [hour for hour in plan["hours"] if hour["offered"]]
    assert (168, "Sunday", 6) == (len(plan["hours"]), hour["weekday"], hour["hour"])
    assert hour["offered"] / hour["watched_h"] == pytest.approx(hour["arrival_profile"], rel=0.01)
    assert "erlang_a" == plan["model"]
    assert 0 < hour["agents_required"] < hour["rostered"]
    assert hour["service_level"] >= plan["goal"]["level"] == 0.8
    assert {None} == {each["agents_required"] for each in plan["hours"] if each["weekday"] == "Monday"}


def test_patience_is_the_waiting_of_the_contacts(client):
    """Everybody's waiting in the queue over those who gave up, from the same contacts as the report."""
    contacts = client.get("/api/v1/offices/lab/contacts", params={"limit": 1000, "direction": "in"}).json()["contacts"]
    queued = [c for c in contacts if c["disposition"] in ("answered", "abandoned", "overflow", "voicemail")]
    gave_up = sum(c["disposition"] == "abandoned" for c in queued)
    plan = client.get(PLANNING).json()
    assert gave_up == plan["patience_from"]
    waited = sum(c["wait_ms"] for c in queued if c["wait_ms"] is not None) / 1000
    assert waited / gave_up == pytest.approx(plan["patience_mean"])


def test_goal_of_the_planner_is_reached(client):
    """A harder goal, a longer call, less shrinkage: what is asked for comes back and changes the numbers."""
    (usual,) = hours_with_calls(client, model="c")
    (harder,) = hours_with_calls(client, model="c", level=0.95, threshold_s=10, handle_s=180, shrinkage=0)
    assert harder["agents_required"] > usual["agents_required"]
    assert harder["agents_required"] == harder["rostered"]
    assert harder["service_level"] >= 0.95


def test_one_queue_is_planned_alone(client):
    """Its calls only: as many as its row of the report."""
    report = client.get("/api/v1/offices/lab/report").json()
    (hour,) = hours_with_calls(client, queue="tech")
    assert hour["offered"] == report["queues"]["tech"]["offered"]["value"]


@pytest.mark.parametrize(
    "query", ["weeks=0", "level=1", "shrinkage=1", "model=b", "until=tomorrow", "until=0001-01-01"]
)
def test_impossible_plan_is_refused_in_one_line(client, query: str):
    """422 and what is wrong; on the page too."""
    answer = client.get(f"{PLANNING}?{query}")
    assert (422, 1) == (answer.status_code, len(answer.json()["detail"].splitlines()))
    assert 422 == client.get(f"/planning?{query}").status_code


def test_page_shows_the_plan(client):
    """The same agents as the API, and the way there from the day's page."""
    page = client.get("/planning", params={"office": "lab"}).text
    (hour,) = hours_with_calls(client)
    assert f"{hour['agents_required']} agents" in page
    assert f"{hour['arrival_profile']:.1f}" in page
    assert '<a href="/planning?office=lab">Planning</a>' in client.get("/").text


def test_before_the_first_call_nothing_is_planned(empty_store, plans):
    """The page says so and the API has nothing to say."""
    import httpx

    with serving(empty_store, plans) as address, httpx.Client(base_url=address) as client:
        assert "Nobody called in these weeks" in client.get("/planning").text
        plan = client.get(PLANNING).json()
        assert (None, None, None) == (plan["handle_s"], plan["patience_mean"], plan["trunks_required"])
    with serving(empty_store, {}) as address, httpx.Client(base_url=address) as client:
        assert "Waiting for the first call" in client.get("/planning").text
