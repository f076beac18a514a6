"""Queueing models for planning: Erlang B (lines), Erlang C (nobody hangs up) and exact Erlang A (people hang up).

Rates are per second, times in seconds, the offered load `a` in erlangs (calls per second times handle time).
Sources: Erlang 1917; Palm 1957 and Garnett, Mandelbaum, Reiman 2002 for Erlang A. Standard library only.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

NEGLIGIBLE = 1e-15  # a state this much rarer than the likeliest adds nothing that a double can hold
LONGEST_QUEUE = 200_000  # states beyond this are cut off: only reached when nobody ever gives up


def erlang_b(servers: int, load: float) -> float:
    """Share of calls that find all lines busy. B(0) = 1, B(k) = a B(k-1) / (k + a B(k-1))."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def lines_needed(load: float, most_blocked: float) -> int:
    """Fewest lines with at most this share blocked."""
    lines, blocked = 0, 1.0 if load > 0 else 0.0
    while blocked > most_blocked:
        lines += 1
        blocked = load * blocked / (lines + load * blocked)
    return lines


@dataclass(frozen=True, slots=True)
class Queueing:
    """What a number of agents does to callers; shares 0 to 1, times in seconds."""

    waiting: float  # share that has to wait
    abandoned: float  # share that gives up
    served_within: float  # share of all callers answered within the threshold
    abandoned_within: float  # share of all callers that gave up within the threshold
    mean_wait: float  # of all callers, answered or not
    queue: float  # mean number of callers that wait
    occupancy: float  # share of the agents' time in calls

    @property
    def levels(self) -> dict[str, float]:
        """The service level by formula (ids of the catalogue)."""
        counted = 1 - self.abandoned_within
        return {
            "sl_offered": self.served_within,
            "sl_answered": self.served_within / (1 - self.abandoned) if self.abandoned < 1 else 0.0,
            "sl_late_ab": self.served_within / counted if counted > 0 else 0.0,
        }


OVERLOADED = Queueing(1.0, 0.0, 0.0, 0.0, math.inf, math.inf, 1.0)


def erlang_c(agents: int, arrivals: float, handle_s: float, threshold_s: float) -> Queueing:
    """Patient callers: C = nB / (n - a(1-B)), SL = 1 - C e^(-(n-a)T/AHT), ASA = C AHT / (n-a)."""
    load = arrivals * handle_s
    if agents <= load:
        return OVERLOADED
    blocked = erlang_b(agents, load)
    waiting = agents * blocked / (agents - load * (1 - blocked))
    mean_wait = waiting * handle_s / (agents - load)
    served = 1 - waiting * math.exp(-(agents - load) * threshold_s / handle_s)
    return Queueing(waiting, 0.0, served, 0.0, mean_wait, arrivals * mean_wait, load / agents)


def erlang_a(agents: int, arrivals: float, handle_s: float, patience_s: float, threshold_s: float) -> Queueing:
    """Callers whose patience is exponential with this mean: the birth-death chain, solved exactly.

    A caller who finds all agents busy and j others waiting is offered a wait V with e^(-V/patience) distributed as
    Beta(c, j+1), c = n patience / AHT.
    """
    states = _shares_of_time(agents, arrivals, handle_s, patience_s)
    ahead = states[agents:]
    queue = math.fsum(index * share for index, share in enumerate(ahead))
    waiting, abandoned = math.fsum(ahead), queue / patience_s / arrivals
    shape, left = agents * patience_s / handle_s, math.exp(-threshold_s / patience_s)
    served = math.fsum(states[:agents])
    still_waiting = 0.0
    for index, (share, later, longer) in enumerate(
        zip(ahead, _beta(left, shape + 1), _beta(left, shape), strict=False)
    ):
        served += share * shape / (shape + index + 1) * (1 - later)
        still_waiting += share * left * longer
    occupancy = (1 - abandoned) * arrivals * handle_s / agents
    return Queueing(waiting, abandoned, served, 1 - served - still_waiting, queue / arrivals, queue, occupancy)


def _shares_of_time(agents: int, arrivals: float, handle_s: float, patience_s: float) -> list[float]:
    """Share of time with 0, 1, 2, ... callers in the system, up to where more of them are negligible."""
    logs, highest, state = [0.0], 0.0, 0
    while state < agents or (logs[-1] > highest + math.log(NEGLIGIBLE) and state < agents + LONGEST_QUEUE):
        state += 1
        leaving = min(state, agents) / handle_s + max(0, state - agents) / patience_s
        logs.append(logs[-1] + math.log(arrivals / leaving))
        highest = max(highest, logs[-1])
    weights = [math.exp(log - highest) for log in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _beta(x: float, a: float) -> Iterator[float]:
    """I_x(a, 1), I_x(a, 2), ...: with a whole second argument the regularised beta is a negative binomial sum."""
    term, total, step = a * math.log(x), 0.0, 0
    while True:
        total += math.exp(term)
        yield min(1.0, total)
        step += 1
        term += math.log((1 - x) * (a + step - 1) / step) if x < 1 else -math.inf


@dataclass(frozen=True, slots=True)
class Goal:
    """What the staffing has to reach."""

    level: float = 0.8  # 0 to 1, below 1
    threshold_s: float = 20
    most_occupied: float = 0.85  # 0 to 1
    shrinkage: float = 0.3  # share of paid time that an agent is not at the phone, below 1
    formula: str = "sl_offered"  # of Queueing.levels; without abandons all are the same


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many agents a demand needs."""

    agents: int  # at the phone
    rostered: int  # on the roster, so that so many are at the phone
    expected: Queueing


def staff(arrivals: float, handle_s: float, goal: Goal, patience_s: float | None = None) -> Staffing:
    """Fewest agents that reach the goal: Erlang A with the callers' patience, Erlang C without."""
    if arrivals <= 0 or handle_s <= 0:
        return Staffing(0, 0, Queueing(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0))
    agents = 1 if patience_s else max(1, math.floor(arrivals * handle_s))
    expected = _expect(agents, arrivals, handle_s, goal, patience_s)
    while expected.levels[goal.formula] < goal.level or expected.occupancy > goal.most_occupied:
        agents += 1
        expected = _expect(agents, arrivals, handle_s, goal, patience_s)
    return Staffing(agents, rostered(agents, goal.shrinkage), expected)


def rostered(agents: int, shrinkage: float) -> int:
    """Agents on the roster: ceil(n / (1 - shrinkage)), not fooled by the last digit of a double."""
    return math.ceil(round(agents / (1 - shrinkage), 9))


def _expect(agents: int, arrivals: float, handle_s: float, goal: Goal, patience_s: float | None) -> Queueing:
    """The model that fits what is known."""
    if patience_s:
        return erlang_a(agents, arrivals, handle_s, patience_s, goal.threshold_s)
    return erlang_c(agents, arrivals, handle_s, goal.threshold_s)
