"""Targets: what counts as met, and that the service level always has one."""

import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.contacts.work_rules import Target
from cloud_sink.kpi.targets import judge, targets_of
from cloud_sink.kpi.value import PERCENT, SECONDS, Parts, value_of

ASA, FCR = Target("asa", 28, at_most=True), Target("fcr_repeat", 70, at_most=False)
LEVEL = Target("service_level", 80, at_most=False)


def seconds(value: float | None):
    """A value in seconds; None: nothing to measure."""
    parts = Parts(0, 0) if value is None else Parts(round(value * 1000), 1)
    return value_of(parts, unit=SECONDS, basis="queue", averaged=True)


@pytest.mark.parametrize(("reached", "met"), [(27.9, True), (28, True), (28.1, False), (None, None)])
def test_the_limit_itself_is_met(reached, met):
    """At most 28 s; of nothing it cannot be said."""
    assert [met] == [each.met for each in judge({"asa": seconds(reached)}, [ASA])]


def test_at_least_and_what_is_not_there():
    """69 % of 70 is missed; a KPI that a queue does not have is left out."""
    share = value_of(Parts(69, 100), unit=PERCENT, basis="queue", averaged=True)
    assert [("fcr_repeat", False)] == [(each.target.kpi, each.met) for each in judge({"fcr_repeat": share}, [ASA, FCR])]


def test_the_service_level_has_its_own():
    """From `service_level_target`, unless `targets` say another."""
    assert [LEVEL, ASA] == targets_of(OfficePlan("lab", targets=(ASA,)))
    other = Target("service_level", 90, at_most=False)
    assert [other] == targets_of(OfficePlan("lab", targets=(other,)))
