"""Durations in growing bins: how far off a percentile may be, and that days add up."""

import random

from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.kpi.histogram import GAMMA, histogram, merge_histograms, percentile_ms, percentiles_s

DURATIONS = st.lists(st.integers(0, 40_000_000), max_size=200)


def exact(durations, share):
    """The smallest duration that `share` of all do not exceed."""
    ordered = sorted(durations)
    return next(each for at, each in enumerate(ordered, 1) if at >= share * len(ordered))


@given(durations=DURATIONS.filter(bool), share=st.sampled_from([0.1, 0.5, 0.9, 0.95]))
def test_a_percentile_is_off_by_half_a_bin_at_most(durations, share):
    """5 %, or ten milliseconds."""
    found, true = percentile_ms(histogram(durations), share), exact(durations, share)
    assert true / GAMMA**0.5 - 10 <= found <= true * GAMMA**0.5 + 10


@given(durations=DURATIONS, days=st.integers(1, 5), seed=st.integers(0, 99))
def test_days_add_up_in_any_order(durations, days, seed):
    """Histograms of parts, put together, are the histogram of the whole."""
    parts = [histogram(durations[day::days]) for day in range(days)]
    random.Random(seed).shuffle(parts)
    assert merge_histograms(parts) == histogram(durations)


def test_of_nothing_there_is_no_percentile():
    """Null, not 0 (R1)."""
    assert percentiles_s(histogram([])) == {"p50": None, "p90": None, "p95": None}
