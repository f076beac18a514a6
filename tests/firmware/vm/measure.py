"""On MicroPython: what a message and a leg cost. Needs a large heap: garbage is left lying to be counted.

arguments: RECORDING.pcap SETTINGS.json. Prints one line of JSON: microseconds and bytes of garbage for each datagram
from TZSP to packed event, and bytes of live heap for each call that rings.
"""

import gc
import json
import struct
import sys
import time

from collector.core import wire
from collector.core.monitor import CallMonitor
from collector.core.tzsp import find_tzsp_frame
from firmware.packer import pack
from firmware.settings import load

TZSP = b"\x01\x00\x00\x01\x01"
PIECE = 500  # datagrams between two collections
RINGING = (
    "INVITE sip:101@10.77.1.101:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.77.1.5:5060;rport;branch=z9hG4bKPj2f0cd9b1-1d1a-4c2e-9d0c-%08d\r\n"
    'From: "Alice" <sip:447700900123@10.77.1.5>;tag=7c7a2f0e-9c3e-4b9c-8d5e-%08d\r\n'
    "To: <sip:101@10.77.1.101>\r\nContact: <sip:asterisk@10.77.1.5:5060>\r\n"
    "Call-ID: 5f9d7a0c-6f25-4c55-9a33-%08d\r\nCSeq: 20017 INVITE\r\nContent-Length: 0\r\n\r\n"
)


def read_pieces(path: str):  # type: ignore[no-untyped-def]
    """(time in ms since the first, TZSP datagram) of a nanosecond pcap, some hundred at a time."""
    begun_s = 0
    with open(path, "rb") as recording:
        recording.read(24)
        piece = []
        head = recording.read(16)
        while len(head) == 16:
            seconds, fraction, length, _ = struct.unpack("<IIII", head)
            begun_s = begun_s or seconds
            piece.append(((seconds - begun_s) * 1000 + fraction // 1000000, TZSP + recording.read(length)))
            head = recording.read(16)
            if len(piece) == PIECE:
                yield piece
                piece = []
        yield piece


def read_datagram(monitor: CallMonitor, datagram: bytes, at_ms: int) -> int:
    """What the application does with a datagram; returns the number of events."""
    start, link_type = find_tzsp_frame(datagram)
    deadline = monitor.next_deadline()
    while deadline is not None and deadline <= at_ms:
        monitor.handle_deadline(deadline)
        deadline = monitor.next_deadline()
    monitor.receive_frame(datagram, at_ms, link_type, len(datagram), start)
    events = 0
    event = monitor.next_event()
    while event is not None:
        events += 1
        pack(wire.encode_event(event)[1])
        event = monitor.next_event()
    return events


def measure_messages(monitor: CallMonitor, path: str) -> dict[str, int]:
    """A whole recording, with the collector of garbage silent within each piece."""
    datagrams = events = used_us = garbage = live = legs = 0
    gc.collect()
    empty = gc.mem_alloc()
    for piece in read_pieces(path):
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        start = time.ticks_us()
        for at_ms, datagram in piece:
            events += read_datagram(monitor, datagram, at_ms)
        used_us += time.ticks_diff(time.ticks_us(), start)
        garbage += gc.mem_alloc() - before
        gc.enable()
        datagrams += len(piece)
        legs = max(legs, monitor.counters.legs_open)
        piece.clear()  # the generator holds it too
        gc.collect()
        live = max(live, gc.mem_alloc() - empty)
    return {
        "datagrams": datagrams,
        "events": events,
        "us_a_message_x10": used_us * 10 // datagrams,
        "garbage_a_message": garbage // datagrams,
        "legs_at_most": legs,
        "live_at_most": live,
    }


def measure_legs(monitor: CallMonitor, count: int) -> dict[str, int]:
    """So many calls that ring at once."""
    gc.collect()
    before = gc.mem_alloc()
    for number in range(count):
        message = (RINGING % (number, number, number)).encode()
        udp = struct.pack(">HHHH", 5060, 5060, 8 + len(message), 0) + message
        address = b"\x0a\x4d\x01\x05\x0a\x4d\x01\x65"
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + address + udp
        read_datagram(monitor, TZSP + bytes(12) + b"\x08\x00" + ip, number)
    gc.collect()
    return {"legs": monitor.counters.legs_open, "bytes_a_leg": (gc.mem_alloc() - before) // count}


gc.collect()
figures = {"imported": gc.mem_alloc()}
settings = load(sys.argv[2])
gc.collect()
imported = gc.mem_alloc()
call_monitor = CallMonitor(settings.monitor_settings())
gc.collect()
figures["monitor"] = gc.mem_alloc() - imported
figures.update(measure_legs(call_monitor, 50))
call_monitor = CallMonitor(settings.monitor_settings())
figures.update(measure_messages(call_monitor, sys.argv[1]))
print(json.dumps(figures))
