"""Extensions: what each phone was asked to do and did.

Rests on the phone legs and their settled outcomes, so it holds for a hosted PBX as well. A ring that a sibling
answered, that found the phone in a call, or that lost a race by a blink is nobody's fault and counts for nobody.
Whoever took a customer over without being called for him (`parts`) answered him too, and has his own part of the talk.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from cloud_sink.contacts.groups import is_dial
from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.value import Parts

SHORT_CALL_MS = 10_000  # of talk: a wrong number, or an agent who drops calls
LONG_RING_MS = 10_000  # the caller left, but the phone had rung this long: the agent could have answered
REFUSED = ("no_answer", "declined")
SettledLeg = tuple[Leg, str]  # a leg and its outcome word
TakenOver = Mapping[str, Leg]  # leg id -> the leg from the moment that its agent had a customer: picked up, transferred
NOBODY: TakenOver = {}


def by_extension(legs: Iterable[SettledLeg]) -> dict[str, list[SettledLeg]]:
    """Group legs by the extension at their end."""
    groups: dict[str, list[SettledLeg]] = {}
    for leg, outcome in legs:
        if leg.extension:
            groups.setdefault(leg.extension, []).append((leg, outcome))
    return groups


def measure_extension(legs: Sequence[SettledLeg], taken: TakenOver = NOBODY) -> dict[str, Parts]:
    """All KPIs of one extension; times in milliseconds. `taken`: legs on which customers were taken over."""
    asked = [(leg, outcome) for leg, outcome in legs if leg.direction == "in"]
    return (
        _measure_rings(asked)
        | _measure_talk(asked, parts_of(legs, taken))
        | _measure_calls_made([each for each in legs if each[0].leg_id not in taken])
        | {"ext_load": Parts(busy_ms(legs))}
    )


def parts_of(legs: Iterable[SettledLeg], taken: TakenOver) -> list[Leg]:
    """The legs on which these phones spoke with customers, each from the moment that it had him."""
    return [
        leg if leg.direction == "in" else taken[leg.leg_id]
        for leg, outcome in legs
        if outcome == "answered" and (leg.direction == "in" or leg.leg_id in taken)
    ]


def _measure_rings(asked: Sequence[SettledLeg]) -> dict[str, Parts]:
    """`rings`, the two forms of `agent_non_response`, `agent_answer_rate`, `ring_time_total`."""
    answered = sum(outcome == "answered" for _, outcome in asked)
    strict = sum(outcome in REFUSED for _, outcome in asked)
    missed = strict + sum(rang_long(leg) for leg, outcome in asked if outcome == "caller_gone")
    return {
        "rings": Parts(len(asked)),
        "agent_non_response": Parts(missed),
        "agent_non_response_excl_abandon": Parts(strict),
        "agent_answer_rate": Parts(answered, answered + missed),
        "ring_time_total": Parts(sum(leg.ring_ms or 0 for leg, _ in asked)),
    }


def rang_long(leg: Leg) -> bool:
    """Whether it rang long enough for the agent to have taken it."""
    return leg.ring_ms is not None and leg.ring_ms >= LONG_RING_MS


def _measure_talk(asked: Sequence[SettledLeg], parts: Sequence[Leg]) -> dict[str, Parts]:
    """`answered`, `ring_time_avg`, `avg_talk_time`, `aht` and what happened in them: his own part of each call."""
    rang = [leg.ring_ms for leg, outcome in asked if outcome == "answered" and leg.ring_ms is not None]
    done = [(leg.talk_ms, leg.hold_ms) for leg in parts if leg.talk_ms is not None]
    talked = sum(talk for talk, _ in done)
    return {
        "answered": Parts(len(parts)),
        "ring_time_avg": Parts(sum(rang), len(rang)),
        "avg_talk_time": Parts(talked, len(done)),
        "aht": Parts(talked + sum(hold for _, hold in done), len(done)),
        "hold_rate": Parts(sum(hold > 0 for _, hold in done), len(done)),
        "hold_time_avg": Parts(sum(hold for _, hold in done), sum(hold > 0 for _, hold in done)),
    } | _measure_ends([leg for leg in parts if leg.talk_ms is not None])


def _measure_ends(done: Sequence[Leg]) -> dict[str, Parts]:
    """Transfers, very short calls and who hung up; passing a caller on is no hanging up."""
    short = [leg for leg in done if (leg.talk_ms or 0) < SHORT_CALL_MS]
    return {
        "transfer_rate": Parts(sum(bool(leg.transfer) for leg in done), len(done)),
        "short_call_rate": Parts(len(short), len(done)),
        "short_call_agent_rate": Parts(sum(map(_hung_up, short)), len(done)),
        "agent_hangup_first_rate": Parts(sum(map(_hung_up, done)), len(done)),
    }


def _hung_up(leg: Leg) -> bool:
    """Whether the phone itself ended the call: a customer's, or one that it made to fetch him."""
    return leg.ended_by == ("caller" if is_dial(leg) else "callee") and not leg.transfer


def _measure_calls_made(legs: Sequence[SettledLeg]) -> dict[str, Parts]:
    """`outbound_attempts`, `outbound_connected`, `connect_rate` of calls this phone made to the outside."""
    made = [outcome for leg, outcome in legs if leg.direction == "out"]
    connected = made.count("answered")
    return {
        "outbound_attempts": Parts(len(made)),
        "outbound_connected": Parts(connected),
        "connect_rate": Parts(connected, len(made)),
    }


def busy_by_extension(legs: Iterable[SettledLeg]) -> dict[str, int]:
    """`busy_ms` of each extension, of legs in order of their INVITE, however many: only what is up is kept."""
    phones: dict[str, _Busy] = {}
    for leg, outcome in legs:
        if leg.extension and outcome == "answered" and leg.t_answer is not None and leg.t_end is not None:
            phone = phones.setdefault(leg.extension, _Busy())
            phone.count(leg.t_invite)
            heappush(phone.waiting, (leg.t_answer, leg.t_end))
    for phone in phones.values():
        phone.count(None)
    return {extension: phone.total_ms for extension, phone in sorted(phones.items())}


@dataclass(slots=True)
class _Busy:
    """One phone's time in calls, up to the earliest call that may still come."""

    total_ms: int = 0
    covered_until: int = 0
    waiting: list[tuple[int, int]] = field(default_factory=list)  # heap of answers and ends, not counted yet

    def count(self, before_ms: int | None) -> None:
        """Count calls answered before; None: all of them."""
        while self.waiting and (before_ms is None or self.waiting[0][0] < before_ms):
            start, end = heappop(self.waiting)
            self.total_ms += max(0, end - max(start, self.covered_until))
            self.covered_until = max(self.covered_until, end)


def busy_ms(legs: Iterable[SettledLeg]) -> int:
    """Milliseconds in which the phone was in at least one call, whatever its direction."""
    spans = sorted(
        (leg.t_answer, leg.t_end)
        for leg, outcome in legs
        if outcome == "answered" and leg.t_answer is not None and leg.t_end is not None
    )
    total, covered_until = 0, 0
    for start, end in spans:
        total += max(0, end - max(start, covered_until))
        covered_until = max(covered_until, end)
    return total
