"""Short keys for long identifiers, so that a Call-ID costs eight bytes on the wire instead of forty."""

import hashlib

KEY_BYTES = 6  # one collision in 2**48: an office's day has 2**14 legs


def call_key(identifier: bytes) -> bytes:
    """The first bytes of the identifier's SHA-256."""
    return hashlib.sha256(identifier).digest()[:KEY_BYTES]
