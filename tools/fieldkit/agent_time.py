"""What agents did between calls of a recording, one extension and one local day at a time: memory holds no more.

As the sink does it: each day by itself, with what the day before says of how it began.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.kpi.after_call import after_call_work
from cloud_sink.kpi.availability import at_work, availability_of, union
from cloud_sink.kpi.batches import AgentTime, add_time
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.parts import taken_over
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.kpi.queue_occupancy import legs_of_queues, measure_queue_occupancy
from cloud_sink.kpi.queue_words import inside
from cloud_sink.kpi.state_sources import agents_of_hints
from cloud_sink.kpi.states import Interval, agent_states, measure_states
from cloud_sink.kpi.value import Measured, Parts
from fieldkit.kept import Kept

LOOK_BACK_MS = 86_400_000  # a feature code dialled yesterday says how an agent begins the day
MOST_LEGS = 5_000  # of one extension in two days: more is a machine, whose states mean nothing; some 5 MB


class AgentClock:
    """Measures every extension of a recording; `watched`: when the tap was listening."""

    def __init__(self, kept: Kept, plan: OfficePlan, period: Period, watched: Sequence[Span]) -> None:
        self._kept = kept
        self._plan = plan
        self._period = period
        self._watched = watched
        self._staffed: list[Span] = []
        self._wrap_up = {place.name: place.wrap_up_ms for place in plan.destinations if place.wrap_up_ms}

    def measure(self) -> AgentTime:
        """TIME_KPIS of each extension; the work after its calls is noted in `kept`. Null for machines."""
        of: dict[str, Measured] = {}
        for phone, names in self._names().items():
            days = [self._measure_day(phone, names, day) for day in _days(self._period)]
            known = [each for each in days if each is not None]
            if len(known) == len(days):
                of[phone] = add_time(known)
        until = self._period.until_ms
        trunk = [
            change for name in self._kept.carriers() for change in self._kept.registrations("trunk", name, 0, until)
        ]
        return AgentTime(of, availability_of(self._staffed, trunk, self._plan, self._watched))

    def _names(self) -> dict[str, list[str]]:
        """Each extension with the names that something was told under: its own, and its lamps'."""
        found: dict[str, list[str]] = {}
        for name in self._kept.phones():
            (phone,) = agents_of_hints([Told(0, name, "")], self._plan.agent_codes)
            found.setdefault(phone, []).append(name)
        return found

    def _measure_day(self, phone: str, names: Iterable[str], day: Period) -> Measured | None:
        """One local day; None where there are too many calls for an agent."""
        since = day.from_ms - LOOK_BACK_MS
        rows = self._kept.phone_legs(phone, since, day.until_ms, MOST_LEGS)
        if len(rows) == MOST_LEGS:
            return None
        told = [word for name in names for word in self._kept.told_of(name, since, day.until_ms)]
        legs = [(leg, outcome) for leg, outcome, _ in rows]
        intervals = agent_states(
            legs,
            self._kept.registrations("phone", phone, since, day.until_ms),
            watched=inside(self._watched, (day.from_ms, day.until_ms)),
            codes=self._plan.agent_codes,
            told=sorted(told, key=lambda word: (word.at_ms, word.seq)),
            wrap_up=self._assumed(rows),
        ).get(phone, [])
        self._note(phone, intervals, legs, day)
        return measure_states(intervals, 0) | self._in_queues(intervals, rows)

    def _note(self, phone: str, intervals: Sequence[Interval], legs: Sequence[SettledLeg], day: Period) -> None:
        """The work after each call of the day, and when the phone could have taken one."""
        own = {leg.leg_id: leg for leg, _ in legs if day.holds(leg.t_invite)}
        of_day = [each for each in legs if each[0].leg_id in own]
        works = after_call_work({phone: intervals}, of_day, self._plan.agent_codes)
        self._kept.keep_works((own[leg_id], work) for leg_id, work in works.items())
        self._staffed = union([*self._staffed, *at_work(phone, intervals, self._plan)])

    def _in_queues(self, intervals: Sequence[Interval], rows: Sequence[tuple[Leg, str, int]]) -> dict[str, Parts]:
        """`queue_occupancy`: contacts of answered calls are looked up one by one."""
        queued: set[str] = set()
        taken: dict[str, Leg] = {}
        for leg, outcome, number in rows:
            if outcome == "answered":
                queued |= {leg.leg_id} & legs_of_queues([self._kept.contact(number)])
                if leg.direction != "in":
                    call = self._kept.call(number)
                    taken |= taken_over(
                        [call.contact], [each for each in call.legs if each[0].role == "phone"], self._plan
                    )
        return measure_queue_occupancy(intervals, [(leg, word) for leg, word, _ in rows], taken, frozenset(queued))

    def _assumed(self, rows: Sequence[tuple[Leg, str, int]]) -> dict[str, int]:
        """How long the PBX spares the agent after each leg, where it is configured to."""
        if not self._wrap_up:
            return {}
        answered = [(leg, number) for leg, outcome, number in rows if outcome == "answered"]
        return {leg.leg_id: self._wrap_up.get(self._kept.contact(number).queue, 0) for leg, number in answered}


def _days(period: Period) -> list[Period]:
    """The local days that a period touches, its ends cut off."""
    day, last = (local_day(at, period.time_zone) for at in (period.from_ms, max(period.from_ms, period.until_ms - 1)))
    found = []
    while day <= last:
        whole = Period.of_days(day, day, period.time_zone)
        found.append(Period(max(whole.from_ms, period.from_ms), min(whole.until_ms, period.until_ms), period.time_zone))
        day += timedelta(days=1)
    return found
