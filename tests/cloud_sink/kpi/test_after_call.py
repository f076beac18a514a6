"""After-call work of calls: whose it is, how it is known, and that what is assumed is never mixed with it."""

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import AGENT_CODES
from cloud_sink.kpi.after_call import AfterCall, after_call_work, measure_after_call, measure_own_after_call
from cloud_sink.kpi.states import Registered, agent_states

from .conftest import START, build_contact, build_leg

HOUR = [(START, START + 3_600_000)]
CALLS = [(build_leg("101", at_s=at_s, talk_s=60, hold_s=5), "answered") for at_s in (0, 600, 1200)]
IDS = [leg.leg_id for leg, _ in CALLS]


def works(*, words=(), wrap_up=None):
    """The work after 101's three calls, which end at 70, 670 and 1270 s."""
    told = [Told(START + round(at_s * 1000), "101", state) for at_s, state in words]
    states = agent_states(
        CALLS, [Registered(START, "101", registered=True)], watched=HOUR, codes=AGENT_CODES, told=told, wrap_up=wrap_up
    )
    return after_call_work(states, CALLS, AGENT_CODES)


def contacts():
    """The contacts of the three calls."""
    return [build_contact(talk_s=60, hold_s=5, agent="101", legs=(leg_id,)) for leg_id in IDS]


WORDS = ((0, "ready"), (70, "after_call"), (100, "ready"), (1271, "after_call"), (1301, "ready"))


def test_work_belongs_to_the_call_before() -> None:
    """Thirty seconds after the first and the third; the phone tells of work, so the second had none."""
    found = works(words=WORDS)
    assert [30_000, 0, 30_000] == [found[leg_id].length_ms for leg_id in IDS]
    assert not any(work.assumed for work in found.values())


def test_averages_of_measured_work() -> None:
    """Twenty seconds on average; the handle time has talk and hold as well. Nothing is assumed."""
    found = measure_after_call(contacts(), works(words=WORDS))
    assert (60_000, 3) == (found["acw_avg"].numerator, found["acw_avg"].denominator)
    assert (3 * 65_000 + 60_000, 3) == (found["aht_acw"].numerator, found["aht_acw"].denominator)
    assert 0 == found["acw_avg_assumed"].denominator


def test_assumed_work_stands_apart() -> None:
    """Only the PBX's wrap-up is known, and only of one queue's call."""
    found = measure_after_call(contacts(), works(wrap_up={IDS[1]: 45_000}))
    assert 0 == found["acw_avg"].denominator
    assert (45_000, 1) == (found["acw_avg_assumed"].numerator, found["acw_avg_assumed"].denominator)
    assert 110_000 == found["aht_acw_assumed"].numerator


def test_contact_with_both_kinds_is_in_neither() -> None:
    """Passed on from an agent whose work is measured to one whose wrap-up is assumed."""
    both = {"a": AfterCall("101", 10_000, assumed=False), "b": AfterCall("102", 30_000, assumed=True)}
    found = measure_after_call([build_contact(talk_s=60, legs=("a", "b"))], both)
    assert [0, 0] == [found["acw_avg"].denominator, found["acw_avg_assumed"].denominator]


def test_further_queue_has_its_own_agent_s_work() -> None:
    """The visit to a second queue counts the work of who answered there."""
    both = {"a": AfterCall("101", 10_000, assumed=False), "b": AfterCall("102", 30_000, assumed=False)}
    visit = build_contact(talk_s=60, contact_id="c/2", agent="102", legs=("a", "b"))
    assert 30_000 == measure_after_call([visit], both)["acw_avg"].numerator


def test_extension_s_own_part() -> None:
    """Of its own calls; nothing where its states are unknown."""
    found = measure_own_after_call(CALLS, works(words=WORDS))
    assert (60_000, 3) == (found["acw_avg"].numerator, found["acw_avg"].denominator)
    assert 0 == measure_own_after_call(CALLS, after_call_work(None, CALLS, AGENT_CODES))["acw_avg"].denominator


def test_a_pause_by_code_is_the_work_after_the_call_before_it() -> None:
    """The call that orders the pause is no call to work on: ten seconds of work after 101's first call."""
    orders = [
        (build_leg("101", at_s=at_s, ring_s=None, talk_s=0.7, callee=code, direction="int", caller="101"), "answered")
        for at_s, code in ((72, "*46"), (82, "*47"))
    ]
    legs = [*CALLS, *orders]
    online = [Registered(START, "101", registered=True)]
    states = agent_states(legs, online, watched=HOUR, codes=AGENT_CODES)
    assert {IDS[0]: AfterCall("101", 10_000, assumed=False)} == after_call_work(states, legs, AGENT_CODES)
