"""Visits from a PBX's own queue log, laid over contacts of which only the phones were seen. Pure.

With a hosted PBX nobody sees a caller before the first ring, nor whether he left. The log knows: it gives the contact
its queue, its wait and its outcome (`visibility` "imported", `wait_basis` "queue"), keeps what the phones showed of
ringing and talk, and makes contacts of callers who left before any phone rang. A trunk that is seen tells it better.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloud_sink.contacts.records import QUEUE, Contact, OfficePlan, QueueVisit

IMPORTED = "imported"  # visibility of what a log tells
ID_PREFIX = "queue-log-"  # contact ids of callers whom no phone rang for
PHONES_ONLY = "T1"
NEAR_MS = 3_000  # the log writes whole seconds, and its clock is another one
SHORT_NUMBER = 6  # digits: a colleague's extension, no customer's number


@dataclass(frozen=True, slots=True)
class LoggedVisit:
    """One caller in one queue; Unix milliseconds in whole seconds, None where it did not happen or was not logged."""

    call_id: str
    queue: str
    caller: str
    did: str
    agent: str  # extension, "" where nobody answered
    t_enter: int
    t_answer: int | None
    t_end: int | None
    disposition: str  # answered | abandoned | overflow | open
    ended_by: str = ""  # caller | agent | ""

    @property
    def wait_ms(self) -> int | None:
        """From entering the queue to the agent's answer, or to the end."""
        until = self.t_answer if self.t_answer is not None else self.t_end
        return None if until is None else until - self.t_enter

    @property
    def waited_until(self) -> int:
        """Until when a phone may have rung for him."""
        return self.t_enter + (self.wait_ms or 0)


def lay_over(
    contacts: Sequence[Contact], visits: Iterable[LoggedVisit], plan: OfficePlan
) -> tuple[list[Contact], dict[str, str]]:
    """Contacts with what the log says of them, in order; and which contact took the legs of which.

    Independent of the order of its arguments. Every visit that reaches into the contacts' time must be there whole.
    """
    calls = _by_call(visits)
    known = {(visit.queue, visit.t_enter) for call in calls for visit in call}
    phones = _Phones(_without_logged(contact, known) for contact in contacts if _is_open_to(contact))
    found = [contact for contact in contacts if not _is_open_to(contact)]
    taken: dict[str, str] = {}
    for call in calls:
        matches = [contact for visit in call for contact in phones.take(visit)]
        base = next((contact for contact in matches if contact.t_agent_answer is not None), next(iter(matches), None))
        if base is not None:
            taken |= {contact.contact_id: base.contact_id for contact in matches if contact is not base}
        found.append(_tell(call, base, matches, plan))
    return sorted([*found, *phones.left()], key=lambda each: (each.t_offer, each.contact_id)), taken


class _Phones:
    """Contacts of which only phones were seen, until a visit takes them."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self._free = {contact.contact_id: contact for contact in contacts}
        self._by_key: dict[tuple[str, str], list[Contact]] = {}
        for contact in self._free.values():
            for key in (("caller", contact.caller), ("agent", contact.agent)):
                self._by_key.setdefault(key, []).append(contact)

    def take(self, visit: LoggedVisit) -> list[Contact]:
        """What belongs to a visit: first the contact that its agent answered, then rings of the same caller."""
        keys = [key for key in (("caller", visit.caller), ("agent", visit.agent)) if key[1]]
        near = {each.contact_id: each for key in keys for each in self._by_key.get(key, []) if _is_of(each, visit)}
        matches = [contact for contact_id, contact in near.items() if self._free.pop(contact_id, None) is not None]
        return sorted(matches, key=lambda each: (each.agent != visit.agent, each.t_offer, each.contact_id))

    def left(self) -> list[Contact]:
        """Those of which the log says nothing."""
        return list(self._free.values())


def _is_open_to(contact: Contact) -> bool:
    """Whether a log knows more of it than the phones showed."""
    return contact.direction in ("in", "int") and contact.visibility == PHONES_ONLY


def _by_call(visits: Iterable[LoggedVisit]) -> list[list[LoggedVisit]]:
    """The visits of each call in order, calls in order of their first one."""
    calls: dict[str, list[LoggedVisit]] = {}
    for visit in sorted(visits, key=lambda each: (each.t_enter, each.call_id, each.queue)):
        calls.setdefault(visit.call_id, []).append(visit)
    return list(calls.values())


def _without_logged(contact: Contact, known: set[tuple[str, int]]) -> Contact:
    """A contact without the further queues that the log tells of: a transfer's own visit is logged as a call."""
    left = [
        visit
        for visit in contact.visits[1:]
        if not any(queue == visit.queue and abs(at_ms - visit.t_enter) <= NEAR_MS for queue, at_ms in known)
    ]
    return replace(contact, visits=(contact.visits[0], *left) if left else ())


def _is_of(contact: Contact, visit: LoggedVisit) -> bool:
    """Answered ones by agent or caller and the moment of the answer; unanswered ones by caller and time."""
    same_caller = bool(visit.caller) and contact.caller == visit.caller
    if contact.t_agent_answer is not None:
        at_once = visit.t_answer is not None and abs(contact.t_agent_answer - visit.t_answer) <= NEAR_MS
        return at_once and (same_caller or (bool(visit.agent) and contact.agent == visit.agent))
    rang = (contact.t_offer, contact.t_end or contact.t_offer)
    return same_caller and rang[0] <= visit.waited_until + NEAR_MS and rang[1] >= visit.t_enter - NEAR_MS


def _tell(call: Sequence[LoggedVisit], base: Contact | None, matches: Sequence[Contact], plan: OfficePlan) -> Contact:
    """One contact as the log tells it, with a visit of each queue that the caller was in."""
    first = call[0]
    main = next((visit for visit in call if visit.disposition == "answered"), call[-1])
    waited = None if main.wait_ms is None else main.wait_ms + main.t_enter - first.t_enter
    contact = _blank(main, plan) if base is None else base
    seen = base is not None and base.t_agent_answer is not None and main.t_answer is not None
    told = replace(
        contact,
        queue=first.queue,
        kind=QUEUE,
        did=first.did or contact.did,
        direction=contact.direction if base is not None else _direction(first.caller),
        caller=first.caller or contact.caller,
        t_offer=first.t_enter,
        t_pbx_answer=first.t_enter,
        t_agent_answer=contact.t_agent_answer if seen else main.t_answer,
        t_end=contact.t_end if seen else main.t_end,
        disposition=main.disposition,
        agent=contact.agent if seen else main.agent,
        extension=contact.extension or main.agent,
        wait_ms=waited,
        wait_basis="queue",
        talk_ms=contact.talk_ms if seen else _talk_ms(main),
        rings=sum(each.rings for each in matches),
        short=plan.is_short(main.disposition, waited),
        correlation=contact.correlation if base is None else "heuristic",
        visibility=IMPORTED,
        ended_by=contact.ended_by if seen else main.ended_by,
        legs=tuple(leg for each in sorted(matches, key=lambda each: each.t_offer) for leg in each.legs),
        visits=(),
    )
    visits = [_as_seen(told, visit, plan) if visit is main else _visit(visit, plan) for visit in call]
    visits += contact.visits[1:]  # that the phones showed, and the log does not tell of
    return told if len(visits) < 2 else replace(told, visits=tuple(visits))


def _blank(visit: LoggedVisit, plan: OfficePlan) -> Contact:
    """A contact of which no phone showed anything."""
    return Contact(
        contact_id=ID_PREFIX + visit.call_id, office=plan.office, queue="", did="", direction="in", caller="",
        t_offer=visit.t_enter, t_pbx_answer=None, t_first_ring=None, t_agent_answer=None, t_end=None,
        disposition="", agent="", extension="", wait_ms=None, wait_basis="queue", ring_ms=None, talk_ms=0, hold_ms=0,
        transfers=0, rings=0, short=False, correlation="exact", visibility=IMPORTED,
    )  # fmt: skip


def _direction(caller: str) -> str:
    """A colleague who calls the queue is no customer."""
    return "int" if caller.isdigit() and len(caller) < SHORT_NUMBER else "in"


def _talk_ms(visit: LoggedVisit) -> int:
    """From the answer to the end, as logged."""
    return 0 if visit.t_answer is None or visit.t_end is None else max(0, visit.t_end - visit.t_answer)


def _visit(visit: LoggedVisit, plan: OfficePlan) -> QueueVisit:
    """One queue that the caller was in, as logged."""
    return QueueVisit(
        visit.queue, visit.t_enter, visit.t_answer, visit.t_end, visit.disposition, visit.agent, visit.wait_ms,
        _talk_ms(visit), plan.is_short(visit.disposition, visit.wait_ms), extension=visit.agent,
    )  # fmt: skip


def _as_seen(told: Contact, visit: LoggedVisit, plan: OfficePlan) -> QueueVisit:
    """The visit that made the contact's outcome, with what its phones showed."""
    return replace(
        _visit(visit, plan), t_agent_answer=told.t_agent_answer, t_end=told.t_end, agent=told.agent,
        talk_ms=told.talk_ms, extension=told.extension, ring_ms=told.ring_ms, hold_ms=told.hold_ms,
    )  # fmt: skip
