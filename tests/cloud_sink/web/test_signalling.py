"""Signalling of the recorded office day, through the API and on its page."""

import httpx
import msgpack

from cloud_sink.ingest import Ingest
from collector.core import wire
from collector.core.events import VoiceReported

from .conftest import NOW_MS, PATIENCE_S, serving

DAY = "2026-11-22"
SIGNALLING = "/api/v1/offices/lab/signalling"


def test_figures_of_the_recorded_day(client):
    """Every phone registered at once, nothing failed at the trunk, and each customer's call was set up fast."""
    found = client.get(SIGNALLING, params={"day": DAY}).json()
    vantages = found["vantages"]
    assert ["phone", "trunk_in", "trunk_out"] == list(vantages)
    phone, trunk = vantages["phone"], vantages["trunk_in"]
    assert phone["invites"] > phone["contacts"] > 0
    assert phone["by_leg"]["sip_ser"]["value"] < phone["by_contact"]["sip_ser"]["value"]
    assert trunk["by_leg"]["sip_seer"]["value"] > 90
    assert 0 < trunk["by_leg"]["sip_srd_ok"]["p50"] <= trunk["by_leg"]["sip_srd_ok"]["p95"]
    assert phone["by_leg"]["sip_rrd"]["denominator"] > 0
    assert found["sound"]["mos_lq"]["value"] is None


def test_page_shows_every_figure(client):
    """A row each, and that no phone reported how its calls sounded."""
    page = client.get("/signalling", params={"office": "lab", "day": DAY}).text
    assert 12 == page.count("data-signalling=")
    assert "No phone reported" in page
    assert 'href="/signalling?office=lab&amp;day=2026-11-22"' in page
    assert "day=2026-11-21" in page
    assert 422 == client.get("/signalling", params={"day": "never"}).status_code


def test_page_shows_a_week(client):
    """The API's figures of the same days, and the weeks beside it."""
    page = client.get("/signalling", params={"office": "lab", "week": DAY}).text
    found = client.get(SIGNALLING, params={"week": DAY}).json()["vantages"]["phone"]["by_leg"]["sip_ser"]
    assert f'data-kpi="sip_ser" data-value="{found["value"]}"' in page
    assert "Signalling, 16 November 2026 to 22 November 2026" in page
    assert "from=2026-11-09&amp;until=2026-11-15" in page


def test_sound_reaches_the_page(empty_store, plans):
    """A phone's report through the ingest onto the page: mean, loss, delay."""
    report = VoiceReported(NOW_MS - 1000, "101", b"\1\2\3\4\5\6")
    report.mos_lq, report.loss, report.delay_ms, report.jitter_ms = 412, 50, 80, 3
    batch = wire.encode_batch(1, 1, wire.CLOCK_SYNCHRONISED, [wire.encode_event(report)])
    Ingest(empty_store, plans, lambda _box: "lab").receive_messages(
        [(wire.topic("lab", "ev"), msgpack.packb(batch))], NOW_MS
    )
    with serving(empty_store, plans) as address, httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
        page = client.get("/signalling", params={"office": "lab", "day": DAY}).text
        assert 'data-sound="101"' in page
        assert "4.12" in page
        assert "0.50 %" in page
