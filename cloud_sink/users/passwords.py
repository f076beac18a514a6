"""Passwords: what is one, how it is stored, whether it is right.

Stored as Argon2id with the second recommended parameters of RFC 9106 section 4 (64 MiB, 3 passes, 4 lanes), which is
above OWASP's minimum (19 MiB, 2 passes). Length counts, not kinds of characters: 15 at least, as NIST SP 800-63B-4 asks
where a password is all there is.
"""

import secrets
import unicodedata
from base64 import b64encode
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

SHORTEST, LONGEST = 15, 256  # characters
FEWEST_DIFFERENT = 6  # "aaaaaaaaaaaaaaa" and "123123123123123" are the first that anybody tries
EXPECTED = ("password", "passwort", "ringtap", "qwerty", "123456")  # words that make nothing safer
AT_ONCE = 2  # passwords checked at the same time: each takes 64 MiB and a fifth of a second
PATIENCE_S = 5.0
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that is read in two ways
GROUPS, GROUP = 4, 5  # of a generated password: 100 bits

COST = RFC_9106_LOW_MEMORY


def _made_up(length: int) -> str:
    """Random bytes, as a stored hash writes them."""
    return b64encode(secrets.token_bytes(length)).decode().rstrip("=")


_hasher = PasswordHasher.from_parameters(COST)
# no password's hash, checked where there is no such user: it takes as long
_NOBODYS = (
    f"$argon2id$v={COST.version}$m={COST.memory_cost},t={COST.time_cost},p={COST.parallelism}"
    f"${_made_up(COST.salt_len)}${_made_up(COST.hash_len)}"
)
_places = BoundedSemaphore(AT_ONCE)


class TooBusy(Exception):
    """So many passwords are being checked that this one was not."""


def weakness(password: str, name: str) -> str:
    """Return why a password must not be used, "" where it may."""
    text = _normal(password)
    if len(text) < SHORTEST:
        return f"has {len(text)} characters: use {SHORTEST} at least, a few words do"
    if len(text) > LONGEST:
        return f"has over {LONGEST} characters"
    rest = text.casefold()
    for word in (*EXPECTED, name.casefold()):
        rest = rest.replace(word, "")
    if len(set(rest)) < FEWEST_DIFFERENT:
        return "is easily guessed: use a few words that do not belong together"
    return ""


def generate() -> str:
    """Return a password that nobody guesses and everybody can type."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    return _hasher.hash(_normal(password))


def is_right(password: str, stored: str) -> bool:
    """Whether it is the password that was stored; takes as long where "" was. Raises TooBusy."""
    if not _places.acquire(timeout=PATIENCE_S):
        raise TooBusy
    try:
        _hasher.verify(stored or _NOBODYS, _normal(password[: LONGEST + 1]))
        return bool(stored)
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _places.release()


def is_outdated(stored: str) -> bool:
    """Whether it was hashed at another cost than is usual now."""
    return _hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """The same characters however a keyboard composes them."""
    return unicodedata.normalize("NFC", password)
