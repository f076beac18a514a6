"""Hold on one leg: offers and answers of re-INVITE and UPDATE, and how long somebody was held (RFC 3264 section 8.4).

A side holds from the moment its `sendonly` or `inactive` offer is accepted until its own later offer says otherwise.
A refused offer changes nothing; an offer that keeps both directions open (codec change, T.38) is no hold.
"""

from collector.core.sdp import INACTIVE, NO_SDP, RECEIVE_ONLY, SEND_ONLY, SEND_RECEIVE

CALLER = 0
CALLEE = 1


class HoldMeter:
    """Who holds whom, since when, and the sums."""

    __slots__ = (
        "_delayed",
        "_direction",
        "_holding",
        "_last_cseqs",
        "_pending_cseq",
        "_pending_side",
        "_since_ms",
        "hold_ms",
        "holds",
        "last_ms",
        "offered_from",
    )

    def __init__(self) -> None:
        self.hold_ms = 0
        self.holds = 0
        self.last_ms = 0  # of the hold that the leg's end cut off
        self.offered_from = 0  # mark of the last offer's sender: from another one comes a further hop's copy
        self._holding = [False, False]
        self._since_ms = 0
        self._pending_side = -1
        self._pending_cseq = 0
        self._last_cseqs = [0, 0]  # of each side's offers: what answers a later one answers an offer that was lost
        self._direction = NO_SDP
        self._delayed: tuple[int, int, int] | None = (
            None  # side, CSeq and direction that a 2xx offered: its ACK answers
        )

    @property
    def is_held(self) -> bool:
        """True while either side holds."""
        return self._holding[CALLER] or self._holding[CALLEE]

    def receive_offer(self, side: int, cseq: int, direction: int) -> None:
        """A re-INVITE or UPDATE; `direction` is NO_SDP where the offer is delayed to the answer."""
        self._pending_side = side
        self._pending_cseq = cseq
        self._last_cseqs[side] = cseq
        self._direction = direction

    def receive_lost_answer(self, side: int, cseq: int, direction: int, now_ms: int) -> None:
        """A 2xx to an offer that was lost before the tap says what that offer was (RFC 3264 section 6.1).

        Who only receives was asked to by who holds; who does neither is on hold, by the other side most likely.
        """
        if cseq > self._last_cseqs[side] and direction != NO_SDP:
            self._last_cseqs[side] = cseq
            held = direction in (RECEIVE_ONLY, INACTIVE)
            self._settle(side, SEND_ONLY if held else SEND_RECEIVE, direction if held else NO_SDP, now_ms)

    def is_pending(self, side: int, cseq: int) -> bool:
        """True where a response answers the offer that is under way."""
        return self._pending_side == side and self._pending_cseq == cseq

    def receive_answer(self, direction: int, now_ms: int) -> None:
        """The offer was accepted; `direction` is that of the session description in the 2xx."""
        side = self._pending_side
        self._pending_side = -1
        if self._direction == NO_SDP:  # delayed: the 2xx carries the offer of the other side
            if direction != NO_SDP:
                self._delayed = (1 - side, self._pending_cseq, direction)
                self._settle(1 - side, direction, NO_SDP, now_ms)
        else:
            self._settle(side, self._direction, direction, now_ms)

    def receive_ack(self, side: int, cseq: int, direction: int, now_ms: int) -> None:
        """The ACK of a re-INVITE that left the offer to the 2xx: it carries the answer."""
        if self._delayed is not None and self._delayed[:2] == (1 - side, cseq) and direction != NO_SDP:
            self._settle(1 - side, self._delayed[2], direction, now_ms)
            self._delayed = None

    def receive_refusal(self) -> None:
        """488, 491 ...: everything stays as it was."""
        self._pending_side = -1

    def finish(self, now_ms: int) -> None:
        """The leg ended: a hold that is still on ends with it."""
        if self.is_held:
            self.last_ms = now_ms - self._since_ms
            self.hold_ms += self.last_ms
            self._holding = [False, False]

    def _settle(self, side: int, offered: int, answered: int, now_ms: int) -> None:
        was_held = self.is_held
        self._holding[side] = offered in (SEND_ONLY, INACTIVE)
        if offered == SEND_RECEIVE and answered != NO_SDP:
            self._holding[1 - side] = answered in (SEND_ONLY, INACTIVE)
        if self.is_held and not was_held:
            self._since_ms = now_ms
            self.holds += 1
        elif was_held and not self.is_held:
            self.hold_ms += now_ms - self._since_ms
