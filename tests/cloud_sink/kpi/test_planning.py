from datetime import date

import pytest

from cloud_sink.kpi.erlang import Goal
from cloud_sink.kpi.period import Period, midnight_ms
from cloud_sink.kpi.planning import (
    HOUR_MS,
    arrival_profile,
    busy_hour,
    demand,
    patience,
    plan_week,
    trunks_required,
    visits_of,
)

LONDON = "Europe/London"
NINE_MONDAY = 9
MONDAY = Period.of_days(date(2026, 6, 1), date(2026, 6, 1), "UTC")
ALL_DAY = [(MONDAY.from_ms, MONDAY.until_ms)]


def profile(contacts, first, last, time_zone="UTC", watched=None):
    """The profile of local days that were watched throughout, unless told otherwise."""
    period = Period.of_days(first, last, time_zone)
    return arrival_profile(contacts, period=period, watched=watched or [(period.from_ms, period.until_ms)])


def test_mean_of_an_hour_over_the_weeks(make_contact):
    """Three calls on one of two Mondays at nine: 1.5 per such hour; an hour without calls is 0, and known."""
    hours = profile([make_contact(at_s=s) for s in (0, 10, 3599)], date(2026, 6, 1), date(2026, 6, 14))
    nine = hours[NINE_MONDAY]
    assert (0, 9, 3, 2, 1.5) == (nine.weekday, nine.clock_hour, nine.offered, nine.weeks, nine.mean)
    assert 0.0 == hours[NINE_MONDAY + 1].mean


def test_hour_nobody_watched_is_unknown(make_contact, start):
    """Null, not 0; an hour watched by half counts as half an hour."""
    watched = [(start, start + HOUR_MS // 2)]
    hours = profile([make_contact(), make_contact(at_s=5)], date(2026, 6, 1), date(2026, 6, 1), watched=watched)
    assert (4.0, None) == (hours[NINE_MONDAY].mean, hours[NINE_MONDAY + 1].mean)
    a_blink = profile([make_contact()], date(2026, 6, 1), date(2026, 6, 1), watched=[(start, start + 60_000)])
    assert a_blink[NINE_MONDAY].mean is None


def test_repeated_hour_is_averaged_and_skipped_hour_is_unknown(make_contact):
    """London 2026: 01:00 occurs twice on 25 October, never on 29 March."""
    autumn, spring = date(2026, 10, 25), date(2026, 3, 29)
    sunday_one = 6 * 24 + 1
    one = midnight_ms(autumn, LONDON) + HOUR_MS
    calls = [make_contact(t_offer=one + each * HOUR_MS // 2) for each in range(4)]
    repeated = profile(calls, autumn, autumn, LONDON)[sunday_one]
    assert (4, 2 * HOUR_MS, 2.0) == (repeated.offered, repeated.watched_ms, repeated.mean)
    assert profile([], spring, spring, LONDON)[sunday_one].mean is None


def test_half_hour_zones_have_their_own_hours(make_contact):
    """09:00 UTC is 14:30 in Kolkata."""
    hours = profile([make_contact()], date(2026, 6, 1), date(2026, 6, 1), "Asia/Kolkata")
    assert [14] == [hour.index for hour in hours if hour.offered]


def test_patience_counts_every_wait_per_caller_who_gave_up(make_contact):
    """10 s answered, 20 s and 2 s given up: 32 s of waiting over two; short abandons are in it."""
    contacts = [make_contact(wait_s=10), make_contact("abandoned", wait_s=20), make_contact("abandoned", wait_s=2)]
    assert (32_000, 2) == (patience(contacts).numerator, patience(contacts).denominator)


def test_patience_cannot_be_told_without_the_trunk(make_contact):
    """Waiting before the first ring is not seen with a hosted PBX."""
    assert 0 == patience([make_contact("abandoned", wait_s=20, visibility="T1")]).denominator


def test_patience_estimate_finds_the_truth(make_contact):
    """Waits censored by answers at fixed times: the estimate is the mean that made them."""
    patient_s = [120 * (k + 0.5) / 500 * 2 for k in range(500)]  # uniform to 240 s, offered wait 60 s
    contacts = [make_contact("abandoned", wait_s=each) if each < 60 else make_contact(wait_s=60) for each in patient_s]
    found = patience(contacts)
    assert 210 == pytest.approx(found.numerator / 1000 / found.denominator, rel=0.01)


def test_lines_of_the_busy_hour(make_contact):
    """Calls count by the time they hold a line in each clock hour; ten erlangs need 18 lines."""
    calls = [make_contact(at_s=3600, wait_s=0, talk_s=3600, direction=way) for way in ("in", "out") for _ in range(5)]
    quiet = make_contact(at_s=0, wait_s=0, talk_s=60)
    busiest = busy_hour([quiet, *calls], period=MONDAY, watched=ALL_DAY)
    assert (10.0, 18) == (busiest.load, trunks_required(busiest))


def test_call_over_the_hour_counts_in_both(make_contact):
    """Half an hour on each side."""
    busiest = busy_hour([make_contact(at_s=1800, wait_s=0, talk_s=3600)], period=MONDAY, watched=ALL_DAY)
    assert 0.5 == busiest.load


def test_lines_without_a_trunk_are_unknown(make_contact):
    """A hosted PBX's lines are not seen."""
    assert trunks_required(busy_hour([make_contact(visibility="T1")], period=MONDAY, watched=ALL_DAY)) is None


def test_busy_hour_watched_by_half_counts_as_half(make_contact, start):
    """One line held for all of the half hour that was watched is one erlang, not half a one."""
    call = make_contact(wait_s=0, talk_s=1800)
    assert 1.0 == busy_hour([call], period=MONDAY, watched=[(start, start + HOUR_MS // 2)]).load
    assert busy_hour([call], period=MONDAY, watched=[(start, start + 60_000)]) is None


def test_week_is_planned_from_what_was_measured(make_contact):
    """200 calls of 180 s in one Monday's nine o'clock: the textbook's 14 agents; hours without calls need none."""
    calls = [make_contact(at_s=k, talk_s=170, hold_s=10) for k in range(200)]
    planned = plan_week(profile(calls, date(2026, 6, 1), date(2026, 6, 7)), demand(calls), Goal(most_occupied=1))
    assert (14, 20) == (planned[9].staffing.agents, planned[9].staffing.rostered)
    assert 0 == planned[10].staffing.agents


def test_handle_time_nobody_knows_plans_nothing(make_contact):
    """Nobody was answered, so nothing can be said; a given handle time helps."""
    lost = [make_contact("abandoned", wait_s=20)]
    hours = profile(lost, date(2026, 6, 1), date(2026, 6, 1))
    assert plan_week(hours, demand(lost), Goal())[9].staffing is None
    assert plan_week(hours, demand(lost, handle_s=180), Goal())[9].staffing.agents > 0


@pytest.mark.parametrize(("gave_up", "model", "used"), [(19, "auto", False), (20, "auto", True), (1, "a", True)])
def test_patience_is_used_once_enough_gave_up(make_contact, gave_up, model, used):
    """Erlang A needs a measured patience; below twenty abandons it is not trusted unless asked for."""
    lost = [make_contact("abandoned", at_s=k, wait_s=20) for k in range(gave_up)]
    assert used == (demand([make_contact(), *lost], model=model).patience_s is not None)
    assert demand([make_contact(), *lost], model="c").patience_s is None


def test_visits_of_one_queue(make_contact):
    """Planning one queue leaves the others' calls out."""
    assert 1 == len(visits_of([make_contact(), make_contact(queue="sales")], "sales"))
