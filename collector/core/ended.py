"""Calls that are over, remembered for a while: late copies of their messages start no new leg."""

from collector.core.keys import mark_of
from collector.core.legs import TrackedLeg
from collector.core.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Value = TypeVar("Value")

_JOINED = (-1,)
MAX_MARKS = 256  # branches remembered of one Call-ID: 16 forks of 16 transactions


class EndedCalls:
    """The last calls that ended, at most `max_ended`.

    Two generations of a dict forget the older half at once, without an order that MicroPython's dicts do not have.
    """

    def __init__(self, max_ended: int, *, reserved: bool) -> None:
        self._max_generation = max_ended >> 1
        # mark of the Call-ID -> (last CSeq, mark of each branch and of each fork's answer): the next target of a proxy
        # is a new leg all the same
        self._younger: dict[int, tuple[int, ...]] = {}
        self._older: dict[int, tuple[int, ...]] = {}
        if reserved:
            reserve(self._younger, self._max_generation, ())
            reserve(self._older, self._max_generation, ())

    def remember(self, leg: TrackedLeg) -> None:
        """A leg ended."""
        key = mark_of(leg.call_id)
        marks = leg.branches + (leg.answer_tag,) if leg.forked and leg.answer_tag else leg.branches
        earlier = self._younger.get(key)
        if earlier is not None and len(earlier) < MAX_MARKS:
            marks += earlier[1:]
        else:
            self._make_room()
        self._younger[key] = (leg.invite_cseq,) + marks

    def _make_room(self) -> None:
        """Where the younger half is full, the older one is forgotten."""
        if len(self._younger) >= self._max_generation:
            oldest = self._older
            while oldest:  # not clear(), which would give a small heap's reserved piece away
                oldest.popitem()
            self._older = self._younger
            self._younger = oldest

    def note_joined(self, message: Message) -> None:
        """A call that was up before it was seen: its answers to re-INVITEs begin no leg."""
        self._make_room()
        self._younger[mark_of(message.call_id)] = _JOINED

    def has(self, message: Message) -> bool:
        """True for a message of a call that is over, or was joined in the middle."""
        return self._marks(message) is not None

    def is_joined(self, message: Message) -> bool:
        """True for a message of a call that was up before it was seen."""
        return self._marks(message) == _JOINED

    def has_leg(self, message: Message, branch: int) -> bool:
        """True for an INVITE of a leg that is over; the same one to a further target is a leg of its own."""
        marks = self._marks(message)
        if marks is None:
            return False
        if message.cseq != marks[0]:
            return message.cseq < marks[0]
        return not branch or branch in marks[1:]

    def has_mark(self, message: Message, marks: tuple[int, ...]) -> bool:
        """True where one of the marks of a message's branch and tags is that of a leg that is over."""
        known = self._marks(message) or ()
        for mark in marks:
            if mark and mark in known[1:]:
                return True
        return False

    def _marks(self, message: Message) -> tuple[int, ...] | None:
        key = mark_of(message.call_id)
        return self._younger.get(key) or self._older.get(key)


def reserve(table: "dict[Any, Value]", count: int, value: "Value") -> None:
    """Makes an empty table as large as it will become; a dict keeps its size when its keys are deleted one by one."""
    for number in range(count):
        table[number] = value
    for number in range(count):
        del table[number]
