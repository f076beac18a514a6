"""How a KPI is carried: two counters until the very end, then a value that says what it rests on.

Percentages and averages are never stored or merged as such; only their counters are (rules R1, R2, R8 and R9).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NUMBER, PERCENT, SECONDS, DAY_RATE, HOUR_RATE, POINTS, MONEY = "n", "%", "s", "n/day", "n/h", "points", "money"
SCORE = "of 100"  # counted in thousandths
MILLISECONDS, MOS = "ms", "MOS"  # mean opinion score, 1 to 5, counted in hundredths
HOUR_MS = 3_600_000  # a rate per hour has milliseconds below the line
SMALL_SAMPLE = 20  # below this many observations a ratio or an average is greyed (R9)
WHOLE = {SECONDS: 1000, MONEY: 1_000_000, SCORE: 1000, MOS: 100}  # what is counted of one
Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution

CALLER, QUEUE, RING = "caller", "queue", "ring"
_BASES_FROM_STRONG_TO_WEAK = (CALLER, QUEUE, RING)


@dataclass(frozen=True, slots=True)
class Parts:
    """The two counters of one KPI; times in whole milliseconds, so that adding them up is exact in any order."""

    numerator: int
    denominator: int = 1
    seen: bool = True  # False: of some of the cohort it cannot be told (R6), so nothing is said of the whole

    def plus(self, other: "Parts") -> "Parts":
        """Counters of both cohorts together, for KPIs that add up."""
        seen = self.seen and other.seen
        return Parts(self.numerator + other.numerator, self.denominator + other.denominator, seen)

    def larger(self, other: "Parts") -> "Parts":
        """Counters of both cohorts together, for maxima."""
        return max(self, other, key=lambda parts: (parts.denominator > 0, parts.numerator))


@dataclass(frozen=True, slots=True)
class Value:
    """One KPI as shown: None where nothing was observed that it could rest on (R1), never 100 % and never 0."""

    value: float | None
    numerator: float
    denominator: float
    basis: str  # caller | queue | ring: where the waiting was measured from (R6)
    unit: str  # n | % | s | n/day | n/h
    averaged: bool = False  # a ratio or an average: its denominator is the number of observations

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval in percent, for shares only."""
        return wilson_percent(self.numerator, self.denominator) if self.unit == PERCENT and self.averaged else None

    @property
    def small(self) -> bool:
        """Fewer observations than a ratio or an average should be trusted with (R9)."""
        return self.averaged and self.denominator < SMALL_SAMPLE

    def to_json(self) -> dict[str, object]:
        """What the interfaces print."""
        return {
            "value": None if self.value is None else round(self.value, 6),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "basis": self.basis,
            "unit": self.unit,
            "interval": None if self.interval is None else [round(bound, 3) for bound in self.interval],
            "small": self.small,
        }


def value_of(parts: Parts, *, unit: str, basis: str, averaged: bool) -> Value:
    """Turn counters into what is shown: percent for shares, seconds for times."""
    numerator = parts.numerator / WHOLE.get(unit, 1)
    scale = {PERCENT: 100, HOUR_RATE: HOUR_MS}.get(unit, 1)
    observations = parts.denominator if parts.seen else 0
    shown = None if observations == 0 else scale * numerator / observations
    return Value(shown, numerator, observations, basis, unit, averaged)


def wilson_percent(successes: float, trials: float) -> tuple[float, float] | None:
    """95 % score interval of a share, in percent (Wilson 1927, JASA 22:209); None without trials."""
    if trials <= 0:
        return None
    share = successes / trials
    shrink = 1 + Z_95**2 / trials
    centre = (share + Z_95**2 / (2 * trials)) / shrink
    half = Z_95 / shrink * (share * (1 - share) / trials + Z_95**2 / (4 * trials**2)) ** 0.5
    low = max(0.0, centre - half) if successes else 0.0  # exact where rounding would leave a speck
    high = min(1.0, centre + half) if successes < trials else 1.0
    return 100 * low, 100 * high


def weakest_basis(bases: Iterable[str], *, otherwise: str = RING) -> str:
    """The least that can be said of a mixture: one ring-based wait makes the whole ring-based (R6)."""
    ranks = [_BASES_FROM_STRONG_TO_WEAK.index(basis) for basis in bases if basis in _BASES_FROM_STRONG_TO_WEAK]
    return _BASES_FROM_STRONG_TO_WEAK[max(ranks)] if ranks else otherwise


Measured = Mapping[str, Parts]  # KPI id -> its counters
