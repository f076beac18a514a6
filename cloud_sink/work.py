"""What the configuration says about imports and work, below `[offices.NAME]`."""

import re

from cloud_sink.contacts.work_rules import Criterion, ImportedNumbers, Scorecard, Target, WorkRules
from cloud_sink.kpi.catalogue import CATALOGUE, definitions_of
from cloud_sink.kpi.definition import TOTAL
from cloud_sink.sections import Section, nearest

LIMIT = re.compile(r"\s*(<=|>=)\s*(-?\d+(?:\.\d+)?)\s*")  # "<= 28"
MOST = 1_000_000  # of any KPI: what a target may be


def imported_numbers(section: Section) -> ImportedNumbers:
    """Read `[offices.NAME.imports]`. Raises ConfigurationError naming file and key."""
    country, area = section.text("country"), section.text("area")
    for key, value in (("country", country), ("area", area)):
        if value and not (value.isascii() and value.isdigit()):
            section.refuse(key, f'must be digits only, such as "44", not "{value}"')
    name = section.text("numbers_key_file")
    section.close()
    return ImportedNumbers(country, area, str(section.file.parent / name) if name else "")


def work_rules(section: Section) -> WorkRules:
    """Read `[offices.NAME.work]`. Raises ConfigurationError naming file and key."""
    cost = section.number("hourly_cost", -1, -1, 100_000)
    rules = WorkRules(
        grace_ms=round(section.number("grace_s", 120, 0, 3600) * 1000),
        count_outside_shift=section.flag("count_outside_shift", default=False),
        absent_after_ms=round(section.number("absent_after_min", 60, 1, 1440) * 60_000),
        long_ring_ms=round(section.number("long_ring_s", 15, 1, 600) * 1000),
        hourly_cost=None if cost < 0 else cost,
    )
    section.close()
    return rules


def targets(office: Section) -> tuple[Target, ...]:
    """Read `targets` of an office. Raises ConfigurationError naming file and key."""
    known = {kpi.id for kpi in definitions_of(TOTAL)}
    found = []
    for kpi, text in office.mapping("targets").items():
        limit = LIMIT.fullmatch(text)
        if kpi not in known:
            office.refuse("targets", f'has "{kpi}", which is no KPI of an office{nearest(kpi, known)}')
        if limit is None:
            office.refuse("targets", f'says {kpi} = "{text}": write at most or at least, as "<= 28" or ">= 70"')
        found.append(Target(kpi, float(limit[2]), at_most=limit[1] == "<="))
    return tuple(found)


def scorecards(office: Section) -> tuple[Scorecard, ...]:
    """Read every `[offices.NAME.scorecards.TEAM]`. Raises ConfigurationError naming file and key."""
    return tuple(_scorecard(section) for section in office.sections("scorecards"))


def _scorecard(section: Section) -> Scorecard:
    queue = section.text("queue")
    criteria = tuple(_criterion(table) for table in section.sections("criteria"))
    section.close()
    if not criteria:
        section.refuse("criteria", f"has none: write [{section.name}.criteria.service_level] and its target")
    return Scorecard(section.last_name, criteria, queue)


def _criterion(section: Section) -> Criterion:
    kpi = section.last_name
    if kpi not in CATALOGUE or kpi == "scorecard":
        section.refuse(kpi, f"is no KPI that can be scored{nearest(kpi, CATALOGUE)}")
    criterion = Criterion(
        kpi,
        target=section.number("target", 100, -MOST, MOST),
        worst=section.number("worst", 0, -MOST, MOST),
        weight=section.number("weight", 1, 0.001, 1000),
    )
    section.close()
    if criterion.target == criterion.worst:
        section.refuse(
            "worst", f"is the target itself ({criterion.target:g}): what gives no points must be another value"
        )
    return criterion
