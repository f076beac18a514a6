"""The scorecard: each team's own criteria, every KPI as points of its target, and their weighted mean.

100 points at the target, 0 at what the team calls worst, in between by the rule of three; nothing beyond either. A KPI
that is not known is left out together with its weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.contacts.work_rules import Criterion
from cloud_sink.kpi.value import Parts, Value

THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Scored:
    """One criterion with what was reached."""

    criterion: Criterion
    value: Value | None
    points: float | None  # 0 to 100; None where the value is not known


def score(criteria: Sequence[Criterion], *sources: dict[str, Value]) -> list[Scored]:
    """Every criterion; a KPI's value is that of the first source that has it at all."""
    return [
        _score(each, next((source[each.kpi] for source in sources if each.kpi in source), None)) for each in criteria
    ]


def _score(criterion: Criterion, value: Value | None) -> Scored:
    if value is None or value.value is None:
        return Scored(criterion, value, None)
    share = (value.value - criterion.worst) / (criterion.target - criterion.worst)
    return Scored(criterion, value, 100 * min(1.0, max(0.0, share)))


def measure_scorecard(scored: Sequence[Scored]) -> dict[str, Parts]:
    """`scorecard`: in thousandths of points by weight; null where nothing is known."""
    known = [(round(THOUSAND * each.criterion.weight), each.points) for each in scored if each.points is not None]
    total = sum(weight * round(THOUSAND * points) for weight, points in known)
    return {"scorecard": Parts(total, sum(weight for weight, _ in known))}
