"""What stands out in a period, said in a sentence with its evidence: rules over contacts and legs.

A rule speaks only where chance is no likely reason, and names the calls it rests on.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.kpi.accessibility import count_service, service_levels
from cloud_sink.kpi.extensions import REFUSED, SettledLeg, by_extension
from cloud_sink.kpi.period import QUARTER_MS, Period, local_time
from cloud_sink.kpi.state_sources import ACW, DND, ELSEWHERE, PAUSE
from cloud_sink.kpi.states import AVAILABLE, OFFLINE, OTHER, RINGING, TALK, States
from cloud_sink.kpi.value import wilson_percent
from cloud_sink.kpi.volume import ABANDONED, ANSWERED, WORK_OF_A_TEAM, offered

Between = Callable[[tuple[int, int]], str]  # writes a span of time as the office's clocks show it

FEWEST_LOST = 3  # callers who gave up in a quarter hour before it is worth a sentence
FEWEST_RINGS = 5  # rings an extension could have taken
FEWEST_CALLS = 5  # calls of a queue in a quarter hour
MOST_IGNORED = 25  # percent of its rings that any extension may let pass
LEAST_TOLD = 0.5  # fewer agents on average are no part of the sentence
DOINGS = {  # words of an insight -> agents' states
    "in calls": (TALK, RINGING),
    "free": (AVAILABLE,),
    "on break": (PAUSE, DND),
    "in after-call work": (ACW,),
    "away": (OFFLINE, OTHER, ELSEWHERE),
}


@dataclass(frozen=True, slots=True)
class Insight:
    """One thing that stands out."""

    rule: str
    subject: str  # the queue or extension it is about
    text: str
    from_ms: int
    until_ms: int
    contacts: tuple[str, ...]  # ids of the contacts that show it
    figures: Mapping[str, float]

    def to_json(self, iso: Callable[[int], str]) -> dict[str, object]:
        """What the API prints."""
        return {
            "rule": self.rule,
            "subject": self.subject,
            "text": self.text,
            "from": iso(self.from_ms),
            "until": iso(self.until_ms),
            "contacts": list(self.contacts),
            "figures": dict(self.figures),
        }


def insights(
    contacts: Sequence[Contact],
    legs: Sequence[SettledLeg],
    states: States,
    *,
    period: Period,
    plan: OfficePlan,
    day_text: Callable[[date], str] = lambda day: f"{day:%-d %b}",
) -> list[Insight]:
    """Everything the rules have to say, in order of time; `states` of agents tell who was on break meanwhile.

    `day_text` writes a day of the period as the office does.
    """
    between = partial(_between, period=period, day_text=day_text)
    cohort = [contact for contact in contacts if period.holds(contact.t_offer)]
    visits = [v for contact in offered(cohort) for v in contact.queue_visits() if v.kind in WORK_OF_A_TEAM]
    settled = [(leg, outcome) for leg, outcome in legs if period.holds(leg.t_invite)]
    found = [
        *_many_left(visits, Doings(states), between, plan),
        *_waits_too_long(visits, between, plan),
        *_does_not_answer(settled, cohort),
    ]
    return sorted(found, key=lambda insight: (insight.from_ms, insight.rule, insight.subject))


class Doings:
    """What each agent was doing at a moment."""

    def __init__(self, states: States) -> None:
        self._intervals = {agent: sorted(found, key=lambda each: each.from_ms) for agent, found in states.items()}

    def state(self, agent: str, at_ms: int) -> str:
        """The agent's state, "" where it is not known."""
        intervals = self._intervals.get(agent, [])
        place = bisect_right(intervals, at_ms, key=lambda each: each.from_ms) - 1
        return intervals[place].state if place >= 0 and at_ms < intervals[place].until_ms else ""

    def count(self, agents: Sequence[str], moments: Sequence[int]) -> dict[str, float]:
        """How many of these agents were doing each thing of DOINGS, on average over the moments."""
        seen = [self.state(agent, at_ms) for at_ms in moments for agent in agents]
        return {words: sum(state in group for state in seen) / max(1, len(moments)) for words, group in DOINGS.items()}


def _by_queue_and_quarter(visits: Sequence[Contact]) -> dict[str, dict[int, list[Contact]]]:
    """Visits of each queue by the quarter hour of their arrival."""
    groups: dict[str, dict[int, list[Contact]]] = {}
    for visit in visits:
        start = visit.t_offer - visit.t_offer % QUARTER_MS
        groups.setdefault(visit.queue, {}).setdefault(start, []).append(visit)
    return groups


def _spans(quarters: Iterable[int]) -> list[list[int]]:
    """Quarter hours that follow each other, together."""
    spans: list[list[int]] = []
    for start in sorted(quarters):
        if spans and start == spans[-1][-1] + QUARTER_MS:
            spans[-1].append(start)
        else:
            spans.append([start])
    return spans


def _many_left(visits: Sequence[Contact], doings: Doings, between: Between, plan: OfficePlan) -> list[Insight]:
    """Callers who gave up in a span, more than a fifth of it for certain, and what the agents did meanwhile."""
    found = []
    for queue, quarters in _by_queue_and_quarter(visits).items():
        many = [start for start, calls in quarters.items() if _lost_for_certain(calls)]
        for span in _spans(many):
            calls = [call for start in span for call in quarters[start]]
            found.append(_tell_left(queue, calls, (span[0], span[-1] + QUARTER_MS), doings, between, plan))
    return found


def _lost(calls: Sequence[Contact]) -> list[Contact]:
    """Callers who gave up, without those who hung up at once."""
    return [call for call in calls if call.disposition == ABANDONED and not call.short]


def _lost_for_certain(calls: Sequence[Contact]) -> bool:
    """At least three, and even the lower end of the interval is above the 5 % that centres aim at."""
    interval = wilson_percent(len(_lost(calls)), len(calls))
    return len(_lost(calls)) >= FEWEST_LOST and interval is not None and interval[0] > 5


def _tell_left(
    queue: str, calls: Sequence[Contact], span: tuple[int, int], doings: Doings, between: Between, plan: OfficePlan
) -> Insight:
    """One such span in a sentence."""
    lost = _lost(calls)
    team = next((place.members for place in plan.destinations if place.name == queue and place.members), ())
    moments = [call.t_end - 1 for call in lost if call.t_end is not None]
    doing = doings.count(team, moments)
    text = f"{len(lost)} of {len(calls)} callers of {queue} left {between(span)}"
    if team and moments:
        text += f" while of {len(team)} agents " + _told_doing(doing)
    shares = {f"agents_{words.replace(' ', '_')}": round(number, 4) for words, number in doing.items()}
    figures = {"left": len(lost), "offered": len(calls), "agents": len(team), **shares}
    return Insight("many_left", queue, text, *span, _ids(lost), figures)


def _told_doing(doing: Mapping[str, float]) -> str:
    """The most common doing first: "2.0 were on break and 1.5 in calls"."""
    common = sorted(((number, words) for words, number in doing.items() if number >= LEAST_TOLD), reverse=True)
    if not common:
        return "none was seen at work"
    told = [f"{number:.1f} {words}" for number, words in common]
    told[0] = f"{common[0][0]:.1f} were {common[0][1]}"
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def _ids(visits: Sequence[Contact]) -> tuple[str, ...]:
    """The contacts that visits belong to, each once; a later queue visit has the id "CONTACT/2"."""
    return tuple(dict.fromkeys(visit.contact_id.partition("/")[0] for visit in visits))


def _between(span: tuple[int, int], period: Period, day_text: Callable[[date], str]) -> str:
    """A span as the office's clocks show it; with the day where the period has several."""
    start, end = (local_time(at, period.time_zone) for at in span)
    day = f"{day_text(start.date())} " if period.length_ms > 25 * 3_600_000 else ""
    return f"between {day}{start:%H:%M} and {end:%H:%M}"


def _waits_too_long(visits: Sequence[Contact], between: Between, plan: OfficePlan) -> list[Insight]:
    """Quarter hours in which a queue missed its target for certain."""
    found = []
    for queue, quarters in _by_queue_and_quarter(visits).items():
        slow = [start for start, calls in quarters.items() if _misses_target(calls, plan)]
        for span in _spans(slow):
            calls = [call for start in span for call in quarters[start]]
            found.append(_tell_slow(queue, calls, (span[0], span[-1] + QUARTER_MS), between, plan))
    return found


def _misses_target(calls: Sequence[Contact], plan: OfficePlan) -> bool:
    """Enough calls, and even the upper end of the interval is below the target."""
    level = service_levels(count_service(calls, plan.service_level_s * 1000))[plan.service_level_formula]
    interval = wilson_percent(level.numerator, level.denominator)
    return level.denominator >= FEWEST_CALLS and interval is not None and interval[1] < 100 * plan.service_level_target


def _tell_slow(
    queue: str, calls: Sequence[Contact], span: tuple[int, int], between: Between, plan: OfficePlan
) -> Insight:
    """One such span in a sentence."""
    level = service_levels(count_service(calls, plan.service_level_s * 1000))[plan.service_level_formula]
    late = [c for c in calls if c.disposition == ANSWERED and (c.wait_ms or 0) > plan.service_level_s * 1000]
    late += _lost(calls)
    text = (
        f"{queue} answered {level.numerator} of {level.denominator} callers within {plan.service_level_s} s "
        f"{between(span)}; the target is {100 * plan.service_level_target:g} %"
    )
    figures = {"within": level.numerator, "judged": level.denominator}
    return Insight("waits_too_long", queue, text, *span, _ids(late), figures)


def _does_not_answer(legs: Sequence[SettledLeg], contacts: Sequence[Contact]) -> list[Insight]:
    """Extensions that let ring what they could have taken, far more often than all others together."""
    contact_of = {leg_id: contact.contact_id for contact in contacts for leg_id in contact.legs}
    rings = {name: _takeable(group) for name, group in by_extension(legs).items()}
    found = []
    for name, mine in rings.items():
        others = [ring for other, group in rings.items() if other != name for ring in group]
        usual = 100 * len(_ignored(others)) / len(others) if others else 0.0
        interval = wilson_percent(len(_ignored(mine)), len(mine))
        if len(mine) >= FEWEST_RINGS and interval is not None and interval[0] > max(usual, MOST_IGNORED):
            found.append(_tell_ignored(name, mine, usual, contact_of))
    return found


def _tell_ignored(name: str, rings: Sequence[SettledLeg], usual: float, contact_of: dict[str, str]) -> Insight:
    """One such extension in a sentence."""
    ignored = _ignored(rings)
    text = f"Extension {name} did not take {len(ignored)} of {len(rings)} calls that rang there; "
    text += f"of the others' it was {usual:.0f} %"
    times = [leg.t_invite for leg, _ in ignored]
    ids = tuple(contact_of[leg.leg_id] for leg, _ in ignored if leg.leg_id in contact_of)
    figures = {"not_taken": len(ignored), "could_take": len(rings), "others_percent": round(usual, 3)}
    return Insight("does_not_answer", name, text, min(times), max(times) + 1, ids, figures)


def _takeable(legs: Sequence[SettledLeg]) -> list[SettledLeg]:
    """Incoming rings that the extension took or let ring to their end."""
    return [(leg, word) for leg, word in legs if leg.direction == "in" and word in ("answered", *REFUSED)]


def _ignored(legs: Sequence[SettledLeg]) -> list[SettledLeg]:
    """Those it let ring or refused."""
    return [(leg, word) for leg, word in legs if word in REFUSED]
