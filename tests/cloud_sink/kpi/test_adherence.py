import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.contacts.work_rules import WorkRules
from cloud_sink.kpi.adherence import adherence, measure_adherence, shifts_of
from cloud_sink.kpi.roster import ACTIVITIES
from cloud_sink.kpi.states import AVAILABLE, DND, OFFLINE, PAUSE, RINGING, TALK
from cloud_sink.kpi.value import Parts

from .workday import at, did, plan, worker

MORNING = (at(0), at(240))
RULES = WorkRules()


def minutes(states, planned, rules=RULES):
    """(scheduled, out, excused) in minutes."""
    found = adherence(worker(states, planned), rules, within=MORNING)
    assert found is not None
    return found.scheduled / 60_000, found.out / 60_000, found.excused / 60_000


def test_who_keeps_the_plan_adheres():
    """On the queue in calls and between them, on break when a break is planned."""
    states = did((AVAILABLE, 50), (TALK, 10), (PAUSE, 15), (RINGING, 1), (TALK, 4), (AVAILABLE, 40))
    assert (120, 0, 0) == minutes(states, plan(("on_queue", 60), ("break", 15), ("on_queue", 45)))


def test_two_minutes_around_each_change_never_count():
    """A break taken three minutes late and five minutes long beyond its end is out for one and for three."""
    states = did((AVAILABLE, 63), (PAUSE, 17), (AVAILABLE, 160))
    planned = plan(("on_queue", 60), ("break", 15), ("on_queue", 45))
    assert (120, 1 + 3, 0) == minutes(states, planned)
    assert (120, 3 + 5, 0) == minutes(states, planned, WorkRules(grace_ms=0))


def test_a_pause_in_the_middle_counts_in_full():
    """Far from any change there is no grace."""
    assert (240, 10, 0) == minutes(did((AVAILABLE, 100), (DND, 10), (AVAILABLE, 130)), plan(("on_queue", 240)))


def test_a_break_that_a_call_delays_is_excused():
    """The rest of the call is excused, and the break may last as much longer as it began late."""
    states = did((AVAILABLE, 55), (TALK, 15), (PAUSE, 15), (AVAILABLE, 155))
    planned = plan(("on_queue", 60), ("break", 15), ("on_queue", 45))
    assert (120, 0, 10) == minutes(states, planned)
    longer = did((AVAILABLE, 55), (TALK, 15), (PAUSE, 20), (AVAILABLE, 150))
    assert (120, 5, 10) == minutes(longer, planned)


def test_a_new_call_after_the_break_began_is_no_excuse():
    """Only the call that was going on; answering the next one is the agent's choice."""
    states = did((AVAILABLE, 55), (TALK, 8), (RINGING, 1), (TALK, 11), (PAUSE, 165))
    planned = plan(("on_queue", 60), ("break", 15))
    assert (75, 10, 3) == minutes(states, planned)


def test_work_outside_the_shift_counts_only_where_the_office_says_so():
    """As exceptions in Genesys: off unless set."""
    states, planned = did((AVAILABLE, 90), (PAUSE, 30), (AVAILABLE, 120)), plan(("on_queue", 90), ("break", 30))
    assert (120, 0, 0) == minutes(states, planned)
    assert (120, 118, 0) == minutes(states, planned, WorkRules(count_outside_shift=True))


def test_breaks_cannot_be_held_against_who_shows_none():
    """R6: a phone that is registered all day tells nothing of breaks, so only time on the queue is judged."""
    assert (105, 0, 0) == minutes(did((AVAILABLE, 240)), plan(("on_queue", 60), ("break", 15), ("on_queue", 45)))


def test_only_watched_time_counts():
    """What the tap did not see is neither kept nor broken."""
    states = [*did((AVAILABLE, 30)), *did((AVAILABLE, 30), (PAUSE, 10), start=100)]
    assert (30 + 40, 8, 0) == minutes(states, plan(("on_queue", 140)))
    assert adherence(worker(did((AVAILABLE, 10), start=200), plan(("on_queue", 60))), RULES, within=MORNING) is None


def test_utilisation_and_conformance():
    """Paid time spent for customers, and time on the queue against what was planned of it; it may pass 100 %."""
    states = did((AVAILABLE, 40), (RINGING, 2), (TALK, 28), (PAUSE, 10), (AVAILABLE, 40), (OFFLINE, 120))
    found = measure_adherence(adherence(worker(states, plan(("on_queue", 60), ("break", 20))), RULES, within=MORNING))
    assert Parts(108 * 60_000, 80 * 60_000) == found["utilisation"]
    assert Parts(110 * 60_000, 60 * 60_000) == found["conformance"]


def test_without_a_schedule_all_is_null():
    """R1: nothing to divide by."""
    assert {Parts(0, 0)} == set(measure_adherence(adherence(worker(), RULES, within=MORNING)).values())


@pytest.mark.parametrize(("gap", "shifts"), [(0, 1), (120, 1), (121, 2)])
def test_pieces_within_two_hours_are_one_shift(gap: int, shifts: int):
    """A lunch that nobody planned does not make a new shift."""
    assert shifts == len(shifts_of(plan(("on_queue", 60), ("gap", gap), ("on_queue", 60))))


DAY = st.lists(
    st.tuples(st.sampled_from([AVAILABLE, DND, OFFLINE, PAUSE, RINGING, TALK]), st.integers(1, 60)), min_size=1
)
PLAN = st.lists(st.tuples(st.sampled_from([*ACTIVITIES, "gap"]), st.integers(1, 60)), min_size=1)


@given(DAY, PLAN, st.integers(0, 10))
def test_out_never_exceeds_what_was_planned(states, planned, grace: int):
    """0 to 100 %, whatever was done and planned; more grace is never worse."""
    one = worker(did(*states), plan(*planned))
    strict, kind = (adherence(one, WorkRules(grace_ms=ms), within=(at(0), at(10_000))) for ms in (0, grace * 60_000))
    if strict is None or kind is None:
        assert strict is kind
        return
    assert 0 <= kind.out <= strict.out <= strict.scheduled
    assert strict.scheduled <= sum(each.until_ms - each.from_ms for each in one.planned)
    assert strict.out + strict.excused <= strict.scheduled
