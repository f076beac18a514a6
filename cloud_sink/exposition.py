"""Prometheus' text format, version 0.0.4: families of samples, each a name, labels and a number.

Source: prometheus.io, "Exposition formats". The whole of it is a page of text, so it is written here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGE, COUNTER = "gauge", "counter"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number with its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(slots=True)
class Family:
    """All samples of one name."""

    name: str
    says: str
    kind: str = GAUGE
    labels: tuple[str, ...] = ()
    samples: list[Sample] = field(default_factory=list)

    def add(self, value: float | None, *labels: str) -> None:
        """Add a sample, labels in the family's order; what is not known has none: absent, neither 0 nor NaN."""
        if value is not None:
            self.samples.append(Sample(dict(zip(self.labels, labels, strict=True)), value))


def expose(families: Iterable[Family]) -> str:
    """The text that a server is scraped for; families without samples are left out."""
    return "".join(line + "\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.says)}"
    yield f"# TYPE {family.name} {family.kind}"
    for sample in family.samples:
        labels = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in sample.labels.items())
        yield f"{family.name}{'{' + labels + '}' if labels else ''} {_number(sample.value)}"


def _number(value: float) -> str:
    """Whole numbers without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str, *, quotes: bool = False) -> str:
    found = text.replace("\\", r"\\").replace("\n", r"\n")
    return found.replace('"', r"\"") if quotes else found
