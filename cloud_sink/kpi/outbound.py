"""Calls to the outside as a funnel, by the number that was shown to those called: how a campaign or a dialler fares."""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.extensions import SettledLeg

SHORT_TALK_MS = 10_000  # answered, and over before anything could be said
BUSY = ("busy", "declined", "dnd")


@dataclass(frozen=True, slots=True)
class Funnel:
    """What became of the calls that showed one number (or left one extension, where no trunk is seen)."""

    shown: str  # number shown to those called, "" withheld
    attempts: int
    rang: int  # a ring or an answer came back
    answered: int
    short: int  # of these, over within ten seconds
    busy: int
    failed: int  # neither rang, nor answered, nor busy
    talk_ms: int


def funnels(legs: Iterable[SettledLeg]) -> list[Funnel]:
    """One funnel for each number shown, most calls first; phones count only where no trunk leg is seen at all."""
    outgoing = [(leg, outcome) for leg, outcome in legs if leg.direction == "out"]
    on_trunk = [(leg, outcome) for leg, outcome in outgoing if leg.role == "trunk"]
    groups: dict[str, list[SettledLeg]] = {}
    for leg, outcome in on_trunk or outgoing:
        groups.setdefault(leg.caller if on_trunk else leg.extension, []).append((leg, outcome))
    found = [_funnel(shown, group) for shown, group in groups.items()]
    return sorted(found, key=lambda funnel: (-funnel.attempts, funnel.shown))


def _funnel(shown: str, legs: list[SettledLeg]) -> Funnel:
    """Count one group."""
    answered = [leg for leg, outcome in legs if outcome == "answered"]
    rang = [leg for leg, outcome in legs if outcome == "answered" or leg.t_ring is not None]
    busy = [leg for leg, outcome in legs if outcome in BUSY and leg.t_ring is None]
    talks = [_talk_ms(leg) for leg in answered]
    return Funnel(
        shown=shown,
        attempts=len(legs),
        rang=len(rang),
        answered=len(answered),
        short=sum(talk is not None and talk < SHORT_TALK_MS for talk in talks),
        busy=len(busy),
        failed=len(legs) - len(rang) - len(busy),
        talk_ms=sum(talk or 0 for talk in talks),
    )


def _talk_ms(leg: Leg) -> int | None:
    """How long it lasted, hold left out; None while it goes on."""
    if leg.t_answer is None or leg.t_end is None:
        return None
    return max(0, leg.t_end - leg.t_answer - leg.hold_ms)
