"""Which closed days something new changes: marked in the transaction that stores it, computed again afterwards.

Today is never marked: it is read from the calls. So a box that is not behind costs nothing here.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.period import day_number, midnight_ms, numbered_day
from cloud_sink.store.days import mark_days

FURTHEST_BACK_DAYS = 3660  # ten years: what claims to be older is nobody's report any more
STATES_REACH_DAYS = 1  # a feature code dialled yesterday says how an agent begins the day


@dataclass(frozen=True, slots=True)
class _Clock:
    """An office's today."""

    time_zone: str
    today: int
    midnight_ms: int
    reach: int  # days around a call whose repeats and states it may change


class ClosedDays:
    """Collects what is touched within a transaction, and marks it at its end."""

    def __init__(self, connection: Connection, plans: Mapping[str, OfficePlan], now_ms: int) -> None:
        self._connection = connection
        self._plans = plans
        self._now_ms = now_ms
        self._clocks: dict[str, _Clock] = {}
        self._days: dict[str, set[int]] = defaultdict(set)

    def call_changed(self, office: str, from_ms: int, until_ms: int) -> None:
        """Calls begun in [from, until] came or changed: callers' repeats around them may too."""
        clock = self._clock(office)
        if from_ms < clock.midnight_ms:
            self._touch(office, clock, from_ms, until_ms, clock.reach)

    def watch_changed(self, office: str, from_ms: int, until_ms: int) -> None:
        """It is known now what the tap saw in [from, until]."""
        clock = self._clock(office)
        if from_ms < clock.midnight_ms:
            self._touch(office, clock, from_ms, until_ms, 0)

    def state_changed(self, office: str, at_ms: int) -> None:
        """A phone came or went: it is so from then on."""
        clock = self._clock(office)
        if at_ms < clock.midnight_ms:
            self._touch(office, clock, at_ms, clock.midnight_ms, 0)

    def write(self) -> None:
        """Mark the days."""
        for office, days in self._days.items():
            mark_days(self._connection, office, sorted(days))

    def _touch(self, office: str, clock: _Clock, from_ms: int, until_ms: int, reach: int) -> None:
        oldest = clock.today - FURTHEST_BACK_DAYS
        first = day_number(max(from_ms, 0), clock.time_zone) - reach
        last = day_number(min(max(from_ms, until_ms), clock.midnight_ms), clock.time_zone) + reach
        self._days[office].update(range(max(first, oldest), min(last, clock.today - 1) + 1))

    def _clock(self, office: str) -> _Clock:
        if office not in self._clocks:
            plan = self._plans.get(office) or OfficePlan(office)
            today = day_number(self._now_ms, plan.time_zone)
            midnight = midnight_ms(numbered_day(today), plan.time_zone)
            self._clocks[office] = _Clock(plan.time_zone, today, midnight, plan.repeat_days + STATES_REACH_DAYS)
        return self._clocks[office]
