"""Deletes what is older than it may be, a day of one office at a time.

What was counted of a day (`office_days`) holds no number and no name, and is kept for good. Gaps are kept too: the
coverage of old days rests on them.
"""

from collections.abc import Callable, Iterator, Mapping

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.period import day_number, midnight_ms, numbered_day
from cloud_sink.kpi.repeats import DAY_MS
from cloud_sink.retention import Retention
from cloud_sink.store import Rollup, Store


class Keeper:
    """Deletes what is older than it may be."""

    def __init__(
        self, store: Store, plans: Mapping[str, OfficePlan], retention: Retention, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._plans = plans
        self._retention = retention
        self._now_ms = now_ms

    def trim(self) -> Iterator[int]:
        """Delete everything due, in small steps; yields the number of rows of each."""
        now_ms, keep = self._now_ms(), self._retention
        if keep.quarantine_days:
            yield self._store.trim_quarantine(now_ms - keep.quarantine_days * DAY_MS)
        if keep.audit_days:
            yield self._store.users.trim(now_ms - keep.audit_days * DAY_MS)
        for office in self._store.offices():
            yield self._store.trim_health(office, now_ms - keep.health_days * DAY_MS)
        for office in self._store.importing_offices() if keep.imports_days else ():
            yield self._store.trim_imports(office, now_ms - keep.imports_days * DAY_MS)
        if keep.calls_days:
            dirty = self._store.dirty_days(-(1 << 30), 1 << 30)
            for office, rollup in self._store.rollups().items():
                yield from self._trim_calls(rollup, dirty.get(office, {}))

    def _trim_calls(self, rollup: Rollup, dirty: Mapping[int, int]) -> Iterator[int]:
        """Days that are counted for good: computed, settled, and nothing late waits for them to be computed again."""
        zone = (self._plans.get(rollup.office) or OfficePlan(rollup.office)).time_zone
        wanted = day_number(self._now_ms(), zone) - self._retention.calls_days
        until = min([wanted, rollup.settled_until + 1, *(day for day in dirty if day >= rollup.first_day)])
        for kept_from in range(max(rollup.first_day, rollup.kept_from) + 1, until + 1):
            yield self._store.trim_calls(rollup.office, kept_from, midnight_ms(numbered_day(kept_from), zone))
