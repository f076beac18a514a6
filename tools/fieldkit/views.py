"""What `ringtap replay --show` shows: the rows of each view, with the fields and the order that programs rely on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TextIO

from cloud_sink.contacts.records import Contact, Leg, QueueVisit
from cloud_sink.kpi.period import local_time
from cloud_sink.kpi.report import Report
from cloud_sink.kpi.signalling import SignallingReport
from fieldkit.ladder import Call, draw
from fieldkit.output import Row, print_json, print_rows
from fieldkit.replay import Replayed

STATISTICS = (
    "frames", "datagrams", "sip_messages", "sip_requests", "sip_responses", "malformed", "orphans", "retransmissions",
    "duplicates", "truncated", "fragments", "fragments_incomplete", "tcp_gaps", "encrypted", "websocket", "ignored",
)  # fmt: skip


def seconds(time_ms: int | None) -> float | None:
    """Milliseconds as seconds with three decimals; None stays None."""
    return None if time_ms is None else time_ms / 1000


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows made anew each time that somebody goes through them: all at once may be too many."""

    make: Callable[[], Iterator[Row]]

    def __iter__(self) -> Iterator[Row]:
        return self.make()


def show_legs(replayed: Replayed, form: str, stream: TextIO) -> None:
    """One row per leg, in order of its INVITE."""
    settled = replayed.kept.settled_legs
    rows = _Rows(lambda: (describe_leg(*each) for each in settled()))
    print_rows(rows, form, stream, table=_Rows(lambda: (_leg_line(*each, replayed) for each in settled())))


def describe_leg(leg: Leg, outcome: str, call_id: str) -> Row:
    """All fields of a leg."""
    return {
        "leg_id": leg.leg_id,
        "call_id": call_id,
        "extension": leg.extension,
        "role": leg.role,
        "direction": leg.direction,
        "caller": leg.caller,
        "callee": leg.callee,
        "t_invite": seconds(leg.t_invite),
        "t_ring": seconds(leg.t_ring),
        "t_answer": seconds(leg.t_answer),
        "t_end": seconds(leg.t_end),
        "ring_ms": leg.ring_ms,
        "talk_ms": leg.talk_ms,
        "hold_ms": leg.hold_ms,
        "holds": leg.holds,
        "outcome": outcome,
        "final_code": leg.final_code,
        "ended_by": leg.ended_by,
        "reason": _reason(leg),
        "transfer": leg.transfer,
        "transport": leg.transport,
        "retransmissions": leg.retransmissions,
        "partial": leg.partial,
    }


def _reason(leg: Leg) -> str:
    """The Reason headers as RFC 3326 writes them."""
    sip = [f"SIP;cause={leg.reason_sip}"] if leg.reason_sip else []
    q850 = [f"Q.850;cause={leg.reason_q850}"] if leg.reason_q850 is not None else []
    return ", ".join(sip + q850)


def _leg_line(leg: Leg, outcome: str, _call_id: str, replayed: Replayed) -> Row:
    return {
        "time": _clock(leg.t_invite, replayed),
        "role": leg.role,
        "dir": leg.direction,
        "extension": leg.extension,
        "caller": leg.caller,
        "callee": leg.callee,
        "ring s": seconds(leg.ring_ms),
        "talk s": seconds(leg.talk_ms),
        "outcome": outcome,
        "code": leg.final_code,
        "ended by": leg.ended_by,
    }


def show_contacts(replayed: Replayed, form: str, stream: TextIO) -> None:
    """One row per contact, in order of its offer."""
    contacts = replayed.kept.contacts
    rows = _Rows(lambda: (describe_contact(*each) for each in contacts()))
    print_rows(rows, form, stream, table=_Rows(lambda: (_contact_line(contact, replayed) for contact, _ in contacts())))


def describe_contact(contact: Contact, call_ids: Iterable[str]) -> Row:
    """All fields of a contact."""
    return {
        "contact_id": contact.contact_id,
        "queue": contact.queue,
        "did": contact.did,
        "direction": contact.direction,
        "caller": contact.caller,
        "t_offer": seconds(contact.t_offer),
        "t_pbx_answer": seconds(contact.t_pbx_answer),
        "t_first_ring": seconds(contact.t_first_ring),
        "t_agent_answer": seconds(contact.t_agent_answer),
        "t_end": seconds(contact.t_end),
        "disposition": contact.disposition,
        "agent": contact.agent,
        "extension": contact.extension,
        "wait_ms": contact.wait_ms,
        "wait_basis": contact.wait_basis,
        "ring_ms": contact.ring_ms,
        "talk_ms": contact.talk_ms,
        "hold_ms": contact.hold_ms,
        "transfers": contact.transfers,
        "rings": contact.rings,
        "short": contact.short,
        "correlation": contact.correlation,
        "legs": list(contact.legs),
        "call_ids": list(dict.fromkeys(call_ids)),
        "visits": [_describe_visit(visit) for visit in contact.visits],
    }


def _describe_visit(visit: QueueVisit) -> Row:
    """All fields of a visit, times as those of a contact."""
    times = {name: seconds(getattr(visit, name)) for name in ("t_enter", "t_agent_answer", "t_end")}
    return asdict(visit) | times


def _contact_line(contact: Contact, replayed: Replayed) -> Row:
    return {
        "time": _clock(contact.t_offer, replayed),
        "dir": contact.direction,
        "queue": " > ".join(visit.queue for visit in contact.queue_visits()),
        "caller": contact.caller,
        "disposition": contact.disposition,
        "extension": contact.extension,
        "wait s": seconds(contact.wait_ms),
        "talk s": seconds(contact.talk_ms),
        "rings": contact.rings,
        "transfers": contact.transfers,
        "correlation": contact.correlation,
    }


def show_kpis(replayed: Replayed, form: str, stream: TextIO) -> None:
    """The report; as rows it has one per KPI and place."""
    report, signalling = replayed.report(), replayed.signalling
    if form == "json":
        print_json(report.to_json() | {"signalling": signalling.to_json()}, stream)
    else:
        rows = [*_kpi_rows(report), *_signalling_rows(signalling)]
        print_rows(rows, form, stream, table=[_kpi_line(row) for row in rows])


def _kpi_rows(report: Report) -> Iterator[Row]:
    places = [("total", "", report.total)]
    places += [("queue", name, values) for name, values in report.queues.items()]
    places += [("extension", name, values) for name, values in report.extensions.items()]
    for scope, name, values in places:
        for kpi, value in values.items():
            yield {"scope": scope, "name": name, "kpi": kpi, **value.to_json()}


def _signalling_rows(report: SignallingReport) -> Iterator[Row]:
    """By vantage point, each leg counted and each contact; and how calls sounded at each phone."""
    for name, vantage in report.vantages.items():
        for scope, figures in (("signalling", vantage.by_leg), ("signalling by contact", vantage.by_contact)):
            for kpi, figure in figures.items():
                yield {"scope": scope, "name": name, "kpi": kpi, **figure.value.to_json()}
    for name, sound in {"": report.sound, **report.sound_of}.items():
        yield {"scope": "sound", "name": name, "kpi": "mos_lq", **sound.mos_lq.value.to_json()}


def _kpi_line(row: Row) -> Row:
    shown = "-" if row["value"] is None else f"{row['value']:.1f} {row['unit']}"
    return {
        "scope": row["scope"],
        "name": row["name"],
        "kpi": row["kpi"],
        "value": shown,
        "from": f"{row['numerator']:g} / {row['denominator']:g}",
        "basis": row["basis"],
    }


def show_statistics(replayed: Replayed, form: str, stream: TextIO) -> None:
    """What was counted on the way, and from when to when."""
    row: dict[str, object] = {name: replayed.counters[name] for name in STATISTICS}
    row["first_time"] = seconds(replayed.first_ms)
    row["last_time"] = seconds(replayed.last_ms)
    if form == "json":
        print_json(row, stream)
        return
    table = [{"counter": name, "value": replayed.counters[name]} for name in STATISTICS]
    print_rows([row], form, stream, table=table)
    if form == "table" and replayed.first_ms is not None and replayed.last_ms is not None:
        stream.write(f"from {_clock(replayed.first_ms, replayed)} to {_clock(replayed.last_ms, replayed)}\n")


def show_ladder(replayed: Replayed, form: str, stream: TextIO) -> None:
    """Who sent what to whom, call by call."""
    calls = replayed.ladder.calls()
    if form == "table":
        for call in calls:
            stream.writelines(f"{line}\n" for line in draw(call))
            stream.write("\n")
    elif form == "csv":
        print_rows(({"call_id": call.call_id, **rung} for call in calls for rung in _rungs(call)), form, stream)
    else:
        rows = ({"call_id": call.call_id, "messages": _rungs(call), "left_out": call.left_out} for call in calls)
        print_rows(rows, form, stream)


def _rungs(call: Call) -> list[Row]:
    return [
        {"time": seconds(rung.at_ms), "from": rung.source, "to": rung.target, "message": rung.text}
        for rung in call.rungs
    ]


def _clock(at_ms: int, replayed: Replayed) -> str:
    """A moment as the office's clocks show it."""
    return local_time(at_ms, replayed.plan.time_zone).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class View:
    """One thing to show."""

    about: str
    show: Callable[[Replayed, str, TextIO], None]
    needs_legs: bool = True
    needs_ladder: bool = False


VIEWS = {
    "legs": View("every call leg that was seen", show_legs),
    "contacts": View("every customer's attempt, with the legs that served it", show_contacts),
    "kpis": View("the KPIs of the recording", show_kpis),
    "ladder": View("the SIP messages of each call", show_ladder, needs_legs=False, needs_ladder=True),
    "stats": View("what was counted on the way", show_statistics, needs_legs=False),
}
