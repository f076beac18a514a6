"""The quick way of what nearly every frame is; everything else takes the longer way, and comes to the same.

Nearly every frame is a whole datagram over a hop that brought SIP before, with a message as nearly everybody writes it.
"""

from struct import unpack_from

from collector.core.counters import Counters
from collector.core.hops import Hop
from collector.core.links import LINK_ETHERNET
from collector.core.packages import METHODS as PACKAGE_METHODS
from collector.core.packet import FLAG_BITS, PLAIN_IPV4, PLAIN_UDP, PROTOCOL_UDP
from collector.core.sip import read_usual
from collector.core.tracker import LegTracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REGISTER = b"REGISTER"
OUTSIDE_CALLS = dict(PACKAGE_METHODS)  # methods of messages that mean something without a call
OUTSIDE_CALLS[REGISTER] = 1


class QuickFrames:
    """Takes many frames at once; `receive_frame` is the longer way, taken too when deadlines are due: at `look_ms`."""

    def __init__(
        self,
        known_hops: dict[bytes, Hop],
        tracker: LegTracker,
        counters: Counters,
        receive_frame: "Callable[[bytes, int, int, int], None]",
    ) -> None:
        self.look_ms = 0
        self._known_hops = known_hops
        self._tracker = tracker
        self._counters = counters
        self._receive_frame = receive_frame

    def receive_frames(self, frames: "Sequence[tuple[bytes, int, int, int]]", *, heard: bool) -> None:
        """Frames in order of time; `heard`: somebody wants to hear of each message, as the longer way tells him."""
        known_hops = {} if heard else self._known_hops
        receive_message = self._tracker.receive_message
        kind: bytes  # what a compiler does not know of `unpack_from`
        key: bytes
        total: int
        flags: int
        length: int
        quick = requests = 0
        for frame, now_ms, link_type, original_length in frames:
            size = len(frame)
            if original_length == size and link_type == LINK_ETHERNET and size > 42 and now_ms < self.look_ms:
                kind, total, flags, key, length = unpack_from(PLAIN_UDP, frame, 12)
                hop = known_hops.get(key)
                if (
                    hop is not None
                    and length + 34 == size
                    and total + 14 == size
                    and flags & FLAG_BITS == PROTOCOL_UDP
                    and kind == PLAIN_IPV4
                ):
                    message = read_usual(frame[42:])
                    if message is not None and message.method not in OUTSIDE_CALLS:
                        quick += 1
                        if not message.status:
                            requests += 1
                        receive_message(message, now_ms, hop)
                        continue
            self._receive_frame(frame, now_ms, link_type, original_length)
        counters = self._counters
        counters.frames += quick
        counters.datagrams += quick
        counters.sip_requests += requests
        counters.sip_responses += quick - requests
