"""What Prometheus scrapes, read by its own parser from a real server."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.exposition import Family, expose
from cloud_sink.live import LivePicture, Progress
from cloud_sink.office import Offices
from cloud_sink.web.metrics import BUDGET_S, FRESH_S, OFFICE_KPIS, QUEUE_KPIS, Measured, describe

from .conftest import NOW_MS, serving

DAY = "2026-11-22"


def read(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def scraped(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """One scrape of the recorded day."""
    answer = client.get("/metrics")
    assert 200 == answer.status_code
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    return read(answer.text)


def test_numbers_are_those_of_the_api(client, scraped):
    """Each KPI of today in its base unit, in total and by queue; what is null there is absent here."""
    report = client.get("/api/v1/offices/lab/report", params={"day": DAY}).json()
    units = {"%": ("_ratio", 0.01), "s": ("_seconds", 1), "n": ("", 1)}
    for prefix, kpis, labels, values in (
        ("today", OFFICE_KPIS, ("lab",), report["total"]),
        ("queue_today", QUEUE_KPIS, ("lab", "support"), report["queues"]["support"]),
    ):
        for kpi in kpis:
            suffix, scale = units[values[kpi]["unit"]]
            found = scraped.get((f"ringtap_{prefix}_{kpi}{suffix}", *labels))
            value = values[kpi]["value"]
            assert found == (None if value is None else pytest.approx(scale * value, rel=1e-6)), kpi
    assert scraped["ringtap_today_measured_timestamp_seconds", "lab"] == NOW_MS / 1000


def test_queues_are_those_of_the_configuration(scraped, plans):
    """Numbers that callers dial are no labels."""
    named = {place.name for place in plans["lab"].destinations if place.kind in ("queue", "ring_group")}
    labels = {key[2] for key in scraped if key[0] == "ringtap_queue_today_offered"}
    assert labels
    assert labels <= named


def test_boxes_are_told_as_the_api_tells_them(scraped, client):
    """The box of the recording is online, and was heard of when the API says."""
    (told,) = client.get("/api/v1/health").json()["boxes"]
    assert 1 == scraped["ringtap_box_online", "lab", "lab"]
    assert told["last_seen"] == scraped["ringtap_box_last_seen_timestamp_seconds", "lab", "lab"]


def test_before_the_first_call_nothing_is_claimed(empty_store):
    """No zero where nothing was watched: shares, times and counts are absent."""
    with serving(empty_store, {"new": OfficePlan("new")}) as address, httpx.Client(base_url=address) as client:
        found = read(client.get("/metrics").text)
    assert 0 == found["ringtap_quarantined",]
    claimed = {name for name, *_ in found if "_today_" in name}
    assert {"ringtap_today_measured_timestamp_seconds", "ringtap_today_coverage_ratio"} >= claimed


def test_what_rings_now(empty_store):
    """Phones' legs by phase, a trunk's beside them not counted."""
    live = LivePicture()
    for number, (phase, role) in enumerate([("ringing", "phone"), ("ringing", "phone"), ("talking", "trunk")]):
        live.receive_progress("box", "lab", Progress(str(number), phase, role, "in", str(number), "", "", NOW_MS))
    offices = Offices(empty_store, {"lab": OfficePlan("lab")}, lambda: NOW_MS)
    found = read(expose(describe(offices, Measured(), live, "1")))
    assert (2, 0) == (found["ringtap_legs", "lab", "ringing"], found["ringtap_legs", "lab", "talking"])


def test_a_scrape_of_many_offices_is_bounded(empty_store):
    """What the budget does not reach comes with the next scrapes, the oldest first; what is fresh stays as it is."""
    now = [0.0]

    def clock() -> float:
        now[0] += BUDGET_S / 4  # each look at the clock: as if an office took half a second
        return now[0]

    plans = {f"o{number}": OfficePlan(f"o{number}") for number in range(6)}
    offices = Offices(empty_store, plans, lambda: NOW_MS).all()
    measured = Measured(clock)
    counts = [len(measured.of(offices)) for _ in range(3)]
    assert counts == sorted(counts)
    assert 0 < counts[0] < 6 == counts[-1]
    (_, before), *_ = measured.of(offices[-1:])
    ((_, same),) = measured.of(offices[-1:])
    assert before is same
    now[0] += FRESH_S
    ((_, anew),) = measured.of(offices[-1:])
    assert before is not anew


def test_labels_and_help_may_hold_anything():
    """Quotes, backslashes and line ends come out of the parser as they went in; what is unknown is absent."""
    family = Family("x", 'says "a"\nb\\', labels=("office",))
    family.add(1.5, 'a"b\\c\nd')
    family.add(None, "unknown")
    (read_back,) = text_string_to_metric_families(expose([family, Family("empty", "")]))
    assert [('a"b\\c\nd', 1.5)] == [(sample.labels["office"], sample.value) for sample in read_back.samples]
