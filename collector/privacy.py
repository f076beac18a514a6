"""What an outsider's number looks like after it leaves the box.

`clear` sends it as it is; `masked` hides the last three digits; `keyed` (the default) replaces it by a code made with
HMAC-SHA256 and a secret that stays here: the same caller has the same code, and nobody without the secret can tell
who that is, not even by trying all numbers. Extensions, feature codes and the office's own called numbers stay clear:
queues and KPIs are found by them.
"""

import hashlib
import hmac
from collections.abc import Callable

from collector.caller_keys import KeyRing
from collector.core.events import DIRECTION_IN, DIRECTION_INTERNAL, DIRECTION_OUT, LegEnded
from collector.ports import Event

CODE_DIGITS = 12  # 48 bits: a million callers share a code with a chance of one in five hundred
MASKED_DIGITS = 3  # what German itemised bills leave out
SHORT_NUMBER = 6  # emergency and service numbers: nobody's own


class CallerPrivacy:
    """Replaces outsiders' numbers in events. `is_ours` tells an extension or feature code; `keys` are for `keyed`."""

    def __init__(self, mode: str, keys: KeyRing, is_ours: Callable[[str], bool]) -> None:
        self.keys = keys
        self._mode = mode
        self._is_ours = is_ours

    def protect(self, event: Event) -> None:
        """Change the event's numbers in place."""
        if self._mode == "clear" or not isinstance(event, LegEnded):
            return
        office_number = event.callee if event.direction == DIRECTION_IN else event.caller
        for name in ("connected", "refer_to", "diverted_by", *_outsiders(event)):
            number = getattr(event, name)
            if number != office_number or name in _outsiders(event):
                setattr(event, name, self._protected(number, event.invite_ms))

    def _protected(self, number: str, at_ms: int) -> str:
        short = number.isdigit() and len(number) <= SHORT_NUMBER
        if not number or short or self._is_ours(number):
            return number
        return mask_number(number) if self._mode == "masked" else key_number(number, self.keys.key_at(at_ms))


def _outsiders(leg: LegEnded) -> tuple[str, ...]:
    """The ends of a leg that are not the office's: the caller of an incoming one, the callee of an outgoing one.

    Neither of an internal one; but whoever picks up or retrieves a call is then `connected` with an outsider.
    """
    if leg.direction == DIRECTION_IN:
        return ("caller",)
    if leg.direction == DIRECTION_INTERNAL:
        return ()
    return ("callee",) if leg.direction == DIRECTION_OUT else ("caller", "callee")


def mask_number(number: str) -> str:
    """447700900123 -> 447700900xxx."""
    return number[:-MASKED_DIGITS] + "x" * min(MASKED_DIGITS, len(number))


def key_number(number: str, key: bytes) -> str:
    """A code of "k" and 12 hexadecimal digits, the same for the same number and key."""
    return "k" + hmac.new(key, number.encode(), hashlib.sha256).hexdigest()[:CODE_DIGITS]
