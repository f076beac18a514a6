"""The quick way of what nearly every frame is; everything else takes the longer way, and comes to the same.

Nearly every frame is a whole datagram over a hop that brought SIP before, with a message whose first line and CSeq were
read before. For a host with memory to spare that has many frames at once: a board never loads this.
"""

from struct import Struct

from collector.core.counters import Counters
from collector.core.hops import Hop
from collector.core.links import LINK_ETHERNET
from collector.core.message import Message
from collector.core.packages import OUTSIDE_CALLS
from collector.core.packet import FLAG_BITS, PLAIN_IPV4, PLAIN_UDP, PROTOCOL_UDP
from collector.core.sip import CRLF, read_usual
from collector.core.tracker import LegTracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_KINDS = 512  # first lines and CSeqs: 150 KB; an office's phones and what they dial again and again
MAX_KIND_BYTES = 200

_unpack_plain_udp = Struct(PLAIN_UDP).unpack_from


class QuickReader:
    """Reads messages of calls that are written as nearly everybody does: all but the Call-ID it mostly knows already.

    What `read_usual` says of method, status and CSeq depends on the first line and the CSeq alone.
    """

    def __init__(self) -> None:
        self._kinds: dict[tuple[bytes, bytes], tuple[bytes, int, int, int]] = {}

    def read(self, data: bytes) -> Message | None:
        """The message; None where it is written otherwise, or means something without a call."""
        front, _, behind = data.partition(b"\r\nCall-ID: ")
        try:
            call_id, cseq, rest = behind.split(CRLF, 2)
        except ValueError:  # too few lines
            return None
        first_line = front.partition(CRLF)[0]
        kind = self._kinds.get((first_line, cseq))
        call_id = call_id.strip()
        if kind is None or not call_id:
            return self._learn(data, first_line, cseq)
        message = Message()
        message.data = data
        message.front = front
        message.rest = rest
        message.call_id = call_id
        message.method, message.status, message.cseq, message.mark = kind
        return message

    def _learn(self, data: bytes, first_line: bytes, cseq: bytes) -> Message | None:
        message = read_usual(data)
        if message is None or message.method in OUTSIDE_CALLS:
            return None
        if len(self._kinds) >= MAX_KINDS:
            self._kinds.clear()
        if len(first_line) <= MAX_KIND_BYTES:
            self._kinds[first_line, cseq] = (message.method, message.status, message.cseq, message.mark)
        return message


class QuickFrames:
    """Takes many frames at once; `receive_frame` is the longer way, which says until when this one may be taken."""

    def __init__(
        self,
        known_hops: dict[bytes, Hop],
        tracker: LegTracker,
        counters: Counters,
        receive_frame: "Callable[[bytes, int, int, int], int]",
    ) -> None:
        self._tracker = tracker
        self._counters = counters
        self._receive_frame = receive_frame
        self._known_hops = known_hops
        self._reader = QuickReader()

    def receive_frames(self, frames: "Sequence[tuple[bytes, int, int, int]]", look_ms: int) -> None:
        """Frames in order of time; `look_ms`: when the longer way is to be taken whatever a frame is."""
        find_hop = self._known_hops.get
        read = self._reader.read
        receive = self._tracker.receive_message
        kind: bytes  # what a compiler does not know of `unpack_from`
        key: bytes
        total: int
        flags: int
        length: int
        responses = others = 0
        for frame, now_ms, link_type, original_length in frames:
            size = len(frame)
            if original_length == size and size > 42 and link_type == LINK_ETHERNET and now_ms < look_ms:
                kind, total, flags, key, length = _unpack_plain_udp(frame, 12)
                hop = find_hop(key)
                if (
                    hop is not None
                    and total == size - 14
                    and length == size - 34
                    and flags & FLAG_BITS == PROTOCOL_UDP
                    and kind == PLAIN_IPV4
                ):
                    message = read(frame[42:])
                    if message is not None:
                        if message.status:
                            responses += 1
                        receive(message, now_ms, hop)
                        continue
            others += 1
            look_ms = self._receive_frame(frame, now_ms, link_type, original_length)
        quick = len(frames) - others
        counters = self._counters
        counters.frames += quick
        counters.datagrams += quick
        counters.sip_responses += responses
        counters.sip_requests += quick - responses
