import pytest

from cloud_sink.kpi.extensions import busy_ms, by_extension, measure_extension
from cloud_sink.kpi.value import Parts


def test_legs_are_grouped_by_extension(make_leg):
    """A leg without an extension belongs to nobody."""
    legs = [(make_leg("101"), "answered"), (make_leg("102"), "busy"), (make_leg(""), "answered")]
    assert {"101": 1, "102": 1} == {name: len(group) for name, group in by_extension(legs).items()}


@pytest.mark.parametrize("outcome", ["elsewhere", "elsewhere_claimed", "busy", "lost_race", "unreachable", "dnd"])
def test_what_nobody_could_help_counts_for_nobody(make_leg, outcome):
    """A ring a sibling answered, or that found the phone busy, is a ring but no failure."""
    measured = measure_extension([(make_leg(talk_s=None), outcome)])
    assert Parts(1) == measured["rings"]
    assert Parts(0) == measured["agent_non_response"]
    assert Parts(0, 0) == measured["agent_answer_rate"]


def test_a_caller_who_left_counts_after_ten_seconds(make_leg):
    """`caller_gone` counts against the agent from 10 s of ringing on, and never in the stricter form."""
    legs = [
        (make_leg(ring_s=9.999, talk_s=None), "caller_gone"),
        (make_leg(ring_s=10, talk_s=None), "caller_gone"),
        (make_leg(talk_s=None), "no_answer"),
        (make_leg(), "answered"),
    ]
    measured = measure_extension(legs)
    assert Parts(2) == measured["agent_non_response"]
    assert Parts(1) == measured["agent_non_response_excl_abandon"]
    assert Parts(1, 3) == measured["agent_answer_rate"]


def test_internal_and_outgoing_calls_are_no_rings(make_leg):
    """Rings and talk are customers' only; load is everything."""
    legs = [
        (make_leg(direction="int", at_s=0, ring_s=0, talk_s=10), "answered"),
        (make_leg(direction="out", at_s=20, ring_s=0, talk_s=10), "answered"),
    ]
    measured = measure_extension(legs)
    assert Parts(0) == measured["rings"]
    assert Parts(1, 1) == measured["connect_rate"]
    assert Parts(20_000) == measured["ext_load"]


def test_times_are_the_extensions_own_part(make_leg):
    """Talk and hold of this phone's leg, whoever else talked to the same customer."""
    measured = measure_extension([(make_leg(ring_s=3, talk_s=40, hold_s=10), "answered")])
    assert Parts(3000, 1) == measured["ring_time_avg"]
    assert Parts(40_000, 1) == measured["avg_talk_time"]
    assert Parts(50_000, 1) == measured["aht"]


def test_what_happened_in_his_own_calls(make_leg):
    """Hold, passing on, very short calls, and who hung up; whoever passes a caller on has not hung up on him."""
    legs = [
        (make_leg(at_s=0, talk_s=40, hold_s=10, ended_by="caller"), "answered"),
        (make_leg(at_s=100, talk_s=3, ended_by="callee"), "answered"),
        (make_leg(at_s=200, talk_s=4, ended_by="caller"), "answered"),
        (make_leg(at_s=300, talk_s=60, ended_by="callee", transfer="blind"), "answered"),
        (make_leg(at_s=400, talk_s=2, direction="int", ended_by="callee"), "answered"),
    ]
    measured = measure_extension(legs)
    assert Parts(10_000, 1) == measured["hold_time_avg"]
    assert Parts(2, 4) == measured["short_call_rate"]
    assert [Parts(1, 4)] * 3 == [
        measured[kpi] for kpi in ("transfer_rate", "short_call_agent_rate", "agent_hangup_first_rate")
    ]


def test_who_fetched_a_caller_and_hangs_up_is_the_caller(make_leg):
    """A pickup code is dialled: the phone is at the other end of that leg."""
    leg = make_leg("105", callee="*8", direction="int", talk_s=30, ended_by="caller")
    assert Parts(1, 1) == measure_extension([(leg, "answered")], {leg.leg_id: leg})["agent_hangup_first_rate"]


def test_two_lines_at_once_are_busy_once(make_leg):
    """`ext_load` is the union of the calls, not their sum; a lost race is no call."""
    legs = [
        (make_leg(at_s=0, ring_s=0, talk_s=60), "answered"),
        (make_leg(at_s=30, ring_s=0, talk_s=60), "answered"),
        (make_leg(at_s=200, ring_s=0, talk_s=1), "lost_race"),
    ]
    assert 90_000 == busy_ms(legs)
