"""What an outsider's number looks like after it leaves the board: the rules of `collector.privacy`, without hmac."""

import binascii
import hashlib

from collector.core.events import DIRECTION_IN, DIRECTION_INTERNAL, DIRECTION_OUT, LegEnded
from firmware.settings import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEY_BYTES = 32
CODE_DIGITS = 12
MASKED_DIGITS = 3
SHORT_NUMBER = 6  # emergency and service numbers: nobody's own
BLOCK_BYTES = 64  # of SHA-256 (RFC 2104 section 2)


class CallerPrivacy:
    """Replaces outsiders' numbers in events. `is_ours` tells an extension or feature code; `key` is for `keyed`."""

    def __init__(self, mode: str, key: bytes, is_ours: "Callable[[str], bool]") -> None:
        self._mode = mode
        self._key = key
        self._is_ours = is_ours

    def protect(self, event: object) -> None:
        """Change the event's numbers in place: all of them, or none where memory does not suffice."""
        if self._mode == "clear" or not isinstance(event, LegEnded):
            return
        incoming = event.direction == DIRECTION_IN
        office_number = event.callee if incoming else event.caller
        names = [name for name in ("connected", "refer_to", "diverted_by") if getattr(event, name) != office_number]
        if event.direction not in (DIRECTION_OUT, DIRECTION_INTERNAL):
            names.append("caller")
        if event.direction not in (DIRECTION_IN, DIRECTION_INTERNAL):
            names.append("callee")
        protected = [self._protected(getattr(event, name)) for name in names]
        for index, name in enumerate(names):
            if protected[index]:  # else it is the class's default still
                setattr(event, name, protected[index])

    def _protected(self, number: str) -> str:
        short = number.isdigit() and len(number) <= SHORT_NUMBER
        if not number or short or self._is_ours(number):
            return number
        if self._mode == "masked":
            return number[:-MASKED_DIGITS] + "x" * min(MASKED_DIGITS, len(number))
        return key_number(number, self._key)


def key_number(number: str, key: bytes) -> str:
    """A code of "k" and 12 hexadecimal digits, the same for the same number and key: HMAC-SHA256."""
    inner = hashlib.sha256(_pad(key, 0x36) + number.encode()).digest()
    code = hashlib.sha256(_pad(key, 0x5C) + inner).digest()
    return "k" + binascii.hexlify(code)[:CODE_DIGITS].decode()


def _pad(key: bytes, value: int) -> bytes:
    return bytes([byte ^ value for byte in key]) + bytes([value]) * (BLOCK_BYTES - len(key))


def load_key(path: str) -> bytes:
    """The secret in the file, 64 hexadecimal digits as the collector writes them; raises SettingsError."""
    try:
        with open(path) as file:
            key = binascii.unhexlify(file.read().strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(path + ": privacy key_file: no key of 64 hexadecimal digits: run `ringtap flash`")
    return key
