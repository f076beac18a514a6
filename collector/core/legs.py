"""The leg state machine: one transition table, one file.

A leg is one attempt to connect two SIP endpoints: Call-ID plus target (the extension, else the user or address that
the INVITE named). `LegTracker` finds the leg of a message, turns the message into a signal and lets the table decide.
What happens to a leg is decided in `TRANSITIONS` and nowhere else; a pair that is not there changes nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

from collector.core.counters import Counters
from collector.core.events import (
    ENDED_BY_CALLEE,
    ENDED_BY_CALLER,
    TRANSPORTS,
    GapObserved,
    HealthReported,
    LegEnded,
    RegistrationChanged,
)
from collector.core.hold import CALLEE, CALLER, HoldMeter
from collector.core.invite import InviteReader
from collector.core.midcall import dtmf_digits, read_notify_status, read_reasons, read_refer
from collector.core.sdp import media_direction
from collector.core.sip import CONTACT, FROM, RETRY_AFTER, TO, VIA, Message, parameter, split_address, tag_of, user_of
from collector.core.timers import TimerQueue, Waiting, leave

# --- states ---
CALLING = 0  # INVITE sent, nothing but 100 came back
RINGING = 1  # 180, 181, 182 or 183
CHALLENGED = 2  # refused in a way that asks for another INVITE: credentials, session timer, try later
CANCELLING = 3  # CANCEL sent; the final response, maybe a 2xx that crossed it, is to come
TALKING = 4  # 2xx seen, or the ACK that proves one
LEAVING = 5  # BYE sent, its response is to come
ENDED = 6
STATE_NAMES = ("CALLING", "RINGING", "CHALLENGED", "CANCELLING", "TALKING", "LEAVING", "ENDED")

# --- signals ---
INVITE = 0  # another INVITE of the same attempt with a higher CSeq
RING = 1  # provisional response other than 100
ANSWER = 2  # 2xx to the INVITE
ACK = 3
CHALLENGE = 4
REFUSE = 5  # any other final response to the INVITE
CANCEL = 6
BYE = 7
BYE_DONE = 8  # final response to the BYE
TIMEOUT = 9  # the state's time ran out
SIGNAL_NAMES = ("INVITE", "RING", "ANSWER", "ACK", "CHALLENGE", "REFUSE", "CANCEL", "BYE", "BYE_DONE", "TIMEOUT")

# (state, signal): (next state, action). RFC 3261 sections 13 (INVITE), 9 (CANCEL), 15 (BYE); RFC 5407 for crossings.
TRANSITIONS = {
    (CALLING, RING): (RINGING, "ring"),
    (CALLING, ANSWER): (TALKING, "answer"),
    (CALLING, ACK): (TALKING, "infer_answer"),  # only a 2xx is acknowledged from outside the INVITE transaction
    (CALLING, CHALLENGE): (CHALLENGED, "refuse"),
    (CALLING, REFUSE): (ENDED, "refuse"),
    (CALLING, CANCEL): (CANCELLING, "cancel"),
    (CALLING, BYE): (ENDED, "hang_up_unanswered"),
    (CALLING, TIMEOUT): (ENDED, "give_up"),
    (RINGING, ANSWER): (TALKING, "answer"),
    (RINGING, ACK): (TALKING, "infer_answer"),
    (RINGING, CHALLENGE): (CHALLENGED, "refuse"),
    (RINGING, REFUSE): (ENDED, "refuse"),
    (RINGING, CANCEL): (CANCELLING, "cancel"),
    (RINGING, BYE): (ENDED, "hang_up_unanswered"),  # in an early dialog, RFC 3261 section 15
    (RINGING, TIMEOUT): (ENDED, "give_up"),
    (CHALLENGED, INVITE): (CALLING, "try_again"),
    (CHALLENGED, TIMEOUT): (ENDED, "none"),
    (CANCELLING, ANSWER): (TALKING, "answer"),  # RFC 5407 section 3.1.2: the 2xx wins
    (CANCELLING, ACK): (ENDED, "none"),  # of a 487 that was lost
    (CANCELLING, REFUSE): (ENDED, "refuse_cancelled"),
    (CANCELLING, CHALLENGE): (ENDED, "refuse_cancelled"),
    (CANCELLING, BYE): (ENDED, "none"),
    (CANCELLING, TIMEOUT): (ENDED, "none"),
    (TALKING, BYE): (LEAVING, "hang_up"),
    (TALKING, TIMEOUT): (ENDED, "give_up"),
    (LEAVING, BYE_DONE): (ENDED, "confirm_hang_up"),
    (LEAVING, TIMEOUT): (ENDED, "none"),
}

# how long each state waits before TIMEOUT
WAIT_MS = {
    CALLING: 32_500,  # timer B, 64 * T1 (RFC 3261 section 17.1.1.2)
    RINGING: 600_000,  # timer C is over three minutes; nobody rings for ten
    CHALLENGED: 5_000,  # a phone answers a challenge within a round trip
    CANCELLING: 32_500,
    TALKING: 4 * 3600 * 1000,  # replaced by the session timer's or the configured bound
    LEAVING: 4_000,  # four retransmissions of the BYE (0.5, 1.5, 3.5 s) without a response
}

DUPLICATE_MS = 50  # a mirror port repeats at once; a retransmission comes after T1 = 500 ms
MAX_DIGITS = 32
_CHALLENGES = (401, 407, 422, 491, 494)


class TrackedLeg(Waiting):
    """A leg that is not over yet: its facts so far and what is needed to recognise its messages."""

    __slots__ = (
        "answer_tag",
        "branches",
        "call_id",
        "digit_cseq",
        "facts",
        "from_tag",
        "hold",
        "invite_cseq",
        "last_mark",
        "last_ms",
        "last_status",
        "lost_tags",
        "records_digits",
        "refer",
        "source",
        "state",
        "status_source",
        "target",
    )

    def __init__(self, facts: LegEnded, call_id: bytes, target: str, source: bytes) -> None:
        super().__init__()
        self.facts = facts
        self.call_id = call_id
        self.target = target
        self.source = source  # address that the INVITE came from first
        self.state = CALLING
        self.invite_cseq = 0
        self.from_tag = b""
        self.answer_tag = b""  # To tag of the 2xx that counts
        self.lost_tags: list[bytes] | None = None  # of further 2xx: forks that lost
        self.branches: list[bytes] = []
        self.last_mark: tuple[int, int, bytes, bytes] | None = None
        self.last_ms = facts.invite_ms
        self.last_status = 0
        self.status_source = b""  # who sent it: another hop's copy comes from elsewhere
        self.hold: HoldMeter | None = None
        self.refer: tuple[int, str, str, bytes] | None = None
        self.records_digits = False
        self.digit_cseq = -1


class LegTracker:
    """All open legs, found by Call-ID; bounded, the longest unanswered going first."""

    def __init__(
        self,
        reader: InviteReader,
        counters: Counters,
        events: list[LegEnded | RegistrationChanged | GapObserved | HealthReported],
        max_legs: int,
        max_ended: int,
        max_call_ms: int,
    ) -> None:
        self._reader = reader
        self._counters = counters
        self._events = events
        self._max_legs = max_legs
        self._calls: dict[bytes, list[TrackedLeg]] = {}
        self._ended: dict[bytes, int] = {}  # Call-ID -> last CSeq: late retransmissions start no new leg
        self._ended_ring: list[bytes] = [b""] * max_ended
        self._ended_at = 0
        waits = dict(WAIT_MS)
        waits[TALKING] = max_call_ms
        self._timers = [TimerQueue(waits[state]) for state in range(ENDED)]
        self._table = self._compile()
        self._requests = {
            b"ACK": self._receive_ack,
            b"CANCEL": self._receive_cancel,
            b"BYE": self._receive_bye,
            b"UPDATE": self._receive_update,
            b"REFER": self._receive_refer,
            b"NOTIFY": self._receive_notify,
            b"INFO": self._receive_info,
        }
        self._responses = {
            b"INVITE": self._receive_invite_response,
            b"BYE": self._receive_bye_response,
            b"UPDATE": self._receive_offer_response,
            b"REFER": self._receive_refer_response,
        }

    def _compile(self) -> "list[tuple[int, Callable[[TrackedLeg, Message | None, int], None]] | None]":
        """The table as one flat list: `state * signals + signal` -> (next state, bound action) or None."""
        table: list[tuple[int, Callable[[TrackedLeg, Message | None, int], None]] | None] = [None] * (len(STATE_NAMES) * len(SIGNAL_NAMES))
        for (state, signal), (following, action) in TRANSITIONS.items():
            table[state * len(SIGNAL_NAMES) + signal] = (following, getattr(self, "_do_" + action))
        return table

    # --- input ---

    def receive_message(
        self, message: Message, now_ms: int, source: bytes, source_port: int, target: bytes, target_port: int, transport: int
    ) -> None:
        """Takes one message from `source` to `target`; `transport` indexes `events.TRANSPORTS`."""
        if message.is_request:
            if message.method == b"INVITE":
                self._receive_invite(message, now_ms, source, source_port, target, target_port, transport)
                return
            handle = self._requests.get(message.method)
        else:
            handle = self._responses.get(message.method)
        if handle is None:
            return
        legs = self._calls.get(message.call_id)
        if legs is None:
            self._receive_stray(message)
            return
        leg = legs[0] if len(legs) == 1 else None
        mark = (message.status, message.cseq, message.method, source)
        for candidate in legs:
            if candidate.last_mark == mark and now_ms - candidate.last_ms <= DUPLICATE_MS:
                self._counters.duplicates += 1
                return
        if leg is None:
            for leg in self._matching(message, legs):
                self._note(leg, mark, now_ms)
                handle(leg, message, now_ms, source)
        else:
            self._note(leg, mark, now_ms)
            handle(leg, message, now_ms, source)

    def _note(self, leg: TrackedLeg, mark: tuple[int, int, bytes, bytes], now_ms: int) -> None:
        leg.last_mark = mark
        leg.last_ms = now_ms

    def _matching(self, message: Message, legs: list[TrackedLeg]) -> list[TrackedLeg]:
        """The legs of a forked call that a message belongs to: by Via branch, else by dialog tags (RFC 3261 12.2)."""
        branch = parameter(message.header(VIA), b"branch")
        found = [leg for leg in legs if branch in leg.branches]
        if found:
            return found
        tags = (tag_of(message.header(FROM)), tag_of(message.header(TO)))
        found = [leg for leg in legs if leg.answer_tag and leg.answer_tag in tags]
        if found or message.method == b"ACK":
            return found
        return [leg for leg in legs if leg.state in (CALLING, RINGING, TALKING) and not leg.answer_tag] or legs[:1]

    def _receive_stray(self, message: Message) -> None:
        """A message of a dialog that is over, or whose start was not seen."""
        if message.call_id in self._ended:
            if message.method != b"ACK" and message.cseq <= self._ended[message.call_id]:
                self._counters.retransmissions += 1
        elif message.is_request and message.method != b"ACK" and message.method not in (b"NOTIFY", b"INFO", b"REFER"):
            self._counters.orphans += 1
        elif not message.is_request and message.method == b"INVITE":
            self._counters.orphans += 1

    def _receive_invite(
        self, message: Message, now_ms: int, source: bytes, source_port: int, target: bytes, target_port: int, transport: int
    ) -> None:
        legs = self._calls.get(message.call_id)
        to_tag = tag_of(message.header(TO))
        if legs is None:
            if self._ended.get(message.call_id, -1) >= message.cseq:
                self._counters.retransmissions += 1
            elif to_tag:
                self._counters.orphans += 1
            else:
                self._open(message, now_ms, source, source_port, target, target_port, transport)
            return
        mark = (0, message.cseq, message.method, source)
        branch = parameter(message.header(VIA), b"branch")
        for leg in legs:
            if leg.last_mark == mark and branch in leg.branches and now_ms - leg.last_ms <= DUPLICATE_MS:
                self._counters.duplicates += 1
                return
        if to_tag:
            for leg in legs if len(legs) == 1 else self._matching(message, legs):
                self._note(leg, mark, now_ms)
                self._receive_offer(leg, message)
            return
        for leg in legs:
            if leg.invite_cseq == message.cseq and branch and branch in leg.branches:
                self._count_repeat(leg, mark, now_ms)
                return
        self._receive_further_invite(
            legs, message, now_ms, source, source_port, target, target_port, transport, mark, branch
        )

    def _receive_further_invite(
        self,
        legs: list[TrackedLeg],
        message: Message,
        now_ms: int,
        source: bytes,
        source_port: int,
        target: bytes,
        target_port: int,
        transport: int,
        mark: tuple[int, int, bytes, bytes],
        branch: bytes,
    ) -> None:
        """Same Call-ID, no To tag, other transaction: another try, the next hop of a proxy, or a fork."""
        facts, name, records_digits = self._reader.read(message, now_ms, source, source_port, target, target_port)
        for leg in legs:
            if leg.target != name:
                continue
            self._note(leg, mark, now_ms)
            self._add_branch(leg, branch)
            self._reader.refine(leg.facts, facts)
            if message.cseq > leg.invite_cseq:
                leg.invite_cseq = message.cseq
                leg.from_tag = tag_of(message.header(FROM))
                self._step(leg, INVITE, message, now_ms)
            return
        self._open(message, now_ms, source, source_port, target, target_port, transport)

    def _open(
        self, message: Message, now_ms: int, source: bytes, source_port: int, target: bytes, target_port: int, transport: int
    ) -> None:
        if self._counters.legs_open >= self._max_legs:
            self._evict(now_ms)
        facts, name, records_digits = self._reader.read(message, now_ms, source, source_port, target, target_port)
        facts.transport = TRANSPORTS[transport]
        leg = TrackedLeg(facts, message.call_id, name, source)
        leg.records_digits = records_digits
        leg.invite_cseq = message.cseq
        leg.from_tag = tag_of(message.header(FROM))
        self._add_branch(leg, parameter(message.header(VIA), b"branch"))
        leg.last_mark = (0, message.cseq, message.method, source)
        legs = self._calls.get(message.call_id)
        if legs is None:
            self._calls[message.call_id] = [leg]
        else:
            legs.append(leg)
        self._counters.legs_open += 1
        self._timers[CALLING].arm(leg, now_ms)

    def _add_branch(self, leg: TrackedLeg, branch: bytes) -> None:
        if branch and len(leg.branches) < 16:
            leg.branches.append(branch)

    def _count_repeat(self, leg: TrackedLeg, mark: tuple[int, int, bytes, bytes], now_ms: int) -> None:
        """The same message again: a retransmission, unless it is another hop's copy."""
        self._note(leg, mark, now_ms)
        leg.facts.retransmissions += 1
        self._counters.retransmissions += 1

    def _receive_ack(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if message.cseq == leg.invite_cseq and leg.state in (CALLING, RINGING):
            self._step(leg, ACK, message, now_ms)

    def _receive_cancel(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if leg.state == CANCELLING and source == leg.source:
            self._count_repeat(leg, (0, message.cseq, message.method, source), now_ms)
        else:
            self._step(leg, CANCEL, message, now_ms)

    def _receive_bye(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if leg.lost_tags is not None:
            tags = (tag_of(message.header(FROM)), tag_of(message.header(TO)))
            if tags[0] in leg.lost_tags or tags[1] in leg.lost_tags:
                return  # the PBX hangs up on a fork that answered too late
        if leg.state == LEAVING:
            if source == leg.status_source:
                self._count_repeat(leg, (0, message.cseq, message.method, source), now_ms)
        else:
            leg.status_source = source
            self._step(leg, BYE, message, now_ms)

    def _receive_invite_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        status = message.status
        if leg.hold is not None and leg.hold.is_pending(self._side(leg, message), message.cseq):
            self._settle_offer(leg, leg.hold, message, now_ms)
            return
        if message.cseq != leg.invite_cseq:
            return
        if status == leg.last_status and status != 100:
            self._receive_repeated_response(leg, message, source)
            return
        leg.last_status = status
        leg.status_source = source
        if status <= 100:
            return
        if status < 200:
            self._step(leg, RING, message, now_ms)
        elif status < 300:
            self._step(leg, ANSWER, message, now_ms)
        elif status in _CHALLENGES or (status == 503 and message.header(RETRY_AFTER)):
            self._step(leg, CHALLENGE, message, now_ms)
        else:
            self._step(leg, REFUSE, message, now_ms)

    def _receive_repeated_response(self, leg: TrackedLeg, message: Message, source: bytes) -> None:
        """The same status again: retransmitted, or a further 2xx of a fork that lost the race (RFC 3261 13.2.2.4)."""
        tag = tag_of(message.header(TO)) if message.status >= 200 else b""
        if tag and leg.answer_tag and tag != leg.answer_tag:
            if leg.lost_tags is None:
                leg.lost_tags = []
            if tag not in leg.lost_tags and len(leg.lost_tags) < 16:
                leg.lost_tags.append(tag)
                return
        if source == leg.status_source:
            leg.facts.retransmissions += 1
            self._counters.retransmissions += 1

    def _receive_bye_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if message.status >= 200 and message.status not in _CHALLENGES:
            self._step(leg, BYE_DONE, message, now_ms)

    # --- what happens inside a dialog ---

    def _side(self, leg: TrackedLeg, message: Message) -> int:
        """Who sent a request, or whose request a response answers: the caller's side or the callee's."""
        return CALLER if tag_of(message.header(FROM)) == leg.from_tag else CALLEE

    def _receive_offer(self, leg: TrackedLeg, message: Message) -> None:
        """A re-INVITE or an UPDATE: maybe hold, maybe news of who is connected."""
        if leg.state != TALKING:
            return
        if leg.hold is None:
            leg.hold = HoldMeter()
        side = self._side(leg, message)
        if leg.hold.is_pending(side, message.cseq):
            leg.facts.retransmissions += 1
            self._counters.retransmissions += 1
            return
        leg.hold.receive_offer(side, message.cseq, media_direction(message.body))
        self._reader.read_connected(leg.facts, message)
        self._timers[TALKING].arm(leg, leg.last_ms)  # a refresh proves that the call lives (RFC 4028 section 10)

    def _receive_update(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if message.body.find(b"v=0") >= 0:
            self._receive_offer(leg, message)
        else:
            self._reader.read_connected(leg.facts, message)
            if leg.state == TALKING:
                self._timers[TALKING].arm(leg, now_ms)

    def _receive_offer_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if leg.hold is not None and leg.hold.is_pending(self._side(leg, message), message.cseq):
            self._settle_offer(leg, leg.hold, message, now_ms)

    def _settle_offer(self, leg: TrackedLeg, hold: HoldMeter, message: Message, now_ms: int) -> None:
        if 200 <= message.status < 300:
            hold.receive_answer(media_direction(message.body), now_ms)
            self._reader.read_connected(leg.facts, message)
        elif message.status >= 300:
            hold.receive_refusal()

    def _receive_refer(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        leg.refer = (message.cseq,) + read_refer(message)

    def _receive_refer_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if leg.refer is not None and leg.refer[0] == message.cseq and 200 <= message.status < 300:
            _, leg.facts.transfer, leg.facts.refer_to, leg.facts.replaces_key = leg.refer

    def _receive_notify(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        """A failed transfer: the caller returns (RFC 3515 section 2.4.5)."""
        if leg.refer is not None and read_notify_status(message) >= 300:
            leg.facts.transfer = ""

    def _receive_info(self, leg: TrackedLeg, message: Message, now_ms: int, source: bytes) -> None:
        if leg.records_digits and message.cseq > leg.digit_cseq and len(leg.facts.digits) < MAX_DIGITS:
            leg.digit_cseq = message.cseq
            leg.facts.digits += dtmf_digits(message)

    # --- the machine ---

    def _step(self, leg: TrackedLeg, signal: int, message: Message | None, now_ms: int) -> None:
        entry = self._table[leg.state * len(SIGNAL_NAMES) + signal]
        if entry is None:
            return
        leg.state, action = entry
        action(leg, message, now_ms)
        if leg.state == ENDED:
            self._finish(leg)
        else:
            self._timers[leg.state].arm(leg, now_ms)

    def _do_none(self, leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
        """The state says it all."""

    def _do_ring(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        leg.facts.ring_ms = now_ms

    def _do_answer(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        facts = leg.facts
        facts.answer_ms = now_ms
        facts.final_code = message.status
        facts.end_ms = None
        facts.ended_by = ""
        leg.answer_tag = tag_of(message.header(TO))
        self._reader.read_connected(facts, message)

    def _do_infer_answer(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        """The 2xx was lost before the tap; its ACK follows at once."""
        leg.facts.answer_ms = now_ms
        leg.facts.final_code = 200
        leg.facts.partial = True
        leg.answer_tag = tag_of(message.header(TO))

    def _do_refuse(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        facts = leg.facts
        facts.final_code = message.status
        facts.end_ms = now_ms
        facts.ended_by = ENDED_BY_CALLEE
        read_reasons(facts, message)
        if 300 <= message.status < 400:
            facts.diverted_by = user_of(split_address(message.header(CONTACT))[0])

    def _do_refuse_cancelled(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        leg.facts.final_code = message.status

    def _do_try_again(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        facts = leg.facts
        facts.final_code = 0
        facts.end_ms = None
        facts.ended_by = ""
        leg.last_status = 0

    def _do_cancel(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        facts = leg.facts
        facts.cancelled = True
        facts.end_ms = now_ms
        facts.ended_by = ENDED_BY_CALLER
        read_reasons(facts, message)

    def _do_hang_up(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        facts = leg.facts
        facts.end_ms = now_ms
        facts.ended_by = ENDED_BY_CALLER if self._side(leg, message) == CALLER else ENDED_BY_CALLEE
        read_reasons(facts, message)
        if leg.hold is not None:
            leg.hold.finish(now_ms)

    def _do_hang_up_unanswered(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        self._do_hang_up(leg, message, now_ms)
        leg.facts.partial = True

    def _do_confirm_hang_up(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        if leg.facts.end_ms is not None:
            leg.facts.bye_response_ms = now_ms - leg.facts.end_ms

    def _do_give_up(self, leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
        """No end was seen: the last message is the last that is known of the leg."""
        leg.facts.end_ms = leg.last_ms
        leg.facts.partial = leg.facts.ring_ms is not None or leg.facts.answer_ms is not None

    # --- output and time ---

    def _finish(self, leg: TrackedLeg) -> None:
        """Reports a leg and forgets it, but for its Call-ID."""
        if leg.queue is not None:
            leave(leg)
        if leg.hold is not None:
            leg.facts.hold_ms = leg.hold.hold_ms
            leg.facts.holds = leg.hold.holds
        self._events.append(leg.facts)
        self._counters.legs_open -= 1
        legs = self._calls[leg.call_id]
        if len(legs) > 1:
            legs.remove(leg)
            return
        del self._calls[leg.call_id]
        self._remember_ended(leg)

    def _remember_ended(self, leg: TrackedLeg) -> None:
        forgotten = self._ended_ring[self._ended_at]
        if forgotten:
            self._ended.pop(forgotten, None)
        self._ended_ring[self._ended_at] = leg.call_id
        self._ended_at = (self._ended_at + 1) % len(self._ended_ring)
        self._ended[leg.call_id] = leg.invite_cseq

    def next_deadline(self) -> int | None:
        """When the first leg's time runs out."""
        deadline = None
        for queue in self._timers:
            first = queue.first()
            if first is not None and (deadline is None or first.deadline_ms < deadline):
                deadline = first.deadline_ms
        return deadline

    def handle_deadline(self, now_ms: int) -> None:
        """Steps every leg whose time has run out."""
        for queue in self._timers:
            first = queue.first()
            while isinstance(first, TrackedLeg) and first.deadline_ms <= now_ms:
                self._step(first, TIMEOUT, None, now_ms)
                first = queue.first()

    def _evict(self, now_ms: int) -> None:
        """Makes room: the oldest leg in the least valuable state goes, reported as partial."""
        for state in (CALLING, CHALLENGED, CANCELLING, LEAVING, RINGING, TALKING):
            first = self._timers[state].first()
            if isinstance(first, TrackedLeg):
                first.facts.partial = True
                first.state = ENDED
                self._finish(first)
                self._counters.legs_evicted += 1
                return

    def close(self, now_ms: int) -> None:
        """Watching ends: what is still up is reported as partial, without an end where none was seen."""
        for legs in list(self._calls.values()):
            for leg in list(legs):
                leg.facts.partial = leg.state in (CALLING, RINGING, TALKING)
                if leg.hold is not None:
                    leg.hold.finish(now_ms)
                self._finish(leg)
