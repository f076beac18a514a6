"""Short keys for long identifiers, so that a Call-ID costs eight bytes on the wire instead of forty."""

import hashlib
from binascii import crc32

SMALL = 0x3FFFFFFF
KEY_BYTES = 6  # one collision in 2**48: an office's day has 2**14 legs


def call_key(identifier: bytes) -> bytes:
    """The first bytes of the identifier's SHA-256."""
    return hashlib.sha256(identifier).digest()[:KEY_BYTES]


def mark_of(text: bytes) -> int:
    """A number to tell the tags, branches or addresses of one call apart; 0 for b"" alone.

    MicroPython keeps integers below 2**30 without memory of their own, where a branch would take 80 bytes.
    """
    return crc32(text) & SMALL or 1 if text else 0
