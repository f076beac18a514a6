"""What is known of an agent's login, breaks and do not disturb, from each source that tells; the best one decides.

Best first: the PBX's own queue_log for the time that an imported one tells of; what phones and PBX tell in
as-feature-event bodies; feature codes that the agent dialled; lamps of those codes (dialog-info). Of one agent and one
question only the best source that ever speaks is heard: the PBX's word and a lamp for the same thing would else
contradict each other for the milliseconds between them. Instant rejects prove do not disturb whoever says what;
after-call work that nobody tells of is assumed where the PBX's wrap-up is configured.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.queue_words import QueueWord, edges_of, inside, outside

LOGIN, PAUSE, DND, ACW, FORWARD, ELSEWHERE = "login", "pause", "dnd", "acw", "forward", "elsewhere"
SIP, FEATURE_CODE, AS_FEATURE_EVENT, DIALOG_INFO, REGISTER, INFERRED, ASSUMED, LOGGED = (
    "sip", "feature_code", "as_feature_event", "dialog_info", "register", "inferred", "assumed", "queue_log",
)  # fmt: skip
BEST_FIRST = (AS_FEATURE_EVENT, FEATURE_CODE, DIALOG_INFO)
FOREVER = 1 << 62
ACW_LIMIT_MS = 600_000  # what lasts longer than ten minutes is a break
ACW_WITHIN_MS = 15_000  # a break that begins this soon after a call is after-call work
_EFFECTS: Mapping[str, tuple[str, bool | None]] = {  # action -> the flag, and what it becomes; None: the other value
    "login": (LOGIN, True), "logout": (LOGIN, False), "switch_login": (LOGIN, None),
    "pause": (PAUSE, True), "unpause": (PAUSE, False), "switch_pause": (PAUSE, None),
    "dnd_on": (DND, True), "dnd_off": (DND, False), "switch_dnd": (DND, None),
}  # fmt: skip
_AGENT_WORDS = {  # the agent's state as told: logged in, on a break, working after a call
    "login": (True, False, False), "ready": (True, False, False), "not_ready": (True, True, False),
    "after_call": (True, False, True), "logout": (False, False, False),
}  # fmt: skip
_SWITCHES = {
    "dnd_on": (DND, True),
    "dnd_off": (DND, False),
    "forward_on": (FORWARD, True),
    "forward_off": (FORWARD, False),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A flag was up for a time, and who says so."""

    span: Span
    source: str


Flags = dict[str, list[Evidence]]  # flag -> when it was up
Edge = tuple[int, bool]


def action_of(leg: Leg, codes: Mapping[str, str]) -> str:
    """What a call to this number does for the agent; "" for ordinary calls. A code's trailing "*" takes any rest."""
    if leg.direction == "in":
        return ""
    if leg.callee in codes:
        return codes[leg.callee]
    fitting = [code for code in codes if code[-1:] == "*" and len(code) > 1 and leg.callee.startswith(code[:-1])]
    return codes[max(fitting, key=len)] if fitting else ""


def agents_of_hints(told: Iterable[Told], codes: Mapping[str, str]) -> dict[str, list[Told]]:
    """What was told, by extension: a hint such as *46101 or *46101*400 speaks of 101."""
    found: dict[str, list[Told]] = {}
    for each in told:
        code = _code_of_hint(each.extension, codes)
        extension = each.extension[len(code) :].strip("*").partition("*")[0] if code else each.extension
        found.setdefault(extension, []).append(each)
    return found


def _code_of_hint(entity: str, codes: Mapping[str, str]) -> str:
    """The feature code that a hint begins with; "" for an extension."""
    plain = {code.rstrip("*") or code for code in codes}
    return max((code for code in plain if entity.startswith(code) and entity != code), key=len, default="")


def flags_of(
    legs: Sequence[SettledLeg],
    told: Sequence[Told],
    codes: Mapping[str, str],
    logged: Sequence[QueueWord] = (),
    log_span: Span | None = None,
) -> Flags:
    """When each flag of one extension was up; `logged`: what a queue_log says of it, in order, and of which time."""
    sources = {
        AS_FEATURE_EVENT: _told_flags(told),
        FEATURE_CODE: _code_flags(legs, codes),
        DIALOG_INFO: _hint_flags(told, codes),
    }
    flags: Flags = {}
    for flag in (LOGIN, PAUSE, DND, ACW, FORWARD, ELSEWHERE):
        best = next((source for source in BEST_FIRST if flag in sources[source]), "")
        flags[flag] = [Evidence(span, best) for span in sources[best][flag]] if best else []
        if flag == LOGIN and not best:
            flags[flag] = [Evidence((-FOREVER, FOREVER), REGISTER)]  # an office without logins: the phone's is all
    if log_span is not None:
        _lay_over(flags, logged, log_span)
    flags[DND] += [Evidence(span, INFERRED) for span in _rejecting(legs)]
    _tell_work_from_breaks(flags, legs, codes)
    return flags


def _lay_over(flags: Flags, logged: Sequence[QueueWord], log_span: Span) -> None:
    """Within the time of the log its word holds, for the questions that it answers."""
    for flag, edges in zip((LOGIN, PAUSE), edges_of(logged), strict=True):
        if edges:
            others = [(each.source, outside([each.span], log_span)) for each in flags[flag]]
            flags[flag] = [Evidence(span, source) for source, spans in others for span in spans]
            flags[flag] += [Evidence(span, LOGGED) for span in inside(spans_between(edges), log_span)]


def _told_flags(told: Sequence[Told]) -> dict[str, list[Span]]:
    """What as-feature-event bodies said."""
    edges: dict[str, list[Edge]] = {}
    for each in told:
        if each.state in _SWITCHES:
            flag, up = _SWITCHES[each.state]
            edges.setdefault(flag, []).append((each.at_ms, up))
        elif each.state in _AGENT_WORDS:
            for flag, up in zip((LOGIN, PAUSE, ACW), _AGENT_WORDS[each.state], strict=True):
                edges.setdefault(flag, []).append((each.at_ms, up))
    return {flag: spans_between(found) for flag, found in edges.items()}


def _code_flags(legs: Sequence[SettledLeg], codes: Mapping[str, str]) -> dict[str, list[Span]]:
    """What the codes dialled did; before the first word about a flag, it was the other way round."""
    orders = sorted((leg.t_answer, action_of(leg, codes)) for leg, _ in legs if leg.t_answer is not None)
    edges: dict[str, list[Edge]] = {}
    for at_ms, action in orders:
        if action in _EFFECTS:
            flag, wanted = _EFFECTS[action]
            found = edges.setdefault(flag, [])
            found.append((at_ms, not (found and found[-1][1]) if wanted is None else wanted))
    return {flag: spans_between(found) for flag, found in edges.items()}


def _hint_flags(told: Sequence[Told], codes: Mapping[str, str]) -> dict[str, list[Span]]:
    """What lamps showed: each hint by itself, for an agent may have one for each queue."""
    hints: dict[tuple[str, str], list[Edge]] = {}
    for each in told:
        if each.state in ("busy", "idle"):
            code = _code_of_hint(each.extension, codes)
            action = codes.get(code) or codes.get(code + "*", "")
            flag = _EFFECTS[action][0] if action in _EFFECTS else ELSEWHERE
            hints.setdefault((flag, each.extension), []).append((each.at_ms, each.state == "busy"))
    flags: dict[str, list[Span]] = {}
    for (flag, _), edges in hints.items():
        flags.setdefault(flag, []).extend(spans_between(edges, before=False))
    return flags


def spans_between(edges: Sequence[Edge], *, before: bool = True) -> list[Span]:
    """Spans in which a flag was up; one that first goes down was up before, unless what goes before says nothing."""
    spans: list[Span] = []
    since = -FOREVER if before and edges and not edges[0][1] else None
    for at_ms, up in edges:
        if up and since is None:
            since = at_ms
        elif not up and since is not None:
            spans.append((since, at_ms))
            since = None
    return [*spans, (since, FOREVER)] if since is not None else spans


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


# --- after-call work ---


def _tell_work_from_breaks(flags: Flags, legs: Sequence[SettledLeg], codes: Mapping[str, str]) -> None:
    """A break right after a call is after-call work, up to its limit; what goes beyond the limit is a break."""
    ends = sorted(leg.t_end for leg, _ in conversations(legs, codes) if leg.t_end is not None)
    breaks: list[Evidence] = []
    for each in flags[PAUSE]:
        start, end = each.span
        if _just_before(ends, start, ACW_WITHIN_MS):
            flags[ACW].append(Evidence((start, min(end, start + ACW_LIMIT_MS)), each.source))
            start = min(end, start + ACW_LIMIT_MS)
        breaks.append(Evidence((start, end), each.source))
    limited: list[Evidence] = []
    for each in flags[ACW]:
        start, end = each.span
        limit = min(end, start + ACW_LIMIT_MS)
        limited.append(Evidence((start, limit), each.source))
        breaks.append(Evidence((limit, end), each.source))
    flags[ACW], flags[PAUSE] = limited, [each for each in breaks if each.span[1] > each.span[0]]


def _just_before(moments: Sequence[int], at_ms: int, within_ms: int) -> bool:
    """Whether one of the moments lies shortly before."""
    place = bisect_right(moments, at_ms)
    return place > 0 and at_ms - moments[place - 1] <= within_ms


def conversations(legs: Iterable[SettledLeg], codes: Mapping[str, str]) -> list[SettledLeg]:
    """Answered calls with people: orders to the PBX are none."""
    return [(leg, word) for leg, word in legs if word == "answered" and action_of(leg, codes) == ""]


def assume_wrap_up(
    flags: Flags, legs: Sequence[SettledLeg], codes: Mapping[str, str], wrap_up: Mapping[str, int]
) -> None:
    """Where nobody tells of after-call work, the PBX's own wrap-up after each call that has one (leg id -> ms)."""
    starts = sorted(leg.t_invite for leg, _ in legs if action_of(leg, codes) == "")
    told = sorted(each.span[0] for each in flags[ACW])
    for leg, _ in conversations(legs, codes):
        length = min(wrap_up.get(leg.leg_id, 0), ACW_LIMIT_MS)
        if not length or leg.t_end is None:
            continue
        following = bisect_right(starts, leg.t_end)
        until = min(leg.t_end + length, starts[following] if following < len(starts) else FOREVER)
        own = bisect_right(told, leg.t_end - 1)
        if own == len(told) or told[own] > leg.t_end + ACW_WITHIN_MS:
            flags[ACW].append(Evidence((leg.t_end, until), ASSUMED))
