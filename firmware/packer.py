"""MessagePack, as much of it as the wire needs: nil, booleans, integers, text, bytes, arrays and maps.

Byte for byte what the msgpack library writes. `pack_batch` puts a batch together from events that are packed already,
without taking them apart: an event waits as bytes, the smallest form there is, until it is sent.
"""

import struct

from collector.core.wire import SCHEMA_VERSION

MAX_DEPTH = 6  # an acknowledgement has one level, a command two
MAX_ITEMS = 256
TIME_BYTES = 8  # before the packed array of an event that waits


class Malformed(Exception):
    """Not MessagePack, or more than this subset."""


def pack(value: object) -> bytes:
    """The value's bytes; raises Malformed for a type or a size that the wire does not have."""
    out = bytearray()
    _pack(value, out)
    return bytes(out)


def time_of(row: bytes) -> int:
    """The time of an event that waits, in milliseconds: its first bytes; its packed array follows them."""
    return int.from_bytes(row[:TIME_BYTES], "big")


def pack_batch(epoch: int, seq0: int, clock: int, rows: list[bytes]) -> bytearray:
    """The bytes of `wire.encode_batch` for rows as they wait (see `time_of`); `rows` is not empty."""
    t0_ms = min([time_of(row) for row in rows])
    out = bytearray(b"\x96")
    for number in (SCHEMA_VERSION, epoch, seq0, t0_ms, clock):
        _pack_integer(number, out)
    _pack_length(len(rows), 0x90, 16, 0, out)
    for row in rows:
        length, at = _array_length(row, TIME_BYTES)
        _pack_length(length + 1, 0x90, 16, 0, out)
        out.append(row[at])  # the kind, a small integer
        _pack_integer(time_of(row) - t0_ms, out)
        out.extend(memoryview(row)[at + 1 :])
    return out


def unpack(data: bytes) -> object:
    """The value; raises Malformed."""
    value, at = _unpack(data, 0, 0)
    if at != len(data):
        raise Malformed("more than one value")
    return value


def _array_length(data: bytes, at: int) -> tuple[int, int]:
    """(number of items, position of the first) of an array packed at a position."""
    if data[at] >> 4 == 9:
        return data[at] & 15, at + 1
    return data[at + 1] << 8 | data[at + 2], at + 3


# --- writing -------------------------------------------------------------------------------------------------------


def _pack(value: object, out: bytearray) -> None:
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        _pack_integer(value, out)
    elif isinstance(value, str):
        text = value.encode()
        _pack_length(len(text), 0xA0, 32, 0xD9, out)
        out.extend(text)
    elif isinstance(value, (bytes, bytearray)):
        _pack_length(len(value), 0, 0, 0xC4, out)
        out.extend(value)
    elif isinstance(value, (list, tuple)):
        _pack_length(len(value), 0x90, 16, 0, out)
        for item in value:
            _pack(item, out)
    elif isinstance(value, dict):
        _pack_length(len(value), 0x80, 16, 0, out)
        for key, item in value.items():
            _pack(key, out)
            _pack(item, out)
    else:
        raise Malformed("no form for " + type(value).__name__)


def _pack_integer(number: int, out: bytearray) -> None:
    if 0 <= number < 0x80:
        out.append(number)
    elif -0x20 <= number < 0:
        out.append(number & 0xFF)
    elif number >= 0:
        size = 0 if number < 0x100 else 1 if number < 0x10000 else 2 if number < 1 << 32 else 3
        out.append(0xCC + size)
        out.extend(number.to_bytes(1 << size, "big"))
    else:
        size = 0 if number >= -0x80 else 1 if number >= -0x8000 else 2 if number >= -(1 << 31) else 3
        out.append(0xD0 + size)
        out.extend((number + (1 << (8 << size))).to_bytes(1 << size, "big"))


def _pack_length(length: int, short: int, short_limit: int, byte_form: int, out: bytearray) -> None:
    """A length in the shortest form of its type; arrays (0x90) and maps (0x80) have no form of one byte."""
    if length < short_limit:
        out.append(short | length)
    elif byte_form and length < 0x100:
        out.append(byte_form)
        out.append(length)
    elif length < 0x10000:
        out.append(byte_form + 1 if byte_form else 0xDC if short == 0x90 else 0xDE)
        out.append(length >> 8)
        out.append(length & 0xFF)
    else:
        raise Malformed("longer than anything the wire carries")


# --- reading -------------------------------------------------------------------------------------------------------

# first byte -> (size of the length that follows, kind of what it counts)
_LENGTHS = {
    0xC4: (1, "bytes"),
    0xC5: (2, "bytes"),
    0xD9: (1, "text"),
    0xDA: (2, "text"),
    0xDC: (2, "array"),
    0xDE: (2, "map"),
}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}


def _unpack(data: bytes, at: int, depth: int) -> tuple[object, int]:
    if at >= len(data) or depth > MAX_DEPTH:
        raise Malformed("cut short, or nested too deeply")
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    if first >= 0xE0:
        return first - 0x100, at
    if first < 0x90:
        return _unpack_items(data, at, first & 15, "map", depth)
    if first < 0xA0:
        return _unpack_items(data, at, first & 15, "array", depth)
    if first < 0xC0:
        return _unpack_string(data, at, first & 31, "text")
    if first in _CONSTANTS:
        return _CONSTANTS[first], at
    if first in _NUMBERS:
        form = _NUMBERS[first]
        end = at + struct.calcsize(form)
        if end > len(data):
            raise Malformed("a number is cut short")
        return struct.unpack(form, data[at:end])[0], end
    if first not in _LENGTHS:
        raise Malformed("type " + hex(first) + " is not of the wire")
    size, kind = _LENGTHS[first]
    length = int.from_bytes(data[at : at + size], "big")
    if kind in ("bytes", "text"):
        return _unpack_string(data, at + size, length, kind)
    return _unpack_items(data, at + size, length, kind, depth)


def _unpack_string(data: bytes, at: int, length: int, kind: str) -> tuple[object, int]:
    end = at + length
    if end > len(data):
        raise Malformed("text or bytes are cut short")
    found = bytes(data[at:end])
    if kind == "bytes":
        return found, end
    try:
        return found.decode(), end
    except ValueError:  # UnicodeError on a device, too
        raise Malformed("text is not UTF-8") from None


def _unpack_items(data: bytes, at: int, length: int, kind: str, depth: int) -> tuple[object, int]:
    if length > MAX_ITEMS:
        raise Malformed("more items than anything the wire carries")
    items = []
    for _ in range(length * 2 if kind == "map" else length):
        item, at = _unpack(data, at, depth + 1)
        items.append(item)
    if kind == "array":
        return items, at
    try:
        return {items[position]: items[position + 1] for position in range(0, len(items), 2)}, at
    except TypeError:
        raise Malformed("a key that cannot be one") from None
