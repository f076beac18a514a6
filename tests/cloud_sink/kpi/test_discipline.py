import pytest

from cloud_sink.contacts.work_rules import WorkRules
from cloud_sink.kpi.discipline import PLANNED_RULES, RULES, lapses, measure_lapses
from cloud_sink.kpi.states import AVAILABLE, DND, OFFLINE, PAUSE, TALK
from cloud_sink.kpi.value import Parts

from .conftest import build_leg
from .workday import at, did, plan, worker

MORNING = (at(0), at(240))
SHIFT = plan(("on_queue", 60), ("break", 15), ("on_queue", 45))


def told(states, planned=SHIFT, legs=()):
    """(rule, minute, minutes beyond grace)."""
    found = lapses(worker(states, planned, legs), WorkRules(), within=MORNING)
    return [(each.rule, (each.at_ms - at(0)) / 60_000, each.length_ms / 60_000) for each in found]


def test_who_keeps_the_plan_has_none():
    """A break as planned, a minute late and a minute too long."""
    assert [] == told(did((AVAILABLE, 61), (PAUSE, 16), (AVAILABLE, 163)))


def test_late_and_early():
    """By the first and the last moment on duty, beyond two minutes each."""
    states = did((OFFLINE, 12), (AVAILABLE, 48), (PAUSE, 15), (AVAILABLE, 35), (OFFLINE, 130))
    assert [("late_login", 0, 10), ("early_logout", 110, 8)] == told(states)


def test_who_did_not_come_at_all_is_absent_and_not_late():
    """That is another number."""
    assert [] == told(did((OFFLINE, 240)))


def test_what_was_not_watched_is_not_held_against_anybody():
    """The tap began in the middle of the shift and ended before its end."""
    assert [] == told(did((AVAILABLE, 40), start=30))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (did((AVAILABLE, 60), (PAUSE, 25), (AVAILABLE, 155)), [("long_break", 60, 8)]),
        (did((AVAILABLE, 20), (PAUSE, 15), (AVAILABLE, 205)), []),  # taken earlier, as long as planned
        (did((AVAILABLE, 60), (PAUSE, 15), (AVAILABLE, 20), (PAUSE, 10), (AVAILABLE, 135)), [("long_break", 95, 8)]),
        (did((AVAILABLE, 60), (PAUSE, 10), (OFFLINE, 10), (AVAILABLE, 160)), [("long_break", 60, 3)]),
    ],
)
def test_breaks_are_as_long_as_planned(states, expected):
    """However they are taken; a second one that nobody planned is long from its first moment."""
    assert expected == told(states)


def test_do_not_disturb_belongs_into_breaks():
    """In planned time on the queue it is a lapse, in a break it is none."""
    states = did((AVAILABLE, 30), (DND, 7), (AVAILABLE, 23), (DND, 15), (AVAILABLE, 165))
    assert [("dnd_outside_break", 30, 5)] == told(states)


def test_an_unplanned_lunch_within_a_shift_is_a_break():
    """Two pieces with an hour between them: the hour may be spent away."""
    states = did((AVAILABLE, 60), (OFFLINE, 61), (AVAILABLE, 119))
    assert [] == told(states, plan(("on_queue", 60), ("gap", 60), ("on_queue", 60)))


def test_calls_that_rang_refused_and_ended_in_a_hurry():
    """Those need no schedule; a call of the agent's own is none of them."""
    legs = [
        (build_leg(at_s=60, talk_s=None, ring_s=20), "no_answer"),
        (build_leg(at_s=120, talk_s=None, ring_s=2), "declined"),
        (build_leg(at_s=180, ring_s=15), "answered"),
        (build_leg(at_s=240, ring_s=2, talk_s=4, ended_by="callee"), "answered"),
        (build_leg(at_s=300, ring_s=2, talk_s=4, ended_by="caller"), "answered"),
        (build_leg(at_s=360, talk_s=None, ring_s=20), "elsewhere"),
        (build_leg(at_s=420, talk_s=None, ring_s=20, direction="out"), "no_answer"),
    ]
    rules = [rule for rule, _, _ in told([], [], legs)]
    assert ["no_answer", "rejected", "long_ring", "quick_hangup"] == rules
    assert set(rules) | set(PLANNED_RULES) == set(RULES)


def test_counts_and_seconds():
    """Null without a schedule, zero with one that was kept."""
    one = worker(did((OFFLINE, 12), (AVAILABLE, 48), (TALK, 180)), SHIFT)
    found = measure_lapses(one, lapses(one, WorkRules(), within=MORNING))
    assert (Parts(1), Parts(600_000), Parts(0)) == tuple(
        found[name] for name in ("late_login", "late_login_time", "early_logout")
    )
    assert {Parts(0, 0)} == set(measure_lapses(worker(), []).values())


def test_a_lapse_counts_in_the_period_it_happened_in():
    """A shift through midnight is late on the first day and left early on the second."""
    states = did((OFFLINE, 12), (AVAILABLE, 80), (OFFLINE, 148))
    one = worker(states, plan(("on_queue", 120)))
    days = [lapses(one, WorkRules(), within=within) for within in ((at(0), at(60)), (at(60), at(240)))]
    assert [["late_login"], ["early_logout"]] == [[each.rule for each in day] for day in days]
