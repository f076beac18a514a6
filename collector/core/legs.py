"""The leg state machine: one transition table, one file.

A leg is one attempt to connect two SIP endpoints: Call-ID plus target (the extension, else the user or address that
the INVITE named). `tracker.py` finds the leg of a message and turns the message into a signal; what happens to the leg
is decided in `TRANSITIONS` and nowhere else, and a pair that is not there changes nothing.
"""

from collector.core.addresses import split_address, tag_mark, user_of
from collector.core.events import ENDED_BY_CALLEE, ENDED_BY_CALLER, ENDED_BY_NOBODY, LegEnded
from collector.core.headers import CONTACT
from collector.core.hold import CALLEE, CALLER, HoldMeter
from collector.core.message import Message
from collector.core.midcall import read_reasons
from collector.core.timers import Waiting
from collector.core.wire import MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

try:
    from micropython import const  # type: ignore[import-not-found]  # a board's table of transitions stays in flash
except ImportError:

    def const(value: int) -> int:
        """The number itself."""
        return value


# --- states ---
CALLING = const(0)  # INVITE sent, nothing came back
PROCEEDING = const(1)  # 100: somebody works on it
RINGING = const(2)  # 180, 182 or 183
CHALLENGED = const(3)  # refused in a way that asks for another INVITE: credentials, session timer, try later
CANCELLING = const(4)  # CANCEL sent; the final response, maybe a 2xx that crossed it, is to come
TALKING = const(5)  # 2xx seen, or the ACK that proves one
LEAVING = const(6)  # BYE sent, its response is to come
ENDED = const(7)
STATE_NAMES = ("CALLING", "PROCEEDING", "RINGING", "CHALLENGED", "CANCELLING", "TALKING", "LEAVING", "ENDED")

REQUEST_TERMINATED = const(487)
NOT_RINGING = (100, 181, 199)  # trying; forwarded: some other phone will ring; an early dialog is over (RFC 6228)

# --- signals ---
INVITE = const(0)  # another INVITE of the same attempt with a higher CSeq
TRYING = const(1)  # 100, and what else does not say that it rings
RING = const(2)  # any other provisional response
ANSWER = const(3)  # 2xx to the INVITE
ANSWER_ACK = const(4)  # ACK of a 2xx: a transaction of its own
REFUSAL_ACK = const(5)  # ACK within the INVITE's transaction: some other final response went before
CHALLENGE = const(6)
REFUSE = const(7)  # any other final response to the INVITE
CANCEL = const(8)
BYE = const(9)
BYE_DONE = const(10)  # final response to the BYE
TIMEOUT = const(11)  # the state's time ran out
SIGNAL_NAMES = (
    "INVITE",
    "TRYING",
    "RING",
    "ANSWER",
    "ANSWER_ACK",
    "REFUSAL_ACK",
    "CHALLENGE",
    "REFUSE",
    "CANCEL",
    "BYE",
    "BYE_DONE",
    "TIMEOUT",
)

# (state, signal): (next state, action). RFC 3261 sections 13 (INVITE), 9 (CANCEL), 15 (BYE); RFC 5407 for crossings.
TRANSITIONS = {
    (CALLING, INVITE): (CALLING, "none"),  # who still repeats it still waits: its timers may be longer than ours
    (CALLING, TRYING): (PROCEEDING, "none"),
    (CALLING, RING): (RINGING, "ring"),
    (CALLING, ANSWER): (TALKING, "answer"),
    (CALLING, ANSWER_ACK): (TALKING, "infer_answer"),  # the 2xx was lost before the tap
    (CALLING, REFUSAL_ACK): (CHALLENGED, "infer_refusal"),  # the refusal was lost; another INVITE may follow it
    (CALLING, CHALLENGE): (CHALLENGED, "refuse"),
    (CALLING, REFUSE): (ENDED, "refuse"),
    (CALLING, CANCEL): (CANCELLING, "cancel"),
    (CALLING, BYE): (LEAVING, "hang_up"),
    (CALLING, TIMEOUT): (ENDED, "give_up"),
    (PROCEEDING, RING): (RINGING, "ring"),
    (PROCEEDING, ANSWER): (TALKING, "answer"),
    (PROCEEDING, ANSWER_ACK): (TALKING, "infer_answer"),
    (PROCEEDING, REFUSAL_ACK): (CHALLENGED, "infer_refusal"),
    (PROCEEDING, CHALLENGE): (CHALLENGED, "refuse"),
    (PROCEEDING, REFUSE): (ENDED, "refuse"),
    (PROCEEDING, CANCEL): (CANCELLING, "cancel"),
    (PROCEEDING, BYE): (LEAVING, "hang_up"),
    (PROCEEDING, TIMEOUT): (ENDED, "give_up"),
    (RINGING, RING): (RINGING, "none"),  # a phone that rings long says so every minute (RFC 3261 section 13.3.1.1)
    (RINGING, ANSWER): (TALKING, "answer"),
    (RINGING, ANSWER_ACK): (TALKING, "infer_answer"),
    (RINGING, REFUSAL_ACK): (CHALLENGED, "infer_refusal"),
    (RINGING, CHALLENGE): (CHALLENGED, "refuse"),
    (RINGING, REFUSE): (ENDED, "refuse"),
    (RINGING, CANCEL): (CANCELLING, "cancel"),
    (RINGING, BYE): (LEAVING, "hang_up"),  # in an early dialog, RFC 3261 section 15; or a 2xx was lost
    (RINGING, TIMEOUT): (ENDED, "give_up"),
    (CHALLENGED, INVITE): (CALLING, "try_again"),
    (CHALLENGED, TIMEOUT): (ENDED, "none"),
    (CANCELLING, ANSWER): (TALKING, "answer"),  # RFC 5407 section 3.1.2: the 2xx wins
    (CANCELLING, ANSWER_ACK): (TALKING, "infer_answer"),
    (CANCELLING, REFUSAL_ACK): (ENDED, "infer_cancelled"),  # of a 487 that was lost
    (CANCELLING, CHALLENGE): (ENDED, "refuse_cancelled"),
    (CANCELLING, REFUSE): (ENDED, "refuse_cancelled"),
    (CANCELLING, BYE): (LEAVING, "hang_up_crossed"),  # who cancels hangs up only on a 2xx that crossed the CANCEL
    (CANCELLING, TIMEOUT): (ENDED, "none"),
    (TALKING, BYE): (LEAVING, "hang_up"),
    (TALKING, BYE_DONE): (ENDED, "infer_hang_up"),  # the BYE was lost before the tap
    (TALKING, TIMEOUT): (ENDED, "give_up"),
    (LEAVING, BYE_DONE): (ENDED, "confirm_hang_up"),
    (LEAVING, ANSWER): (LEAVING, "answer_behind_bye"),
    (LEAVING, REFUSE): (ENDED, "refuse_after_all"),
    (LEAVING, REFUSAL_ACK): (ENDED, "refuse_after_all"),
    (LEAVING, TIMEOUT): (ENDED, "leave"),
}

# how long each state waits before TIMEOUT
WAIT_MS = {
    CALLING: 32_500,  # timer B, 64 * T1 (RFC 3261 section 17.1.1.2)
    PROCEEDING: 600_000,  # timer C is over three minutes; a PBX that hunts may be silent for longer
    RINGING: 600_000,  # nobody rings for ten minutes without saying so again
    CHALLENGED: 5_000,  # a phone answers a challenge within a round trip
    CANCELLING: 32_500,
    TALKING: 4 * 3600 * 1000,  # replaced by the configured bound
    LEAVING: 4_000,  # four retransmissions of the BYE (0.5, 1.5, 3.5 s) without a response
}


class TrackedLeg(Waiting):
    """A leg that is not over yet: its facts so far and what is needed to recognise its messages.

    Tags, branches and addresses are kept as their `mark_of`.
    """

    # what did not happen yet stays the class's default: on a small board each attribute of its own costs eight bytes
    answer_tag: int = 0  # To tag of the 2xx that counts
    digit_cseq: int = -1
    early_tag: int = 0  # To tag of the ringing, where that tells forks apart
    forked: bool = False  # the Call-ID has other legs, or had
    forks: int = 0  # phones of the same target that a proxy called besides, and that did not refuse
    hold: HoldMeter | None = None
    last_mark: int = 0  # of the last message, against copies of it
    last_status: int = 0
    lost_tags: list[int] | None = None  # of further 2xx: forks that lost
    own_hop: int = 0  # index of the first branch of the hop that reaches the target; before it: hops to a proxy
    phone: int = 0  # which phone is in the call, once it was answered
    records_digits: bool = False
    refused: tuple[int, ...] = ()  # branches of phones that refused while others of the target rang on
    refer: tuple[int, str, str, bytes] | None = None
    session: int = -1  # which of `ends.SESSION_WAITS_MS` its session timer is; -1: none
    status_source: int = 0  # who sent the last response: another hop's copy comes from elsewhere

    def __init__(self, facts: LegEnded, call_id: bytes, target: str, source: int, cseq: int, from_tag: int) -> None:
        self.deadline_ms = 0  # `Waiting.__init__`, written out: once in each call
        self.queue = self.next = self.previous = None
        self.facts = facts
        self.call_id = call_id
        self.target = target
        self.source = source  # address that the INVITE came from first
        self.state = CALLING
        self.invite_cseq = cseq
        self.from_tag = from_tag
        self.branches: tuple[int, ...] = ()
        self.last_ms = facts.invite_ms
        # what is asked for with nearly every message: found sooner than the class's default
        self.answer_tag = self.last_mark = self.last_status = 0
        self.hold = self.lost_tags = None
        self.forked = False
        self.refused = ()

    @property
    def extension(self) -> str:
        """The office's extension at one end of the leg."""
        return self.facts.extension

    @property
    def age(self) -> tuple[int, bytes, str]:
        """Sorts legs by their begin."""
        return self.facts.invite_ms, self.call_id, self.target

    def side_of(self, message: Message) -> int:
        """Who sent a request, or whose request a response answers: the caller's side or the callee's."""
        return CALLER if tag_mark(message.front()[2]) == self.from_tag else CALLEE

    def finish_hold(self, now_ms: int) -> None:
        """The leg ends: a hold that is still on ends with it."""
        if self.hold is not None:
            self.hold.finish(now_ms)
            self.facts.hold_ms = self.hold.hold_ms
            self.facts.holds = self.hold.holds
            if self.hold.last_ms:
                self.facts.hold_at_end_ms = self.hold.last_ms


# --- actions: what a transition does to the facts -------------------------------------------------------------------


def _ring(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    leg.facts.ring_ms = now_ms
    if leg.forked and message is not None:
        leg.early_tag = tag_mark(message.to_value)


def _answer(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    facts = leg.facts
    facts.answer_ms = now_ms
    if facts.end_ms is not None:  # a CANCEL that the 2xx crossed
        facts.end_ms = None
        facts.ended_by = ENDED_BY_NOBODY
    if message is not None:
        facts.final_code = message.status
        leg.answer_tag = tag_mark(message.front()[3])


def _infer_answer(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """The 2xx was lost before the tap; its ACK follows at once."""
    _answer(leg, message, now_ms)
    leg.facts.final_code = 200
    leg.facts.partial = True


def _refuse(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    facts = leg.facts
    facts.end_ms = now_ms
    facts.ended_by = ENDED_BY_CALLEE
    if message is not None:
        facts.final_code = message.status
        read_reasons(facts, message)
        if message.status == REQUEST_TERMINATED:  # of a CANCEL that was lost before the tap
            facts.cancelled = True
            facts.ended_by = ENDED_BY_CALLER
            facts.partial = True
        if 300 <= message.status < 400:
            facts.diverted_by = user_of(split_address(message.header(CONTACT))[0])[:MAX_TEXT]


def _infer_refusal(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """The refusal was lost before the tap: that there was one is known, which one is not."""
    _refuse(leg, None, now_ms)
    leg.facts.partial = True


def _refuse_cancelled(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    if message is not None:
        leg.facts.final_code = message.status


def _infer_cancelled(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """What a CANCEL ends is refused with 487 (RFC 3261 section 9.2)."""
    leg.facts.final_code = REQUEST_TERMINATED
    leg.facts.partial = True


def _try_again(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    facts = leg.facts
    facts.final_code = 0
    facts.end_ms = None
    facts.ended_by = ENDED_BY_NOBODY
    facts.reason_sip = 0
    facts.reason_q850 = None
    facts.partial = False
    leg.last_status = 0


def _cancel(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    facts = leg.facts
    facts.cancelled = True
    facts.end_ms = now_ms
    facts.ended_by = ENDED_BY_CALLER
    if message is not None:
        read_reasons(facts, message)


def _hang_up(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    facts = leg.facts
    facts.end_ms = now_ms
    if message is not None:
        facts.ended_by = ENDED_BY_CALLER if leg.side_of(message) == CALLER else ENDED_BY_CALLEE
        read_reasons(facts, message)
    leg.finish_hold(now_ms)


def _hang_up_crossed(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """The 2xx that crossed a CANCEL was lost before the tap, and so was its ACK."""
    leg.facts.answer_ms = leg.facts.end_ms
    leg.facts.final_code = 200
    leg.facts.partial = True
    _hang_up(leg, message, now_ms)


def _answer_behind_bye(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """The 2xx crossed the BYE of an early dialog (RFC 5407 section 3.1.3): a call of no length."""
    facts = leg.facts
    if facts.answer_ms is None:
        end_ms, ended_by = facts.end_ms, facts.ended_by
        _answer(leg, message, now_ms)
        facts.answer_ms = facts.end_ms = end_ms
        facts.ended_by = ended_by


def _refuse_after_all(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """The caller's BYE was its other CANCEL, in an early dialog: the INVITE is refused (RFC 3261 section 15)."""
    facts = leg.facts
    facts.answer_ms = None
    facts.cancelled = facts.ended_by == ENDED_BY_CALLER
    facts.final_code = message.status if message is not None and message.status else REQUEST_TERMINATED


def _leave(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """A dialog ended, and its INVITE was not refused: a 2xx was lost before the tap, and so was its ACK.

    The call was up: since when, nobody knows; at the earliest since it rang.
    """
    facts = leg.facts
    if facts.answer_ms is None:
        facts.answer_ms = facts.invite_ms if facts.ring_ms is None else facts.ring_ms
        facts.final_code = 200
        facts.partial = True


def _infer_hang_up(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """A response to a BYE that was not seen: its From is that of who hung up, its time a round trip late."""
    facts = leg.facts
    facts.end_ms = now_ms
    facts.partial = True
    if message is not None:
        facts.ended_by = ENDED_BY_CALLER if leg.side_of(message) == CALLER else ENDED_BY_CALLEE
    leg.finish_hold(now_ms)


def _confirm_hang_up(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """How long the response took; a refusal is told by its status (481: the other side had hung up too)."""
    if leg.facts.end_ms is not None and message is not None:
        leg.facts.bye_response_ms = now_ms - leg.facts.end_ms
        if message.status >= 300:
            leg.facts.bye_code = message.status


def _give_up(leg: TrackedLeg, message: Message | None, now_ms: int) -> None:
    """No end was seen: the last message is the last that is known of the leg."""
    leg.facts.end_ms = leg.last_ms
    leg.facts.partial = leg.facts.partial or leg.last_status != 0
    leg.finish_hold(leg.last_ms)


ACTIONS: "dict[str, Callable[[TrackedLeg, Message | None, int], None] | None]" = {
    "none": None,  # the state says it all
    "ring": _ring,
    "answer": _answer,
    "infer_answer": _infer_answer,
    "refuse": _refuse,
    "infer_refusal": _infer_refusal,
    "refuse_cancelled": _refuse_cancelled,
    "infer_cancelled": _infer_cancelled,
    "try_again": _try_again,
    "cancel": _cancel,
    "hang_up": _hang_up,
    "hang_up_crossed": _hang_up_crossed,
    "answer_behind_bye": _answer_behind_bye,
    "leave": _leave,
    "refuse_after_all": _refuse_after_all,
    "infer_hang_up": _infer_hang_up,
    "confirm_hang_up": _confirm_hang_up,
    "give_up": _give_up,
}
