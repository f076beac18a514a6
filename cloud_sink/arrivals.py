"""What arrived and waits for the database: bounded in number, in bytes, and in what one box may take of it."""

import queue
import threading
from collections import Counter
from typing import Generic, TypeVar

MAX_MESSAGES = 10_000
MAX_BYTES = 128 << 20  # 10,000 batches have 80 MB at most; a hostile box may send longer ones
MAX_OF_ONE = 3_200  # a box has no more than so many events under way, be each a message of its own

Item = TypeVar("Item")


class Arrivals(Generic[Item]):
    """A queue between the broker's thread and the database's. What has no room is refused, never waited for."""

    def __init__(self, messages: int = MAX_MESSAGES, size: int = MAX_BYTES, of_one: int = MAX_OF_ONE) -> None:
        self._queue: queue.SimpleQueue[tuple[str, int, Item]] = queue.SimpleQueue()
        self._limits = messages, size, of_one
        self._lock = threading.Lock()  # for the counts only: nothing else happens while it is held
        self._messages = self._bytes = 0
        self._of: Counter[str] = Counter()

    def offer(self, box: str, size: int, item: Item) -> bool:
        """Take an item of a box; False where there is no room for it."""
        messages, most, of_one = self._limits
        with self._lock:
            if self._messages >= messages or self._bytes + size > most or self._of[box] >= of_one:
                return False
            self._count(box, size, 1)
        self._queue.put((box, size, item))
        return True

    def take(self, wait_s: float) -> Item:
        """The oldest item. Raises queue.Empty where none comes within `wait_s`."""
        box, size, item = self._queue.get(timeout=wait_s)
        with self._lock:
            self._count(box, -size, -1)
            if not self._of[box]:
                del self._of[box]
        return item

    def _count(self, box: str, size: int, messages: int) -> None:
        self._messages += messages
        self._bytes += size
        self._of[box] += messages
