"""Deadlines of many legs without a heap: every kind of wait has one constant length, so each is a queue in time order.

A leg stands in at most one queue and carries its own links: arming, re-arming and leaving cost the same for any
number of legs, and nothing stale is left behind.
"""


class Waiting:
    """What can stand in a queue."""

    __slots__ = ("_next", "_previous", "deadline_ms", "queue")

    def __init__(self) -> None:
        self.deadline_ms = 0
        self.queue: TimerQueue | None = None
        self._next: Waiting = self
        self._previous: Waiting = self


class TimerQueue:
    """Waiting things, the one that is due first at the front."""

    __slots__ = ("_ring", "wait_ms")

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms
        self._ring = Waiting()

    def arm(self, thing: Waiting, now_ms: int) -> None:
        """Puts it at the end, due `wait_ms` from now; takes it out of the queue where it stood."""
        if thing.queue is not None:
            leave(thing)
        thing.deadline_ms = now_ms + self.wait_ms
        thing.queue = self
        ring = self._ring
        last = ring._previous
        thing._previous = last
        thing._next = ring
        last._next = thing
        ring._previous = thing

    def first(self) -> Waiting | None:
        """The one that is due first, None when nobody waits."""
        first = self._ring._next
        return None if first is self._ring else first


def leave(thing: Waiting) -> None:
    """Takes a thing out of its queue."""
    thing._previous._next = thing._next
    thing._next._previous = thing._previous
    thing._next = thing._previous = thing
    thing.queue = None
