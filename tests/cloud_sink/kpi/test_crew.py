from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.kpi.crew import crew, merge_intervals, seats_within
from cloud_sink.kpi.roster import Evaluation, Planned, Roster, Seat
from cloud_sink.kpi.states import AVAILABLE, DND, FOREVER, OFFLINE, PAUSE, RINGING, TALK, Interval

from .conftest import build_leg
from .workday import at, did

MORNING = (at(0), at(240))


def shape(intervals):
    """(state, first minute, last minute)."""
    return [(each.state, (each.from_ms - at(0)) / 60_000, (each.until_ms - at(0)) / 60_000) for each in intervals]


def test_a_seat_ends_where_the_next_agent_sits_down():
    """An open end reaches to the next one; where nobody is listed the extension stands for itself."""
    seats = [
        Seat("Bob", "101", at(120), FOREVER),
        Seat("Alice", "101", at(30), FOREVER, "support"),
        Seat("Carol", "102", at(-900), at(60)),
    ]
    found = [(seat.agent, (seat.from_ms - at(0)) // 60_000, (seat.until_ms - at(0)) // 60_000)
             for seat in seats_within(seats, ["101", "103"], MORNING)]  # fmt: skip
    assert [
        ("101", 0, 30), ("Alice", 30, 120), ("Bob", 120, 240), ("Carol", 0, 60), ("102", 60, 240), ("103", 0, 240),
    ] == found  # fmt: skip


def test_work_goes_to_whoever_sat_there():
    """States are cut at the change of agents, calls go by their beginning."""
    seats = [Seat("Alice", "101", 0, at(60), "support"), Seat("Bob", "101", at(60), FOREVER, "sales")]
    legs = [(build_leg(at_s=600), "answered"), (build_leg(at_s=7200), "answered")]
    states = {"101": did((AVAILABLE, 50), (TALK, 30), (AVAILABLE, 160))}
    alice, bob = crew(Roster(seats=seats), states, legs, watched=[MORNING], within=MORNING)
    assert [("Alice", "support", 1), ("Bob", "sales", 1)] == [(w.agent, w.team, len(w.legs)) for w in (alice, bob)]
    assert [("available", 0, 50), ("talk", 50, 60)] == shape(alice.intervals)
    assert [("talk", 60, 80), ("available", 80, 240)] == shape(bob.intervals)


def test_an_agent_at_two_phones_is_one_person():
    """At any moment the stronger state counts: a call at one phone is a call of the agent."""
    seats = [Seat("Alice", "101", 0, FOREVER), Seat("Alice", "102", 0, FOREVER)]
    states = {"101": did((AVAILABLE, 100), (OFFLINE, 140)), "102": did((OFFLINE, 60), (TALK, 20), (OFFLINE, 160))}
    (alice,) = crew(Roster(seats=seats), states, [], watched=[MORNING], within=MORNING)
    assert [("available", 0, 60), ("talk", 60, 80), ("available", 80, 100), ("offline", 100, 240)] == shape(
        alice.intervals
    )
    assert ["101", "102"] == alice.extensions


def test_a_phone_that_was_never_seen_was_offline():
    """Whoever was planned and never came is there, with a phone that is away as long as the tap watched."""
    roster = Roster(
        seats=[Seat("Alice", "101", 0, FOREVER, "support")], planned=[Planned("Bob", at(0), at(60), "break")]
    )
    alice, bob = crew(roster, {}, [], watched=[(at(10), at(20))], within=MORNING)
    assert [[("offline", 10, 20)]] * 2 == [shape(alice.intervals), shape(bob.intervals)]
    assert 1 == len(bob.planned)


def test_plans_and_evaluations_go_to_the_team_of_their_time():
    """Who changed teams at noon has two rows, each with its own."""
    seats = [Seat("Alice", "101", 0, at(60), "support"), Seat("Alice", "101", at(60), FOREVER, "sales")]
    roster = Roster(
        seats=seats,
        planned=[Planned("Alice", at(0), at(60), "on_queue"), Planned("Alice", at(60), at(90), "break")],
        evaluations=[Evaluation("Alice", at(70), 80, 100)],
    )
    found = {w.team: w for w in crew(roster, {"101": did((AVAILABLE, 240))}, [], watched=[MORNING], within=MORNING)}
    assert ["on_queue"] == [each.activity for each in found["support"].planned]
    assert ["break"] == [each.activity for each in found["sales"].planned]
    assert (0, 1) == (len(found["support"].evaluations), len(found["sales"].evaluations))


PHONE = st.lists(
    st.tuples(st.sampled_from([AVAILABLE, DND, OFFLINE, PAUSE, RINGING, TALK]), st.integers(1, 50)), max_size=12
).map(lambda states: did(*states))


@given(st.lists(PHONE, min_size=1, max_size=4))
def test_merged_states_never_overlap(phones: list[list[Interval]]):
    """I4: one person is in one state at a time, and is covered exactly where any of his phones is."""
    merged = merge_intervals(phones)
    assert all(one.until_ms <= other.from_ms for one, other in pairwise(merged))
    assert all(each.length_ms > 0 for each in merged)
    covered = {minute for phone in phones for each in phone for minute in range(each.from_ms, each.until_ms, 60_000)}
    assert covered == {minute for each in merged for minute in range(each.from_ms, each.until_ms, 60_000)}
