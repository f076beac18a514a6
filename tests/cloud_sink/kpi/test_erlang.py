import json
from pathlib import Path

import pytest

from cloud_sink.kpi.accessibility import ServiceCounts, service_levels
from cloud_sink.kpi.erlang import Goal, erlang_a, erlang_b, erlang_c, lines_needed, rostered, staff

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "erlang.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["erlang_b"], ids=str)
def test_erlang_b_is_the_published_share(vector):
    """Share of calls that find all lines busy."""
    assert vector["b"] == pytest.approx(erlang_b(vector["n"], vector["a"]), rel=1e-12)


@pytest.mark.parametrize("vector", VECTORS["erlang_c"], ids=str)
def test_erlang_c_is_the_published_queue(vector):
    """Waiting, service level, speed of answer, occupancy and queue (pyworkforce, CRAN ErlangC and others)."""
    found = erlang_c(vector["n"], vector["calls"] / vector["period"], vector["aht"], vector["T"])
    assert vector["pw"] == pytest.approx(found.waiting, rel=1e-9)
    assert vector["sl"] == pytest.approx(found.levels["sl_offered"], rel=1e-9)
    assert vector["asa"] == pytest.approx(found.mean_wait, rel=1e-9)
    assert vector["occ"] == pytest.approx(found.occupancy, rel=1e-9)
    assert vector["lq"] == pytest.approx(found.queue, rel=1e-9)


@pytest.mark.parametrize("vector", VECTORS["erlang_a"], ids=str)
def test_erlang_a_is_the_exact_chain(vector):
    """Abandons, waits and all three service levels, as recomputed independently and checked by simulation."""
    found = erlang_a(vector["n"], vector["lam"], 1 / vector["mu"], 1 / vector["theta"], vector["T"])
    assert vector["pw"] == pytest.approx(found.waiting, rel=1e-9)
    assert vector["pab"] == pytest.approx(found.abandoned, rel=1e-9)
    assert vector["ew"] == pytest.approx(found.mean_wait, rel=1e-9)
    assert vector["lq"] == pytest.approx(found.queue, rel=1e-9)
    assert vector["occ"] == pytest.approx(found.occupancy, rel=1e-9)
    assert vector["served_within_T"] == pytest.approx(found.served_within, rel=1e-9)
    assert vector["ab_within_T"] == pytest.approx(found.abandoned_within, rel=1e-9)
    assert vector["sl_offered"] == pytest.approx(found.levels["sl_offered"], rel=1e-9)
    assert vector["sl_answered"] == pytest.approx(found.levels["sl_answered"], rel=1e-9)
    assert vector["sl_excl_early_ab"] == pytest.approx(found.levels["sl_late_ab"], rel=1e-9)


def test_service_level_formulas_are_icmi_s():
    """The reference vector of all six formulas: 1000 answered, 860 of them in time, 60 gave up."""
    vector = VECTORS["service_level_icmi"]
    counts = ServiceCounts(*(vector["inp"][key] for key in ("A", "A_T", "B", "B_T", "b", "F")))
    for formula, parts in service_levels(counts).items():
        if formula in vector:
            assert vector[formula] == pytest.approx(parts.numerator / parts.denominator)


def test_staffing_of_the_textbook_half_hour():
    """100 calls in 30 minutes of 180 s, 80 % in 20 s: 14 agents, 20 on the roster at 30 % shrinkage."""
    found = staff(100 / 1800, 180, Goal(most_occupied=1))
    assert (14, 20) == (found.agents, found.rostered)
    assert 28 == staff(250 / 3600, 330, Goal(threshold_s=30, most_occupied=1)).agents


def test_patience_needs_fewer_agents():
    """Callers who give up make room: 12 reach 80 % with two minutes of patience; the occupancy can ask for more."""
    assert 12 == staff(100 / 1800, 180, Goal(most_occupied=1), patience_s=120).agents
    assert 14 == staff(100 / 1800, 180, Goal(most_occupied=0.7), patience_s=120).agents


def test_nobody_calls_nobody_is_needed():
    """No demand, no agents."""
    assert (0, 0) == (staff(0, 180, Goal()).agents, staff(0.1, 0, Goal()).rostered)


def test_too_few_agents_are_overloaded():
    """As many agents as erlangs: the queue never ends."""
    assert 0.0 == erlang_c(10, 1 / 18, 180, 20).levels["sl_offered"]


def test_large_centres_do_not_overflow():
    """A thousand agents, in either model."""
    assert 0 < erlang_c(1050, 1000 / 180, 180, 20).waiting < 1
    assert 0 < erlang_a(1000, 1000 / 180, 180, 120, 20).abandoned < 0.05


def test_lines_for_a_busy_hour():
    """Fewest lines with at most 1 % blocked: 84.1 erlangs need 101, where 100 would block 1.007 %."""
    assert (101, 18, 0) == (lines_needed(84.1, 0.01), lines_needed(10, 0.01), lines_needed(0, 0.01))


def test_shrinkage_rounds_up_and_not_by_a_speck():
    """7 at the phone at 30 % shrinkage are 10 rostered, not 11."""
    assert (10, 20) == (rostered(7, 0.3), rostered(14, 0.3))
