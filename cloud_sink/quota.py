"""How much one box may bring: a hostile or broken one must not fill the disk that all share."""

import logging

DAY_MS = 24 * 3600 * 1000
MAX_EVENTS_A_DAY = 500_000  # the busiest office has 20,000; a backlog of three months comes in over a few days

_log = logging.getLogger(__name__)


class Quota:
    """Counts what each box brings in a UTC day. What is too much stays unacknowledged: an honest box keeps it."""

    def __init__(self, events_a_day: int = MAX_EVENTS_A_DAY) -> None:
        self._events_a_day = events_a_day
        self._day = -1
        self._used: dict[str, int] = {}

    def take(self, box: str, events: int, now_ms: int) -> bool:
        """True where these events are within the quota of the day."""
        if now_ms // DAY_MS != self._day:
            self._day = now_ms // DAY_MS
            self._used.clear()
        used = self._used.get(box, 0)
        if used + events <= self._events_a_day:
            self._used[box] = used + events
            return True
        if used < self._events_a_day:  # once a day
            self._used[box] = self._events_a_day
            _log.error("box %s has brought %d events today: no more are taken before tomorrow; is it the right one?",
                       box, used)  # fmt: skip
        return False
