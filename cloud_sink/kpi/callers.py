"""Customers one by one: how often each called, what came of it, and how long they waited and spoke."""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.volume import ANSWERED, is_missed, offered


@dataclass(frozen=True, slots=True)
class Caller:
    """One number and its calls in a period, oldest first."""

    number: str
    contacts: tuple[Contact, ...]

    @property
    def answered(self) -> int:
        """How many of them somebody took."""
        return sum(contact.disposition == ANSWERED for contact in self.contacts)

    @property
    def missed(self) -> int:
        """How many nobody took, short abandons left out."""
        return sum(is_missed(contact) for contact in self.contacts)

    @property
    def talk_ms(self) -> int:
        """How long he spoke with agents in all."""
        return sum(contact.talk_ms for contact in self.contacts)

    @property
    def longest_wait_ms(self) -> int | None:
        """The longest that he waited; None where no wait was seen."""
        return max((contact.wait_ms for contact in self.contacts if contact.wait_ms is not None), default=None)

    @property
    def queues(self) -> tuple[str, ...]:
        """Where he waited, each once, in order."""
        return tuple(dict.fromkeys(contact.queue for contact in self.contacts if contact.queue))


def callers(contacts: Iterable[Contact]) -> list[Caller]:
    """Everybody with a number, whoever called most often first."""
    calls: dict[str, list[Contact]] = {}
    for contact in offered(sorted(contacts, key=lambda each: (each.t_offer, each.contact_id))):
        if contact.caller:
            calls.setdefault(contact.caller, []).append(contact)
    found = [Caller(number, tuple(group)) for number, group in calls.items()]
    return sorted(found, key=lambda caller: (-len(caller.contacts), caller.number))
