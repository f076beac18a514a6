"""Agent states: what each extension was doing, as intervals that never overlap (invariant I4).

Put together from what the tap saw: registrations (the phone is online), calls and ringing, and what `state_sources`
knows of login, breaks, do not disturb and after-call work. Only watched time counts. Hold is within the call: how long
it was is known of each call, its bounds are not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.extensions import SettledLeg, by_extension
from cloud_sink.kpi.queue_words import NO_LOG, AgentLog
from cloud_sink.kpi.state_sources import (
    ACW,
    DIALOG_INFO,
    DND,
    ELSEWHERE,
    FOREVER,
    FORWARD,
    LOGIN,
    PAUSE,
    REGISTER,
    SIP,
    Evidence,
    Flags,
    action_of,
    agents_of_hints,
    assume_wrap_up,
    flags_of,
    spans_between,
)
from cloud_sink.kpi.value import Parts

OFFLINE, OTHER, AVAILABLE, RINGING, TALK = "offline", "other", "available", "ringing", "talk"
ONLINE, WATCHED = "online", "watched"
LONGEST_CALL_MS = 4 * 3_600_000  # as boxes bound a call whose end they do not see
ALIVE = (
    "answered",
    "no_answer",
    "declined",
    "busy",
    "dnd",
    "elsewhere",
    "caller_gone",
)  # a phone that reacts is online


@dataclass(frozen=True, slots=True)
class Registered:
    """An extension's registration came (True) or went (False)."""

    at_ms: int
    extension: str
    registered: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """One state of one extension; `logged_in`: on duty as far as SIP tells, whatever it is doing."""

    state: str  # offline | other | available | ringing | talk | acw | pause | dnd
    from_ms: int
    until_ms: int
    logged_in: bool
    source: str = (
        SIP  # who says so: sip | queue_log | feature_code | as_feature_event | dialog_info | register | inferred |
        # assumed
    )

    @property
    def length_ms(self) -> int:
        """How long it lasted."""
        return self.until_ms - self.from_ms


States = Mapping[str, Sequence[Interval]]  # extension -> its intervals in order


def agent_states(
    legs: Iterable[SettledLeg],
    registrations: Iterable[Registered],
    *,
    watched: Sequence[Span],
    codes: Mapping[str, str],
    told: Iterable[Told] = (),
    wrap_up: Mapping[str, int] | None = None,
    log: AgentLog = NO_LOG,
) -> dict[str, list[Interval]]:
    """The states of every extension in watched time; what was seen before it says how it began.

    `told` by event packages; `wrap_up`: the PBX's own after a leg (by its id), in ms, where that is configured; `log`:
    an imported queue_log, which tells nothing of an extension that the tap never saw.
    """
    groups = by_extension(legs)
    changes: dict[str, list[Registered]] = {}
    for change in registrations:
        changes.setdefault(change.extension, []).append(change)
    words = agents_of_hints((each for each in told if each.state != "messages"), codes)
    logged = log.by_extension()
    found: dict[str, list[Interval]] = {}
    for name in sorted(groups.keys() | changes.keys() | words.keys()):
        flags = flags_of(groups.get(name, []), words.get(name, []), codes, logged.get(name, []), log.span)
        assume_wrap_up(flags, groups.get(name, []), codes, wrap_up or {})
        found[name] = _states_of(flags, groups.get(name, []), changes.get(name, []), watched, codes)
    return found


def _states_of(
    flags: Flags,
    legs: Sequence[SettledLeg],
    changes: Sequence[Registered],
    watched: Sequence[Span],
    codes: Mapping[str, str],
) -> list[Interval]:
    """One extension: evidence for each flag, swept from edge to edge."""
    calls = [leg for leg, _ in legs if action_of(leg, codes) == ""]
    talks = [(leg.t_answer, leg.t_end or leg.t_answer) for leg in calls if leg.t_answer is not None]
    ringing = [_ringing(leg) for leg in calls if leg.direction == "in" and leg.t_ring is not None]
    elsewhere = [_while_elsewhere(each.span, changes) for each in flags.pop(ELSEWHERE)]
    evidence = flags | {
        ONLINE: [Evidence(span, REGISTER) for span in [*_online(legs, changes), *elsewhere]],
        TALK: [*(Evidence(span, SIP) for span in talks), *(Evidence(span, DIALOG_INFO) for span in elsewhere)],
        RINGING: [Evidence(span, SIP) for span in ringing],
        WATCHED: [Evidence(span, SIP) for span in watched],
    }
    return _sweep(evidence)


def _while_elsewhere(span: Span, changes: Sequence[Registered]) -> Span:
    """A lamp that nobody saw go out tells nothing once the phone registers here, nor after the longest call."""
    back = [change.at_ms for change in changes if change.registered and change.at_ms > span[0]]
    return span[0], min([span[1], span[0] + LONGEST_CALL_MS, *back])


def _online(legs: Sequence[SettledLeg], changes: Sequence[Registered]) -> list[Span]:
    """When the phone was there: registered, or it dialled or reacted (its registration came before the tap)."""
    signs = [(leg.t_invite, True) for leg, outcome in legs if leg.direction != "in" or outcome in ALIVE]
    return spans_between(sorted([*signs, *((change.at_ms, change.registered) for change in changes)]))


def _ringing(leg: Leg) -> Span:
    """From the first ring to the answer or the end."""
    start = leg.t_ring or leg.t_invite
    until = leg.t_answer if leg.t_answer is not None else leg.t_end
    return start, start if until is None else until


def _sweep(evidence: Flags) -> list[Interval]:
    """From edge to edge: which flags are up decides the state; equal neighbours are one interval."""
    edges = [
        (at, flag, change, each.source)
        for flag, found in evidence.items()
        for each in found
        for at, change in _ends(each.span)
    ]
    up, why = dict.fromkeys(evidence, 0), dict.fromkeys(evidence, SIP)
    intervals: list[Interval] = []
    before = -FOREVER
    for at, flag, change, source in sorted(edges):
        if at > before and up[WATCHED]:
            state, reason = _decide(up)
            _append(intervals, Interval(state, before, at, _on_duty(up), why[reason]))
        up[flag] += change
        if change > 0:
            why[flag] = source
        before = at
    return intervals


def _ends(span: Span) -> list[tuple[int, int]]:
    """Its edges; a span without length has none."""
    return [(span[0], 1), (span[1], -1)] if span[1] > span[0] else []


def _on_duty(up: Mapping[str, int]) -> bool:
    """Online and logged in; a call proves that the phone is online."""
    return up[LOGIN] > 0 and (up[ONLINE] > 0 or up[TALK] > 0)


def _decide(up: Mapping[str, int]) -> tuple[str, str]:
    """The strongest flag names the state; and the flag whose source is the state's."""
    if up[TALK] or up[RINGING]:
        return (TALK, TALK) if up[TALK] else (RINGING, RINGING)
    if not up[ONLINE]:
        return OFFLINE, ONLINE
    if up[DND]:
        return DND, DND
    if not up[LOGIN] or up[FORWARD]:
        return OTHER, LOGIN if not up[LOGIN] else FORWARD
    if up[ACW] or up[PAUSE]:
        return (ACW, ACW) if up[ACW] else (PAUSE, PAUSE)
    return AVAILABLE, LOGIN


def _append(found: list[Interval], new: Interval) -> None:
    """Add an interval, or lengthen the last one."""
    last = found[-1] if found else None
    if last and last.until_ms == new.from_ms and (last.state, last.logged_in, last.source) == (
        new.state, new.logged_in, new.source,
    ):  # fmt: skip
        found[-1] = Interval(new.state, last.from_ms, new.until_ms, new.logged_in, new.source)
    else:
        found.append(new)


STATE_KPIS = (
    "login_time", "available_time", "idle_time", "break_time", "dnd_time", "acw_time", "occupancy", "calls_per_hour",
)  # fmt: skip


def measure_states(intervals: Sequence[Interval] | None, answered: int) -> dict[str, Parts]:
    """The sums of `STATE_KPIS`, and how many calls were answered in them; null where states are unknown."""
    if intervals is None:
        return dict.fromkeys(STATE_KPIS, Parts(0, 0))
    duty = [each for each in intervals if each.logged_in]
    login, paused = _total(duty), _total(duty, PAUSE)
    return {
        "login_time": Parts(login),
        "available_time": Parts(_total(duty, AVAILABLE)),
        "idle_time": Parts(_total(duty, AVAILABLE)),
        "break_time": Parts(paused),
        "dnd_time": Parts(_total(intervals, DND)),
        "acw_time": Parts(_total(duty, ACW)),
        "occupancy": Parts(_total(duty, TALK) + _total(duty, ACW), login - paused),
        "calls_per_hour": Parts(answered, login),
    }


def _total(intervals: Iterable[Interval], state: str = "") -> int:
    """Milliseconds in a state, or in all of them."""
    return sum(each.length_ms for each in intervals if state in ("", each.state))
