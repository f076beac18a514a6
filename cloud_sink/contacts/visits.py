"""The places that a caller waited in, one visit each: what queue KPIs count where a contact was in several.

He comes into another one by a blind transfer (RFC 5589 section 6), or because his time in the one before was up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloud_sink.contacts.destinations import destination_of
from cloud_sink.contacts.records import QUEUE, RING_GROUP, Contact, Destination, Leg, OfficePlan, QueueVisit
from cloud_sink.contacts.stays import Stay, Waiting, overflowed_at, stays_of
from cloud_sink.contacts.story import Story, served_since


@dataclass(frozen=True, slots=True)
class Wait:
    """A caller's wait until an agent answered or he was gone, in one place or several, and who served him then."""

    stays: Sequence[Stay]
    until: int | None  # Unix ms; None while he waits
    disposition: str
    served: Sequence[Leg]  # in order of their answer, until one of them handed him on to a queue


def visits_of(
    contact: Contact, story: Story, stays: Sequence[Stay], waited: tuple[int, int | None], plan: OfficePlan
) -> tuple[QueueVisit, ...]:
    """All places that he waited in, in order; empty where it was only one.

    `stays` are those before the first answer; `waited` says from when that wait counts, by the office's choice, until
    when, Unix ms.
    """
    if len(stays) == 1 and not any(leg.transfer for leg in story.served):
        return ()  # nearly always
    since, until = waited
    served, handed_on = _parts(story.served, plan)
    waits = [Wait(stays, until, contact.disposition, served)]
    waits += [_waited_again(handing, story, plan) for handing in handed_on]
    begun, *further = [visit for wait in waits for visit in _visits(wait, story, plan)]
    if not further:
        return ()
    wait_ms = None if begun.wait_ms is None else max(0, begun.wait_ms + stays[0].since - since)
    return replace(begun, t_enter=contact.t_offer, wait_ms=wait_ms), *further


@dataclass(frozen=True, slots=True)
class _Handing:
    """An agent transferred his caller to a queue or ring group, whose agents served him then."""

    place: Destination
    answered: int  # when that agent had the caller, and until when, Unix ms
    ended: int
    served: list[Leg]


def _parts(served: Sequence[Leg], plan: OfficePlan) -> tuple[list[Leg], list[_Handing]]:
    """The legs with the customer in order of their answer: those at first, and those after each transfer."""
    handings: list[_Handing] = []
    first: list[Leg] = []
    for leg in served:
        (handings[-1].served if handings else first).append(leg)
        place = destination_of(leg.refer_to, plan) if leg.transfer and leg.refer_to else None
        if place is not None and place.kind in (QUEUE, RING_GROUP) and leg.t_end is not None:
            handings.append(_Handing(place, served_since(leg), leg.t_end, []))
    return first, handings


def _waited_again(handing: _Handing, story: Story, plan: OfficePlan) -> Wait:
    """The wait that began when an agent handed the caller on."""
    served, gone = handing.served, story.anchor.t_end
    rings = [leg for leg in story.rings if leg.t_invite > handing.answered]
    until = served_since(served[0]) if served else gone
    since = min([handing.ended, *(leg.t_invite for leg in rings)])
    stays = stays_of(handing.place, Waiting(since, until, rings, served[0] if served else None), plan)
    if served:
        return Wait(stays, until, "answered", served)
    if gone is None:
        return Wait(stays, None, "open", ())
    sent_on = overflowed_at(stays[-1], gone)
    if sent_on is not None:
        return Wait(stays, sent_on, "overflow", ())
    return Wait(stays, gone, "abandoned" if story.anchor.caller_ended else "overflow", ())


def _visits(wait: Wait, story: Story, plan: OfficePlan) -> list[QueueVisit]:
    sent_on = [_sent_on(stay, after.since, story) for stay, after in zip(wait.stays, wait.stays[1:], strict=False)]
    return [*sent_on, _last(wait, story, plan)]


def _sent_on(stay: Stay, until: int, story: Story) -> QueueVisit:
    """He was sent on from here unanswered."""
    return QueueVisit(
        queue=stay.place.name, t_enter=stay.since, t_agent_answer=None, t_end=until, disposition="overflow", agent="",
        wait_ms=until - stay.since, talk_ms=0, short=False, kind=stay.place.kind,
        extension=_last_rung(stay.since, until, story),
    )  # fmt: skip


def _last(wait: Wait, story: Story, plan: OfficePlan) -> QueueVisit:
    """Here he was answered, or his wait ended otherwise."""
    stay, served = wait.stays[-1], wait.served[0] if wait.served else None
    wait_ms = None if wait.until is None or wait.disposition == "blocked" else max(0, wait.until - stay.since)
    rung = None if served is None else story.rung_for.get(served.leg_id, served)
    return QueueVisit(
        queue=stay.place.name,
        t_enter=stay.since,
        t_agent_answer=None if served is None else served.t_answer,
        t_end=wait.served[-1].t_end if wait.served else story.anchor.t_end,
        disposition=wait.disposition,
        agent="" if served is None else served.extension,
        wait_ms=wait_ms,
        talk_ms=sum(leg.talk_ms or 0 for leg in wait.served),
        short=plan.is_short(wait.disposition, wait_ms),
        kind=stay.place.kind,
        extension=_last_rung(stay.since, wait.until, story) if rung is None else rung.extension,
        ring_ms=None if rung is None else rung.ring_ms,
        hold_ms=sum(leg.hold_ms for leg in wait.served),
    )


def _last_rung(since: int, until: int | None, story: Story) -> str:
    """The extension that was called last in that time; "" where none was."""
    rung = [leg for leg in story.rings if since <= leg.t_invite and (until is None or leg.t_invite < until)]
    return rung[-1].extension if rung else ""
