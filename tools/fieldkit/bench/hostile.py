"""`ringtap bench hostile`: a million datagrams from somebody who means harm, with good calls beside them.

The flood brings random bytes, mutated SIP, endless new Call-IDs, fragments that never finish, and TCP connections that
crawl. What must hold: memory does not grow after warm-up, the good calls come out exactly as without the flood, and no
message takes more than linearly longer to read the longer it is.
"""

import gc
import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from collector.core import wire
from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.packets import make_ip, make_udp

FULL = 1_000_000
QUICK = 100_000
WARM_UP_SHARE = 0.5  # the tables are full by then
GOAL_GROWTH_MB = 4
GOAL_RATIO = 2.8  # of the time for twice the bytes: 2 is linear, 4 quadratic; the rest is a shared machine's noise

ETHERNET = 1
PBX, PHONE, STRANGER = bytes([10, 77, 1, 5]), bytes([10, 77, 1, 101]), bytes([203, 0, 113, 66])
DATAGRAMS_A_MS = 5  # of the flood: 5,000 a second
CALL_EVERY_MS = 500
# a good call: milliseconds after its INVITE, whether the PBX sends, first line, CSeq number and method
CALL = (
    (0, True, "INVITE sip:101@10.77.1.101 SIP/2.0", "1 INVITE"),
    (20, False, "SIP/2.0 100 Trying", "1 INVITE"),
    (80, False, "SIP/2.0 180 Ringing", "1 INVITE"),
    (3_000, False, "SIP/2.0 200 OK", "1 INVITE"),
    (3_010, True, "ACK sip:101@10.77.1.101 SIP/2.0", "1 ACK"),
    (12_000, True, "BYE sip:101@10.77.1.101 SIP/2.0", "2 BYE"),
    (12_020, False, "SIP/2.0 200 OK", "2 BYE"),
)


def run_hostile_benchmark(*, quick: bool) -> int:
    """Measure and print; returns 1 where a goal was missed."""
    count = QUICK if quick else FULL
    begun = time.process_time()
    legs, growth_mb, _ = watch_flood(count, seed=4475)
    used_s = time.process_time() - begun
    alone, _, _ = watch_flood(count, seed=4475, with_flood=False)
    unharmed = 100 * sum(leg in legs for leg in alone) / len(alone) if len(alone) == len(legs) else 0
    worst, ratio = max(parse_ratios().items(), key=lambda item: item[1])
    figures = [
        Figure(f"{count:,} hostile datagrams", count / used_s, "datagrams/CPU-s"),
        Figure("memory that grew after warm-up", growth_mb, "MB", at_most=GOAL_GROWTH_MB),
        Figure(f"{len(alone)} good calls as without the flood", unharmed, "%", at_least=100),
        Figure(f"time for twice the bytes (worst: {worst})", ratio, "times", at_most=GOAL_RATIO),
    ]
    return print_figures("ringtap bench hostile: what a flood does to the calls beside it", figures)


def watch_flood(count: int, *, seed: int, with_flood: bool = True) -> tuple[list[tuple[int, list[object]]], float, int]:
    """(legs of the good calls as events of the wire, MB that grew after warm-up, most events that waited)."""
    bound = min(20_000, count // 50)  # a short flood must fill the tables too
    settings = MonitorSettings(
        pbx=(PBX,), extensions=(("101", "120"),), country="44", max_legs=bound, max_ended=bound // 2
    )
    monitor = CallMonitor(settings)
    flood = Flood(seed)
    good = good_frames(count // DATAGRAMS_A_MS)
    legs: list[tuple[int, list[object]]] = []
    due_ms, frame = next(good)
    warm_mb, now_ms, waited = 0.0, 0, 0
    for number in range(count):
        now_ms = number // DATAGRAMS_A_MS
        while due_ms <= now_ms:
            monitor.receive_frame(frame, now_ms, ETHERNET, len(frame))
            due_ms, frame = next(good, (count, b""))
        if with_flood:
            hostile = flood.next_frame()
            monitor.receive_frame(hostile, now_ms, ETHERNET, len(hostile))
        waited = max(waited, take_legs(monitor, legs))
        if number == int(count * WARM_UP_SHARE):
            warm_mb = resident_mb()
    growth_mb = resident_mb() - warm_mb
    monitor.close(now_ms)
    take_legs(monitor, legs)
    return legs, growth_mb, waited


def take_legs(monitor: CallMonitor, legs: list[tuple[int, list[object]]]) -> int:
    """Drains the monitor; legs of good calls are kept. Returns how many events there were."""
    drained = 0
    event = monitor.next_event()
    while event is not None:
        drained += 1
        if isinstance(event, LegEnded) and event.call_id.startswith(b"good-"):
            legs.append(wire.encode_event(event))
        event = monitor.next_event()
    return drained


def resident_mb() -> float:
    """What this process holds in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


# --- packets --------------------------------------------------------------------------------------------------------


def make_message(first_line: str, cseq: str, call_id: str, *, extra: str = "", answered: bool = False) -> bytes:
    """A message of a call to extension 101."""
    tag = ";tag=b" if answered else ""
    return (
        f"{first_line}\r\nVia: SIP/2.0/UDP 10.77.1.5;branch=z9hG4bK{call_id}{cseq[0]}\r\n"
        f"From: <sip:447700900123@10.77.1.5>;tag=a\r\nTo: <sip:101@10.77.1.5>{tag}\r\nCall-ID: {call_id}\r\n"
        f"CSeq: {cseq}\r\n{extra}Content-Length: 0\r\n\r\n"
    ).encode()


def good_frames(until_ms: int) -> Iterator[tuple[int, bytes]]:
    """(time, frame) of well-behaved calls that overlap, in order."""
    starts = range(0, max(1, until_ms - CALL[-1][0]), CALL_EVERY_MS)
    steps = [
        (start + delay, number, by_pbx, first_line, cseq)
        for number, start in enumerate(starts)
        for delay, by_pbx, first_line, cseq in CALL
    ]
    for at_ms, number, by_pbx, first_line, cseq in sorted(steps):
        message = make_message(first_line, cseq, f"good-{number}", answered="INVITE sip:" not in first_line)
        yield at_ms, make_udp(message, PBX, PHONE) if by_pbx else make_udp(message, PHONE, PBX)


class Flood:
    """Hostile frames without end; the same seed makes the same flood."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a flood that can be repeated, no secret
        self._number = 0
        self._kinds: tuple[Callable[[], bytes], ...] = (
            self._noise,
            self._mutated,
            self._new_call,
            self._fragment,
            self._crawl,
            self._stray,
            self._register,
            self._wrapped,
        )

    def next_frame(self) -> bytes:
        """The next one, of each kind in turn."""
        self._number += 1
        return self._kinds[self._number % len(self._kinds)]()

    def _noise(self) -> bytes:
        return make_udp(self._random.randbytes(self._random.randrange(1_400)), STRANGER, PBX)

    def _mutated(self) -> bytes:
        """A step of a call, even of a good one's Call-ID, with bytes changed, cut, or doubled."""
        _, _, first_line, cseq = self._random.choice(CALL)
        message = bytearray(make_message(first_line, cseq, f"mutated-{self._random.randrange(50)}", answered=True))
        for _ in range(self._random.randrange(1, 12)):
            message[self._random.randrange(len(message))] = self._random.randrange(256)
        cut = self._random.randrange(len(message))
        shape = self._random.randrange(3)
        return make_udp(bytes((message, message[:cut], message + message[cut:])[shape]), STRANGER, PHONE)

    def _new_call(self) -> bytes:
        extra = f"X-Padding: {'x' * self._random.randrange(300)}\r\n"
        return make_udp(
            make_message("INVITE sip:102@10.77.1.5 SIP/2.0", "1 INVITE", f"new-{self._number}", extra=extra),
            STRANGER,
            PBX,
        )

    def _fragment(self) -> bytes:
        """The first or a middle piece of a datagram whose others never come."""
        number = self._number & 0xFFFF
        offset = self._random.choice((0, 185, 370))
        return make_ip(b"INVITE sip:1 SIP/2.0\r\n" * 20, STRANGER, PBX, 17, number=number, fragment=0x2000 | offset)

    def _crawl(self) -> bytes:
        """A few bytes of a head that never ends, on one of very many connections; some leave holes."""
        port = 1024 + self._number // 8 % 60_000
        sequence = self._random.choice((1, 1, 5, 4_000))
        head = struct.pack("!HHIIBBHHH", port, 5060, sequence, 0, 0x50, 0x18, 8192, 0, 0)
        return make_ip(head + b"OPTIONS sip:a SIP/2.0\r\nX: y" * 8, STRANGER, PBX, 6)

    def _stray(self) -> bytes:
        """Requests and responses of dialogs that nobody began."""
        first_line, cseq = self._random.choice(
            (
                ("BYE sip:101@10.77.1.101 SIP/2.0", "9 BYE"),
                ("SIP/2.0 200 OK", "1 INVITE"),
                ("UPDATE sip:1 SIP/2.0", "7 UPDATE"),
            )
        )
        return make_udp(make_message(first_line, cseq, f"stray-{self._number}", answered=True), STRANGER, PHONE)

    def _register(self) -> bytes:
        """A scanner's REGISTER of one name after the other, and answers that accept them."""
        name = f"scan-{self._number // 16}"
        is_answer = self._number // 8 % 2
        first_line = "SIP/2.0 200 OK" if is_answer else "REGISTER sip:10.77.1.5 SIP/2.0"
        message = make_message(first_line, "1 REGISTER", name, extra=f"Contact: <sip:{name}@203.0.113.66>\r\n")
        message = message.replace(b"To: <sip:101@", b"To: <sip:" + name.encode() + b"@")
        return make_udp(message, PBX, STRANGER) if is_answer else make_udp(message, STRANGER, PBX)

    def _wrapped(self) -> bytes:
        """Broken TZSP and HEP3."""
        if self._number % 2:
            return make_udp(b"\1\0\0\1" + self._random.randbytes(60), STRANGER, PBX, 37008)
        return make_udp(b"HEP3" + self._random.randbytes(60), STRANGER, PBX, 9060)


# --- nothing takes more than linear time ----------------------------------------------------------------------------

NASTY: dict[str, tuple[str, str]] = {  # name: (what begins a header section, what is repeated)
    "many headers": ("", "X-Header: value\r\n"),
    "many Vias": ("", "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\n"),
    "many reasons": ("", "Reason: SIP;cause=200\r\n"),
    "commas": ("Contact: ", "<sip:a@b>,"),
    "forwarders": ("History-Info: ", "<sip:a@b>;index=1,"),
    "commas of reasons": ("Reason: ", "Q.850;cause=16,"),
    "folded lines": ("Subject: a", "\r\n b"),
    "folded To": ("t: a", "\r\n b"),
    "open quotes": ('P-Asserted-Identity: "', '\\"'),
    "quotes": ('P-Asserted-Identity: "', '"'),
    "backslashes": ('P-Asserted-Identity: "', "\\"),
    "percent signs": ("P-Asserted-Identity: <sip:", "%41%"),
    "semicolons": ("Refer-To: <sip:a@b>", ";tag"),
    "angle brackets": ("Diversion: ", "<>"),
    "blanks before a colon": ("To", " "),
    "names without a colon": ("", "To To\r\n"),
    "bare line feeds": ("", "X: y\n"),
    "line ends": ("", "\r\n"),
}


def parse_ratios(small: int = 8_000) -> dict[str, float]:
    """By what factor the time for each nasty input grows where its size is doubled, over three doublings."""
    short, long = nasty_messages(small), nasty_messages(small * 8 - 600)
    return {name: (_seconds(long[name]) / _seconds(message)) ** (1 / 3) for name, message in short.items()}


def nasty_messages(size: int) -> dict[str, bytes]:
    """Name of a nasty input -> an INVITE with about so many bytes of it."""
    return {name: _nasty(begin, repeated, size) for name, (begin, repeated) in NASTY.items()}


def _nasty(begin: str, repeated: str, size: int) -> bytes:
    extra = begin + repeated * (size // len(repeated)) + "\r\n"
    return make_message("INVITE sip:101@10.77.1.101 SIP/2.0", "1 INVITE", "nasty", extra=extra)


def _seconds(message: bytes) -> float:
    return best_of(lambda: hear_alone(message))


def hear_alone(message: bytes) -> None:
    """One call with one message in three roles: as INVITE, within the dialog, and as its end."""
    monitor = CallMonitor(MonitorSettings(any_port=True))
    answered = message.replace(b"101@10.77.1.5>", b"101@10.77.1.5>;tag=b", 1)
    later = answered.replace(b"1 INVITE", b"2 INVITE", 1)
    for heard in (
        message,
        answered.replace(b"INVITE sip:101@10.77.1.101 SIP/2.0", b"SIP/2.0 200 OK", 1),
        later,
        later.replace(b"2 INVITE", b"3 REFER", 1).replace(b"INVITE ", b"REFER ", 1),
        later.replace(b"2 INVITE", b"4 BYE", 1).replace(b"INVITE ", b"BYE ", 1),
    ):
        monitor.receive_payload(heard, 0, PBX, 5060, PHONE, 5060, 1)


def best_of(work: Callable[[], object], tries: int = 5) -> float:
    """CPU seconds of the fastest try: the others were disturbed."""
    taken = []
    for _ in range(tries):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return max(min(taken), 1e-6)
