"""Readable builders of SIP messages, frames and captures, and a tap that hears them; for every test on CPython."""

import struct
from collections.abc import Sequence

from collector.core.events import LegEnded, RegistrationChanged
from collector.core.message import Message
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.core.sip import parse_message
from collector.ports import Event

PBX = bytes([10, 77, 1, 5])
CARRIER = bytes([198, 51, 100, 10])
T0_MS = 1_795_329_550_616
ETHERNET = 1


def phone(extension: int) -> bytes:
    """Address of an extension's phone: 10.77.1.<extension>, its last eight bits."""
    return bytes([10, 77, 1, extension & 255])


def dotted(address: bytes) -> str:
    """An IPv4 address as text."""
    return ".".join(str(byte) for byte in address)


# --- SIP messages ---------------------------------------------------------------------------------------------------


def make_sip(first_line: str, headers: Sequence[tuple[str, str]], body: str = "") -> bytes:
    """A message of a first line, headers in order and a body, with its Content-Length."""
    lines = [first_line, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def make_sdp(direction: str = "", *, connection: str = "10.77.1.101", media: str = "audio 4000 RTP/AVP 8") -> str:
    """A session description with one stream; `direction` is "sendonly" and so on, "" leaves it to the default."""
    lines = ["v=0", "o=- 1 1 IN IP4 10.77.1.101", "s=-", f"c=IN IP4 {connection}", "t=0 0", f"m={media}"]
    if direction:
        lines.append(f"a={direction}")
    return "\r\n".join([*lines, ""])


def make_request(
    method: str,
    *,
    uri: str = "sip:101@10.77.1.101:5060",
    caller: str = "447700900123",
    callee: str = "101",
    call_id: str = "call-1",
    cseq: int = 1,
    branch: str = "",
    from_tag: str = "a",
    to_tag: str = "",
    extra: Sequence[tuple[str, str]] = (),
    body: str = "",
) -> bytes:
    """A request; its branch is made of method, Call-ID and CSeq unless it is given (CANCEL repeats its INVITE's)."""
    transaction = "INVITE" if method == "CANCEL" else method
    headers = [
        ("Via", f"SIP/2.0/UDP 10.77.1.5:5060;branch={branch or f'z9hG4bK{transaction}{call_id}{cseq}'}"),
        ("From", f"<sip:{caller}@10.77.1.5>;tag={from_tag}"),
        ("To", f"<sip:{callee}@10.77.1.5>" + (f";tag={to_tag}" if to_tag else "")),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
        *extra,
    ]
    if body.startswith("v=0"):
        headers.append(("Content-Type", "application/sdp"))
    return make_sip(f"{method} {uri} SIP/2.0", headers, body)


def make_invite(**fields: object) -> bytes:
    """An INVITE with a session description; the fields are those of `make_request`."""
    return make_request("INVITE", **{"body": make_sdp(), **fields})  # type: ignore[arg-type]


def make_response(
    request: bytes, status: int, *, to_tag: str = "b", extra: Sequence[tuple[str, str]] = (), body: str = ""
) -> bytes:
    """The response to a request: its Via, From, To, Call-ID and CSeq, with a To tag of the answering side."""
    message = read(request)
    to = message.to_value.decode()
    if ";tag=" not in to and status > 100 and to_tag:
        to += f";tag={to_tag}"
    headers = [
        ("Via", message.header((b"\r\nvia",)).decode()),
        ("From", message.from_value.decode()),
        ("To", to),
        ("Call-ID", message.call_id.decode()),
        ("CSeq", f"{message.cseq} {message.method.decode()}"),
        *extra,
    ]
    if body.startswith("v=0"):
        headers.append(("Content-Type", "application/sdp"))
    return make_sip(f"SIP/2.0 {status} Whatever", headers, body)


def make_register(
    extension: int = 101,
    *,
    contacts: Sequence[str] | None = None,
    expires: str = "",
    call_id: str = "reg-1",
    cseq: int = 1,
) -> bytes:
    """A REGISTER of an extension's phone; no contacts make it a fetch."""
    own = f"<sip:{extension}@{dotted(phone(extension))}:5060>"
    headers = [
        ("Via", f"SIP/2.0/UDP {dotted(phone(extension))}:5060;branch=z9hG4bK{call_id}{cseq}"),
        ("From", f"<sip:{extension}@10.77.1.5>;tag=r"),
        ("To", f"<sip:{extension}@10.77.1.5>"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} REGISTER"),
        *(("Contact", contact) for contact in ([own] if contacts is None else contacts)),
    ]
    if expires:
        headers.append(("Expires", expires))
    return make_sip("REGISTER sip:10.77.1.5 SIP/2.0", headers)


def read(data: bytes) -> Message:
    """The parsed message of bytes that are known to be one."""
    message = parse_message(data)
    assert message is not None
    return message


def rewritten(**lines: str) -> Message:
    """The INVITE of `make_invite` with some header lines written otherwise: `CSeq="cseq:1 INVITE"`."""
    text = make_invite()
    for name, line in lines.items():
        head, _, rest = text.partition(f"\r\n{name.replace('_', '-')}: ".encode())
        text = head + b"\r\n" + line.encode() + rest[rest.find(b"\r\n") :]
    return read(text)


# --- packets and frames ---------------------------------------------------------------------------------------------


def make_udp(payload: bytes, source_port: int = 5060, target_port: int = 5060) -> bytes:
    """A UDP datagram (RFC 768); the checksum is left out."""
    return struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload


def make_tcp(
    payload: bytes, sequence: int, flags: int = 0x18, source_port: int = 5060, target_port: int = 5060
) -> bytes:
    """A TCP segment (RFC 9293 section 3.1) without options."""
    return struct.pack("!HHIIBBHHH", source_port, target_port, sequence, 0, 0x50, flags, 8192, 0, 0) + payload


def make_ipv4(
    payload: bytes,
    source: bytes,
    target: bytes,
    protocol: int = 17,
    *,
    number: int = 1,
    fragment: int = 0,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet; `fragment` is the field of flags and offset (RFC 791 section 3.1)."""
    words = 5 + len(options) // 4
    length = 4 * words + len(payload)
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, length, number, fragment, 64, protocol, 0, source, target)
    return head + options + payload


def make_ipv6(payload: bytes, source: bytes, target: bytes, next_header: int = 17) -> bytes:
    """An IPv6 packet (RFC 8200 section 3)."""
    return struct.pack("!IHBB16s16s", 0x60000000, len(payload), next_header, 64, source, target) + payload


def make_ethernet(packet: bytes, ethertype: int = 0x0800, tags: bytes = b"") -> bytes:
    """An Ethernet frame; `tags` stand between the addresses and the EtherType."""
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + tags + struct.pack("!H", ethertype) + packet


def make_udp_frame(payload: bytes, source: bytes = PBX, target: bytes = phone(101), port: int = 5060) -> bytes:
    """One datagram from port to the same port."""
    return make_ethernet(make_ipv4(make_udp(payload, port, port), source, target))


def make_tcp_frame(
    payload: bytes,
    sequence: int,
    source: bytes = PBX,
    target: bytes = phone(101),
    *,
    flags: int = 0x18,
    source_port: int = 40000,
) -> bytes:
    """One segment to port 5060."""
    return make_ethernet(make_ipv4(make_tcp(payload, sequence, flags, source_port, 5060), source, target, 6))


def make_fragments(packet_payload: bytes, size: int, source: bytes, target: bytes, *, number: int = 7) -> list[bytes]:
    """Ethernet frames of the IPv4 fragments of one UDP packet, `size` bytes each (a multiple of 8), in order."""
    frames = []
    for offset in range(0, len(packet_payload), size):
        more = 0x2000 if offset + size < len(packet_payload) else 0
        piece = packet_payload[offset : offset + size]
        frames.append(make_ethernet(make_ipv4(piece, source, target, number=number, fragment=more | offset >> 3)))
    return frames


def make_pcap(frames: Sequence[tuple[int, bytes]], link_type: int = ETHERNET) -> bytes:
    """A little-endian microsecond pcap file of (milliseconds, frame)."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)]
    for at_ms, frame in frames:
        parts.append(struct.pack("<IIII", at_ms // 1000, at_ms % 1000 * 1000, len(frame), len(frame)) + frame)
    return b"".join(parts)


# --- hearing them ---------------------------------------------------------------------------------------------------


class Tap:
    """A monitor of the lab's office: PBX 10.77.1.5, carrier 198.51.100.10, extensions 101 to 120."""

    def __init__(self, **settings: object) -> None:
        fields = {"pbx": (PBX,), "trunks": (CARRIER,), "extensions": (("101", "120"),), "country": "44", **settings}
        self.monitor = CallMonitor(MonitorSettings(**fields))  # type: ignore[arg-type]
        self.events: list[Event] = []
        self.at_ms = 0

    def hear(self, at_ms: int, frame: bytes, *, link_type: int = ETHERNET, length: int = 0) -> None:
        """A frame, so many milliseconds after T0_MS; deadlines that came before it are handled as a host does."""
        self.wait_until(at_ms)
        self.monitor.receive_frame(frame, T0_MS + at_ms, link_type, length or len(frame))
        self._take()

    def send(self, at_ms: int, source: bytes, target: bytes, payload: bytes) -> None:
        """A SIP message over UDP."""
        self.hear(at_ms, make_udp_frame(payload, source, target))

    def exchange(self, source: bytes, target: bytes, steps: Sequence[tuple[int, str, bytes]]) -> None:
        """Messages of one dialog: (milliseconds, ">" from source to target or "<" back, message)."""
        for at_ms, arrow, payload in steps:
            if arrow == ">":
                self.send(at_ms, source, target, payload)
            else:
                self.send(at_ms, target, source, payload)

    def wait_until(self, at_ms: int) -> None:
        """Time passes without packets."""
        self.at_ms = at_ms
        deadline = self.monitor.next_deadline()
        while deadline is not None and deadline <= T0_MS + at_ms:
            self.monitor.handle_deadline(deadline)
            deadline = self.monitor.next_deadline()
        self._take()

    def _take(self) -> None:
        event = self.monitor.next_event()
        while event is not None:
            self.events.append(event)
            event = self.monitor.next_event()

    def close(self) -> list[LegEnded]:
        """Watching ends: every leg so far, by the time of its INVITE."""
        self.monitor.close(T0_MS + self.at_ms)
        self._take()
        return sorted(self.ended(), key=lambda leg: leg.invite_ms)

    def ended(self) -> list[LegEnded]:
        """The legs that are over by now."""
        return [event for event in self.events if isinstance(event, LegEnded)]

    def registrations(self) -> list[tuple[int, str, bool]]:
        """(milliseconds after T0_MS, extension, registered) of what was reported by now."""
        changes = [event for event in self.events if isinstance(event, RegistrationChanged)]
        return [(change.at_ms - T0_MS, change.extension, change.registered) for change in changes]


def times(leg: LegEnded) -> tuple[int, int | None, int | None, int | None]:
    """(INVITE, ring, answer, end) in milliseconds after T0_MS."""

    def since(at_ms: int | None) -> int | None:
        return None if at_ms is None else at_ms - T0_MS

    return leg.invite_ms - T0_MS, since(leg.ring_ms), since(leg.answer_ms), since(leg.end_ms)
