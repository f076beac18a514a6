"""Where agent states come from: which source is heard, and what it makes of a day."""

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import AGENT_CODES
from cloud_sink.kpi.states import Registered, agent_states

from .conftest import START, build_leg

HOUR = [(START, START + 3_600_000)]
NINE = Registered(START, "101", registered=True)


def code(number: str, at_s: float):
    """101 dials a feature code."""
    leg = build_leg("101", at_s=at_s, ring_s=None, talk_s=0.7, callee=number, direction="int", caller="101")
    return leg, "answered"


def call(at_s: float, talk_s: float = 60):
    """101 answers a call after five seconds of ringing."""
    return build_leg("101", at_s=at_s, talk_s=talk_s), "answered"


def told(at_s: float, state: str, extension: str = "101", reason: str = "") -> Told:
    """An event package's word."""
    return Told(START + round(at_s * 1000), extension, state, reason=reason)


def day(*legs, words=(), registrations=(NINE,), wrap_up=None):
    """What 101 did: (state, seconds from the start, seconds until, source), without waiting and calls."""
    found = agent_states(legs, registrations, watched=HOUR, codes=AGENT_CODES, told=words, wrap_up=wrap_up)["101"]
    return [
        (each.state, (each.from_ms - START) / 1000, (each.until_ms - START) / 1000, each.source)
        for each in found
        if each.state not in ("available", "talk", "ringing")
    ]


def test_do_not_disturb_by_the_phone_s_own_key() -> None:
    """As told, to the millisecond; a feature code for the same thing is not heard beside it."""
    words = [told(60, "dnd_on"), told(300, "dnd_off")]
    assert [("dnd", 60, 300, "as_feature_event")] == day(words=words)
    assert [("dnd", 60, 300, "as_feature_event")] == day(code("*78", 100), code("*79", 900), words=words)


def test_instant_rejects_prove_it_whoever_says_what() -> None:
    """Two instant rejects in a row, though the phone never told of its key."""
    rejected = [(build_leg("101", at_s=at_s, ring_s=None, talk_s=None), "dnd") for at_s in (400, 500)]
    assert [("dnd", 60, 300, "as_feature_event"), ("dnd", 400, 500, "inferred")] == day(
        *rejected, words=[told(60, "dnd_on"), told(300, "dnd_off")]
    )


def test_agent_s_own_words() -> None:
    """Logged off before the first log-on; not ready is a break, after-call work is work, forwarded is not there."""
    words = [
        told(60, "login"), told(100, "not_ready", reason="lunch"), told(200, "ready"), told(300, "after_call"),
        told(360, "ready"), told(400, "forward_on"), told(500, "forward_off"), told(3000, "logout"),
    ]  # fmt: skip
    assert [
        ("other", 0, 60, "as_feature_event"),
        ("pause", 100, 200, "as_feature_event"),
        ("acw", 300, 360, "as_feature_event"),
        ("other", 400, 500, "as_feature_event"),
        ("other", 3000, 3600, "as_feature_event"),
    ] == [(state, start, end, "as_feature_event") for state, start, end, _ in day(words=words)]


def test_lamp_of_a_pause_key() -> None:
    """*46101 and *46101*400 are hints of 101's pause; without any feature code dialled the lamp decides."""
    words = [told(0, "idle", "*46101*400"), told(60, "busy", "*46101*400"), told(90, "busy", "*46101*401")]
    words += [told(120, "idle", "*46101*400"), told(180, "idle", "*46101*401")]
    assert [("pause", 60, 180, "dialog_info")] == day(words=words)
    assert [("pause", 1000, 1100, "feature_code")] == day(code("*46", 1000), code("*46", 1100), words=words)


def test_lamp_of_a_login_key_that_never_lit() -> None:
    """Logged in nowhere all the hour, though the phone is registered."""
    assert [("other", 0, 3600)] == [each[:3] for each in day(words=[told(0, "idle", "*45101*400")])]


def test_line_whose_calls_are_not_seen_here() -> None:
    """A lamp shows that an extension talks elsewhere; it is online then, and on duty."""
    found = agent_states(
        [], [], watched=HOUR, codes=AGENT_CODES, told=[told(60, "busy", "102"), told(90, "idle", "102")]
    )["102"]
    assert [("offline", False), ("talk", True), ("offline", False)] == [(each.state, each.logged_in) for each in found]
    assert "dialog_info" == found[1].source


def test_lamp_that_nobody_saw_go_out() -> None:
    """It ends when the phone registers here, whose calls are seen then."""
    back = Registered(START + 120_000, "102", registered=True)
    found = agent_states([], [back], watched=HOUR, codes=AGENT_CODES, told=[told(60, "busy", "102")])["102"]
    assert [("offline", 60), ("talk", 60), ("available", 3480)] == [
        (each.state, each.length_ms / 1000) for each in found
    ]


def test_break_right_after_a_call_is_work_up_to_ten_minutes() -> None:
    """The call ends at 65 s; a break from 70 s is work until 670 s and a break after that; a later one is a break."""
    assert [("acw", 70, 670, "feature_code"), ("pause", 670, 1000, "feature_code")] == day(
        call(0), code("*46", 70), code("*47", 1000)
    )
    assert [("pause", 90, 200, "feature_code")] == day(call(0), code("*46", 90), code("*47", 200))


def test_told_work_has_the_same_limit() -> None:
    """What the agent's phone calls after-call work for an hour is a break after ten minutes."""
    assert [("acw", 65, 665), ("pause", 665, 3600)] == [
        each[:3] for each in day(call(0), words=[told(0, "ready"), told(65, "after_call")])
    ]


def test_wrap_up_is_assumed_only_where_nothing_is_told() -> None:
    """Thirty seconds after each call, cut short by the next; a call followed by a told break has that."""
    calls = [call(0), call(90, 10), call(200, 10)]
    wrap_up = {leg.leg_id: 30_000 for leg, _ in calls}
    assert [("acw", 65, 90, "assumed"), ("acw", 105, 135, "assumed"), ("acw", 220, 300, "feature_code")] == day(
        *calls, code("*46", 220), code("*47", 300), wrap_up=wrap_up
    )


def test_order_to_the_pbx_ends_no_wrap_up() -> None:
    """Dialling *47 is no call: the work after the one before goes on."""
    first = call(0)
    assert [("acw", 65, 95, "assumed")] == day(first, code("*47", 80), wrap_up={first[0].leg_id: 30_000})
