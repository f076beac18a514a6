"""Readable builders of agents' days: times are minutes after nine o'clock of a Monday."""

from collections.abc import Sequence

from cloud_sink.kpi.crew import Worker
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.roster import Planned
from cloud_sink.kpi.states import AVAILABLE, OFFLINE, OTHER, Interval

NINE = 1_780_304_400_000  # 2026-06-01 09:00 UTC
MINUTE = 60_000
OFF_DUTY = (OFFLINE, OTHER)


def at(minute: float) -> int:
    """Unix milliseconds of a minute of that morning."""
    return NINE + round(minute * MINUTE)


def did(*states: tuple[str, float], start: float = 0) -> list[Interval]:
    """What an agent did, one after the other: (state, minutes)."""
    found: list[Interval] = []
    for state, minutes in states:
        end = start + minutes
        found.append(Interval(state, at(start), at(end), state not in OFF_DUTY))
        start = end
    return found


def plan(*activities: tuple[str, float], start: float = 0, agent: str = "Alice") -> list[Planned]:
    """What he was to do, one after the other: (activity, minutes); "gap" is nothing."""
    found: list[Planned] = []
    for activity, minutes in activities:
        end = start + minutes
        if activity != "gap":
            found.append(Planned(agent, at(start), at(end), activity))
        start = end
    return found


def worker(states: Sequence[Interval] = (), planned: Sequence[Planned] = (), legs: Sequence[SettledLeg] = ()) -> Worker:
    """Alice of support at 101; without states she waits for calls all morning."""
    shown = list(states) or did((AVAILABLE, 240))
    return Worker("Alice", "support", ["101"], shown, list(legs), list(planned))
