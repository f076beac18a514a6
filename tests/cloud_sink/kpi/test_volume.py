from cloud_sink.kpi.accessibility import count_service, measure_lost, service_levels
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import measure_full_lines, measure_outbound, measure_trunk, measure_volume

from .conftest import build_contact


def test_only_customers_count(make_contact):
    """R7: internal, feature-code and outgoing contacts are no customers; a blocked one was not offered."""
    contacts = [
        make_contact(),
        make_contact(direction="int"),
        make_contact(direction="feature"),
        make_contact(direction="out"),
        make_contact("blocked"),
    ]
    assert Parts(1) == measure_volume(contacts)["offered"]


def test_missed_leaves_out_who_hung_up_at_once(make_contact):
    """Missed = abandoned without the short ones, and overflow, and voicemail."""
    contacts = [
        make_contact("abandoned", wait_s=2),
        make_contact("abandoned", wait_s=30),
        make_contact("overflow"),
        make_contact("voicemail"),
        make_contact(),
    ]
    measured = measure_volume(contacts)
    assert (Parts(2), Parts(1), Parts(3)) == tuple(
        measured[name] for name in ("abandoned", "short_abandoned", "missed_contacts")
    )


def test_callers_without_a_number_are_not_one_person(make_contact):
    """Withheld numbers are in neither counter of calls per caller."""
    contacts = [make_contact(caller="1"), make_contact(caller="1"), make_contact(caller="2"), make_contact(caller="")]
    measured = measure_volume(contacts)
    assert Parts(2) == measured["unique_callers"]
    assert Parts(3, 2) == measured["calls_per_caller"]


def test_outgoing_calls_connect_or_do_not(make_contact):
    """Connect rate = answered outgoing calls / outgoing calls."""
    contacts = [make_contact(direction="out"), make_contact("abandoned", direction="out"), make_contact()]
    assert Parts(1, 2) == measure_outbound(contacts)["connect_rate"]


def test_trunk_peak_counts_overlapping_calls(make_contact):
    """Two calls that overlap need two lines; one that starts as another ends does not add a third."""
    contacts = [
        make_contact(at_s=0, wait_s=0, talk_s=60),
        make_contact(at_s=30, wait_s=0, talk_s=60, direction="out"),
        make_contact(at_s=60, wait_s=0, talk_s=10),
        make_contact(at_s=40, direction="int"),
    ]
    assert Parts(2, 1) == measure_trunk(contacts)["trunk_peak"]


def test_trunk_peak_needs_a_trunk(make_contact):
    """With a hosted PBX the trunk cannot be seen: null, not 0."""
    assert Parts(0, 0) == measure_trunk([make_contact(visibility="T1")])["trunk_peak"]


def test_calls_that_rang_in_vain_at_a_hosted_pbx(make_contact):
    """They are missed and count against the service level; how many of them were abandoned is unknown, not 0."""
    in_vain = make_contact("unknown", wait_s=12, visibility="T1", ended_by="pbx", wait_basis="ring")
    answered = make_contact(visibility="T1", wait_basis="ring")
    measured = measure_volume([in_vain, answered])
    assert (1, 1, 2) == tuple(measured[name].numerator for name in ("missed_contacts", "unknown", "offered"))
    assert {False} == {measured[name].seen for name in ("abandoned", "short_abandoned")}
    lost = measure_lost([in_vain, answered])
    assert {False} == {lost[name].seen for name in ("abandon_rate", "abandon_rate_all")}
    level = service_levels(count_service([in_vain, answered], 20_000))["service_level"]
    assert (1, 2) == (level.numerator, level.denominator)


def test_outcome_not_seen_in_an_office_with_a_trunk_is_not_missed(make_contact):
    """There the caller's leg should have been seen: nothing is claimed."""
    assert 0 == measure_volume([make_contact("unknown", visibility="T1")])["missed_contacts"].numerator


def test_time_in_which_all_lines_were_taken():
    """Two lines, three calls: from 10 to 20 s and from 30 to 40 s both are taken."""
    calls = [build_contact(at_s=0, talk_s=20, wait_s=0), build_contact(at_s=10, talk_s=30, wait_s=0)]
    calls.append(build_contact(at_s=30, talk_s=30, wait_s=0))
    assert 20_000 == measure_full_lines(calls, 2)["trunk_full_time"].numerator
    assert 0 == measure_full_lines(calls, 3)["trunk_full_time"].numerator
    assert 0 == measure_full_lines(calls, 0)["trunk_full_time"].denominator
    assert 0 == measure_full_lines([], 2)["trunk_full_time"].denominator
