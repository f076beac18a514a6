"""What an outsider's number looks like after it leaves the board: the rules of `collector.privacy`, without hmac."""

import binascii
import hashlib

from collector.core.events import DIRECTION_IN, DIRECTION_INTERNAL, DIRECTION_OUT, LegEnded
from firmware.settings import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Keys = list[tuple[int, bytes]]  # from which Unix second on, in that order; the first one is for all before, too

KEY_BYTES = 32
CODE_DIGITS = 12
MASKED_DIGITS = 3
SHORT_NUMBER = 6  # emergency and service numbers: nobody's own
BLOCK_BYTES = 64  # of SHA-256 (RFC 2104 section 2)


class CallerPrivacy:
    """Replaces outsiders' numbers in events. `is_ours` tells an extension or feature code; `keys` are for `keyed`.

    A leg is keyed by the key of the moment its INVITE came, as at the office's collectors; `offset_ms` goes from the
    board's time to Unix time.
    """

    def __init__(self, mode: str, keys: "Keys", is_ours: "Callable[[str], bool]") -> None:
        self.offset_ms = 0
        self._mode = mode
        self._keys = keys
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
        key = self._key_at(event.invite_ms + self.offset_ms)
        protected = [self._protected(getattr(event, name), key) for name in names]
        for index, name in enumerate(names):
            if protected[index]:  # else it is the class's default still
                setattr(event, name, protected[index])

    def _key_at(self, unix_ms: int) -> bytes:
        found = b""
        for since_s, key in self._keys:
            if not found or since_s * 1000 <= unix_ms:
                found = key
        return found

    def _protected(self, number: str, key: bytes) -> str:
        short = number.isdigit() and len(number) <= SHORT_NUMBER
        if not number or short or self._is_ours(number):
            return number
        if self._mode == "masked":
            return number[:-MASKED_DIGITS] + "x" * min(MASKED_DIGITS, len(number))
        return key_number(number, key)


def key_number(number: str, key: bytes) -> str:
    """A code of "k" and 12 hexadecimal digits, the same for the same number and key: HMAC-SHA256."""
    inner = hashlib.sha256(_pad(key, 0x36) + number.encode()).digest()
    code = hashlib.sha256(_pad(key, 0x5C) + inner).digest()
    return "k" + binascii.hexlify(code)[:CODE_DIGITS].decode()


def _pad(key: bytes, value: int) -> bytes:
    return bytes([byte ^ value for byte in key]) + bytes([value]) * (BLOCK_BYTES - len(key))


def load_keys(path: str) -> "Keys":
    """The secrets in the file that `ringtap flash` wrote: 64 hexadecimal digits a line, and from which second on.

    Raises SettingsError.
    """
    keys = []
    try:
        with open(path) as file:
            for line in file:
                digits, _, since_s = line.strip().partition(" ")
                keys.append((int(since_s or 0), binascii.unhexlify(digits)))
    except (OSError, ValueError):
        keys = []
    if not keys or [1 for _, key in keys if len(key) != KEY_BYTES]:
        raise SettingsError(path + ": privacy key_file: no key of 64 hexadecimal digits: run `ringtap flash`")
    return keys
