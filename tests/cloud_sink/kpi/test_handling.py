from cloud_sink.kpi.handling import measure_handling, measure_left_on_hold
from cloud_sink.kpi.value import Parts

from .conftest import build_contact, build_leg


def test_handle_time_is_talk_and_hold(make_contact):
    """AHT without after-call work adds hold to talk; talk time alone leaves it out."""
    measured = measure_handling([make_contact(talk_s=60, hold_s=30), make_contact(talk_s=20)])
    assert Parts(80_000, 2) == measured["avg_talk_time"]
    assert Parts(110_000, 2) == measured["aht"]


def test_hold_is_averaged_over_held_contacts(make_contact):
    """Contacts that were never on hold are in the rate, not in the average."""
    measured = measure_handling([make_contact(hold_s=30), make_contact()])
    assert Parts(30_000, 1) == measured["hold_time_avg"]
    assert Parts(1, 2) == measured["hold_rate"]


def test_a_call_still_up_is_in_no_average(make_contact):
    """R2: it has no talk time yet, and 0 would be a lie."""
    measured = measure_handling([make_contact(t_end=None, talk_s=0)])
    assert {Parts(0, 0)} == set(measured.values())


def test_shares_of_answered_contacts(make_contact):
    """Transfers, calls under ten seconds, and calls the agent ended."""
    contacts = [
        make_contact(transfers=2, talk_s=9.999, ended_by="agent"),
        make_contact(talk_s=10, ended_by="caller"),
        make_contact("abandoned"),
    ]
    measured = measure_handling(contacts)
    shares = ("transfer_rate", "short_call_rate", "short_call_agent_rate", "agent_hangup_first_rate")
    assert [Parts(1, 2)] * 4 == [measured[name] for name in shares]


def test_very_short_calls_are_split_by_who_ended_them(make_contact):
    """An agent who drops a call is something else than a wrong number."""
    contacts = [make_contact(talk_s=3, ended_by=who) for who in ("agent", "caller", "caller", "pbx")]
    measured = measure_handling(contacts)
    assert (Parts(4, 4), Parts(1, 4)) == (measured["short_call_rate"], measured["short_call_agent_rate"])


def test_callers_who_hung_up_on_hold():
    """By the caller, with the agent's phone holding; not the agent, not after the hold, not passed on."""
    held = {"talk_s": 60, "hold_s": 20, "hold_at_end_ms": 20_000, "ended_by": "caller"}
    legs = [
        (build_leg("101", leg_id="left", **held), "answered"),
        (build_leg("101", leg_id="agent", **(held | {"ended_by": "callee"})), "answered"),
        (build_leg("101", leg_id="back", **(held | {"hold_at_end_ms": 0})), "answered"),
        (build_leg("101", leg_id="passed", **(held | {"transfer": "attended"})), "answered"),
    ]
    contacts = [build_contact(legs=(leg.leg_id,), ended_by="caller") for leg, _ in legs]
    assert 1 == measure_left_on_hold(contacts, legs)["hold_abandoned"].numerator
    assert (
        0 == measure_left_on_hold([build_contact(legs=("left",), ended_by="agent")], legs)["hold_abandoned"].numerator
    )
