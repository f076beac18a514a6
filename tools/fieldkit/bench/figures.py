"""Figures and goals: what a benchmark prints, and whether it is content."""

from collections.abc import Sequence
from dataclasses import dataclass

from fieldkit.bench.measure import describe_machine


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; without a goal it stands there for comparison."""

    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """False where a goal is missed."""
        if self.at_least is not None and self.value < self.at_least:
            return False
        return self.at_most is None or self.value <= self.at_most

    def goal(self) -> str:
        """The goal in words, "" without one."""
        if self.at_least is not None:
            return f">= {self.at_least:,.0f}"
        return f"<= {self.at_most:,.0f}" if self.at_most is not None else ""


def print_figures(title: str, figures: Sequence[Figure]) -> int:
    """Print a table; returns the exit status: 1 where a goal was missed."""
    print(f"{title}\n{describe_machine()}\n")
    width = max(len(figure.what) for figure in figures)
    for figure in figures:
        verdict = "" if not figure.goal() else "  met" if figure.is_met else "  MISSED"
        value = f"{figure.value:,.0f}" if abs(figure.value) >= 100 else f"{figure.value:,.2f}"
        print(f"{figure.what:<{width}}  {value:>12} {figure.unit:<16} {figure.goal():<14}{verdict}".rstrip())
    return 0 if all(figure.is_met for figure in figures) else 1
