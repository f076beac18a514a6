"""From messages to legs: finds the leg of a message, names the signal, lets the table decide (`leg_table.py`)."""

from binascii import crc32

from collector.core.addresses import branch_mark, tag_mark
from collector.core.counters import Counters
from collector.core.dialog import DialogReader
from collector.core.events import ENDED_BY_CALLER, ENDED_BY_NOBODY, ROLE_PHONE
from collector.core.forks import MAX_FORKS, ForkTable, is_of_lost_fork, is_used_again, note_path, rings_on
from collector.core.headers import RETRY_AFTER
from collector.core.hold import CALLER
from collector.core.hops import Hop
from collector.core.invite import InviteReader
from collector.core.keys import SMALL
from collector.core.leg_table import UNANSWERED
from collector.core.legs import (
    ANSWER,
    ANSWER_ACK,
    BYE,
    BYE_DONE,
    CALLING,
    CANCEL,
    CANCELLING,
    CHALLENGE,
    CHALLENGED,
    INVITE,
    LEAVING,
    NOT_RINGING,
    REFUSAL_ACK,
    REFUSE,
    RING,
    TALKING,
    TIMEOUT,
    TRYING,
    TrackedLeg,
)
from collector.core.message import Message
from collector.core.strays import FIRST_REFUSALS, begins_leg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.core.events import Event
    from collector.core.keypad import Keypad

    Handler = Callable[[TrackedLeg, Message, int, int], None]

DUPLICATE_MS = 50  # a mirror port repeats at once; a retransmission comes after T1 = 500 ms
MAX_BRANCHES = 16  # transactions remembered of one leg: hops, tries
_CHALLENGES = (401, 407, 422, 491, 494)
_OF_CALLS = (b"INVITE", b"BYE", b"CANCEL", b"UPDATE")  # outside a call all others mean nothing


class LegTracker(ForkTable):
    """Finds the leg of each message, and says what the message means to it."""

    def __init__(
        self,
        reader: InviteReader,
        counters: Counters,
        events: "list[Event]",
        max_legs: int,
        max_ended: int,
        max_call_ms: int,
    ) -> None:
        super().__init__(counters, events, max_legs, max_ended, max_call_ms)
        self._reader = reader
        self._dialog = DialogReader(reader, counters, self._ends)
        self.keypad: Keypad | None = None  # made for the first call to a number whose digits are asked for
        self._requests = {
            b"ACK": self._receive_ack,
            b"CANCEL": self._receive_cancel,
            b"BYE": self._receive_bye,
            b"UPDATE": self._dialog.receive_update,
            b"REFER": self._dialog.receive_refer,
            b"NOTIFY": self._dialog.receive_notify,
            b"INFO": self._dialog.receive_info,
        }
        self._responses = {
            b"INVITE": self._receive_invite_response,
            b"BYE": self._receive_bye_response,
            b"CANCEL": self._receive_cancel_response,
            b"UPDATE": self._dialog.receive_offer_response,
            b"REFER": self._dialog.receive_refer_response,
        }

    # --- input ---

    def handler_of(self, message: Message) -> "Handler | None":
        """What reads messages of this method, requests or responses, of a call."""
        return (self._responses if message.status else self._requests).get(message.method)

    def receive_message(self, message: Message, now_ms: int, hop: Hop) -> None:
        """Takes one message that went over `hop`."""
        self.receive(message, now_ms, hop, self.handler_of(message))

    def receive(self, message: Message, now_ms: int, hop: Hop, handle: "Handler | None") -> None:
        """The same where its handler is known."""
        legs = self._calls.get(message.call_id)
        if legs is None or handle is None:
            legs = self._receive_first(legs, message, now_ms, hop)
            if legs is None or handle is None:
                return
        sender = hop.sender
        mark = sender ^ message.mark
        for leg in legs if len(legs) == 1 and not legs[0].forked else self._matching(legs, message, now_ms, hop):
            if leg.last_mark == mark and now_ms - leg.last_ms <= DUPLICATE_MS:
                self._counters.duplicates += 1
                continue
            leg.last_ms = now_ms
            handle(leg, message, now_ms, sender)
            leg.last_mark = mark  # not before: where a board has no memory for a message, it reads it again
            if leg.queue is self._doubted:  # something was heard of it, and it did not end
                self._ends.trust(leg, now_ms)

    def _receive_first(
        self, legs: list[TrackedLeg] | None, message: Message, now_ms: int, hop: Hop
    ) -> list[TrackedLeg] | None:
        """An INVITE, a method that only says that the call lives, or a message of a call that is not open."""
        if message.method == b"INVITE" and not message.status:
            self._receive_invite(legs, message, now_ms, hop)
            return legs
        if legs is not None:
            legs[0].last_ms = now_ms  # OPTIONS, PRACK ...: the call lives
            self._ends.note_life(legs[0], now_ms)
        elif self._ended.has(message):
            legs = self._next_fork(message, now_ms, hop)
        elif begins_leg(message):
            legs = [self._open_without_invite(None, message, now_ms, hop)]
        if legs is None:
            self._receive_stray(message)
        return legs

    def _receive_stray(self, message: Message) -> None:
        """A message of a dialog that is over, or whose start was not seen."""
        method = message.method
        if method not in _OF_CALLS:
            return
        if self._ended.has(message) and not self._ended.is_joined(message):
            if method in (b"INVITE", b"BYE") or (method == b"CANCEL" and message.is_request):
                self._counters.retransmissions += 1
        elif method in (b"BYE", b"CANCEL", b"UPDATE") if message.is_request else method == b"INVITE":
            self._counters.orphans += 1
            if message.status not in FIRST_REFUSALS:
                self._ended.note_joined(message)

    # --- INVITE ---

    def _receive_invite(self, legs: list[TrackedLeg] | None, message: Message, now_ms: int, hop: Hop) -> None:
        to_tag = tag_mark(message.front()[3])
        branch = branch_mark(message)
        if legs is None:
            if self._ended.has_leg(message, branch):
                self._counters.retransmissions += 1
            elif to_tag:
                self._counters.orphans += 1
                self._ended.note_joined(message)
            else:
                self._open(None, message, branch, now_ms, hop).last_mark = hop.sender ^ message.mark
            return
        mark = hop.sender ^ message.mark
        for leg in legs:
            if leg.last_mark == mark and branch in leg.branches and now_ms - leg.last_ms <= DUPLICATE_MS:
                self._counters.duplicates += 1
                return
        if to_tag:
            whole = len(legs) == 1 and not legs[0].forked
            for leg in legs if whole else self._matching(legs, message, now_ms, hop):
                if leg.state in UNANSWERED:  # only a call that is up has re-INVITEs (RFC 3261 section 14.1)
                    self._step(leg, ANSWER_ACK, None, now_ms)
                    self._watch_end(leg, now_ms)
                self._dialog.receive_offer(leg, message, now_ms, hop.sender)
                _note(leg, mark, now_ms, branch)
            return
        if self._take_known_invite(legs, message, branch, now_ms, hop):
            return
        legs = self._calls.get(message.call_id)
        if legs is not None and len(legs) >= MAX_FORKS:
            self._counters.legs_evicted += 1
        else:
            self._open(legs, message, branch, now_ms, hop).last_mark = mark

    def _take_known_invite(self, legs: list[TrackedLeg], message: Message, branch: int, now_ms: int, hop: Hop) -> bool:
        """True for an INVITE outside a dialog that belongs to a leg that is open, or was; False for another target."""
        mark = hop.sender ^ message.mark
        for leg in legs:
            if leg.invite_cseq == message.cseq and branch and branch in leg.branches:
                if leg.facts.partial and leg.state in UNANSWERED and now_ms - leg.last_ms <= DUPLICATE_MS:
                    self._take_overtaken_invite(leg, message, now_ms, hop)
                else:
                    self._count_repeat(leg)
                    if leg.state == CALLING:
                        self._step(leg, INVITE, message, now_ms)
                _note(leg, mark, now_ms, 0)
                return True
        if self._ended.has_leg(message, branch):
            self._counters.retransmissions += 1
            return True
        facts, name, _ = self._reader.read(message, now_ms, hop)
        for leg in legs:
            if leg.target == name:
                if is_used_again(leg, message, hop.sender):
                    self._step(leg, TIMEOUT, None, now_ms)
                    return False
                self._reader.refine(leg.facts, facts)
                _note(leg, leg.last_mark, now_ms, branch)
                self._receive_further_invite(leg, message, now_ms, hop)
                leg.last_mark = mark
                return True
        return False

    def _take_overtaken_invite(self, leg: TrackedLeg, message: Message, now_ms: int, hop: Hop) -> None:
        """The INVITE of a leg that was made up from its ringing was not lost: it comes late, with all it says."""
        made_up = leg.facts
        facts, _, _ = self._reader.read(message, now_ms, hop)
        facts.invite_ms = made_up.invite_ms
        facts.ring_ms = made_up.ring_ms
        facts.transport = made_up.transport
        leg.facts = facts

    def _receive_further_invite(self, leg: TrackedLeg, message: Message, now_ms: int, hop: Hop) -> None:
        """Same Call-ID, same target, other transaction: another try, the next hop of a proxy, or another phone."""
        if message.cseq == leg.invite_cseq and leg.state != CHALLENGED:
            note_path(leg, message, hop.sender)
        elif message.cseq >= leg.invite_cseq:  # equal: a device that does not count, or a proxy that tries elsewhere
            from_tag = tag_mark(message.from_value)
            self._step(leg, INVITE, message, now_ms)
            leg.invite_cseq = message.cseq
            leg.from_tag = from_tag

    def _count_repeat(self, leg: TrackedLeg) -> None:
        leg.facts.retransmissions += 1
        self._counters.retransmissions += 1

    def _receive_invite_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        status = message.status
        if leg.hold is not None and self._dialog.answers_offer(leg, message):
            self._dialog.receive_offer_response(leg, message, now_ms, source)
            return
        if message.cseq != leg.invite_cseq and not self._missed_invite(leg, message, now_ms):
            if leg.state == TALKING and 200 <= status < 300:
                self._dialog.receive_lost_answer(leg, message, now_ms)
            return
        if leg.answer_tag and self._answers_otherwise(leg, message, now_ms):
            return
        if status == leg.last_status:
            if status != 100 and source == leg.status_source:
                self._count_repeat(leg)
            if 100 < status < 200 and status not in NOT_RINGING:
                self._step(leg, RING, message, now_ms)  # it still rings
            return
        leg.status_source = source
        if status < 200:
            self._step(leg, TRYING if status in NOT_RINGING else RING, message, now_ms)
        else:
            self._receive_final(leg, message, status, now_ms)
            if leg.refused and leg.state in UNANSWERED:
                status = 0  # the other phone may say the same
        leg.last_status = status

    def _answers_otherwise(self, leg: TrackedLeg, message: Message, now_ms: int) -> bool:
        """True for what answers the callee's re-INVITE, whose CSeq may be the same, or comes from a fork that lost."""
        is_answer = 200 <= message.status < 300
        if leg.side_of(message) == CALLER:
            return is_answer and self._is_lost_fork(leg, message)
        if leg.state == TALKING and is_answer:
            self._dialog.receive_lost_answer(leg, message, now_ms)
        return True

    def _receive_final(self, leg: TrackedLeg, message: Message, status: int, now_ms: int) -> None:
        if status < 300:
            if leg.records_digits:
                self._listen_to_keypad(leg, message)
            self._step(leg, ANSWER, message, now_ms)
            if message.may_have_extras():
                self._reader.read_connected(leg.facts, message)
                self._ends.read_session(leg, message)
            self._watch_end(leg, now_ms)
        elif status in _CHALLENGES or (status == 503 and message.header(RETRY_AFTER)):
            self._step(leg, CHALLENGE, message, now_ms)
        elif not leg.answer_tag and not rings_on(leg, message):
            self._step(leg, REFUSE, message, now_ms)

    def _listen_to_keypad(self, leg: TrackedLeg, message: Message) -> None:
        if self.keypad is None:
            from collector.core.keypad import Keypad

            self.keypad = Keypad()
        self.keypad.listen(leg, message.body)

    def _watch_end(self, leg: TrackedLeg, now_ms: int) -> None:
        """A call is up: from here on it may end without a word."""
        if leg.state != TALKING:
            return
        if leg.session >= 0:
            self._ends.arm(leg, now_ms)
        facts = leg.facts
        if facts.role == ROLE_PHONE:
            address = leg.status_source if facts.extension == facts.callee else leg.source
            # one behind the other: checksums are linear, and 10.77.1.101 with 101 would be 10.77.1.102 with 102
            phone = crc32(bytes(facts.extension, "utf-8"), address) & SMALL or 1
            self._ends.receive_answer(leg, phone, now_ms)

    def _missed_invite(self, leg: TrackedLeg, message: Message, now_ms: int) -> bool:
        """True where a response answers the next try of a challenged leg, whose INVITE was lost before the tap."""
        if leg.state != CHALLENGED or message.cseq < leg.invite_cseq:
            return False
        _note(leg, leg.last_mark, now_ms, branch_mark(message))
        self._step(leg, INVITE, message, now_ms)
        leg.invite_cseq = message.cseq
        return True

    def _is_lost_fork(self, leg: TrackedLeg, message: Message) -> bool:
        """True for a further 2xx of a fork that lost the race (RFC 3261 section 13.2.2.4): the first one counts."""
        tag = tag_mark(message.to_value)
        if not tag or tag == leg.answer_tag or leg.side_of(message) != CALLER:
            return False
        if leg.lost_tags is None:
            leg.lost_tags = []
        if tag not in leg.lost_tags and len(leg.lost_tags) < MAX_FORKS:
            leg.lost_tags.append(tag)
        return True

    def _receive_ack(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        if leg.state == TALKING:
            if leg.hold is not None:
                self._dialog.receive_ack(leg, message, now_ms)
        elif message.cseq == leg.invite_cseq and not leg.answer_tag:
            branch = branch_mark(message)
            if branch in leg.refused:
                return
            # RFC 3261 section 17.1.1.3: only a refusal's ACK repeats the branch
            self._step(leg, REFUSAL_ACK if branch in leg.branches else ANSWER_ACK, message, now_ms)
            self._watch_end(leg, now_ms)

    def _receive_cancel(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        facts = leg.facts
        branch = branch_mark(message)
        if branch not in leg.branches and leg.branches:  # the INVITE of this hop was lost before the tap
            facts.partial = True
            _note(leg, leg.last_mark, now_ms, branch)
        is_callers = source == leg.source or not leg.own_hop  # a proxy may give up a phone by itself
        if leg.state in UNANSWERED:
            self._step(leg, CANCEL, message, now_ms)
            if not is_callers:
                facts.ended_by = ENDED_BY_NOBODY
        elif leg.state == CANCELLING and is_callers:
            if source == leg.source and facts.ended_by:
                self._count_repeat(leg)
            facts.ended_by = ENDED_BY_CALLER

    def _receive_cancel_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """The CANCEL itself may have been lost before the tap."""
        if leg.state in UNANSWERED and 200 <= message.status < 300:
            leg.facts.partial = True
            self._step(leg, CANCEL, message, now_ms)
        elif leg.state == CANCELLING and branch_mark(message) in leg.branches[:1] and not leg.facts.ended_by:
            leg.facts.ended_by = ENDED_BY_CALLER
            leg.facts.partial = True

    def _receive_bye(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        if leg.lost_tags is not None and is_of_lost_fork(leg.lost_tags, message):
            return
        if leg.state == LEAVING:
            if source == leg.status_source:
                self._count_repeat(leg)
            elif not leg.status_source:  # once more, with credentials
                leg.status_source = source
        else:
            leg.status_source = source
            self._step(leg, BYE, message, now_ms)

    def _receive_bye_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        if message.status in _CHALLENGES:
            leg.status_source = 0
        if message.status < 200 or message.status in _CHALLENGES:
            return
        if leg.state == LEAVING and leg.facts.answer_ms is None:  # its INVITE may yet be refused
            return
        if leg.lost_tags is None or not is_of_lost_fork(leg.lost_tags, message):
            self._step(leg, BYE_DONE, message, now_ms)


def _note(leg: TrackedLeg, mark: int, now_ms: int, branch: int) -> None:
    """What is needed to recognise a message's copies, its responses and its ACK."""
    leg.last_mark = mark
    leg.last_ms = now_ms
    if branch and len(leg.branches) < MAX_BRANCHES:
        leg.branches += (branch,)
