"""Keypad digits that travel beside the voice (RFC 4733), where a tap is given the voice's packets.

Only on calls to the numbers that the office named for it, only the telephone-events, never a sound: a datagram that
goes to none of the few addresses in the table is not looked at.
"""

from collector.core.dialog import MAX_DIGITS
from collector.core.legs import ENDED, TrackedLeg
from collector.core.sdp import event_stream

MAX_STREAMS = 64  # calls to a survey at once; the oldest goes
RECENT_EVENTS = 4  # each event is sent in several packets with one time stamp (section 2.5.1.4), some of them late
DIGITS = "0123456789*#ABCD"  # section 3.2

RTP_HEADER_BYTES = 12  # RFC 3550 section 5.1
EVENT_BYTES = 4


class _Stream:
    """One direction of a call's voice: whose digits it carries, and which events were seen last."""

    def __init__(self, leg: TrackedLeg, payload_type: int) -> None:
        self.leg = leg
        self.payload_type = payload_type
        self.recent: list[bytes] = []

    def is_new(self, mark: bytes) -> bool:
        """True once for each event."""
        if mark in self.recent:
            return False
        self.recent.append(mark)
        if len(self.recent) > RECENT_EVENTS:
            self.recent.pop(0)
        return True


class Keypad:
    """The addresses that digits go to, and what arrives there."""

    def __init__(self) -> None:
        self.streams: dict[tuple[bytes, int], _Stream] = {}
        self._order: list[tuple[bytes, int]] = []

    def listen(self, leg: TrackedLeg, body: bytes) -> None:
        """A call was answered: its digits go where the answer's session description says."""
        found = event_stream(body)
        if found is None:
            return
        address, port, payload_type = found
        endpoint = (address, port)
        if endpoint not in self.streams:
            self._order.append(endpoint)
            if len(self._order) > MAX_STREAMS:
                self.streams.pop(self._order.pop(0), None)
        known = self.streams.get(endpoint)
        if known is None or known.leg is not leg:
            self.streams[endpoint] = _Stream(leg, payload_type)

    def receive_datagram(self, payload: bytes, target: bytes, target_port: int) -> bool:
        """Take a datagram that is no SIP; True where it went to an address of the table."""
        stream = self.streams.get((target, target_port))
        if stream is None:
            return False
        event = _event(payload, stream.payload_type)
        facts = stream.leg.facts
        by_info = stream.leg.digit_cseq >= 0  # some phones send each digit both ways
        wanted = 0 <= event < len(DIGITS) and stream.leg.state != ENDED and not by_info
        if wanted and len(facts.digits) < MAX_DIGITS and stream.is_new(payload[4:RTP_HEADER_BYTES]):
            facts.digits += DIGITS[event]
        return True


def _event(payload: bytes, payload_type: int) -> int:
    """The event code of an RTP packet of that type; -1 where it is none."""
    if len(payload) < RTP_HEADER_BYTES + EVENT_BYTES or payload[0] >> 6 != 2 or payload[1] & 0x7F != payload_type:
        return -1
    at = RTP_HEADER_BYTES + 4 * (payload[0] & 0x0F)  # contributing sources
    if payload[0] & 0x10 and len(payload) >= at + 4:  # header extension (RFC 3550 section 5.3.1)
        at += 4 + 4 * int.from_bytes(payload[at + 2 : at + 4], "big")
    return payload[at] if len(payload) >= at + EVENT_BYTES else -1
