"""How many wrong passwords may be tried: a few at once, then slowly, by address and by user.

Each key has a bucket of tries that fills up again with time. In memory: a restart forgives. Bounded: of very many keys
those least recently wrong are forgiven.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """So many tries at once, then one in so many milliseconds."""

    tries: int
    every_ms: int


OF_ADDRESS = Pace(10, 30_000)
OF_USER = Pace(20, 5 * 60_000)  # from all addresses together: some 300 a day


class Throttle:
    """Buckets of one pace; safe to use from several threads."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()  # key -> tries used up, when that was
        self._lock = Lock()

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long a key must wait until it may try again; 0: not at all."""
        with self._lock:
            over = self._used(key, now_ms) + 1 - self._pace.tries
        return max(0, round(over * self._pace.every_ms))

    def count(self, key: str, now_ms: int) -> None:
        """A try begins: it is counted as wrong, so that many at once are not cheaper."""
        with self._lock:
            used = self._used(key, now_ms) + 1
            self._wrong[key] = (used, now_ms)
            self._wrong.move_to_end(key)
            if len(self._wrong) > MAX_KEYS:
                self._wrong.popitem(last=False)

    def refund(self, key: str, now_ms: int) -> None:
        """The try that was counted was right after all."""
        with self._lock:
            if key in self._wrong:
                self._wrong[key] = (max(0.0, self._used(key, now_ms) - 1), now_ms)

    def _used(self, key: str, now_ms: int) -> float:
        used, at_ms = self._wrong.get(key, (0.0, now_ms))
        return max(0.0, used - max(0, now_ms - at_ms) / self._pace.every_ms)
