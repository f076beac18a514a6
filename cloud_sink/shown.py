"""How values look on the page: short, with their unit, and beside each what it is based on."""

from collections.abc import Callable
from dataclasses import dataclass

from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.period import local_time
from cloud_sink.kpi.value import (
    DAY_RATE,
    HOUR_RATE,
    MILLISECONDS,
    MONEY,
    MOS,
    NUMBER,
    PERCENT,
    POINTS,
    SCORE,
    SECONDS,
    Value,
)

NOTHING = "—"
BASIS_WORDS = {
    "caller": "waiting is counted from the moment the call arrived",
    "queue": "waiting is counted from the PBX's own answer",
    "ring": "waiting is counted from the first ring where nothing earlier can be seen",
}
KIND_WORDS = {
    "queue": "queue",
    "ring_group": "ring group",
    "ivr": "menu",
    "survey": "survey",
    "voicemail": "voicemail",
    "announcement": "announcement",
    "feature": "feature",
    "direct": "direct line",
}
STATE_WORDS = {
    "open": "to call back",
    "called_back": "called back",
    "called_again": "got through",
    "not_callable": "cannot be called",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One KPI as the page shows it."""

    id: str
    title: str
    text: str  # "81.9 %"
    exact: str  # "81.904762", "" where null: as the API writes it
    note: str  # what it rests on: "of 243 · 77–86 %", "from 216"
    says: str
    formula: str
    basis: str  # in words
    small: bool
    percent: float  # 0 to 100 for bars, 0 where it is no share
    known: bool

    @property
    def tip(self) -> str:
        """Everything about it, for whoever points at it."""
        return f"{self.says}\nFormula: {self.formula}\nBasis: {self.basis}"


def show(kpi_id: str, value: Value) -> Shown:
    """Put a value into words."""
    kpi = CATALOGUE[kpi_id]
    return Shown(
        id=kpi_id,
        title=kpi.title,
        text=value_text(value),
        exact="" if value.value is None else str(value.to_json()["value"]),
        note=note_text(value),
        says=kpi.says,
        formula=kpi.formula,
        basis=BASIS_WORDS[value.basis],
        small=value.small,
        percent=value.value or 0.0 if value.unit == PERCENT else 0.0,
        known=value.value is not None,
    )


def show_all(values: dict[str, Value]) -> dict[str, Shown]:
    """Every value of a report's part."""
    return {kpi_id: show(kpi_id, value) for kpi_id, value in values.items()}


def value_text(value: Value) -> str:
    """The number with its unit; a dash where nothing was observed."""
    if value.value is None:
        return NOTHING
    if value.unit == NUMBER and not value.averaged:
        return count_text(value.value)
    return WRITERS[value.unit](value.value)


def count_text(count: float) -> str:
    """A whole number with its thousands apart."""
    return f"{count:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def note_text(value: Value) -> str:
    """How many observations, and how far chance reaches; nothing for plain counts."""
    if not value.averaged or value.value is None:
        return ""
    if value.interval is None:
        return f"from {count_text(value.denominator)}"
    low, high = value.interval
    return f"of {count_text(value.denominator)} · {low:.0f}–{high:.0f} %"


def duration_text(seconds: float | None) -> str:
    """A duration as people say it: 5.1 s, 2:05 min, 1:02 h."""
    if seconds is None:
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60) if seconds >= 3600 else 0
    if minutes:
        return f"{minutes // 60}:{minutes % 60:02d} h"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min" if whole < 3600 else "1:00 h"


WRITERS: dict[str, Callable[[float], str]] = {
    NUMBER: "{:.1f}".format,
    PERCENT: "{:.1f} %".format,
    SECONDS: duration_text,
    DAY_RATE: "{:.1f} a day".format,
    HOUR_RATE: "{:.1f} an hour".format,
    POINTS: "{:+.0f}".format,
    MONEY: "{:.2f}".format,
    SCORE: "{:.1f} of 100".format,
    MILLISECONDS: "{:.0f} ms".format,
    MOS: "{:.2f}".format,
}


def clock_text(at_ms: int, time_zone: str, *, seconds: bool = False) -> str:
    """Hours and minutes there, with seconds where asked."""
    return local_time(at_ms, time_zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def ago_text(ms: int) -> str:
    """How long ago, roughly."""
    seconds = max(0, ms // 1000)
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now" if seconds < 10 else f"{seconds} seconds ago"
