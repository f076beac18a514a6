"""Properties that hold for any traffic."""

import random
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.accessibility import count_service, service_levels
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.grid import grid, merge
from cloud_sink.kpi.measurement import merge_measurements
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import measure, report
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import OFFERED_DISPOSITIONS, measure_volume

HOURS = 3
THRESHOLDS = st.integers(5, 60)  # seconds, never under the short limit of 5
WORDS = (*OFFERED_DISPOSITIONS, "blocked")


@st.composite
def contact_fields(draw):
    """What varies from contact to contact."""
    return {
        "disposition": draw(st.sampled_from(WORDS)),
        "at_s": draw(st.integers(0, HOURS * 3600 - 1)),
        "wait_s": draw(st.none() | st.integers(0, 90_000).map(lambda ms: ms / 1000)),
        "talk_s": draw(st.integers(0, 600)),
        "hold_s": draw(st.sampled_from([0, 0, 7])),
        "ring_s": draw(st.none() | st.integers(0, 30)),
        "direction": draw(st.sampled_from(["in", "in", "in", "out", "int", "feature"])),
        "queue": draw(st.sampled_from(["support", "sales"])),
        "caller": draw(st.sampled_from(["", "447700900001", "447700900002"])),
        "visibility": draw(st.sampled_from(["T1", "T2"])),
    }


TRAFFIC = st.lists(contact_fields(), max_size=40)


def share(parts):
    """The ratio, or None."""
    return None if parts.denominator == 0 else parts.numerator / parts.denominator


@given(fields=TRAFFIC)
def test_i1_every_offered_contact_has_one_fate(make_contact, fields):
    """I1: the seven dispositions add up to offered; blocked is outside."""
    measured = measure_volume([make_contact(**each) for each in fields])
    assert measured["offered"].numerator == sum(measured[word].numerator for word in OFFERED_DISPOSITIONS)


@given(fields=TRAFFIC, threshold=THRESHOLDS)
def test_i2_parts_never_exceed_their_whole(make_contact, fields, threshold):
    """I2: short abandons are abandons; contacts within the threshold are contacts."""
    counts = count_service([make_contact(**each) for each in fields], threshold * 1000)
    assert counts.short <= counts.abandoned_within <= counts.abandoned
    assert counts.answered_within <= counts.answered


@given(fields=TRAFFIC, cut_h=st.integers(0, HOURS))
def test_i2_histograms_hold_what_their_averages_count(make_contact, start, fields, cut_h):
    """I2: each histogram's total is its average's denominator, of a period at once and put together from two."""
    contacts = [make_contact(**each) for each in fields]
    cut, end = start + cut_h * 3_600_000, start + HOURS * 3_600_000
    periods = [Period(start, end), Period(start, cut), Period(cut, end)]
    whole, *parts = [
        measure(contacts, [], period=period, plan=OfficePlan("lab"), observed=True, threshold_s=20)
        for period in periods
    ]
    for found in (whole, merge_measurements(parts)):
        counters = found.total.measured()
        for name, kpi_id in (("wait", "asa"), ("ring", "ring_time_avg"), ("talk", "avg_talk_time")):
            assert counters[kpi_id].denominator == sum(found.durations[name].values())


@given(fields=TRAFFIC, threshold=THRESHOLDS)
def test_i3_formulas_keep_their_order(make_contact, fields, threshold):
    """I3: with the short limit within the threshold the six formulas are ordered wherever both exist."""
    levels = service_levels(count_service([make_contact(**each) for each in fields], threshold * 1000))
    for lower, higher in [
        ("sl_offered", "sl_excl_short"),
        ("sl_excl_short", "sl_late_ab"),
        ("sl_late_ab", "sl_answered"),
        ("sl_late_ab", "sl_ab_ok"),
        ("sl_excl_short", "sl_short_credit"),
        ("sl_short_credit", "sl_ab_ok"),
    ]:
        low, high = share(levels[lower]), share(levels[higher])
        assert low is None or high is None or low <= high + 1e-12


@given(fields=TRAFFIC, threshold=THRESHOLDS, seed=st.integers(0, 1000))
def test_i5_merging_buckets_in_any_order_is_the_whole(make_contact, start, fields, threshold, seed):
    """I5: quarter hours put together in any order count what the whole period counts at once."""
    contacts = [make_contact(**each) for each in fields]
    buckets = grid(contacts, period=Period(start, start + HOURS * 3_600_000), threshold_s=threshold)
    shuffled = random.Random(seed).sample(buckets, len(buckets))
    whole = merge(shuffled)
    assert merge(buckets) == whole
    assert count_service(contacts, threshold * 1000) == whole.service
    assert measure_volume(contacts)["offered"].numerator == whole.offered


@given(fields=TRAFFIC, seed=st.integers(0, 1000))
def test_i5_the_order_of_contacts_does_not_matter(make_contact, start, fields, seed):
    """I5: a report is the same whatever the order its contacts are handed over in."""
    contacts = [make_contact(contact_id=f"lab-{at}", **each) for at, each in enumerate(fields)]
    shuffled = random.Random(seed).sample(contacts, len(contacts))
    period, plan = Period(start, start + HOURS * 3_600_000), OfficePlan("lab")
    first = report(contacts, [], period=period, plan=plan, coverage=1.0)
    second = report(shuffled, [], period=period, plan=plan, coverage=1.0)
    assert first.to_json() == second.to_json()


@given(fields=TRAFFIC)
def test_i5_kpis_that_add_up_do(make_contact, start, fields):
    """I5: the catalogue's `sum` KPIs of two queues together are those of the office, counter by counter."""
    contacts = [make_contact(**(each | {"direction": "in", "visibility": "T2"})) for each in fields]
    result = report(contacts, [], period=Period(start, start + HOURS * 3_600_000), plan=OfficePlan("lab"), coverage=1.0)
    for kpi_id, definition in CATALOGUE.items():
        if definition.roll != "sum" or "queues" not in definition.scopes or not definition.averaged:
            continue
        parts = [Parts(round(q[kpi_id].numerator * 1000), int(q[kpi_id].denominator)) for q in result.queues.values()]
        merged = reduce(Parts.plus, parts, Parts(0, 0))
        assert (merged.numerator, merged.denominator) == (
            round(result.total[kpi_id].numerator * 1000),
            result.total[kpi_id].denominator,
        )
