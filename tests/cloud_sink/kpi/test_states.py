from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.contacts.records import AGENT_ACTIONS, AGENT_CODES
from cloud_sink.kpi.period import QUARTER_MS
from cloud_sink.kpi.states import Registered, action_of, agent_states, measure_states

from .conftest import START, build_leg

HOUR = [(START, START + 3_600_000)]
NINE = Registered(START, "101", registered=True)


def code(number: str, at_s: float, extension: str = "101"):
    """A call to a feature code, answered by the PBX for a blink."""
    leg = build_leg(extension, at_s=at_s, ring_s=None, talk_s=0.7, callee=number, direction="int", caller=extension)
    return leg, "answered"


def rejected(at_s: float):
    """An instant 480 of a phone that does not want to be disturbed."""
    return build_leg("101", at_s=at_s, ring_s=None, talk_s=None), "dnd"


def states(*legs, registrations=(NINE,), watched=HOUR, codes=AGENT_CODES):
    """What 101 did: (state, seconds from the start, seconds until)."""
    found = agent_states(legs, registrations, watched=watched, codes=codes).get("101", [])
    return [(each.state, (each.from_ms - START) / 1000, (each.until_ms - START) / 1000) for each in found]


def measured(*legs, registrations=(NINE,)):
    """The KPIs of 101 in the first hour: counters."""
    intervals = agent_states(legs, registrations, watched=HOUR, codes=AGENT_CODES).get("101", [])
    answered = sum(outcome == "answered" and leg.direction == "in" for leg, outcome in legs)
    return measure_states(intervals, answered)


def test_call_is_ringing_and_talk_between_waiting():
    """Registered at nine, called after a minute, rang 5 s, talked 60 s."""
    assert [("available", 0, 60), ("ringing", 60, 65), ("talk", 65, 125), ("available", 125, 3600)] == states(
        (build_leg("101", at_s=60), "answered")
    )


def test_phone_that_went_away_is_offline():
    """From the end of its registration until the next."""
    gone = [NINE, Registered(START + 600_000, "101", registered=False), Registered(START + 900_000, "101", True)]
    assert [("available", 0, 600), ("offline", 600, 900), ("available", 900, 3600)] == states(registrations=gone)


def test_registration_that_first_ends_was_there_before():
    """The tap came later than the phone; and a phone that dials is online though its registration was not seen."""
    assert [("available", 0, 600), ("offline", 600, 3600)] == states(
        registrations=[Registered(START + 600_000, "101", registered=False)]
    )
    dialled = (build_leg("101", at_s=60, ring_s=5, talk_s=30, direction="out", callee="44770"), "answered")
    assert [("offline", 0, 60), ("available", 60, 65), ("talk", 65, 95), ("available", 95, 3600)] == states(
        dialled, registrations=[]
    )


def test_pause_and_its_end_by_codes():
    """*46 switches, *47 ends; a call taken in the break is a call."""
    found = states(code("*46", 60), code("*46", 120), code("*46", 180), code("*47", 240))
    assert [("pause", 60, 120), ("pause", 180, 240)] == [each for each in found if each[0] == "pause"]


def test_login_by_code():
    """Before the login and after the logout the phone is there but nobody is on duty."""
    found = states(code("*45", 60), code("*45", 600))
    assert [("other", 0, 60), ("available", 60, 600), ("other", 600, 3600)] == found
    assert 540_000 == measured(code("*45", 60), code("*45", 600))["login_time"].numerator


def test_do_not_disturb_by_code_and_by_rejects():
    """A code until its opposite; instant rejects at least from the first to the last of a row."""
    assert ("dnd", 60, 300) in states(code("*78", 60), code("*79", 300))
    row = states(rejected(60), rejected(100), (build_leg("101", at_s=200), "answered"), rejected(400))
    assert [("dnd", 60, 100)] == [each for each in row if each[0] == "dnd"]


def test_what_nobody_watched_is_not_counted():
    """Two watched minutes are two minutes on duty, whatever was going on between them."""
    watched = [(START, START + 60_000), (START + 600_000, START + 660_000)]
    assert [("available", 0, 60), ("available", 600, 660)] == states(watched=watched)


def test_occupancy_leaves_breaks_out():
    """Ten minutes of calls in an hour with half an hour of break: a third; ringing stays below the line."""
    legs = [(build_leg("101", at_s=60, ring_s=60, talk_s=600), "answered"), code("*46", 1200), code("*47", 3000)]
    found = measured(*legs)
    assert (600_000, 1_800_000) == (found["occupancy"].numerator, found["occupancy"].denominator)
    assert (1, 3_600_000) == (found["calls_per_hour"].numerator, found["calls_per_hour"].denominator)
    assert 1_800_000 == found["break_time"].numerator


def test_without_registrations_known_everything_is_unknown():
    """Null, not an office that never worked."""
    assert {0} == {parts.denominator for parts in measure_states(None, 5).values()}


def test_codes_may_have_a_rest():
    """A queue's number behind the code; an exact code goes first; calls to the phone are never codes."""
    codes = {"*45*": "login", "*450": "logout"}
    legs = [code(number, 0)[0] for number in ("*45401", "*450", "*46")]
    assert ["login", "logout", ""] == [action_of(leg, codes) for leg in legs]
    assert "" == action_of(build_leg("101", callee="*450"), codes)


ACTIONS = {f"*{number}": action for number, action in enumerate(AGENT_ACTIONS)}
moments = st.integers(0, 7200)
events = st.one_of(
    st.builds(code, st.sampled_from(sorted(ACTIONS)), moments),
    st.builds(rejected, moments),
    st.builds(
        lambda at, ring, talk: (build_leg("101", at_s=at, ring_s=ring, talk_s=talk), "answered"),
        moments, st.integers(0, 60), st.integers(0, 900),
    ),
)  # fmt: skip
changes = st.builds(lambda at, up: Registered(START + at * 1000, "101", up), moments, st.booleans())


@given(st.lists(events, max_size=12), st.lists(changes, max_size=6))
def test_states_never_overlap_and_fill_what_was_watched(legs, registrations):
    """I4: in every quarter hour the states of one agent add up to 900 s, whatever happened."""
    watched = [(START, START + 4 * QUARTER_MS)]
    found = agent_states(legs, registrations, watched=watched, codes=ACTIONS)
    for intervals in found.values():
        assert all(a.until_ms <= b.from_ms for a, b in pairwise(intervals))
        for quarter in range(START, START + 4 * QUARTER_MS, QUARTER_MS):
            inside = [min(i.until_ms, quarter + QUARTER_MS) - max(i.from_ms, quarter) for i in intervals]
            assert QUARTER_MS == sum(length for length in inside if length > 0)
