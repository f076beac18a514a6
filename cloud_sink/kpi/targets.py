"""What an office aims at, beside what it reached: one target a KPI, for the office and for each of its queues."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.contacts.work_rules import Target
from cloud_sink.kpi.report import Values
from cloud_sink.kpi.value import Value

SERVICE_LEVEL = "service_level"


@dataclass(frozen=True, slots=True)
class Judged:
    """One KPI with its target; `met` is None where there is no value."""

    target: Target
    value: Value
    met: bool | None


def targets_of(plan: OfficePlan) -> list[Target]:
    """The office's targets; the service level has always one (`service_level_target`)."""
    if any(each.kpi == SERVICE_LEVEL for each in plan.targets):
        return list(plan.targets)
    return [Target(SERVICE_LEVEL, round(100 * plan.service_level_target, 6), at_most=False), *plan.targets]


def judge(values: Values, targets: Sequence[Target]) -> list[Judged]:
    """Each target that these values have a KPI for, in the order written."""
    return [_judged(each, values[each.kpi]) for each in targets if each.kpi in values]


def _judged(target: Target, value: Value) -> Judged:
    if value.value is None:
        return Judged(target, value, None)
    met = value.value <= target.limit if target.at_most else value.value >= target.limit
    return Judged(target, value, met)
