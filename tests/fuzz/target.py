"""What is fuzzed: any bytes as frames, datagrams, segments, wrapped packets and time; and what must always hold.

An input is a list of steps: one byte that says what it is, two bytes of length, and that many bytes (the last may be
cut short). So a mutation of one step leaves the others what they were.
"""

import struct

import msgpack

from collector.core import wire, wire_reader
from collector.core.monitor import CallMonitor, MonitorSettings

PBX, PHONE, CARRIER = bytes([10, 77, 1, 5]), bytes([10, 77, 1, 101]), bytes([198, 51, 100, 10])
LINK_TYPES = (1, 0, 101, 113, 276, 12, 108, 228, 229, 105, 127, 258, 107)  # Ethernet, loopback, raw IP, SLL, ...
MAX_STEPS = 64
MAX_LEGS = 16

FRAME, TO_PHONE, FROM_PHONE, TO_CARRIER, SEGMENT, FRAGMENT, TZSP, HEP, TIME, CHUNKS = range(10)


def hear(data: bytes) -> CallMonitor:
    """Play an input to a monitor; raises where something does not hold."""
    settings = MonitorSettings(
        pbx=(PBX,), trunks=(CARRIER,), extensions=(("101", "120"),), country="44", digit_numbers=("101",),
        any_port=True, max_legs=MAX_LEGS, max_ended=MAX_LEGS,
    )  # fmt: skip
    monitor = CallMonitor(settings)
    now_ms = 1_795_329_550_616
    for number, (kind, payload) in enumerate(steps_of(data)):
        now_ms += 1
        if kind == TIME:
            now_ms += int.from_bytes(payload[:3], "big")
            monitor.handle_deadline(now_ms)
        else:
            take_step(monitor, now_ms, kind, payload, number)
        check_events(monitor, now_ms)
        assert 0 <= monitor.counters.legs_open <= MAX_LEGS
    monitor.close(now_ms)
    check_events(monitor, now_ms)
    assert monitor.counters.legs_open == 0
    return monitor


def steps_of(data: bytes) -> list[tuple[int, bytes]]:
    """(kind, bytes) of each step."""
    steps: list[tuple[int, bytes]] = []
    at = 0
    while at + 3 <= len(data) and len(steps) < MAX_STEPS:
        length = int.from_bytes(data[at + 1 : at + 3], "big")
        steps.append((data[at] % 10, data[at + 3 : at + 3 + length]))
        at += 3 + length
    return steps


def write_steps(steps: list[tuple[int, bytes]]) -> bytes:
    """The input that `steps_of` reads back."""
    return b"".join(bytes([kind]) + len(payload).to_bytes(2, "big") + payload for kind, payload in steps)


def take_step(monitor: CallMonitor, now_ms: int, kind: int, payload: bytes, number: int) -> None:
    """One packet."""
    if kind == FRAME:
        link_type = LINK_TYPES[payload[0] % len(LINK_TYPES)] if payload else 1
        monitor.receive_frame(payload[1:], now_ms, link_type, len(payload) - 1 + number % 2)
    elif kind in (TO_PHONE, FROM_PHONE, TO_CARRIER):
        source, target = ((PBX, PHONE), (PHONE, PBX), (PBX, CARRIER))[kind - TO_PHONE]
        udp = struct.pack("!HHHH", 5060, 5060, 8 + len(payload), 0) + payload
        hear_ip(monitor, now_ms, udp, source, target, 17, 0)
    elif kind == SEGMENT:
        flags, sequence = (payload[0], payload[1] << 4) if len(payload) > 1 else (0, 0)
        tcp = struct.pack("!HHIIBBHHH", 40_000, 5060, sequence, 0, 0x50, flags, 8192, 0, 0) + payload[2:]
        hear_ip(monitor, now_ms, tcp, PHONE, PBX, 6, 0)
    elif kind == CHUNKS:
        hear_ip(monitor, now_ms, struct.pack("!HHII", 5060, 5060, 7, 0) + payload, CARRIER, PBX, 132, 0)
    elif kind == FRAGMENT:
        word = int.from_bytes(payload[:2], "big")
        hear_ip(monitor, now_ms, payload[2:], PBX, PHONE, 17, word & 0x3FFF)
    elif kind == TZSP:
        monitor.receive_tzsp(payload, now_ms)
    else:
        monitor.receive_hep(payload, now_ms)


def hear_ip(
    monitor: CallMonitor, now_ms: int, payload: bytes, source: bytes, target: bytes, protocol: int, fragment: int
) -> None:
    """An Ethernet frame with one IPv4 packet."""
    length = min(20 + len(payload), 65_535)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 7, fragment, 64, protocol, 0, source, target)
    frame = b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + head + payload
    monitor.receive_frame(frame, now_ms, 1, len(frame))


def check_events(monitor: CallMonitor, now_ms: int) -> None:
    """Every event can be sent, and the sink reads what was sent."""
    event = monitor.next_event()
    while event is not None:
        row = wire.encode_event(event)
        sent = msgpack.packb(wire.encode_batch(1, 1, wire.CLOCK_SYNCHRONISED, [row]))
        item = wire_reader.decode_batch(msgpack.unpackb(sent)).items[0]
        assert item.error == "", item.error
        assert item.event is not None
        assert wire.encode_event(item.event) == row
        assert row[0] <= now_ms
        event = monitor.next_event()
