import pytest

from cloud_sink.contacts.work_rules import Criterion
from cloud_sink.kpi.scorecard import measure_scorecard, score
from cloud_sink.kpi.value import PERCENT, RING, Parts, Value, value_of


def percent(value: int | None) -> Value:
    """A share."""
    return value_of(Parts(value or 0, 0 if value is None else 100), unit=PERCENT, basis=RING, averaged=True)


@pytest.mark.parametrize(
    ("criterion", "value", "points"),
    [
        (Criterion("service_level", 80), 80, 100),
        (Criterion("service_level", 80), 40, 50),
        (Criterion("service_level", 80, worst=60), 70, 50),
        (Criterion("service_level", 80, worst=60), 50, 0),
        (Criterion("service_level", 80), 95, 100),
        (Criterion("abandon_rate", 5, worst=20), 5, 100),
        (Criterion("abandon_rate", 5, worst=20), 8, 80),
        (Criterion("abandon_rate", 5, worst=20), 30, 0),
        (Criterion("service_level", 80), None, None),
    ],
)
def test_points(criterion: Criterion, value: int | None, points: float | None):
    """100 at the target, 0 at the worst, linear between, whichever of both is the larger."""
    (scored,) = score([criterion], {criterion.kpi: percent(value)})
    assert points == (None if scored.points is None else pytest.approx(scored.points))


def test_weights_and_unknown_kpis():
    """What is not known is left out with its weight, never scored as nothing."""
    criteria = [Criterion("a", 80, weight=3), Criterion("b", 100), Criterion("c", 100, weight=5)]
    scored = score(criteria, {"a": percent(80), "b": percent(20), "c": percent(None)})
    assert Parts(1000 * (3 * 100_000 + 20_000), 4000) == measure_scorecard(scored)["scorecard"]
    assert Parts(0, 0) == measure_scorecard(score(criteria[2:], {}))["scorecard"]


def test_the_first_source_that_has_a_kpi_decides():
    """The team's own number, even where it is unknown, before its queue's, before the office's."""
    sources = ({"a": percent(None)}, {"a": percent(10), "b": percent(20)}, {"a": percent(30), "b": percent(40)})
    assert [None, 20] == [
        each.value and each.value.value for each in score([Criterion("a", 1), Criterion("b", 1)], *sources)
    ]
