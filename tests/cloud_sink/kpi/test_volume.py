from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import measure_outbound, measure_trunk, measure_volume


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
