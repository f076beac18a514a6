"""Occupancy by queues: what calls made and direct calls do not count for."""

from cloud_sink.contacts.records import AGENT_CODES
from cloud_sink.kpi.queue_occupancy import legs_of_queues, measure_queue_occupancy
from cloud_sink.kpi.states import Registered, agent_states, measure_states
from cloud_sink.kpi.value import Parts

from .conftest import START, build_contact, build_leg

HOUR = [(START, START + 3_600_000)]
NINE = Registered(START, "101", registered=True)


def measured(*legs, queued=frozenset(), wrap_up=None):
    """(in queues, in all calls, on duty) of 101's hour, in seconds."""
    settled = [(leg, "answered") for leg in legs]
    states = agent_states(settled, [NINE], watched=HOUR, codes=AGENT_CODES, wrap_up=wrap_up)["101"]
    found = measure_queue_occupancy(states, settled, {}, queued)["queue_occupancy"]
    everything = measure_states(states, 0)["occupancy"]
    assert found.denominator == everything.denominator
    return found.numerator // 1000, everything.numerator // 1000, found.denominator // 1000


def test_only_queues_calls_count():
    """A minute with a queue's caller, two with somebody who dialled the extension."""
    queued, direct = build_leg("101", at_s=100, talk_s=60), build_leg("101", at_s=500, talk_s=120)
    assert (60, 180, 3600) == measured(queued, direct, queued={queued.leg_id})


def test_the_work_after_a_queues_call_counts():
    """Ten seconds of wrap-up after either; only the queue's is its work."""
    queued, direct = build_leg("101", at_s=100, talk_s=60), build_leg("101", at_s=500, talk_s=120)
    wrap_up = {queued.leg_id: 10_000, direct.leg_id: 10_000}
    assert (70, 200, 3600) == measured(queued, direct, queued={queued.leg_id}, wrap_up=wrap_up)


def test_breaks_are_left_out():
    """Ten minutes of break are no time on duty for either occupancy."""
    queued = build_leg("101", at_s=1000, talk_s=60)
    codes = [build_leg("101", at_s=at, ring_s=None, talk_s=0.5, callee=code, direction="int", caller="101")
             for at, code in ((100, "*46"), (700, "*47"))]  # fmt: skip
    assert (60, 3000) == measured(queued, *codes, queued={queued.leg_id})[::2]


def test_unknown_states_are_null():
    """Nothing over nothing."""
    assert {"queue_occupancy": Parts(0, 0)} == measure_queue_occupancy(None, [], {}, frozenset())


def test_queues_groups_and_transfers_into_queues():
    """Which contacts' legs are queue work."""
    contacts = [
        build_contact(kind="queue", legs=("q",)), build_contact(kind="ring_group", legs=("g",)),
        build_contact(kind="direct", legs=("d",)),
    ]  # fmt: skip
    assert {"q", "g"} == legs_of_queues(contacts)
