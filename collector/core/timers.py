"""Deadlines of many legs without a heap: every kind of wait has one constant length, so each is a queue in time order.

A leg stands in at most one queue and carries its own links: arming, re-arming and leaving cost the same for any
number of legs, and nothing stale is left behind.
"""


class Waiting:
    """What can stand in a queue."""

    __slots__ = ("deadline_ms", "next", "previous", "queue")

    def __init__(self) -> None:
        self.deadline_ms = 0
        self.queue: TimerQueue | None = None
        self.next: Waiting | None = None
        self.previous: Waiting | None = None


class TimerQueue:
    """Waiting things, the one that is due first at the front."""

    __slots__ = ("_first", "_last", "wait_ms")

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms
        self._first: Waiting | None = None
        self._last: Waiting | None = None

    def arm(self, thing: Waiting, now_ms: int) -> None:
        """Puts it at the end, due `wait_ms` from now; takes it out of the queue where it stood."""
        queue = thing.queue
        if queue is not None:  # `remove`, written out: five times in each call
            before, after = thing.previous, thing.next
            if before is None:
                queue._first = after
            else:
                before.next = after
            if after is None:
                queue._last = before
            else:
                after.previous = before
                thing.next = None
        thing.deadline_ms = now_ms + self.wait_ms
        thing.queue = self
        last = self._last
        thing.previous = last
        if last is None:
            self._first = thing
        else:
            last.next = thing
        self._last = thing

    def remove(self, thing: Waiting) -> None:
        """Takes a thing that stands here out of the queue; nothing refers to it any more."""
        before, after = thing.previous, thing.next
        if before is None:
            self._first = after
        else:
            before.next = after
        if after is None:
            self._last = before
        else:
            after.previous = before
        thing.previous = thing.next = thing.queue = None

    def replace(self, thing: Waiting, by: Waiting) -> None:
        """Puts another in the place, and under the deadline, of a thing that stands here."""
        before, after = thing.previous, thing.next
        by.deadline_ms = thing.deadline_ms
        by.queue = self
        by.previous = before
        by.next = after
        if before is None:
            self._first = by
        else:
            before.next = by
        if after is None:
            self._last = by
        else:
            after.previous = by
        thing.previous = thing.next = thing.queue = None

    def first(self) -> Waiting | None:
        """The one that is due first, None when nobody waits."""
        return self._first
