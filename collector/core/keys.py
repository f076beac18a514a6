"""Short keys for long identifiers, so that a Call-ID costs eight bytes on the wire instead of forty."""

import hashlib
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

checksum: "Callable[[bytes], int]"
try:
    import micropython  # type: ignore[import-not-found]  # noqa: F401

    checksum = crc32  # a board's own hash has 16 bits
except ImportError:
    checksum = hash

SMALL = 0x3FFFFFFF
KEY_BYTES = 6  # one collision in 2**48: an office's day has 2**14 legs


def call_key(identifier: bytes) -> bytes:
    """The first bytes of the identifier's SHA-256."""
    return hashlib.sha256(identifier).digest()[:KEY_BYTES]


def mark_of(text: bytes) -> int:
    """A number to tell the tags, branches or addresses of one call apart; 0 for b"" alone; another in each process.

    MicroPython keeps integers below 2**30 without memory of their own, where a branch would take 80 bytes.
    """
    return checksum(text) & SMALL or 1 if text else 0
