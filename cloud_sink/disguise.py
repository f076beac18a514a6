"""Callers' numbers as they are shown to those who may not know them: a code stands for each, the same all over.

A number's code cannot be reversed and holds until the sink is started again, so calls of one caller can still be told
together on a page. What is short (extensions, feature codes), withheld, or a code of the box's making stays as it is.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.kpi.missed import MissedCaller

LONGEST_SHORT = 6  # characters: what boxes never code either
CODED = re.compile(r"k[0-9a-f]{12}|forgotten-[0-9a-f]+")
DIGITS = 8  # of a code: 16,000 callers of a page have one in common with less than 3 %


class Disguise:
    """Replaces numbers by codes; one object, one set of codes."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def number(self, number: str) -> str:
        """A number, or what is shown instead."""
        if len(number) <= LONGEST_SHORT or CODED.fullmatch(number):
            return number
        return f"caller-{hmac.digest(self._key, number.encode(), 'sha256').hex()[:DIGITS]}"

    def contact(self, contact: Contact) -> Contact:
        """A contact: the caller, or whoever was called outside or by a feature code."""
        did = contact.did if contact.direction == "in" else self.number(contact.did)
        return replace(contact, caller=self.number(contact.caller), did=did)

    def leg(self, leg: Leg) -> Leg:
        """One leg: the party outside, and where it was sent on to."""
        return replace(
            leg,
            caller=self.number(leg.caller) if leg.direction == "in" else leg.caller,
            callee=leg.callee if leg.direction == "in" else self.number(leg.callee),
            connected=self.number(leg.connected),
            refer_to=self.number(leg.refer_to),
            diverted_by=self.number(leg.diverted_by),
        )

    def missed(self, callers: Sequence[MissedCaller]) -> list[MissedCaller]:
        """Callers nobody answered."""
        return [
            replace(each, caller=self.number(each.caller), attempts=tuple(map(self.contact, each.attempts)))
            for each in callers
        ]
