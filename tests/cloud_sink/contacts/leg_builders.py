"""Readable legs: one call a function, times in seconds from the start of the story."""

from cloud_sink.contacts.records import Destination, Leg, OfficePlan

ZERO = 1_700_000_000_000  # Unix ms, a quarter hour's border of no meaning

PLAN = OfficePlan(
    office="lab",
    destinations=(
        Destination("support", "queue", ("4400",), ("101", "102", "103"), timeout_ms=60_000),
        Destination("sales", "queue", ("4401", "401"), ("103", "104")),
        Destination("menu", "ivr", ("4500",), choices={"1": "support", "2": "sales"}),
        Destination("closed", "announcement", ("4520",)),
        Destination("survey", "survey", ("4510",)),
        Destination("group", "ring_group", ("4300",), tuple(str(number) for number in range(101, 110))),
        Destination("pickup", "feature", ("*8*",)),
    ),
    direct={"44600???": "???", "4470?": "10?"},
)


def at(seconds: float | None) -> int | None:
    """Milliseconds since the epoch of a moment of the story."""
    return None if seconds is None else ZERO + round(seconds * 1000)


def leg(name: str, **facts: object) -> Leg:
    """A leg with these facts; `invite`, `ring`, `answer`, `end` are seconds."""
    times = {key: facts.pop(key, None) for key in ("invite", "ring", "answer", "end")}
    values = {
        "role": "phone", "direction": "in", "extension": "", "caller": "", "callee": "", "call_key": name,
        **facts,
    }  # fmt: skip
    if times["answer"] is not None:
        values.setdefault("final_code", 200)
    invite = at(times["invite"])
    assert invite is not None
    return Leg(
        leg_id=name, office="lab", box="box", epoch=1, seq=0, t_invite=invite, t_ring=at(times["ring"]),
        t_answer=at(times["answer"]), t_end=at(times["end"]), **values,
    )  # fmt: skip


def trunk(name: str, did: str, caller: str, invite: float, end: float | None, **facts: object) -> Leg:
    """A customer's leg from the carrier; he hangs up unless said otherwise."""
    facts.setdefault("ended_by", "caller" if end is not None else "")
    facts.setdefault("cancelled", facts.get("answer") is None and facts["ended_by"] == "caller")
    return leg(name, role="trunk", caller=caller, callee=did, invite=invite, end=end, **facts)


def ring(name: str, extension: str, caller: str, invite: float, end: float | None, **facts: object) -> Leg:
    """The PBX calls a phone; without an answer it was cancelled."""
    facts.setdefault("ring", invite + 0.1)
    if facts.get("answer") is None and "final_code" not in facts and end is not None:
        facts.update(cancelled=True, ended_by="caller", final_code=487)
    return leg(name, extension=extension, callee=extension, caller=caller, invite=invite, end=end, **facts)


def dial(name: str, extension: str, number: str, invite: float, end: float | None, **facts: object) -> Leg:
    """A phone calls a number; inside the house unless said otherwise."""
    facts.setdefault("direction", "int")
    return leg(name, extension=extension, callee=number, caller=extension, invite=invite, end=end, **facts)
