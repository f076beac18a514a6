"""Readable builders of SIP packets and a monitor that hears them; in the portable dialect, for test_core_*.py."""

import struct

from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings

LINKTYPE_ETHERNET = 1
PBX = bytes([10, 77, 1, 5])
PHONE = bytes([10, 77, 1, 101])
CARRIER = bytes([198, 51, 100, 10])
T0_MS = 1_795_329_550_616  # needs more than a small integer of a 32-bit MicroPython


def make_frame(payload: bytes, source: bytes, target: bytes, port: int = 5060) -> bytes:
    """An Ethernet frame with one IPv4 UDP datagram (RFC 791, RFC 768); checksums are left zero."""
    udp = struct.pack(">HHHH", port, port, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, source, target)
    return b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00" + ip + udp


def make_message(first_line: str, cseq: int, method: str, call_id: str, to_tag: str, extra: str) -> bytes:
    """A message between the PBX and the phone of extension 101, about a call of 447700900123 (RFC 3261 section 7)."""
    lines = (
        first_line,
        f"Via: SIP/2.0/UDP 10.77.1.5:5060;branch=z9hG4bK{call_id}{cseq}",
        "From: <sip:447700900123@10.77.1.5>;tag=a",
        f"To: <sip:101@10.77.1.101>{to_tag}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        f"{extra}Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def make_request(method: str, cseq: int, *, call_id: str = "c1", to_tag: str = "", extra: str = "") -> bytes:
    """A request of the PBX to the phone."""
    return make_message(f"{method} sip:101@10.77.1.101:5060 SIP/2.0", cseq, method, call_id, to_tag, extra)


def make_response(status: int, cseq: int, method: str = "INVITE", *, call_id: str = "c1") -> bytes:
    """The phone's response to `make_request`."""
    return make_message(f"SIP/2.0 {status} Whatever", cseq, method, call_id, ";tag=b", "")


class Tap:
    """A monitor of the lab's office; messages are placed at milliseconds after T0_MS."""

    def __init__(self) -> None:
        settings = MonitorSettings(
            pbx=(PBX,), trunks=(CARRIER,), extensions=(("101", "120"),), country="44", max_legs=16, max_ended=16
        )
        self.monitor = CallMonitor(settings)

    def to_phone(self, at_ms: int, message: bytes) -> None:
        """The PBX sends to the phone."""
        self.hear(at_ms, make_frame(message, PBX, PHONE))

    def from_phone(self, at_ms: int, message: bytes) -> None:
        """The phone sends to the PBX."""
        self.hear(at_ms, make_frame(message, PHONE, PBX))

    def hear(self, at_ms: int, frame: bytes) -> None:
        """Any frame."""
        self.monitor.receive_frame(frame, T0_MS + at_ms, LINKTYPE_ETHERNET, len(frame))

    def legs(self, closed_at_ms: int) -> list[LegEnded]:
        """The legs that ended, watching closed at that time."""
        self.monitor.close(T0_MS + closed_at_ms)
        found = []
        event = self.monitor.next_event()
        while event is not None:
            if isinstance(event, LegEnded):
                found.append(event)
            event = self.monitor.next_event()
        return found
