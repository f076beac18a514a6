"""The quick way of what nearly every frame is; everything else takes the longer way, and comes to the same.

Nearly every frame is a whole datagram over a hop that brought SIP before, with a message that is written as others of
that hop were: the same first line, the same CSeq, the same headers at the same places. For a host with memory to spare
that has many frames at once: a board never loads this.
"""

from operator import itemgetter
from struct import Struct

from collector.core.counters import Counters
from collector.core.events import LegEnded
from collector.core.hops import Hop
from collector.core.links import LINK_ETHERNET
from collector.core.message import Message
from collector.core.packages import OUTSIDE_CALLS
from collector.core.packet import PLAIN_IPV4, PROTOCOL_UDP
from collector.core.sip import CRLF, MAX_CALL_ID_BYTES, MalformedMessage, parse_message
from collector.core.tracker import LegTracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.core.message import Places
    from collector.core.tracker import Handler

    Frame = tuple[bytes, int, int, int]
    Head = tuple[bytes, int, bytes, bytes, int]
    # of a first line: where Call-ID and CSeq stand, and by the CSeq a message that is filled in anew each time
    Form = tuple[int, int, dict[bytes, tuple[Message, Handler | None]]]
    # of a hop: itself, its IP header from flags to protocol, into how many lines its messages are cut, their forms
    Known = tuple[Hop, bytes, int, dict[bytes, Form]]

MAX_KINDS = 512  # first lines and CSeqs, each with its last message: 1 MB; what an office's phones say again and again
MAX_KIND_BYTES = 200
MAX_FRAME_BYTES = 2048  # of each kind the last message is kept
MAX_LINES = 16  # up to CSeq: a response that went through many proxies has more

_CALL_ID = b"Call-ID: "
_NAMES = (b"Via", b"From", b"To", b"Call-ID", b"CSeq")

# As `packet.PLAIN_UDP` from the frame's start on, with flags, fragment, time to live and protocol in one piece.
_unpack = Struct("!12x3sxHxx4sxx12sH").unpack_from
_LEAST_BYTES = 40  # that it takes
_FRAGMENT_BITS = 0x3F  # of the first byte of flags: more of them, and where it belongs
_payload_of = itemgetter(slice(42, None))


class Forms:
    """How messages are written, by hop: learned from what the complete reader says of them.

    Of that, method, status and CSeq depend on the first line and the CSeq alone; and a device writes its headers in one
    order, mostly one for each kind of message.
    """

    def __init__(self, tracker: LegTracker) -> None:
        self._tracker = tracker
        self.known: dict[bytes, Known] = {}  # by the hop's key
        self._kinds = 0  # in all of them

    def learn(self, data: bytes, key: bytes, middle: bytes, hop: Hop) -> None:
        """Remembers how a message of a call is written, where it is written as nearly everybody does."""
        try:
            message = parse_message(data)
        except MalformedMessage:
            return
        if message is None or message.method in OUTSIDE_CALLS:
            return
        lines = data.split(CRLF, MAX_LINES)
        found = _places_of(lines)
        if found is not None and _is_plain(message, lines, found):
            self._remember(key, middle, hop, lines, found, message)

    def _remember(
        self,
        key: bytes,
        middle: bytes,
        hop: Hop,
        lines: list[bytes],
        found: "tuple[int, int, Places]",
        message: Message,
    ) -> None:
        call_id_at, cseq_at, places = found
        first_line, cseq = lines[0], lines[cseq_at]
        if len(first_line) + len(cseq) > MAX_KIND_BYTES:
            return
        if self._kinds >= MAX_KINDS:
            self._kinds = 0
            self.known.clear()
        kind = Message()
        kind.places = places
        kind.method, kind.status, kind.cseq, kind.mark = message.method, message.status, message.cseq, message.mark
        _, _, cuts, forms = self.known.get(key) or (hop, middle, 0, {})
        form = forms.get(first_line)
        if form is None or form[:2] != found[:2]:
            form = forms[first_line] = (call_id_at, cseq_at, {})
        form[2][cseq] = kind, self._tracker.handler_of(kind)
        self._kinds += 1
        self.known[key] = hop, middle, max(cuts, places[0]), forms


def _places_of(lines: list[bytes]) -> "tuple[int, int, Places] | None":
    """(where Call-ID stands, CSeq, and the others up to the last of the five); None where one is written otherwise."""
    found: dict[bytes, int] = {}
    others = []
    for at in range(1, len(lines) - 1):
        name, _, value = lines[at].partition(b": ")
        if not value or name[:1].isspace():
            return None
        if name in _NAMES and name not in found:
            found[name] = at
        else:
            others.append((at, name + b":"))
        if len(found) == len(_NAMES):
            via, from_, to, call_id, cseq = [found[name] for name in _NAMES]
            return call_id, cseq, (at + 1, via, from_, to, tuple(others))
    return None


def _is_plain(message: Message, lines: list[bytes], found: "tuple[int, int, Places]") -> bool:
    """Whether first line, Call-ID and CSeq are written as nearly everybody does: then they say the same again."""
    call_id_at, cseq_at, _ = found
    if message.status:
        usual = lines[0][:12] == b"SIP/2.0 %d " % message.status
    else:
        usual = lines[0].startswith(message.method + b" ") and lines[0].endswith(b" SIP/2.0")
    of_line = lines[call_id_at].removeprefix(_CALL_ID).strip() == message.call_id
    return usual and of_line and lines[cseq_at] == b"CSeq: %d %s" % (message.cseq, message.method)


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
        self._forms = Forms(tracker)

    def receive_frames(self, frames: "Sequence[Frame]", look_ms: int) -> None:
        """Frames in order of time; `look_ms`: when the longer way is to be taken whatever a frame is."""
        start = 0
        while start < len(frames):
            end = len(frames) if frames[-1][1] < look_ms else start
            while end < len(frames) and frames[end][1] < look_ms:
                end += 1
            if start < end:
                taken, look_ms = self._receive_soon(frames[start:end], look_ms)
                start += taken
            else:
                look_ms = self._receive_frame(*frames[start])
                start += 1

    def _receive_soon(self, frames: "Sequence[Frame]", look_ms: int) -> tuple[int, int]:
        """Frames before the next look; (how many were taken, the next look)."""
        datas, times, links, lengths = zip(*frames, strict=True)
        whole = lengths == tuple(map(len, datas)) and links.count(LINK_ETHERNET) == len(links)
        if not whole or min(lengths) < _LEAST_BYTES or max(lengths) > MAX_FRAME_BYTES:
            for frame in frames:
                look_ms = self._receive_frame(*frame)
            return len(frames), look_ms
        known = self._forms.known
        receive = self._tracker.receive
        responses = others = 0
        each = zip(frames, map(_payload_of, datas), times, lengths, map(_unpack, datas), strict=True)
        for frame, data, now_ms, size, (kind, total, middle, key, length) in each:
            try:
                hop, usual, cuts, forms = known[key]
                lines = data.split(CRLF, cuts)
                call_id_at, cseq_at, kinds = forms[lines[0]]
                message, handle = kinds[lines[cseq_at]]
                line = lines[call_id_at]
            except LookupError:
                usual = b""
            if middle == usual and size - total == 14 and total - length == 20 and kind == PLAIN_IPV4:
                call_id = line.removeprefix(_CALL_ID).strip()
                if call_id and call_id is not line and len(line) <= MAX_CALL_ID_BYTES:
                    message.call_id = call_id  # nothing that was read of the one before stays
                    message.data = data
                    message.lines = lines
                    message._front = message._extras = None
                    message._low = b""
                    message._head_end = 0
                    if message.status:
                        responses += 1
                    receive(message, now_ms, hop, handle)
                    continue
            others += 1
            look_ms = self._receive_frame(*frame)
            self._learn(data, size, (kind, total, middle, key, length))
            if look_ms <= now_ms:
                break
        taken = len(frames) - len(list(each))
        self._count(taken - others, responses)
        return taken, look_ms

    def _learn(self, data: bytes, size: int, head: "Head") -> None:
        """How a datagram over a known hop is written."""
        kind, total, middle, key, length = head
        hop = self._known_hops.get(key)
        is_udp = middle[0] & _FRAGMENT_BITS == 0 and middle[1] == 0 and middle[3] == PROTOCOL_UDP
        if hop is not None and is_udp and size - total == 14 and total - length == 20 and kind == PLAIN_IPV4:
            self._forms.learn(data, key, middle, hop)

    def _count(self, quick: int, responses: int) -> None:
        counters = self._counters
        counters.frames += quick
        counters.datagrams += quick
        counters.sip_responses += responses
        counters.sip_requests += quick - responses


def _give_room() -> None:
    """CPython gives all objects of a class room for what the first ones had: let it be what an ordinary leg has.

    Else each leg that ends gets a dictionary of its own for what no leg had when the first thirty began.
    """
    leg = LegEnded(0, b"")
    leg.call_id = leg.replaces_key = b""
    leg.caller = leg.role = leg.direction = leg.extension = leg.callee = leg.transport = ""
    leg.ring_ms = leg.answer_ms = leg.final_code = leg.end_ms = 0
    leg.ended_by = leg.connected = ""
    leg.bye_response_ms = leg.bye_code = leg.retransmissions = 0
    leg.cancelled = leg.partial = False


_give_room()
