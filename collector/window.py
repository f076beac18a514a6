"""What may be sent now: a window beyond the sink's last acknowledgement, and going back when nothing moves."""

import random
from collections.abc import Callable

# 64 messages under way. With 64 events the round trip to the sink's disk sets the pace: 60,000 legs took 164 s through
# the embedded broker, with this window 11 s; at worst it is 200 KB to send again.
WINDOW_EVENTS = 64 * 50
RESEND_S = 2.5  # without progress for so long: go back; doubles each time up to
MAX_BACKOFF_S = 60.0  # so that 10,000 boxes do not come back at once
FIRST_BACKOFF_S = 3.0  # a thousand boxes after a restart are 370 handshakes a second: a broker does 570


def reconnect_delay_s(failures: int, jitter: Callable[[], float] = random.random) -> float:
    """How long to wait after so many failures: a tenth to all of a bound that doubles up to a minute."""
    bound = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(failures, 10))
    return bound * (0.1 + 0.9 * jitter())


class Window:
    """What may be sent now: up to `WINDOW_EVENTS` beyond the last acknowledgement. Times are seconds."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self.acked = 0  # the sink has everything up to this number
        self.sent = 0  # this connection has sent everything up to this number
        self.progress_at = 0.0
        self._jitter = jitter
        self._wait_s = RESEND_S
        self._resend_at = 0.0

    def restart(self, acked: int, now: float) -> None:
        """A new connection, or another numbering: everything after `acked` is to be sent."""
        self.acked = self.sent = acked
        self.progress_at = now
        self._wait_s = RESEND_S

    @property
    def room(self) -> int:
        """How many events may still be sent."""
        return WINDOW_EVENTS - (self.sent - self.acked)

    def record_sent(self, through: int, now: float) -> None:
        """Everything up to `through` is under way."""
        if self.sent == self.acked:
            self._arm(now)
        self.sent = through

    def receive_ack(self, through: int, now: float) -> None:
        """The sink has everything up to `through`."""
        if through > self.acked:
            self.acked = through
            self.sent = max(self.sent, through)
            self.progress_at = now
            self._wait_s = RESEND_S
            self._arm(now)

    def handle_time(self, now: float) -> bool:
        """Go back to the last acknowledgement if nothing moved for too long; True if so."""
        if self.sent == self.acked or now < self._resend_at:
            return False
        self.sent = self.acked
        self._wait_s = min(2 * self._wait_s, MAX_BACKOFF_S)
        return True

    def _arm(self, now: float) -> None:
        self._resend_at = now + self._wait_s * (1 + 0.2 * self._jitter())
