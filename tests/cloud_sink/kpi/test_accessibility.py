import pytest

from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.kpi.accessibility import (
    ServiceCounts,
    count_service,
    measure_lost,
    measure_lost_by_day,
    measure_waiting,
    service_levels,
)
from cloud_sink.kpi.value import Parts


@pytest.mark.parametrize(
    ("formula", "percent"),
    [
        ("sl_answered", 86.0),
        ("sl_offered", 81.1),
        ("sl_excl_short", 81.9),
        ("sl_late_ab", 82.7),
        ("sl_ab_ok", 83.0),
        ("sl_short_credit", 82.1),
    ],
)
def test_icmi_reference_vector(formula, percent):
    """ICMI's example: 1000 answered, 860 in time; 60 abandoned, 20 in time, 10 at once; no overflow."""
    counts = ServiceCounts(answered=1000, answered_within=860, abandoned=60, abandoned_within=20, short=10, overflow=0)
    parts = service_levels(counts)[formula]
    assert percent == round(100 * parts.numerator / parts.denominator, 1)


ALWAYS = BusinessHours()  # no hours are known: every day is a working day


def test_the_default_formula_leaves_short_abandons_out():
    """`service_level` is `sl_excl_short`."""
    levels = service_levels(ServiceCounts(10, 8, 5, 2, 1, 1))
    assert levels["sl_excl_short"] == levels["service_level"] == Parts(8, 15)


def test_threshold_is_inclusive(make_contact):
    """R5: a wait of exactly 20 s is within 20 s, one of 20.001 s is not; the threshold can be switched."""
    contacts = [make_contact(wait_s=20), make_contact(wait_s=20.001), make_contact("abandoned", wait_s=20)]
    assert (1, 1) == (
        count_service(contacts, 20_000).answered_within,
        count_service(contacts, 20_000).abandoned_within,
    )
    assert 2 == count_service(contacts, 20_001).answered_within


def test_answered_after_an_unseen_wait_is_in_no_service_level(make_contact):
    """R6: what the tap did not see counts neither for nor against."""
    assert ServiceCounts() == count_service([make_contact(wait_s=None)], 20_000)


def test_asa_leaves_abandons_out(make_contact):
    """ASA is the mean wait of answered contacts; the wait of all has the others in it."""
    contacts = [make_contact(wait_s=4), make_contact(wait_s=8), make_contact("abandoned", wait_s=30)]
    measured = measure_waiting(contacts)
    assert Parts(12_000, 2) == measured["asa"]
    assert Parts(42_000, 3) == measured["avg_queue_time"]
    assert Parts(30_000, 1) == measured["avg_abandon_time"]
    assert Parts(30_000, 1) == measured["max_wait"]


def test_ring_time_is_the_answering_phones(make_contact):
    """Ringing of contacts nobody answered is in no average."""
    contacts = [make_contact(ring_s=3), make_contact("abandoned", ring_s=20), make_contact()]
    assert Parts(3000, 1) == measure_waiting(contacts)["ring_time_avg"]


def test_abandon_rate_leaves_short_abandons_out_of_both_counters(make_contact):
    """(B - b) / (offered - b); the other form has them all."""
    contacts = [make_contact(), make_contact("abandoned", wait_s=1), make_contact("abandoned", wait_s=9)]
    measured = measure_lost(contacts)
    assert Parts(1, 2) == measured["abandon_rate"]
    assert Parts(2, 3) == measured["abandon_rate_all"]


def test_blocked_needs_a_trunk(make_contact):
    """A refused call is one of offered + blocked; without a trunk in sight both are null."""
    seen = measure_lost([make_contact(), make_contact("blocked", wait_s=None)])
    assert (Parts(1, 1), Parts(1, 2)) == (seen["blocked"], seen["blocked_rate"])
    unseen = measure_lost([make_contact(visibility="T1")])
    assert (Parts(0, 0), Parts(0, 0)) == (unseen["blocked"], unseen["blocked_rate"])


def test_abandons_a_day_are_per_local_day_with_calls(make_contact):
    """Two abandons on two days are one a day; 23:30 UTC is already the next day in Athens."""
    contacts = [
        make_contact("abandoned", at_s=0),
        make_contact("abandoned", at_s=14.5 * 3600),
    ]
    assert Parts(2, 1) == measure_lost_by_day(contacts, "UTC", ALWAYS)["avg_abandons_per_day"]
    assert Parts(2, 2) == measure_lost_by_day(contacts, "Europe/Athens", ALWAYS)["avg_abandons_per_day"]


def test_abandons_of_days_off_do_not_count(make_contact):
    """Of Monday to Saturday the average of the working days; a call on a day off belongs to none."""
    hours = BusinessHours(week=(((540, 1020),),) * 5 + ((), ()), holidays=("2026-06-02",))
    contacts = [make_contact("abandoned", at_s=day * 86_400) for day in (0, 0, 1, 2, 5)]
    assert Parts(3, 2) == measure_lost_by_day(contacts, "UTC", hours)["avg_abandons_per_day"]
    assert Parts(0, 0) == measure_lost_by_day(contacts[2:3], "UTC", hours)["avg_abandons_per_day"]
