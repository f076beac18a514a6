"""What the PBX itself logged of each caller's first queue, and how contacts compare with it."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cloud_sink.contacts.records import Contact, Leg

TOLERANCE_S = 0.1
UNDECIDED = ("open", "unknown", "claimed_elsewhere")


@dataclass(frozen=True, slots=True)
class Visit:
    """One caller's first queue; times in seconds since the epoch, None where it did not happen."""

    call_id: str
    queue: str
    outcome: str  # answered | abandoned | overflow
    extension: str = ""
    t_answer: float | None = None
    t_left: float | None = None


def logged_visits(truth: Path) -> list[Visit]:
    """The visits of a recording, from the PBX's queue log and its events."""
    packed = truth / "calls.json.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (truth / "calls.json").read_bytes()
    outcomes = _outcomes((truth / "queue_log").read_text())
    return [
        _visit(leg, *outcomes[leg["uniqueid"]], call.get("events", []))
        for call in json.loads(text)["calls"]
        for leg in call["legs"]
        if leg["uniqueid"] in outcomes and leg.get("callid") and leg.get("context") == "from-trunk"
    ]


def _outcomes(log: str) -> dict[str, tuple[str, str]]:
    """(queue, outcome) of each channel's first visit."""
    words = {"CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHTIMEOUT": "overflow", "EXITEMPTY": "overflow"}
    entered: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    for line in log.splitlines():
        _, channel, queue, _, event, *_ = line.split("|")
        if event == "ENTERQUEUE":
            entered.setdefault(channel, queue)
        elif event in words and entered.get(channel) == queue:
            found.setdefault(channel, (queue, words[event]))
    return found


def _visit(leg: Mapping[str, str], queue: str, outcome: str, events: Sequence[Mapping[str, str]]) -> Visit:
    own = {event["ev"]: event for event in reversed(events) if event.get("uniqueid") == leg["uniqueid"]}
    connect, left = own.get("AgentConnect"), own.get("QueueCallerAbandon")
    return Visit(
        leg["callid"],
        queue,
        outcome,
        connect["Interface"].split("/")[1].split("@")[0] if connect else "",
        float(connect["t"]) if connect and outcome == "answered" else None,
        float(left["t"]) if left and outcome == "abandoned" else None,
    )


def shifted(visits: Iterable[Visit], by_ms: int, mark: str) -> list[Visit]:
    """The same visits at another time, of the legs that `copied` makes."""
    return [
        replace(
            visit,
            call_id=mark + visit.call_id,
            t_answer=None if visit.t_answer is None else visit.t_answer + by_ms / 1000,
            t_left=None if visit.t_left is None else visit.t_left + by_ms / 1000,
        )
        for visit in visits
    ]


def copied(legs: Iterable[Leg], by_ms: int, mark: str) -> list[Leg]:
    """The same legs at another time, of other calls by other callers from outside."""

    def later(at_ms: int | None) -> int | None:
        return None if at_ms is None else at_ms + by_ms

    return [
        replace(
            leg,
            leg_id=mark + leg.leg_id,
            call_key=mark + leg.call_key,
            session_key=leg.session_key and mark + leg.session_key,
            replaces_key=leg.replaces_key and mark + leg.replaces_key,
            t_invite=leg.t_invite + by_ms,
            t_ring=later(leg.t_ring),
            t_answer=later(leg.t_answer),
            t_end=later(leg.t_end),
            caller=somebody_else(leg.caller),
            connected=somebody_else(leg.connected),
            callee=somebody_else(leg.callee) if leg.direction == "out" else leg.callee,
        )
        for leg in legs
    ]


def somebody_else(number: str) -> str:
    """Another customer's number; the office's own and its extensions stay."""
    outside = len(number) > 6 and not number.startswith("44207946")
    return number[:-6] + f"{(int(number[-6:]) * 7 + 13) % 1_000_000:06}" if outside else number


def compare(visits: Sequence[Visit], contacts: Iterable[Contact], call_ids: Mapping[str, str]) -> Counter[str]:
    """How many visits came out `right`, `marked` as uncertain, `silent`ly wrong, or were `missing` altogether."""
    of_call: dict[str, Contact] = {}
    for contact in contacts:
        for leg in contact.legs:
            of_call.setdefault(call_ids[leg], contact)
    return Counter(_judge(visit, of_call.get(visit.call_id)) for visit in visits)


def _judge(visit: Visit, contact: Contact | None) -> str:
    if contact is None:
        return "missing"
    if _is_right(visit, contact):
        return "right"
    return "marked" if contact.correlation == "ambiguous" or contact.disposition in UNDECIDED else "silent"


def _is_right(visit: Visit, contact: Contact) -> bool:
    word = "overflow" if contact.disposition == "voicemail" else contact.disposition
    if (contact.queue, word) != (visit.queue, visit.outcome):
        return False
    if visit.outcome == "answered" and visit.extension not in ("", contact.extension):
        return False
    return _at(contact.t_agent_answer, visit.t_answer) and _at(contact.t_end, visit.t_left)


def _at(at_ms: int | None, at_s: float | None) -> bool:
    return at_s is None or (at_ms is not None and abs(at_ms / 1000 - at_s) <= TOLERANCE_S)
