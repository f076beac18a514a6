"""CallMonitor: frames in, events out. The one thing that both hosts (CPython and MicroPython) drive.

    monitor.receive_frame(frame, now_ms, link_type, original_length)
    monitor.handle_deadline(now_ms)             when `next_deadline()` has come and no frame did
    event = monitor.next_event()                until it returns None

It reads no clock: `now_ms` is the packet's time on the host's timeline, in whole milliseconds that never go back.
"""

from struct import unpack_from

from collector.core.addresses import user_in
from collector.core.counters import Counters
from collector.core.events import ROLE_PHONE
from collector.core.fragments import PATIENCE_MS
from collector.core.headers import EXTRAS, MAX_PIECES
from collector.core.hops import MAX_HOPS, MAX_HOPS_ON_BOARD, SCTP, TCP, UDP, WEBSOCKET, Hop, HopTable
from collector.core.invite import MAX_REMEMBERED, InviteReader
from collector.core.leg_table import RESERVED_LEGS
from collector.core.links import LINK_ETHERNET
from collector.core.message import Message
from collector.core.monitor_settings import MonitorSettings
from collector.core.packages import OUTSIDE_CALLS, REGISTER, PackageReader
from collector.core.packet import (
    ACK_SHIFT,
    FLAG_BITS,
    PLAIN_IPV4,
    PLAIN_UDP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    QUOTED,
    PacketDecoder,
)
from collector.core.parties import Parties
from collector.core.registering import CHALLENGES, RegisterMeter
from collector.core.registrar import Registrar
from collector.core.resting import RestingTracker
from collector.core.sip import MalformedMessage, looks_like_sip, parse_message
from collector.core.stream import StreamTable, is_tls, split_messages
from collector.core.tracker import LegTracker
from collector.core.tzsp import unwrap_tzsp
from collector.core.wire import MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.core.events import Event, LegEnded
    from collector.core.quick import QuickFrames
    from collector.core.sctp import SctpTable
    from collector.core.stream import Pieces

    Datagram = tuple[int, bytes, int, bytes, int, bytes, int, int]

__all__ = ("CallMonitor", "MonitorSettings")

SIPS_PORT = 5061  # SIP over TLS (RFC 3261 section 18.2.1): calls that cannot be heard are reported wherever it is seen
TIMER_GRAIN_MS = 500  # deadlines are looked at this often while frames come
HEP_MAGIC = b"HEP3"  # as in `hep.py`, which a board's small heap takes in only where there is some
MAX_WRAPPINGS = 3  # a router's stream of a tunnel with a PBX's mirror in it; a hostile packet might nest deeper


class CallMonitor:
    """Everything from a frame to an event, for one tap."""

    def __init__(self, settings: MonitorSettings) -> None:
        self.counters = Counters()
        self.message_listener: Callable[[int, bytes, int, bytes, int, Message], None] | None = None
        self._any_port = settings.any_port
        self._ports = dict.fromkeys(settings.ports, 1)
        self._hops = HopTable(MAX_HOPS if settings.max_legs > RESERVED_LEGS else MAX_HOPS_ON_BOARD)
        self._known_hops = self._hops.known
        self._decoder = PacketDecoder(self.counters)
        self._fragments = self._decoder.fragments
        self._streams = StreamTable(self.counters)
        self._unread: Pieces = []
        self._chunks: SctpTable | None = None
        self._registrar = Registrar()
        self._register_meter = RegisterMeter()
        self._events: list[Event] = []
        self._next_event = 0
        self._parties = Parties(
            self._registrar, settings.pbx, settings.trunks, settings.extensions, settings.feature_codes
        )
        self._packages = PackageReader(self._parties, self._registrar, self._events, settings.max_legs)
        has_memory = settings.max_legs > RESERVED_LEGS
        EXTRAS.max_pieces = MAX_PIECES if has_memory else 0
        remembered = MAX_REMEMBERED if has_memory else 0
        reader = InviteReader(
            self._parties, settings.numbering, settings.correlation_header, settings.digit_numbers, remembered
        )
        track = LegTracker if has_memory else RestingTracker
        self._tracker = track(
            reader, self.counters, self._events, settings.max_legs, settings.max_ended, settings.max_call_ms
        )
        self._quick: QuickFrames | None = None
        self._look_ms = 0  # when time is to be looked at: deadlines that may be due, fragments that wait
        self._packages.idle_listener = self._tracker.receive_idle
        self._next_timers_ms = 0  # when deadlines are looked at next
        self._wrappings = 0  # around what is being read now
        self._last_hep = b""
        self._tunnels: dict[int, Callable[[bytes], tuple[bytes, int] | None]] | None = None

    def listen_to_progress(self, listener: "Callable[[LegEnded, int, int], None]") -> None:
        """A leg's facts so far, its state (`legs.STATE_NAMES`) and now_ms, whenever that state changes."""
        self._tracker.progress_listener = listener

    # --- input ---

    def receive_frame(self, frame: bytes, now_ms: int, link_type: int, original_length: int, start: int = 0) -> None:
        """One captured frame; `original_length` is its length on the wire, before the capture cut it.

        `start`: where the frame begins in the bytes, the length counted from their beginning.
        """
        counters = self.counters
        counters.frames += 1
        size = len(frame)
        if now_ms >= self._look_ms:
            self._look(now_ms)
        if original_length > size:
            truncated = counters.truncated
            self._receive_inner_frame(frame, now_ms, link_type, start)
            counters.truncated = truncated + 1  # once, whether the decoder noticed it or not
            return
        if link_type == LINK_ETHERNET and size > start + 42:
            kind, total, flags, key, length = unpack_from(PLAIN_UDP, frame, start + 12)
            hop = self._known_hops.get(key)
            # plain UDP over a hop that brought SIP before, as nearly every message is: all else takes the longer way
            if hop is not None and kind == PLAIN_IPV4 and flags & FLAG_BITS == PROTOCOL_UDP and total == length + 20:
                end = start + 34 + length
                if end <= size:
                    counters.datagrams += 1
                    self._receive_sip(frame[start + 42 : end], now_ms, hop)
                    return
        self._receive_inner_frame(frame, now_ms, link_type, start)

    def receive_frames(self, frames: "Sequence[tuple[bytes, int, int, int]]") -> None:
        """Captured frames in order of time, each the first four arguments of `receive_frame`; the same, but faster."""
        if self._quick is None:
            from collector.core.quick import QuickFrames  # a board never needs it

            self._quick = QuickFrames(self._known_hops, self._tracker, self.counters, self._receive_longer)
        self._quick.receive_frames(frames, self._next_quick_end())

    def _receive_longer(self, frame: bytes, now_ms: int, link_type: int, original_length: int) -> int:
        """One of many frames; returns until when others of them may take the quick way."""
        self.receive_frame(frame, now_ms, link_type, original_length)
        return self._next_quick_end()

    def _next_quick_end(self) -> int:
        """The next look; 0 while somebody wants to hear of each message, which the longer way tells him."""
        return self._look_ms if self.message_listener is None else 0

    def _look(self, now_ms: int) -> None:
        """Time has passed while frames came."""
        if now_ms >= self._next_timers_ms:
            self._next_timers_ms = now_ms + TIMER_GRAIN_MS
            self.handle_deadline(now_ms)
        if self._fragments.unread:
            self._take_first_pieces(now_ms)
        self._look_ms = 0 if self._fragments.unread else self._next_timers_ms

    def _receive_inner_frame(self, frame: bytes, now_ms: int, link_type: int, start: int = 0) -> None:
        datagram = self._decoder.decode(frame, link_type, now_ms, start)
        if datagram is None:
            if self._fragments.unread:
                self._look_ms = 0
            return
        protocol, source, source_port, target, target_port, payload, _, flags = datagram
        if flags == QUOTED:
            self._count_unread(payload, quoted=True)
        elif protocol == PROTOCOL_UDP:
            self.receive_payload(payload, now_ms, source, source_port, target, target_port, UDP)
        elif protocol == PROTOCOL_TCP:
            self._receive_segment(datagram, now_ms)
        else:
            self._receive_chunks(datagram, now_ms)

    def _take_first_pieces(self, now_ms: int) -> None:
        """Datagrams whose further fragments do not come are read as far as their first one goes."""
        for began_ms, datagram in self._decoder.take_first_pieces(now_ms):
            _, source, source_port, target, target_port, payload, _, _ = datagram
            self.receive_payload(payload, began_ms, source, source_port, target, target_port, UDP)

    def receive_tzsp(self, datagram: bytes, now_ms: int) -> None:
        """One datagram of a router's sniffer stream (TZSP)."""
        self._receive_unwrapped(unwrap_tzsp(datagram), now_ms)

    def _receive_unwrapped(self, unwrapped: tuple[bytes, int] | None, now_ms: int) -> None:
        if unwrapped is None:
            self.counters.ignored += 1
            return
        frame, link_type = unwrapped
        self._wrappings += 1
        self._receive_inner_frame(frame, now_ms, link_type)
        self._wrappings -= 1

    def receive_hep(self, data: bytes, now_ms: int) -> None:
        """One HEP3 packet of a PBX that mirrors its own SIP; its addresses are those that the PBX names."""
        from collector.core.hep import unwrap_hep

        packet = unwrap_hep(data)
        if packet is None:
            self.counters.ignored += 1
            return
        transport = UDP if packet.protocol == PROTOCOL_UDP else TCP
        messages = [packet.payload]
        if transport == TCP:  # Asterisk sends all that it read from a connection, once for each message in it
            if packet.payload == self._last_hep:
                self.counters.duplicates += 1
                return
            self._last_hep = packet.payload
            messages = split_messages(packet.payload)
        self._wrappings += 1
        for message in messages:
            self.receive_payload(
                message, now_ms, packet.source, packet.source_port, packet.target, packet.target_port, transport
            )
        self._wrappings -= 1

    def receive_payload(
        self,
        payload: bytes,
        now_ms: int,
        source: bytes,
        source_port: int,
        target: bytes,
        target_port: int,
        transport: int,
    ) -> None:
        """One datagram's payload, or one message cut from a stream."""
        if source_port in self._ports or target_port in self._ports:
            hop = self._hops.hop(source, source_port, target, target_port, transport)
        elif self._any_port and looks_like_sip(payload):  # other things may travel there too: not for the table
            hop = Hop(source, source_port, target, target_port, transport)
        else:
            keypad = self._tracker.keypad
            if keypad is None or not keypad.receive_datagram(payload, target, target_port):
                self._receive_other(payload, now_ms, source_port, target_port)
            return
        self._receive_sip(payload, now_ms, hop)

    def _receive_sip(self, payload: bytes, now_ms: int, hop: Hop) -> None:
        """What should be a message, by its ports or its first line."""
        try:
            message = parse_message(payload)
        except MalformedMessage:
            self.counters.malformed += 1
            self.counters.count_message(payload)
            return
        if message is None:
            self._count_unread(payload)
            return
        if self.message_listener is not None:
            self.message_listener(now_ms, hop.source, hop.source_port, hop.target, hop.target_port, message)
        if message.method in OUTSIDE_CALLS:
            self._receive_beside(message, now_ms, hop)
        else:
            self._tracker.receive_message(message, now_ms, hop)
        if message.status:  # not before: where a board has no memory for a message, it reads it again
            self.counters.sip_responses += 1
        else:
            self.counters.sip_requests += 1

    def _receive_beside(self, message: Message, now_ms: int, hop: Hop) -> None:
        """A message of another method than those of calls: it tells of phones, and maybe of a call all the same."""
        if message.method == REGISTER:
            self._receive_register(message, now_ms, hop)
            return
        if not message.status:
            self._packages.receive_request(message, now_ms, hop)
        self._tracker.receive_message(message, now_ms, hop)

    def _receive_other(self, payload: bytes, now_ms: int, source_port: int, target_port: int) -> None:
        """Not SIP itself: maybe SIP that a router, a tunnel or a PBX wrapped, found in a recording of its stream."""
        if self._wrappings >= MAX_WRAPPINGS:
            self.counters.ignored += 1
        elif payload[:4] == HEP_MAGIC:
            self.receive_hep(payload, now_ms)
        else:
            if self._tunnels is None:
                from collector.core.tunnels import TUNNELS

                self._tunnels = TUNNELS
            unwrap = self._tunnels.get(target_port) or self._tunnels.get(source_port)
            if unwrap is None or (unwrap is unwrap_tzsp and self._wrappings):  # a router that streams its own stream
                self.counters.ignored += 1
            else:
                self._receive_unwrapped(unwrap(payload), now_ms)

    def _count_unread(self, payload: bytes, *, quoted: bool = False) -> None:
        """Noise is ignored; what begins like SIP was malformed, or seen twice: an ICMP error has `quoted` it."""
        counters = self.counters
        if not looks_like_sip(payload):
            counters.ignored += 1
            return
        counters.count_message(payload)
        if quoted:
            counters.duplicates += 1
        else:
            counters.malformed += 1

    def _receive_segment(self, datagram: "Datagram", now_ms: int) -> None:
        _, source, source_port, target, target_port, payload, sequence, flags = datagram
        on_port = source_port in self._ports or target_port in self._ports
        encrypted = is_tls(payload)
        if encrypted and (on_port or SIPS_PORT in (source_port, target_port)):
            self.counters.encrypted += 1
        elif encrypted or not (on_port or self._any_port):
            self.counters.ignored += 1
        else:
            streams = self._streams
            if streams.waits and flags >> ACK_SHIFT:
                back = (target, target_port, source, source_port)
                self._receive_pieces(streams.receive_acknowledgement(back, flags >> ACK_SHIFT, now_ms))
            key = (source, source_port, target, target_port)
            self._receive_pieces(streams.receive_segment(key, sequence, flags, payload, now_ms))

    def _receive_pieces(self, pieces: "Pieces") -> None:
        """Messages cut from streams; one for which a board has no memory stays: its segment gives it only once."""
        if pieces:
            self._unread = self._unread + pieces if self._unread else pieces
        unread = self._unread
        while unread:
            piece = unread.pop(0)
            (source, source_port, target, target_port), message, at_ms = piece
            transport = WEBSOCKET if self._streams.is_websocket(piece[0]) else TCP
            try:
                self.receive_payload(message, at_ms, source, source_port, target, target_port, transport)
            except MemoryError:
                unread.insert(0, piece)
                raise

    def _receive_chunks(self, datagram: "Datagram", now_ms: int) -> None:
        """A packet of SCTP."""
        _, source, source_port, target, target_port, chunks, tag, _ = datagram
        if not self._any_port and source_port not in self._ports and target_port not in self._ports:
            self.counters.ignored += 1
            return
        if self._chunks is None:
            from collector.core.sctp import SctpTable  # a board never needs it

            self._chunks = SctpTable(self.counters)
        for message in self._chunks.receive_packet((source, source_port, target, target_port, tag), chunks):
            if is_tls(message):
                self.counters.encrypted += 1
            else:
                self.receive_payload(message, now_ms, source, source_port, target, target_port, SCTP)

    def _receive_register(self, message: Message, now_ms: int, hop: Hop) -> None:
        registrar = self._registrar
        if message.is_request:
            forwarded = registrar.is_forwarded(message.call_id, hop.source)
            role = self._parties.registration_role(hop.source, hop.target, forwarded)
            if registrar.receive_register(message, role, hop.source, hop.source_port, hop.target):
                extension = user_in(message.to_value)[:MAX_TEXT]
                self._register_meter.receive_request(message.call_id, message.cseq, role, extension, now_ms)
            return
        stale = message.status in CHALLENGES and message.low.find(b"stale=true") >= 0
        self._register_meter.receive_response(message.call_id, message.cseq, message.status, stale, now_ms)
        if 200 <= message.status < 300:
            registrar.receive_answer(message, now_ms)
            self._take_registrations()

    def _take_registrations(self) -> None:
        for change in self._registrar.events:
            if not change.registered and change.role == ROLE_PHONE:  # its power is gone, or it started anew
                self._tracker.receive_loss(change.extension, change.at_ms)
        if self._registrar.events:
            self._events.extend(self._registrar.events)
            self._registrar.events.clear()

    # --- time ---

    def next_deadline(self) -> int | None:
        """When `handle_deadline` has something to do, on the timeline of `now_ms`; None when nothing waits."""
        deadline = None
        for part in (self._tracker, self._registrar, self._register_meter, self._streams):
            first = part.next_deadline()
            if first is not None and (deadline is None or first < deadline):
                deadline = first
        return deadline

    def handle_deadline(self, now_ms: int) -> None:
        """Time has passed: legs that wait too long and registrations that ran out."""
        self._receive_pieces(self._streams.handle_deadline(now_ms))
        self._tracker.handle_deadline(now_ms)
        self._registrar.handle_deadline(now_ms)
        self._take_registrations()
        self._events.extend(self._register_meter.handle_deadline(now_ms))

    def close(self, now_ms: int) -> None:
        """Watching ends: everything that is still open is reported as far as it was seen."""
        self._take_first_pieces(now_ms + PATIENCE_MS)
        self._receive_pieces(self._streams.close())
        if self._chunks is not None:
            self._chunks.close()
        self._decoder.close()
        self._tracker.close(now_ms)
        self._events.extend(self._register_meter.close())

    # --- output ---

    def next_event(self) -> "Event | None":
        """The next event, oldest first; None when there is none now."""
        events = self._events
        if not events:
            return None
        if self._next_event >= len(events):
            events.clear()
            self._next_event = 0
            return None
        self._next_event += 1
        return events[self._next_event - 1]
