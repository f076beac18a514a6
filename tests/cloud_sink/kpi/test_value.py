from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.kpi.value import Parts, value_of, weakest_basis, wilson_percent

counters = st.builds(Parts, st.integers(0, 10**9), st.integers(0, 10**6))


def test_nothing_to_divide_by_is_null():
    """R1: a share of nothing is not 100 % and not 0 %, it is null."""
    value = value_of(Parts(0, 0), unit="%", basis="queue", averaged=True)
    assert value.value is None
    assert value.interval is None


def test_share_is_in_percent_with_its_counters():
    """A share is shown in percent; numerator and denominator stay the counts."""
    value = value_of(Parts(1, 4), unit="%", basis="queue", averaged=True)
    assert (25.0, 1, 4) == (value.value, value.numerator, value.denominator)


def test_times_are_in_seconds():
    """Milliseconds inside, seconds outside, in the value and in its numerator."""
    value = value_of(Parts(9000, 2), unit="s", basis="queue", averaged=True)
    assert (4.5, 9.0, 2) == (value.value, value.numerator, value.denominator)


def test_under_twenty_observations_an_average_is_small():
    """R9: 19 observations are too few to trust a ratio, 20 are enough; a plain count is never small."""
    assert value_of(Parts(1, 19), unit="%", basis="queue", averaged=True).small
    assert not value_of(Parts(1, 20), unit="%", basis="queue", averaged=True).small
    assert not value_of(Parts(3), unit="n", basis="queue", averaged=False).small


def test_wilson_interval_of_a_published_example():
    """0 of 10 gives 0 to 27.75 %, and 8 of 10 gives 49.02 to 94.33 % (Newcombe 1998, Brown et al. 2001)."""
    assert [0.0, 27.75] == [round(bound, 2) for bound in wilson_percent(0, 10)]
    assert [49.02, 94.33] == [round(bound, 2) for bound in wilson_percent(8, 10)]


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_interval_holds_the_share(successes, extra):
    """The interval lies in 0 to 100 % and around the share itself."""
    trials = successes + extra
    low, high = wilson_percent(successes, trials)
    assert 0 <= low <= 100 * successes / trials <= high <= 100


@given(counters, counters, counters)
def test_counters_add_up_in_any_order(a, b, c):
    """I5: sums and maxima of counters do not depend on the order of merging."""
    assert a.plus(b).plus(c) == c.plus(a.plus(b)) == b.plus(c.plus(a))
    assert a.larger(b).larger(c).numerator == c.larger(b.larger(a)).numerator


def test_mixture_takes_the_weakest_basis():
    """R6: one wait that only starts at the first ring makes the whole average ring-based."""
    assert "ring" == weakest_basis(["caller", "ring", "queue"])
    assert "queue" == weakest_basis(["caller", "queue"])
    assert "caller" == weakest_basis([], otherwise="caller")
