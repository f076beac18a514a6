from datetime import date

import pytest

from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.kpi.period import Period, midnight_ms
from cloud_sink.kpi.personnel import (
    attendance,
    measure_absence_days,
    measure_attendance,
    measure_evaluations,
    measure_turnover,
)
from cloud_sink.kpi.roster import Absence, Employee, Evaluation, Roster
from cloud_sink.kpi.states import AVAILABLE, FOREVER, OFFLINE, OTHER, PAUSE
from cloud_sink.kpi.value import Parts

from .conftest import build_leg
from .workday import at, did, plan, worker

MORNING = Period(at(0), at(240))
PLAN = OfficePlan("lab")
HOUR_MS = 3_600_000


def day(number: int, month: int = 6) -> int:
    """The midnight that begins a day of 2026, UTC."""
    return midnight_ms(date(2026, month, number), "UTC")


def words(states=(), legs=(), absences=()):
    """What is said of Alice's shifts."""
    one = worker(states, plan(("on_queue", 120)), legs)
    return [each.word for each in attendance(one, absences, period=MORNING, absent_after_ms=HOUR_MS)]


@pytest.mark.parametrize(
    ("states", "legs", "expected"),
    [
        (did((OFFLINE, 240)), [], ["suspected"]),
        (did((OTHER, 240)), [], ["suspected"]),
        (did((AVAILABLE, 240)), [], []),  # the phone is there and never rang: who knows
        (did((AVAILABLE, 240)), [(build_leg(at_s=600, talk_s=None), "no_answer")], ["suspected"]),
        (did((AVAILABLE, 240)), [(build_leg(at_s=600), "answered")], ["present"]),
        (did((AVAILABLE, 240)), [(build_leg(at_s=600, talk_s=None), "declined")], ["present"]),
        (did((AVAILABLE, 240)), [(build_leg(at_s=600, direction="out"), "no_answer")], ["present"]),
        (did((AVAILABLE, 240)), [(build_leg(at_s=4000), "answered")], []),  # after the first hour
        (did((OFFLINE, 30), (AVAILABLE, 210)), [], ["present"]),
        (did((AVAILABLE, 30), (PAUSE, 210)), [], ["present"]),
        (did((AVAILABLE, 30)), [], []),  # the tap was blind for half of the hour
    ],
)
def test_signs_of_life(states, legs, expected):
    """Taking, refusing or making a call, or switching anything; a phone alone is no person."""
    assert expected == words(states, legs)


def test_the_personnel_office_knows_best():
    """A confirmed absence needs no phone, and no tap that watched."""
    sick = [Absence("Alice", day(1), day(2))]
    assert ["confirmed"] == words(did((AVAILABLE, 30)), absences=sick)
    assert ["present"] == words(did((OFFLINE, 30), (AVAILABLE, 210)), absences=[Absence("Bob", day(1), day(2))])


def test_absence_rate_says_how_much_is_suspicion():
    """One confirmed and one suspected of four shifts."""
    planned = [piece for start in (0, 300, 600, 900) for piece in plan(("on_queue", 60), start=start)]
    one = worker([*did((OFFLINE, 300)), *did((OFFLINE, 10), (AVAILABLE, 50), (PAUSE, 840), start=300)], planned)
    off = [Absence("Alice", at(890), at(1000))]
    one.legs = [(build_leg(at_s=610 * 60), "answered")]
    found = measure_attendance(attendance(one, off, period=Period(at(0), at(1200)), absent_after_ms=HOUR_MS))
    assert {"absence_rate": Parts(2, 4), "absences_suspected": Parts(1)} == found
    assert {"absence_rate": Parts(0, 0), "absences_suspected": Parts(0, 0)} == measure_attendance([])


def test_days_off_are_working_days_of_a_year():
    """Monday to Friday without business hours; an absence counts each day once, and only in the year of the period."""
    roster = Roster(absences=[
        Absence("Alice", day(5), day(9)),  # Friday to Monday
        Absence("Alice", day(8), day(9)),  # that Monday again
        Absence("Alice", day(1) - 400 * 86_400_000, day(1) - 395 * 86_400_000),
        Absence("Bob", day(3), day(4)),
    ])  # fmt: skip
    year = Period(day(1, 1), day(30), "UTC")
    assert Parts(2, 1) == measure_absence_days(roster, {"Alice"}, year, PLAN)["absence_days"]
    assert Parts(3, 2) == measure_absence_days(roster, {"Alice", "Bob"}, year, PLAN)["absence_days"]
    assert Parts(3, 2) == measure_absence_days(roster, {"Alice", "Bob", "117"}, year, PLAN)["absence_days"]  # a phone
    saturdays = OfficePlan("lab", business_hours=BusinessHours(week=((),) * 5 + (((540, 720),), ())))
    assert Parts(1, 1) == measure_absence_days(roster, {"Alice"}, year, saturdays)["absence_days"]
    assert Parts(0, 0) == measure_absence_days(Roster(), {"Alice"}, year, PLAN)["absence_days"]


def test_turnover_is_leavers_over_the_mean_of_the_employed():
    """Whoever leaves with the last day of the period leaves in it; one who joins in the middle is half a person."""
    june = Period(day(1), day(1, 7), "UTC")
    staff = [
        Employee("Alice", day(1, 1), FOREVER),
        Employee("Bob", day(1, 1), day(1, 7)),
        Employee("Carol", day(16), FOREVER),
        Employee("Dave", day(1, 1), day(1)),  # left with the last of May
        Employee("Erin", day(5, 7), FOREVER),
    ]
    found = measure_turnover(staff, june)
    assert Parts(75, 30) == found["headcount"]
    assert Parts(30, 75) == found["turnover_rate"]
    assert {Parts(0, 0)} == set(measure_turnover([], june).values())


def test_evaluations_count_as_shares_of_their_own_form():
    """Nine of ten and fifty of a hundred are seventy."""
    found = measure_evaluations([Evaluation("Alice", 0, 9, 10), Evaluation("Alice", 0, 50, 100)])
    assert Parts(140_000, 2) == found["qa_score"]
