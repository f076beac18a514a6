"""What a KPI's definition holds."""

from dataclasses import dataclass

from cloud_sink.kpi.value import MONEY, NUMBER, SECONDS

TOTAL, QUEUES, EXTENSIONS, PLANNING = "total", "queues", "extensions", "planning"
SIGNALLING = "signalling"  # by vantage point, on a page of its own
TAP = "tap"  # of the boxes, beside every report
TEAMS = "teams"  # everybody together, each team, each agent; what is shown for extensions is shown there as well
CONTACT_SCOPES = (TOTAL, QUEUES)
ALL_SCOPES = (TOTAL, QUEUES, EXTENSIONS)
# how cohorts are put together: sums, of days though not of queues, maxima, or from the contacts themselves
SUM, DAYS, MAX, RECOMPUTE = "sum", "days", "max", "recompute"


@dataclass(frozen=True, slots=True)
class Definition:
    """One KPI: its words, its formula, its source, and what its number rests on."""

    id: str
    title: str
    unit: str
    says: str
    formula: str
    source: str
    observability: str
    kpi_class: str = "a"  # a: from SIP alone; b: with some configuration; c: with imports
    averaged: bool = False  # a ratio or an average: shown with n, greyed below 20
    roll: str = SUM
    scopes: tuple[str, ...] = CONTACT_SCOPES

    @property
    def is_count(self) -> bool:
        """A plain sum: its denominator is 1 where it could be observed, 0 where not."""
        return not self.averaged and self.unit in (NUMBER, SECONDS, MONEY)

    def to_json(self, section: str) -> dict[str, object]:
        """What `/api/v1/kpis` prints."""
        return {
            "id": self.id,
            "title": self.title,
            "unit": self.unit,
            "says": self.says,
            "formula": self.formula,
            "source": self.source,
            "observability": self.observability,
            "class": self.kpi_class,
            "averaged": self.averaged,
            "roll": self.roll,
            "scopes": list(self.scopes),
            "section": section,
        }
