"""Callers nobody answered, and whether anybody has spoken to them since (`callback_open`, `callback_time_avg`).

The list clears itself: a caller leaves it as soon as a call to his number is answered, or he calls again and is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.period import iso_time
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ANSWERED, is_missed, offered

WAITING, CALLED_BACK, CALLED_AGAIN, NOT_CALLABLE = "open", "called_back", "called_again", "not_callable"


@dataclass(frozen=True, slots=True)
class MissedCaller:
    """One caller with all his attempts nobody answered; a caller without a number is listed once per attempt."""

    caller: str  # "" withheld
    attempts: tuple[Contact, ...]  # missed ones, oldest first
    state: str  # open | called_back | called_again | not_callable
    cleared_ms: int | None = None  # when somebody spoke to him after the last attempt
    cleared_by: str = ""  # extension that did

    @property
    def last(self) -> Contact:
        """The attempt the state is about."""
        return self.attempts[-1]

    @property
    def lost_ms(self) -> int:
        """When the last attempt came to nothing."""
        return self.last.t_offer if self.last.t_end is None else self.last.t_end

    def to_json(self, time_zone: str) -> dict[str, object]:
        """One row of the list as the API shows it."""
        waits = [contact.wait_ms for contact in self.attempts if contact.wait_ms is not None]
        return {
            "caller": self.caller,
            "attempts": len(self.attempts),
            "first": iso_time(self.attempts[0].t_offer, time_zone),
            "last": iso_time(self.last.t_offer, time_zone),
            "queue": self.last.queue,
            "did": self.last.did,
            "disposition": self.last.disposition,
            "longest_wait_s": max(waits) / 1000 if waits else None,
            "state": self.state,
            "cleared": None if self.cleared_ms is None else iso_time(self.cleared_ms, time_zone),
            "cleared_by": self.cleared_by,
            "contact_ids": [contact.contact_id for contact in self.attempts],
        }


def missed_callers(cohort: Sequence[Contact], everything: Sequence[Contact]) -> list[MissedCaller]:
    """Callers missed among `cohort`, the latest first; `everything`, later contacts included, serves to clear them."""
    spoken = _conversations(everything)
    people = _group_by_caller(contact for contact in offered(cohort) if is_missed(contact))
    callers = [_settle(attempts, spoken.get(attempts[0].caller, [])) for attempts in people]
    return sorted(callers, key=lambda missed: (missed.last.t_offer, missed.last.contact_id), reverse=True)


def _group_by_caller(missed: Iterable[Contact]) -> list[list[Contact]]:
    """Attempts of each caller, oldest first; those without a number each stand alone."""
    people: dict[str, list[Contact]] = {}
    for contact in sorted(missed, key=lambda c: (c.t_offer, c.contact_id)):
        people.setdefault(contact.caller or f"anonymous {contact.contact_id}", []).append(contact)
    return list(people.values())


def _conversations(contacts: Sequence[Contact]) -> dict[str, list[Contact]]:
    """Every answered call with each outside number, either way, in order of the answer."""
    spoken: dict[str, list[Contact]] = {}
    for contact in sorted(contacts, key=_answer_ms):
        number = {"in": contact.caller, "out": contact.did}.get(contact.direction, "")
        if number and contact.disposition == ANSWERED:
            spoken.setdefault(number, []).append(contact)
    return spoken


def _answer_ms(contact: Contact) -> int:
    """When it was answered; its start where that moment was not seen."""
    return contact.t_offer if contact.t_agent_answer is None else contact.t_agent_answer


def _settle(attempts: list[Contact], conversations: list[Contact]) -> MissedCaller:
    """Say what came of one caller: the first conversation after his last attempt clears him."""
    last = attempts[-1]
    if not last.caller:
        return MissedCaller("", tuple(attempts), NOT_CALLABLE)
    for later in conversations:
        if _answer_ms(later) > last.t_offer:
            state = CALLED_BACK if later.direction == "out" else CALLED_AGAIN
            return MissedCaller(last.caller, tuple(attempts), state, _answer_ms(later), later.agent)
    return MissedCaller(last.caller, tuple(attempts), WAITING)


def measure_callbacks(callers: Sequence[MissedCaller]) -> dict[str, Parts]:
    """`callback_open`: callers still to be spoken to; `callback_time_avg`: lost call to answered call back, in ms."""
    called_back = [(c.cleared_ms, c.lost_ms) for c in callers if c.state == CALLED_BACK and c.cleared_ms is not None]
    return {
        "callback_open": Parts(sum(caller.state == WAITING for caller in callers)),
        "callback_time_avg": Parts(sum(max(0, at - lost) for at, lost in called_back), len(called_back)),
    }
