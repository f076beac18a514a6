"""Feed a recording to the core and print every event as a JSON line: the same program on CPython and on MicroPython.

usage: micropython replay_on_vm.py RECORDING.pcap SETTINGS.json
Prints `[t_ms, [kind, field, ...]]` (bytes as {"hex": ...}) per event, then {"counters": {...}}.
"""

import binascii
import json
import struct
import sys

from collector.core import wire
from collector.core.monitor import CallMonitor, MonitorSettings

# magic number as the file's first four bytes -> byte order, nanoseconds per unit of the time stamp's fraction
FORMATS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}


def load_settings(path: str) -> MonitorSettings:
    """Settings from JSON: arrays become tuples, addresses are hex."""
    with open(path) as source:
        fields = json.load(source)
    for name in ("pbx", "trunks"):
        fields[name] = tuple([binascii.unhexlify(address) for address in fields[name]])
    fields["extensions"] = tuple([tuple(pair) for pair in fields["extensions"]])
    for name in ("ports", "feature_codes", "digit_numbers"):
        fields[name] = tuple(fields[name])
    return MonitorSettings(**fields)


def plain(value: object) -> object:
    """The value with bytes written as {"hex": ...}."""
    if isinstance(value, bytes):
        return {"hex": binascii.hexlify(value).decode()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def print_events(monitor: CallMonitor) -> None:
    """Print what the core has to say now."""
    event = monitor.next_event()
    while event is not None:
        at_ms, body = wire.encode_event(event)
        print(json.dumps([at_ms, plain(body)]))
        event = monitor.next_event()


def replay(path: str, monitor: CallMonitor) -> None:
    """Every frame at its own time, and every deadline that fell between two frames."""
    now_ms = 0
    with open(path, "rb") as recording:
        header = recording.read(24)
        order, fraction_ns = FORMATS[header[:4]]
        link_type = struct.unpack_from(order + "I", header, 20)[0]
        record = recording.read(16)
        while len(record) == 16:
            seconds, fraction, length, original_length = struct.unpack(order + "IIII", record)
            now_ms = max(now_ms, seconds * 1000 + fraction * fraction_ns // 1000000)
            deadline = monitor.next_deadline()
            while deadline is not None and deadline <= now_ms:
                monitor.handle_deadline(deadline)
                deadline = monitor.next_deadline()
            monitor.receive_frame(recording.read(length), now_ms, link_type, original_length)
            print_events(monitor)
            record = recording.read(16)
    monitor.close(now_ms)
    print_events(monitor)


call_monitor = CallMonitor(load_settings(sys.argv[2]))
replay(sys.argv[1], call_monitor)
print(json.dumps({"counters": call_monitor.counters.as_dict()}))
