"""Where a caller waited, one place after the other, when the dialplan sends him on from one queue to the next.

SIP shows nothing of that: the caller's leg stays as it is, and other phones begin to ring. So it is read from what the
office's plan says (`timeout_s`, `overflow_to`) and from whose phones rang. A phone that serves the next place only is
evidence; one that serves the former place and rings later is evidence against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.contacts.destinations import overflow_of
from cloud_sink.contacts.groups import AMBIGUOUS, EXACT, HEURISTIC
from cloud_sink.contacts.records import QUEUE, RING_GROUP, Destination, Leg, OfficePlan

SLACK_MS = 2_000  # between the end of a queue's time as reckoned from the plan and what the PBX does
MOST_STAYS = 10  # queues that send callers round in a circle


@dataclass(frozen=True, slots=True)
class Stay:
    """A caller's wait in one place."""

    place: Destination
    since: int  # Unix ms
    correlation: str = EXACT  # how sure it is that he came here


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who waits: since when, whose phones rang for him until when, and who answered in the end."""

    since: int  # Unix ms
    until: int | None  # when an agent answered, or he was gone; None while he waits
    rings: Sequence[Leg]  # in order of time
    served: Leg | None


def stays_of(first: Destination, waiting: Waiting, plan: OfficePlan) -> list[Stay]:
    """The places he waited in, in order; only the first where nothing says that he was sent on."""
    found = [Stay(first, waiting.since)]
    if not first.overflow_to and all(leg.extension in first.members for leg in waiting.rings):
        return found  # nearly always
    while len(found) < MOST_STAYS:
        after = _next(found[-1], waiting, plan)
        if after is None:
            break
        found.append(after)
    return found


def _next(stay: Stay, waiting: Waiting, plan: OfficePlan) -> Stay | None:
    if stay.place.kind not in (QUEUE, RING_GROUP):
        return None
    target = overflow_of(stay.place, plan)
    if target is not None:
        return _sent_to(target, stay, waiting)
    return _found_elsewhere(stay, waiting, plan) if stay.place.members else None


def _sent_to(target: Destination, stay: Stay, waiting: Waiting) -> Stay | None:
    """Where the plan says what comes next: he is there when a phone of that place only rings, or his time is up.

    Nothing is known of a phone that may serve the former place, whose members the plan does not tell.
    """
    over = over_at(stay)
    rung = _rung_since(stay.since, waiting)
    only_there = set(target.members) - set(stay.place.members) if stay.place.members else set()
    theirs = [leg for leg in rung if leg.extension in only_there]
    if theirs and not _rings_on(stay.place, target, rung, theirs[0].t_invite):
        return Stay(target, _sooner(theirs[0].t_invite, over))
    if over is None or waiting.until is None or _rings_on(stay.place, target, rung, over + SLACK_MS):
        return None
    if waiting.served is None:
        return Stay(target, over) if waiting.until > over else None
    return (
        Stay(target, over) if waiting.served.t_invite >= over - SLACK_MS and waiting.until > over + SLACK_MS else None
    )


def _found_elsewhere(stay: Stay, waiting: Waiting, plan: OfficePlan) -> Stay | None:
    """Where the plan does not say it: phones of exactly one other place ring.

    After the time is up, if that is known; else after phones of the former place, for a plan that is out of date may
    leave out who serves it today.
    """
    over = over_at(stay)
    later = _rung_since(stay.since if over is None else over - SLACK_MS, waiting)
    first = next((leg for leg in later if leg.extension not in stay.place.members), None)
    if first is None or (over is None and later[0].extension not in stay.place.members):
        return None
    target = _the_only(
        [place for members, place in plan.teams if first.extension in members and place is not stay.place],
        {leg.extension for leg in later if leg.t_invite >= first.t_invite},
    )
    if target is None or _rings_on(stay.place, target, later, first.t_invite):
        return None
    return Stay(target, _sooner(first.t_invite, over), AMBIGUOUS if over is None else HEURISTIC)


def _the_only(serving: Sequence[Destination], rung: set[str]) -> Destination | None:
    """The place that phones ring for: whose phones all ring, else a queue, which tries some of them."""
    whole = [place for place in serving if rung == set(place.members)]
    able = [place for place in serving if rung <= set(place.members)] or serving
    fitting = whole or [place for place in able if place.kind == QUEUE] or able
    return fitting[0] if len(fitting) == 1 else None


def over_at(stay: Stay) -> int | None:
    """When the place's time is up, Unix ms; None where the plan does not say how long it keeps callers."""
    return stay.since + stay.place.timeout_ms if stay.place.timeout_ms else None


def overflowed_at(stay: Stay, gone: int | None) -> int | None:
    """When the place's own time limit sent a caller on who was gone at `gone`, Unix ms, if it did and is known."""
    over = over_at(stay)
    return over if over is not None and gone is not None and gone >= over else None


def _sooner(at_ms: int, over: int | None) -> int:
    return at_ms if over is None else min(at_ms, over)


def _rung_since(since: int, waiting: Waiting) -> list[Leg]:
    """Phones that were called since then, while he waited."""
    return [
        leg
        for leg in waiting.rings
        if leg.t_invite >= since and (waiting.until is None or leg.t_invite < waiting.until)
    ]


def _rings_on(place: Destination, target: Destination, legs: Sequence[Leg], since: int) -> bool:
    """A phone that serves the former place only is called after he is said to have left it."""
    return any(
        leg.t_invite > since and leg.extension in place.members and leg.extension not in target.members for leg in legs
    )
