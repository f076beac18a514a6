from datetime import date

from cloud_sink.kpi.grid import grid, grid_json, merge
from cloud_sink.kpi.period import QUARTER_MS, Period


def test_a_contact_counts_where_it_arrived(make_contact, start):
    """R2: offered at 09:14, answered at 09:16, it is in the bucket of 09:00 with its answer."""
    contact = make_contact(at_s=14 * 60, wait_s=120)
    buckets = grid([contact], period=Period(start, start + 2 * QUARTER_MS))
    assert [(1, 1), (0, 0)] == [(bucket.offered, bucket.answered) for bucket in buckets]


def test_every_quarter_hour_is_there():
    """A day without calls still has its 96 rows, and null instead of a service level."""
    day = date(2026, 6, 1)
    rows = grid_json([], period=Period.of_days(day, day, "UTC"))
    assert 96 == len(rows)
    assert rows[0]["service_level"]["value"] is None
    assert rows[0]["asa"] is None


def test_an_open_contact_makes_its_row_provisional(make_contact, start):
    """What is still going on can change the row."""
    rows = grid_json([make_contact("open", wait_s=None)], period=Period(start, start + QUARTER_MS))
    assert rows[0]["provisional"]


def test_counters_of_a_row(make_contact, start):
    """Threshold and short limit are the same as in the report."""
    contacts = [
        make_contact(wait_s=20),
        make_contact(wait_s=21),
        make_contact("abandoned", wait_s=1),
        make_contact("abandoned", wait_s=30),
        make_contact(direction="int"),
    ]
    row = grid_json(contacts, period=Period(start, start + QUARTER_MS), threshold_s=20)[0]
    wanted = {"offered": 4, "answered": 2, "answered_within": 1, "abandoned": 2, "short_abandoned": 1, "missed": 1}
    assert wanted == {name: row[name] for name in wanted}
    assert 20.5 == row["asa"]
    assert 1 / 3 * 100 == row["service_level"]["numerator"] / row["service_level"]["denominator"] * 100


def test_nothing_merges_to_nothing():
    """No bucket has no sum."""
    assert merge([]) is None
