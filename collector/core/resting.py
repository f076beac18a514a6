"""Legs on a small heap: one of which nothing was heard for a while rests, in half of the memory.

With its thirty attributes a leg takes half a kilobyte of MicroPython's heap, and nearly all open calls are silent
nearly all the time: they ring, they talk. So only the last few that were heard of are kept as `TrackedLeg`; each other
one is a tuple of what differs from the defaults, stands where it stood in its timer's queue, and wakes up when a
message, its deadline or its phone asks for it. What is decided about a leg is decided in `tracker.py` and `legs.py`.
"""

from collector.core.counters import Counters
from collector.core.ended import reserve
from collector.core.events import DIRECTIONS, ROLES, TRANSPORTS, LegEnded
from collector.core.hops import Hop
from collector.core.invite import InviteReader
from collector.core.keys import call_key
from collector.core.legs import TrackedLeg
from collector.core.message import Message
from collector.core.timers import Waiting
from collector.core.tracker import LegTracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from collector.core.events import Event

_IN_CALLS = (b"BYE", b"CANCEL", b"UPDATE", b"REFER", b"NOTIFY", b"INFO")  # requests that are read beyond their front
AWAKE = 4  # calls that were heard of last: messages of a call come in bursts

# What may differ from its default: a bit of `kept[0]` says whether it does. What is missing here and is not of every
# leg has a leg only that does not rest: `_may_rest` asks for it.
OF_LEG = ("answer_tag", "last_status", "own_hop", "phone", "session", "status_source")
OF_FACTS = (
    "answer_ms",
    "cancelled",
    "end_ms",
    "ended_by",
    "final_code",
    "partial",
    "reason_q850",
    "reason_sip",
    "replaces_key",
    "retransmissions",
    "ring_ms",
    "session_key",
)
OF_TEXTS = ("caller", "connected", "diverted_by")  # behind extension, callee and target, all in one piece: `kept[2]`
SEPARATOR = "\n"  # a leg with one in its names does not rest

# Above those bits in `kept[0]`: what the callee is equal to, three indexes and the state, all within the 30 bits that a
# board has without a large integer.
_SAME_CALLEE = len(OF_LEG) + len(OF_FACTS)
_SAME_TARGET = _SAME_CALLEE + 1
_TRANSPORT_SHIFT = _SAME_TARGET + 1
_DIRECTION_SHIFT = _TRANSPORT_SHIFT + 3
_ROLE_SHIFT = _DIRECTION_SHIFT + 2
_STATE_SHIFT = _ROLE_SHIFT + 2
_OPTIONAL = 9  # position of the first value that not every leg has


class RestingLeg(Waiting):
    """A leg that waits: its Call-ID, and a tuple of everything else (`_keep` makes it, `_wake` reads it)."""

    __slots__ = ("call_id", "kept")

    hold = None  # nobody holds a call that rests

    def __init__(self, call_id: bytes, kept: "tuple[Any, ...]") -> None:
        super().__init__()
        self.call_id = call_id
        self.kept = kept

    @property
    def state(self) -> int:
        """The leg's state, of `legs.STATE_NAMES`."""
        state: int = self.kept[0] >> _STATE_SHIFT
        return state

    @property
    def extension(self) -> str:
        """The office's extension at one end of the leg."""
        extension: str = self.kept[2].partition(SEPARATOR)[0]
        return extension

    @property
    def age(self) -> tuple[int, bytes, str]:
        """Sorts legs by their begin, as `TrackedLeg.age`; a call that rests has no other leg."""
        return self.kept[1], self.call_id, ""


class RestingTracker(LegTracker):
    """A tracker whose legs rest; its events are those of any other."""

    def __init__(
        self,
        reader: InviteReader,
        counters: Counters,
        events: "list[Event]",
        max_legs: int,
        max_ended: int,
        max_call_ms: int,
    ) -> None:
        super().__init__(reader, counters, events, max_legs, max_ended, max_call_ms)
        self._resting: dict[bytes, RestingLeg | None] = {}
        reserve(self._resting, max_legs, None)
        self._heard: list[bytes] = []  # Call-IDs of those that are awake, heard of last at the end

    def receive_message(self, message: Message, now_ms: int, hop: Hop) -> None:
        """Takes one message; wakes up its leg before, and lets one rest that was not heard of for longer.

        A host may read a message again for which memory did not suffice: what is large comes before any change.
        """
        final = message.status >= 200 and message.method == b"INVITE"
        if final or (message.is_request and message.method in _IN_CALLS):
            _ = message.low
        call_id = message.call_id
        resting = self._resting.get(call_id)
        if resting is not None:
            self._awake(resting)
        super().receive_message(message, now_ms, hop)
        if call_id in self._calls:
            self._note_heard(call_id)

    def receive_loss(self, extension: str, now_ms: int) -> None:
        """A phone's registration is gone: its calls are probably over."""
        woken = self._wake_calls_of(extension)
        super().receive_loss(extension, now_ms)
        for call_id in woken:
            self._note_heard(call_id)

    def receive_idle(self, extension: str, now_ms: int) -> None:
        """The PBX says that an extension is in no call any more (RFC 4235)."""
        woken = self._wake_calls_of(extension)
        super().receive_idle(extension, now_ms)
        for call_id in woken:
            self._note_heard(call_id)

    def close(self, now_ms: int) -> None:
        """Watching ends; legs wake up one by one."""
        legs: list[Any] = [leg for call in self._calls.values() for leg in call]
        legs += [leg for leg in self._resting.values() if leg is not None]
        for leg in sorted(legs, key=lambda leg: leg.age):  # MicroPython's dicts keep no order
            self._close_leg(self._awake(leg), now_ms)

    def _note_heard(self, call_id: bytes) -> None:
        heard = self._heard
        if call_id in heard:
            heard.remove(call_id)
        heard.append(call_id)
        if len(heard) > AWAKE:
            legs = self._calls.get(heard[0])
            if legs is not None and len(legs) == 1 and _may_rest(legs[0]):
                self._lay_down(legs[0])
            del heard[0]

    def _wake_calls_of(self, extension: str) -> list[bytes]:
        legs = [leg for leg in self._resting.values() if leg is not None and leg.extension == extension]
        for leg in legs:
            self._awake(leg)
        return [leg.call_id for leg in legs]

    # --- between the two forms: what needs memory goes first, so that a lack of it changes nothing ---

    def _lay_down(self, leg: TrackedLeg) -> None:
        resting = RestingLeg(leg.call_id, _keep(leg))
        self._resting[leg.call_id] = resting
        del self._calls[leg.call_id]
        self._replace(leg, resting, leg.phone)

    def _awake(self, waiting: Waiting) -> TrackedLeg:
        """The leg itself of what stands in a queue."""
        if not isinstance(waiting, RestingLeg):
            return super()._awake(waiting)
        leg = _wake(waiting)
        self._calls[leg.call_id] = [leg]
        del self._resting[leg.call_id]
        self._replace(waiting, leg, leg.phone)
        return leg

    def _replace(self, before: TrackedLeg | RestingLeg, after: TrackedLeg | RestingLeg, phone: int) -> None:
        if before.queue is not None:
            before.queue.replace(before, after)
        self._ends.replace(before, after, phone)


def _may_rest(leg: TrackedLeg) -> bool:
    """False for a leg with facts that `_keep` leaves out: holds, transfers, digits, forks, odd names."""
    if (
        leg.forked
        or leg.forks
        or leg.refused
        or leg.hold is not None
        or leg.refer is not None
        or leg.lost_tags is not None
        or leg.records_digits
    ):
        return False
    facts = leg.facts
    names = facts.extension + facts.callee + leg.target + facts.caller + facts.connected + facts.diverted_by
    return names.find(SEPARATOR) < 0


def _keep(leg: TrackedLeg) -> "tuple[Any, ...]":
    facts = leg.facts
    texts, mask = _names(leg)
    branches = leg.branches if len(leg.branches) != 1 else leg.branches[0]
    kept: list[Any] = [0, facts.invite_ms, texts, leg.source, leg.invite_cseq, leg.from_tag, branches]
    kept += [leg.last_ms, leg.last_mark]
    for names, holder, usual in ((OF_LEG, leg, TrackedLeg), (OF_FACTS, facts, LegEnded)):
        for name in names:
            value = getattr(holder, name)
            mask <<= 1
            if value != getattr(usual, name):
                mask |= 1
                kept.append(value)
    kept[0] = mask
    return tuple(kept)


def _names(leg: TrackedLeg) -> tuple[str, int]:
    """Who is in the call, in one piece, and the upper bits of `kept[0]`."""
    facts = leg.facts
    mask = (leg.state << 2 | ROLES.index(facts.role)) << 2 | DIRECTIONS.index(facts.direction)
    mask = mask << 3 | TRANSPORTS.index(facts.transport)
    texts = [facts.extension]
    for text, same in ((leg.target, facts.callee), (facts.callee, facts.extension)):
        mask <<= 1
        if text == same:
            mask |= 1
        else:
            texts.insert(1, text)
    texts += [getattr(facts, name) for name in OF_TEXTS]
    while texts and not texts[-1]:
        texts.pop()
    return SEPARATOR.join(texts), mask


def _texts(kept: "tuple[Any, ...]") -> list[str]:
    """Extension, callee, target and OF_TEXTS, the last ones left out where they are empty."""
    texts: list[str] = kept[2].split(SEPARATOR)
    for bit, at in ((_SAME_CALLEE, 1), (_SAME_TARGET, 2)):
        if kept[0] >> bit & 1:
            texts.insert(at, texts[at - 1])
        elif len(texts) == at:  # empty, as all behind it
            texts.append("")
    return texts


def _wake(resting: RestingLeg) -> TrackedLeg:
    kept = resting.kept
    mask, invite_ms, _, source, cseq, from_tag, branches, last_ms, last_mark = kept[:_OPTIONAL]
    facts = LegEnded(invite_ms, call_key(resting.call_id))
    facts.call_id = resting.call_id
    facts.role = ROLES[mask >> _ROLE_SHIFT & 3]
    facts.direction = DIRECTIONS[mask >> _DIRECTION_SHIFT & 3]
    facts.transport = TRANSPORTS[mask >> _TRANSPORT_SHIFT & 7]
    texts = _texts(kept)
    facts.extension, facts.callee = texts[:2]
    for at, text in enumerate(texts[3:]):
        if text:
            setattr(facts, OF_TEXTS[at], text)
    leg = TrackedLeg(facts, resting.call_id, texts[2], source, cseq, from_tag)
    leg.branches = (branches,) if isinstance(branches, int) else branches
    leg.last_ms = last_ms
    leg.last_mark = last_mark
    leg.state = resting.state
    at = _OPTIONAL
    bit = 1 << _SAME_CALLEE
    for names, holder in ((OF_LEG, leg), (OF_FACTS, facts)):
        for name in names:
            bit >>= 1
            if mask & bit:
                setattr(holder, name, kept[at])
                at += 1
    return leg
