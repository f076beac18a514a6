"""What happens inside a call that is up: hold, who is connected, transfers, digits. Facts only; no state changes.

Each `receive_...` takes the leg that `tracker.py` found, one message of it, its time and the mark of who sent it.
"""

from collector.core.addresses import branch_mark
from collector.core.counters import Counters
from collector.core.events import TRANSFER_ATTENDED, TRANSFER_BLIND
from collector.core.hold import CALLER, HoldMeter
from collector.core.invite import InviteReader
from collector.core.keys import call_key
from collector.core.legs import TALKING, TrackedLeg
from collector.core.message import Message
from collector.core.midcall import dtmf_digits, read_notify_status, read_refer
from collector.core.sdp import NO_SDP, SEND_RECEIVE, media_direction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.core.ends import EndWatch  # a board nests few imports

MAX_DIGITS = 32  # SIP INFO digits kept of one call


class DialogReader:
    """Reads re-INVITE, UPDATE, REFER, NOTIFY and INFO, and the responses to them."""

    def __init__(self, reader: InviteReader, counters: Counters, ends: "EndWatch") -> None:
        self._reader = reader
        self._counters = counters
        self._ends = ends  # a call that refreshes its session is armed anew (RFC 4028 section 10)

    def receive_offer(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """A re-INVITE or an UPDATE with a session description: maybe hold, maybe news of who is connected."""
        if leg.state != TALKING:
            return
        if leg.hold is None:
            leg.hold = HoldMeter()
        side = leg.side_of(message)
        if leg.hold.is_pending(side, message.cseq):
            if source == leg.hold.offered_from:
                leg.facts.retransmissions += 1
                self._counters.retransmissions += 1
            return
        direction = media_direction(message.body)
        self._reader.read_connected(leg.facts, message)
        leg.hold.offered_from = source
        leg.hold.receive_offer(side, message.cseq, direction)
        self._ends.arm(leg, now_ms)

    def receive_update(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """UPDATE (RFC 3311): an offer, a session refresh, or a new P-Asserted-Identity."""
        if media_direction(message.body) != NO_SDP:
            self.receive_offer(leg, message, now_ms, source)
        else:
            self._reader.read_connected(leg.facts, message)
            if leg.state == TALKING:
                self._ends.arm(leg, now_ms)

    def answers_offer(self, leg: TrackedLeg, message: Message) -> bool:
        """True for the response to an offer that is under way."""
        return leg.hold is not None and leg.hold.is_pending(leg.side_of(message), message.cseq)

    def receive_offer_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """The response to a re-INVITE or UPDATE; one that answers nothing pending changes nothing."""
        if leg.state == TALKING and 200 <= message.status < 300:
            self._ends.receive_acceptance(leg, message, now_ms)
        if leg.hold is None or not self.answers_offer(leg, message):
            return
        if 200 <= message.status < 300:
            self._reader.read_connected(leg.facts, message)
            leg.hold.receive_answer(media_direction(message.body), now_ms)
        elif message.status >= 300:
            leg.hold.receive_refusal()

    def receive_lost_answer(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        """A 2xx to a re-INVITE that was lost before the tap: who holds is told by the answer."""
        direction = media_direction(message.body)
        if leg.hold is None:
            if direction in (NO_SDP, SEND_RECEIVE):
                return
            leg.hold = HoldMeter()
        leg.hold.receive_lost_answer(leg.side_of(message), message.cseq, direction, now_ms)

    def receive_ack(self, leg: TrackedLeg, message: Message, now_ms: int) -> None:
        """The ACK of a re-INVITE without an offer carries the answer (RFC 3261 section 13.2.1).

        And where its 2xx was lost before the tap, it tells that there was one: a refusal's ACK repeats the branch.
        """
        if leg.hold is None:
            return
        side = leg.side_of(message)
        if leg.hold.is_pending(side, message.cseq) and branch_mark(message) not in leg.branches:
            leg.hold.receive_answer(NO_SDP, now_ms)
        if message.body:
            leg.hold.receive_ack(side, message.cseq, media_direction(message.body), now_ms)

    def receive_refer(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """A transfer is asked for; it counts once it is accepted."""
        leg.refer = (message.cseq,) + read_refer(message)

    def receive_refer_response(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """2xx to the REFER: the transfer is under way."""
        if (leg.refer is None or leg.refer[0] != message.cseq) and 200 <= message.status < 300 and leg.state == TALKING:
            leg.refer = (message.cseq,) + self._lost_refer(leg)
        if leg.refer is not None and leg.refer[0] == message.cseq and 200 <= message.status < 300:
            self._take_refer(leg)

    def _take_refer(self, leg: TrackedLeg) -> None:
        if leg.refer is not None:
            _, leg.facts.transfer, leg.facts.refer_to, replaces_key = leg.refer
            if replaces_key:
                leg.facts.replaces_key = replaces_key

    def _lost_refer(self, leg: TrackedLeg) -> tuple[str, str, bytes]:
        """What a REFER asked for that was lost before the tap: who is in another call as well joins the two."""
        leg.facts.partial = True
        other = self._ends.other_call(leg)
        return (TRANSFER_BLIND, "", b"") if other is None else (TRANSFER_ATTENDED, "", call_key(other.call_id))

    def receive_notify(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """How a transfer goes (RFC 3515 section 2.4.5): it is tried, or it failed and the caller returns."""
        status = read_notify_status(message)
        if leg.refer is None and 100 <= status < 200 and leg.state == TALKING:
            leg.refer = (-1,) + self._lost_refer(leg)  # REFER and its 202 were lost before the tap
        if leg.refer is None:
            return
        if 100 <= status < 300:
            self._take_refer(leg)  # its 202 was lost before the tap, where the transfer does not count yet
        elif status >= 300:
            leg.facts.transfer = ""
            leg.facts.refer_to = ""
            if leg.facts.replaces_key == leg.refer[3]:
                leg.facts.replaces_key = b""
            leg.refer = None

    def receive_info(self, leg: TrackedLeg, message: Message, now_ms: int, source: int) -> None:
        """A caller's digit (INFO), kept only on calls to numbers that the office named for it."""
        is_new = leg.records_digits and message.cseq > leg.digit_cseq and leg.side_of(message) == CALLER
        if is_new and len(leg.facts.digits) < MAX_DIGITS:
            digit = dtmf_digits(message)
            if digit and not leg.facts.digits:
                leg.facts.digit_after_ms = max(1, now_ms - leg.facts.invite_ms)
            leg.facts.digits += digit
            leg.digit_cseq = message.cseq
