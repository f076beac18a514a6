"""Agent states: what each extension was doing, as intervals that never overlap (invariant I4).

Put together from what the tap saw: registrations (the phone is online), calls and ringing, feature codes that the agent
dialled (queue login, pause, do not disturb) and instant rejects (do not disturb set on the phone). Only watched time
counts. Hold is within the call, and after-call work is what agents call a pause: SIP shows no bounds of either.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.extensions import SettledLeg, by_extension
from cloud_sink.kpi.value import Parts

OFFLINE, OTHER, AVAILABLE, RINGING, TALK, PAUSE, DND = (
    "offline", "other", "available", "ringing", "talk", "pause", "dnd",
)  # fmt: skip
_EFFECTS: Mapping[str, tuple[str, bool | None]] = {  # action -> the flag, and what it becomes; None: the other value
    "login": ("login", True), "logout": ("login", False), "switch_login": ("login", None),
    "pause": (PAUSE, True), "unpause": (PAUSE, False), "switch_pause": (PAUSE, None),
    "dnd_on": (DND, True), "dnd_off": (DND, False), "switch_dnd": (DND, None),
}  # fmt: skip
ALIVE = (
    "answered",
    "no_answer",
    "declined",
    "busy",
    "dnd",
    "elsewhere",
    "caller_gone",
)  # a phone that reacts is online
FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Registered:
    """An extension's registration came (True) or went (False)."""

    at_ms: int
    extension: str
    registered: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """One state of one extension; `logged_in`: on duty as far as SIP tells, whatever it is doing."""

    state: str
    from_ms: int
    until_ms: int
    logged_in: bool

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
) -> dict[str, list[Interval]]:
    """The states of every extension in watched time; legs and registrations from before it say how it began."""
    groups = by_extension(legs)
    changes: dict[str, list[Registered]] = {}
    for change in registrations:
        changes.setdefault(change.extension, []).append(change)
    names = sorted(groups.keys() | changes.keys())
    return {name: _states_of(groups.get(name, []), changes.get(name, []), watched, codes) for name in names}


def _states_of(
    legs: Sequence[SettledLeg], changes: Sequence[Registered], watched: Sequence[Span], codes: Mapping[str, str]
) -> list[Interval]:
    """One extension: spans of each flag, swept from edge to edge."""
    flags = _code_flags(legs, codes)
    calls = [leg for leg, _ in legs if action_of(leg, codes) == ""]
    spans = {
        "online": _online(legs, changes),
        "login": flags["login"] or [(-FOREVER, FOREVER)],
        PAUSE: flags[PAUSE],
        DND: [*flags[DND], *_rejecting(legs)],
        TALK: [(leg.t_answer, leg.t_end or leg.t_answer) for leg in calls if leg.t_answer is not None],
        RINGING: [_ringing(leg) for leg in calls if leg.direction == "in" and leg.t_ring is not None],
    }
    return _sweep(spans, watched)


def action_of(leg: Leg, codes: Mapping[str, str]) -> str:
    """What a call to this number does for the agent; "" for ordinary calls. A code's trailing "*" takes any rest."""
    if leg.direction == "in":
        return ""
    if leg.callee in codes:
        return codes[leg.callee]
    fitting = [code for code in codes if code[-1:] == "*" and len(code) > 1 and leg.callee.startswith(code[:-1])]
    return codes[max(fitting, key=len)] if fitting else ""


def _code_flags(legs: Sequence[SettledLeg], codes: Mapping[str, str]) -> dict[str, list[Span]]:
    """When each flag was up, by the codes dialled; before the first word about it, it was the other way round."""
    orders = sorted((leg.t_answer, action_of(leg, codes)) for leg, _ in legs if leg.t_answer is not None)
    edges: dict[str, list[tuple[int, bool]]] = {"login": [], PAUSE: [], DND: []}
    for at_ms, action in orders:
        if action in _EFFECTS:
            flag, wanted = _EFFECTS[action]
            was = edges[flag][-1][1] if edges[flag] else False
            edges[flag].append((at_ms, not was if wanted is None else wanted))
    return {flag: _spans(found) for flag, found in edges.items()}


def _spans(edges: Sequence[tuple[int, bool]]) -> list[Span]:
    """Spans in which a flag was up; a flag that first goes down was up before."""
    spans: list[Span] = []
    since = -FOREVER if edges and not edges[0][1] else None
    for at_ms, up in edges:
        if up and since is None:
            since = at_ms
        elif not up and since is not None:
            spans.append((since, at_ms))
            since = None
    return [*spans, (since, FOREVER)] if since is not None else spans


def _online(legs: Sequence[SettledLeg], changes: Sequence[Registered]) -> list[Span]:
    """When the phone was there: registered, or it dialled or reacted (its registration came before the tap)."""
    signs = [(leg.t_invite, True) for leg, outcome in legs if leg.direction != "in" or outcome in ALIVE]
    return _spans(sorted([*signs, *((change.at_ms, change.registered) for change in changes)]))


def _rejecting(legs: Sequence[SettledLeg]) -> list[Span]:
    """From the first to the last of instant rejects in a row: for that long do not disturb was certainly on."""
    spans: list[Span] = []
    first: int | None = None
    for leg, outcome in sorted(legs, key=lambda settled: settled[0].t_invite):
        if outcome == "dnd":
            first = leg.t_invite if first is None else first
            spans.append((first, leg.t_invite))
        elif leg.direction == "in" and leg.t_ring is not None:
            first = None
    return spans


def _ringing(leg: Leg) -> Span:
    """From the first ring to the answer or the end."""
    start = leg.t_ring or leg.t_invite
    until = leg.t_answer if leg.t_answer is not None else leg.t_end
    return start, start if until is None else until


def _sweep(spans: Mapping[str, Sequence[Span]], watched: Sequence[Span]) -> list[Interval]:
    """From edge to edge: which flags are up decides the state; equal neighbours are one interval."""
    edges = [(at, flag, change) for flag, found in spans.items() for span in found for at, change in _ends(span)]
    edges += [(at, "watched", change) for span in watched for at, change in _ends(span)]
    up = dict.fromkeys([*spans, "watched"], 0)
    found: list[Interval] = []
    before = -FOREVER
    for at, flag, change in sorted(edges):
        if at > before and up["watched"]:
            _append(found, _decide(up), before, at, logged_in=_on_duty(up))
        up[flag] += change
        before = at
    return found


def _ends(span: Span) -> list[tuple[int, int]]:
    """Its edges; a span without length has none."""
    return [(span[0], 1), (span[1], -1)] if span[1] > span[0] else []


def _on_duty(up: Mapping[str, int]) -> bool:
    """Online and logged in; a call proves that the phone is online."""
    return up["login"] > 0 and (up["online"] > 0 or up[TALK] > 0)


def _decide(up: Mapping[str, int]) -> str:
    """The strongest flag names the state."""
    if up[TALK] or up[RINGING]:
        return TALK if up[TALK] else RINGING
    if not up["online"]:
        return OFFLINE
    if up[DND]:
        return DND
    if not up["login"]:
        return OTHER
    return PAUSE if up[PAUSE] else AVAILABLE


def _append(found: list[Interval], state: str, start: int, end: int, *, logged_in: bool) -> None:
    """Add an interval, or lengthen the last one."""
    last = found[-1] if found else None
    if last and last.until_ms == start and (last.state, last.logged_in) == (state, logged_in):
        found[-1] = Interval(state, last.from_ms, end, logged_in)
    else:
        found.append(Interval(state, start, end, logged_in))


STATE_KPIS = (
    "login_time", "available_time", "idle_time", "break_time", "dnd_time", "occupancy", "calls_per_hour",
)  # fmt: skip


def measure_states(intervals: Sequence[Interval] | None, answered: int) -> dict[str, Parts]:
    """`login_time`, `available_time`, `break_time`, `dnd_time`, `occupancy`, `calls_per_hour`; null where unknown."""
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
        "occupancy": Parts(_total(duty, TALK), login - paused),
        "calls_per_hour": Parts(answered, login),
    }


def _total(intervals: Iterable[Interval], state: str = "") -> int:
    """Milliseconds in a state, or in all of them."""
    return sum(each.length_ms for each in intervals if state in ("", each.state))
