"""Deadlines of many legs without a heap: every kind of wait has one constant length, so each is a queue in time order.

A leg stands in at most one queue and carries its own links: arming, re-arming and leaving cost the same for any
number of legs, and nothing stale is left behind. A queue is a ring: the last one's next, and the first one's previous,
is the queue itself.
"""


class Waiting:
    """What can stand in a queue; `next` and `previous` are None while it does not."""

    __slots__ = ("deadline_ms", "next", "previous", "queue")

    def __init__(self) -> None:
        self.deadline_ms = 0
        self.queue: TimerQueue | None = None
        self.next: Waiting | None = None
        self.previous: Waiting | None = None


class TimerQueue(Waiting):
    """Waiting things, the one that is due first at the front."""

    __slots__ = ("wait_ms",)

    def __init__(self, wait_ms: int) -> None:
        super().__init__()
        self.wait_ms = wait_ms
        self.next = self.previous = self

    def arm(self, thing: Waiting, now_ms: int) -> None:
        """Puts it at the end, due `wait_ms` from now; takes it out of the queue where it stood."""
        deadline_ms = now_ms + self.wait_ms  # first: a board may have no memory for it, and reads the message again
        before, after = thing.previous, thing.next
        if before is not None and after is not None:
            before.next = after
            after.previous = before
        thing.deadline_ms = deadline_ms
        thing.queue = self
        thing.next = self
        thing.previous = last = self.previous or self
        last.next = self.previous = thing

    def remove(self, thing: Waiting) -> None:
        """Takes a thing that stands here out of the queue; nothing refers to it any more."""
        before, after = thing.previous, thing.next
        if before is not None and after is not None:
            before.next = after
            after.previous = before
        thing.previous = thing.next = thing.queue = None

    def replace(self, thing: Waiting, by: Waiting) -> None:
        """Puts another in the place, and under the deadline, of a thing that stands here."""
        before, after = thing.previous, thing.next
        by.deadline_ms = thing.deadline_ms
        by.queue = self
        by.previous = before
        by.next = after
        if before is not None and after is not None:
            before.next = after.previous = by
        thing.previous = thing.next = thing.queue = None

    def first(self) -> Waiting | None:
        """The one that is due first, None when nobody waits."""
        first = self.next
        return first if first is not self else None
