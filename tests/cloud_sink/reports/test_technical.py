"""Tables of what lies below the numbers, from a real store."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgpack
import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.ingest import Ingest
from cloud_sink.kpi.period import Period
from cloud_sink.office import Office, Offices
from cloud_sink.reports.tables import make_table
from cloud_sink.store import Store
from collector.core import wire
from collector.core.events import GapObserved, VoiceReported
from collector.ports import Event

NOW_MS = 1_795_354_000_000  # 2026-11-22 13:26:40 UTC
DAY = Period.of_days(date(2026, 11, 22), date(2026, 11, 22), "UTC")
PLANS = {"lab": OfficePlan("lab", week_start="saturday")}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office whose box was blind once, and one of whose phones told how two calls sounded."""
    store = Store.open(f"sqlite:///{tmp_path / 'sink.db'}")
    store.migrate()
    gap = GapObserved(NOW_MS - 3_600_000, NOW_MS - 3_510_000, "source", 3)
    events: list[Event] = [gap, sound("101", 4_12), sound("101", 3_12)]
    batch = wire.encode_batch(1, 1, wire.CLOCK_SYNCHRONISED, [wire.encode_event(event) for event in events])
    Ingest(store, PLANS, lambda _box: "lab").receive_messages([(wire.topic("box", "ev"), msgpack.packb(batch))], NOW_MS)
    yield Offices(store, PLANS, lambda: NOW_MS).get("lab")
    store.close()


def sound(extension: str, score: int) -> VoiceReported:
    """A phone's report of a call a second ago."""
    report = VoiceReported(NOW_MS - 1000, extension, b"\1\2\3\4\5\6")
    report.mos_lq, report.loss, report.delay_ms = score, 50, 80
    return report


def test_gaps_stand_below_the_indicators(office: Office) -> None:
    """Why, how many events were lost, at which box, from when to when."""
    rows = make_table(office, DAY, "quality").rows
    assert ["gap", "Blind: source", 3, "n", "box", "2026-11-22T12:26:40+00:00", "2026-11-22T12:28:10+00:00"] == rows[-1]
    assert "coverage" == rows[0][0]


def test_sound_is_told_in_all_and_by_phone(office: Office) -> None:
    """Mean, median and worst score, mean loss and delay; what no phone told is empty."""
    assert [
        ["all phones", 2, 3.62, 3.12, 3.12, 0.5, 80, None],
        ["101", 2, 3.62, 3.12, 3.12, 0.5, 80, None],
    ] == make_table(office, DAY, "sound").rows


def test_the_planned_week_begins_where_the_office_begins_it(office: Office) -> None:
    """A week of seven days from Saturday on; what nobody watched is empty, never 0."""
    table = make_table(office, DAY, "planning")
    assert ("hour", "sat_calls", "sat_agents", "sun_calls") == table.heads[:4]
    assert (24, 15) == (len(table.rows), len(table.heads))
    assert [None, None] == list(table.rows[12][1:3])
