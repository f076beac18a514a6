"""What an office told about imports and work: how numbers are written, what counts as late, what teams aim at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportedNumbers:
    """How telephone numbers of imported files are written, and the key that stored ones are coded with."""

    country: str = ""  # country code, "44"; "": national numbers are left as they are
    area: str = ""  # area code without the national prefix, for local numbers
    key_file: str = ""  # "": stored numbers are in clear


@dataclass(frozen=True, slots=True)
class WorkRules:
    """What counts as late, long and absent; durations in milliseconds."""

    grace_ms: int = 120_000  # around each change of the schedule
    count_outside_shift: bool = False  # work outside the shift is out of adherence too
    absent_after_ms: int = 3_600_000  # a shift without a sign of life for so long is suspected to be missed
    long_ring_ms: int = 15_000  # answered after ringing for so long
    hourly_cost: float | None = None  # of a paid hour, where the staff's own is not known


@dataclass(frozen=True, slots=True)
class Target:
    """What the office aims at with one KPI: at most, or at least, so much of its unit."""

    kpi: str
    limit: float
    at_most: bool


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a team aims at with one KPI: `target` gives 100 points, `worst` and everything beyond it 0."""

    kpi: str
    target: float
    worst: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A team's own list of criteria; `queue` names the queue whose KPIs count where the team's agents have none."""

    team: str
    criteria: tuple[Criterion, ...]
    queue: str = ""
