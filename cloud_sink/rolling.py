"""Computes closed days once, and again when something arrived for them: in the background, one day at a time.

A day counts as closed ten minutes after its midnight. It is computed a second time when its callers had their days to
call again (`repeat_days`), after which only a late event changes it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import OperationalError

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.daybook import plan_key
from cloud_sink.kpi.coverage import watched_ms
from cloud_sink.kpi.fleet import OfficeCounts
from cloud_sink.kpi.packing import pack_measurement
from cloud_sink.kpi.period import Period, day_number, numbered_day
from cloud_sink.office import Office, Offices
from cloud_sink.store import OfficeDay, Rollup, Store
from cloud_sink.store.days import NO_DAY
from cloud_sink.store.marking import FURTHEST_BACK_DAYS

CLOSING_MS = 10 * 60 * 1000  # what was under way at midnight has been stored by then
PAUSE_S = 60.0  # nothing to do: how soon to look again
TRIM_S = 3600.0  # what is too old by an hour is early enough
REST = 1.0  # after a day's work rest as long as it took: ingest and pages come first

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done for one office."""

    rollup: Rollup
    days: list[int]  # in order
    marks: dict[int, int]  # found on days that something arrived for
    closed: int  # the last closed day


class Roller:
    """Finds the days that need computing, and computes them."""

    def __init__(self, store: Store, plans: Mapping[str, OfficePlan], now_ms: Callable[[], int]) -> None:
        self._store = store
        self._offices = Offices(store, plans, now_ms)
        self._now_ms = now_ms

    def roll(self, offices: Sequence[str] = (), progress: Callable[[int, int], None] = lambda _done, _all: None) -> int:
        """Compute everything that is due, of these offices or of all; returns how many days that was."""
        work = [each for each in self.due() if not offices or each.rollup.office in offices]
        total, done = sum(len(each.days) for each in work), 0
        for each in work:
            for _ in self.compute(each):
                done += 1
                progress(done, total)
        return done

    def due(self) -> list[Work]:
        """What there is to do, of every office."""
        rollups, dirty = self._store.rollups(), self._store.dirty_days(NO_DAY, -NO_DAY)
        offices = {office.id: office for office in self._offices.all()}
        found = []
        for name, span in self._store.observed_spans().items():  # read last: it begins no later than any mark
            work = self._work(offices[name], span, rollups.get(name), dirty.get(name, {}))
            before = {day: marks for day, marks in work.marks.items() if day < work.rollup.first_day}
            if before:
                self._store.drop_marks(name, before)
            if work.days:
                found.append(work)
        return found

    def compute(self, work: Work) -> Iterator[int]:
        """Compute an office's days one by one; each is stored when it is yielded."""
        office, rollup = self._offices.known(work.rollup.office), work.rollup
        for day in work.days:
            rollup = self._moved(rollup, day, work.closed, office.plan)
            self._store.write_day(self._count(office, day), work.marks.get(day, 0), rollup)
            yield day

    def _work(self, office: Office, span: tuple[int, int], rollup: Rollup | None, dirty: dict[int, int]) -> Work:
        """Days not computed yet, those out of date, and those that can be settled now."""
        closed = day_number(self._now_ms() - CLOSING_MS, office.plan.time_zone) - 1
        seen = max(day_number(max(0, span[0]), office.plan.time_zone), closed - FURTHEST_BACK_DAYS)
        state = self._begin(office, seen, rollup)
        first = state.first_day
        new = range(max(first, state.rolled_until + 1), closed + 1)
        late = [day for day in dirty if first <= day <= state.rolled_until]
        settling = range(
            max(first, state.settled_until + 1), min(state.rolled_until, _settled(closed, office.plan)) + 1
        )
        return Work(state, sorted({*new, *late, *settling}), dirty, closed)

    def _begin(self, office: Office, first: int, found: Rollup | None) -> Rollup:
        """How far this office is by today's plan; from the start where it was another plan's."""
        key = plan_key(office.plan)
        if found is None:
            return Rollup(office.id, key, first, first - 1, first - 1)
        first = max(min(first, found.first_day), found.kept_from)
        if found.plan_key != key:
            return Rollup(office.id, key, first, first - 1, first - 1, found.kept_from)
        return replace(found, first_day=first)

    @staticmethod
    def _moved(rollup: Rollup, day: int, closed: int, plan: OfficePlan) -> Rollup:
        """The state once this day is stored: days are computed in order, so all before it are."""
        settled = min(day, _settled(closed, plan)) if day == rollup.settled_until + 1 else rollup.settled_until
        return replace(
            rollup, rolled_until=max(rollup.rolled_until, day), settled_until=max(rollup.settled_until, settled)
        )

    @staticmethod
    def _count(office: Office, day: int) -> OfficeDay:
        """Count one day."""
        zone, date = office.plan.time_zone, numbered_day(day)
        period = Period.of_days(date, date, zone)
        within = (period.from_ms, period.until_ms)
        counts = office.store.count_contacts([office.id], *within, office.plan.service_level_s)
        measurement = office.measure(period)
        return OfficeDay(
            office.id, day, *within, watched_ms(office.watch(period).spans), counts.get(office.id, OfficeCounts()),
            measurement.durations["wait"], pack_measurement(measurement),
        )  # fmt: skip


def _settled(closed: int, plan: OfficePlan) -> int:
    """The last day whose callers have had their days to call again."""
    return closed - plan.repeat_days - 1


class RollingLoop:
    """The roller on a thread of its own; and, once an hour, whoever deletes what is older than it may be."""

    def __init__(self, roller: Roller, trim: Callable[[], Iterator[int]]) -> None:
        self._roller = roller
        self._trim = trim
        self._trimmed: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rolling", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """End after the day under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except OperationalError as error:
                _log.warning("closed days wait: the database cannot be used now: %s", error.orig)
            except Exception:  # noqa: BLE001 - reports stay right without rows, and the next turn tries again
                _log.exception("closed days cannot be computed, please report it")
            self._stopping.wait(PAUSE_S)

    def _turn(self) -> None:
        """Everything that is due, resting as long as each day took."""
        for work in self._roller.due():
            self._rest_between(self._roller.compute(work))
        if self._trimmed is None or time.monotonic() > self._trimmed + TRIM_S:
            self._rest_between(self._trim())
            self._trimmed = time.monotonic()

    def _rest_between(self, steps: Iterator[int]) -> None:
        begun = time.monotonic()
        for _ in steps:
            if self._stopping.wait(REST * (time.monotonic() - begun)):
                return
            begun = time.monotonic()
