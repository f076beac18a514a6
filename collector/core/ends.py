"""Ends that nobody sees: the BYE was lost, the power went. How long a call that is up may go without a word.

In this order: its session timer (RFC 4028); signs that its phone is no longer in it (the phone is in another call, its
registration is gone, the PBX calls it idle), after which a little patience is left; else the configured bound. Such a
leg ends with the last that was heard of it.
"""

from collector.core.headers import SESSION_EXPIRES
from collector.core.legs import TALKING, TrackedLeg
from collector.core.message import Message
from collector.core.timers import TimerQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.core.resting import RestingLeg

# Session intervals are rounded up to one of these, so that each wait is a queue in time order.
SESSION_WAITS_MS = (120_000, 300_000, 900_000, 1_800_000, 3_600_000)
SESSION_GRACE_MS = 32_000  # who ends a session that was not refreshed sends its BYE earlier (RFC 4028 section 10)
# A phone may keep a call without a word on hold in itself, and a call that goes on is mostly heard of: by a hold, a
# refreshed session, its BYE.
DOUBT_MS = 600_000


class EndWatch:
    """The queues of calls that are up, and which phone is in which of them."""

    def __init__(self, max_call_ms: int) -> None:
        self.unlimited = TimerQueue(max_call_ms)
        self._sessions = [TimerQueue(wait_ms + SESSION_GRACE_MS) for wait_ms in SESSION_WAITS_MS]
        self.doubted = TimerQueue(min(DOUBT_MS, max_call_ms))
        self.queues = [self.doubted, self.unlimited] + self._sessions  # in this order their calls are given up
        self._in_call: dict[int, TrackedLeg | RestingLeg] = {}  # phone -> the call that it is in

    def arm(self, leg: TrackedLeg, now_ms: int) -> None:
        """Something was heard of a call that is up: it waits anew."""
        (self._sessions[leg.session] if leg.session >= 0 else self.unlimited).arm(leg, now_ms)

    def receive_acceptance(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        """A 2xx to re-INVITE or UPDATE: with Session-Expires there is a session timer from now on, without is none."""
        self.read_session(leg, message)
        self.arm(leg, now_ms)

    def read_session(self, leg: TrackedLeg, message: Message) -> None:
        """Notes the session timer of a 2xx (RFC 4028 section 7.2), or that there is none.

        An interval beyond the longest wait is as good as none.
        """
        value = message.rare_header(SESSION_EXPIRES)
        session = _wait_for(value.partition(b";")[0].strip()) if value else -1
        if session != leg.session:
            leg.session = session

    def receive_answer(self, leg: TrackedLeg, phone: int, now_ms: int) -> None:
        """A phone is in a call now: what it was in before, not on hold, is probably over."""
        leg.phone = phone
        before = self._in_call.get(phone)
        self._in_call[phone] = leg
        if before is not None and before.state == TALKING and not (before.hold is not None and before.hold.is_held):
            self.doubted.arm(before, now_ms)

    def other_call(self, leg: TrackedLeg) -> "TrackedLeg | RestingLeg | None":
        """The call that a leg's phone is in besides, None where there is none."""
        other = self._in_call.get(leg.phone)
        return other if other is not None and other is not leg and other.state == TALKING else None

    def forget(self, leg: TrackedLeg) -> None:
        """A call is over."""
        if self._in_call.get(leg.phone) is leg:
            del self._in_call[leg.phone]

    def replace(self, leg: "TrackedLeg | RestingLeg", by: "TrackedLeg | RestingLeg", phone: int) -> None:
        """A leg lies down to rest, or woke up."""
        if phone and self._in_call.get(phone) is leg:
            self._in_call[phone] = by

    def doubt(self, extension: str, now_ms: int, *, was_up: bool) -> None:
        """The calls of an extension's phones are probably over; `was_up`: they were not until just now.

        None of the extension's calls rests.
        """
        legs = [leg for leg in self._in_call.values() if leg.extension == extension and leg.state == TALKING]
        for leg in sorted(legs, key=_call_id):  # MicroPython's dicts keep no order
            if not isinstance(leg, TrackedLeg):
                continue
            if was_up:
                leg.last_ms = now_ms
            self.doubted.arm(leg, now_ms)

    def trust(self, leg: TrackedLeg, now_ms: int) -> None:
        """Something was heard of a call: if it was doubted, it is not over."""
        if leg.queue is self.doubted:
            self.arm(leg, now_ms)

    def note_life(self, leg: TrackedLeg, now_ms: int) -> None:
        """OPTIONS and the like, by which a PBX asks whether a call lives: it does, and may for another while.

        A session timer is refreshed by re-INVITE and UPDATE alone (RFC 4028 section 7).
        """
        self.trust(leg, now_ms)
        if leg.queue is self.unlimited:
            self.arm(leg, now_ms)

    def is_doubted(self, leg: TrackedLeg) -> bool:
        """True for a call that is probably over."""
        return leg.queue is self.doubted


def _call_id(leg: "TrackedLeg | RestingLeg") -> bytes:
    return leg.call_id


def _wait_for(seconds: bytes) -> int:
    """Which of the waits a session interval gets; -1 for none."""
    if not seconds.isdigit() or len(seconds) > 6:
        return -1
    for number, wait_ms in enumerate(SESSION_WAITS_MS):
        if int(seconds) * 1000 <= wait_ms:
            return number
    return -1
