"""Handling: what happened once an agent had answered.

Handle time is talk and hold, and is labelled "no ACW": the work after calls is known of some only (`after_call`).
A call that is still up has no talk time yet and stays out of the averages until it ends.
"""

from collections.abc import Iterable, Sequence

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.extensions import SHORT_CALL_MS, SettledLeg
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ANSWERED, customers


def handled(contacts: Sequence[Contact]) -> list[Contact]:
    """Customers' contacts that were answered, are over, and of which the moment of the answer is known."""
    return [
        c
        for c in customers(contacts)
        if c.disposition == ANSWERED and c.t_end is not None and c.t_agent_answer is not None
    ]


def measure_handling(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`avg_talk_time`, `aht`, hold, transfers, short calls and who hung up; times in milliseconds."""
    done = handled(contacts)
    return {
        "avg_talk_time": Parts(sum(c.talk_ms for c in done), len(done)),
        "aht": Parts(sum(c.talk_ms + c.hold_ms for c in done), len(done)),
        "transfer_rate": Parts(sum(c.transfers > 0 for c in done), len(done)),
        "short_call_rate": Parts(sum(c.talk_ms < SHORT_CALL_MS for c in done), len(done)),
        "short_call_agent_rate": Parts(
            sum(c.talk_ms < SHORT_CALL_MS and c.ended_by == "agent" for c in done), len(done)
        ),
        "agent_hangup_first_rate": Parts(sum(c.ended_by == "agent" for c in done), len(done)),
    } | _measure_hold(done)


def measure_left_on_hold(contacts: Sequence[Contact], legs: Iterable[SettledLeg]) -> dict[str, Parts]:
    """`hold_abandoned`: the caller hung up while the agent had him on hold, not passing him on."""
    cut = {
        leg.leg_id
        for leg, word in legs
        if word == ANSWERED and leg.hold_at_end_ms > 0 and leg.ended_by == "caller" and not leg.transfer
    }
    left = [c for c in handled(contacts) if c.ended_by == "caller" and not cut.isdisjoint(c.legs)]
    return {"hold_abandoned": Parts(len(left))}


def _measure_hold(done: Sequence[Contact]) -> dict[str, Parts]:
    """`hold_time_avg` per held contact, and `hold_rate`: the share that was held at all."""
    held = [c.hold_ms for c in done if c.hold_ms > 0]
    return {"hold_time_avg": Parts(sum(held), len(held)), "hold_rate": Parts(len(held), len(done))}
