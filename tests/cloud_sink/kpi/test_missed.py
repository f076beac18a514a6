from cloud_sink.kpi.missed import measure_callbacks, missed_callers
from cloud_sink.kpi.value import Parts


def test_nobody_spoke_to_him(make_contact):
    """A missed caller is open, with all his attempts."""
    missed = [make_contact("abandoned", at_s=0, wait_s=30), make_contact("overflow", at_s=60)]
    (caller,) = missed_callers(missed, missed)
    assert ("open", 2) == (caller.state, len(caller.attempts))
    assert Parts(1) == measure_callbacks([caller])["callback_open"]


def test_an_answered_call_to_him_clears(make_contact):
    """An outgoing call that was answered clears him; the time runs from the end of the lost call."""
    missed = make_contact("abandoned", at_s=0, wait_s=30)
    back = make_contact(at_s=600, wait_s=10, direction="out", did=missed.caller, caller="102", agent="102")
    (caller,) = missed_callers([missed], [missed, back])
    assert ("called_back", "102") == (caller.state, caller.cleared_by)
    assert Parts(580_000, 1) == measure_callbacks([caller])["callback_time_avg"]


def test_an_unanswered_call_to_him_does_not(make_contact):
    """Trying is not reaching."""
    missed = make_contact("abandoned", at_s=0, wait_s=30)
    back = make_contact("abandoned", at_s=600, direction="out", did=missed.caller, caller="102")
    assert ["open"] == [caller.state for caller in missed_callers([missed], [missed, back])]


def test_getting_through_later_clears(make_contact):
    """He called again and somebody answered: nothing to do, and no call-back time to average."""
    missed, later = make_contact("voicemail", at_s=0), make_contact(at_s=900)
    (caller,) = missed_callers([missed, later], [missed, later])
    assert "called_again" == caller.state
    assert Parts(0, 0) == measure_callbacks([caller])["callback_time_avg"]


def test_a_conversation_before_the_last_attempt_does_not_clear(make_contact):
    """Reached at 09:05 and missed again at 09:10: he is open."""
    contacts = [
        make_contact("abandoned", at_s=0, wait_s=30),
        make_contact(at_s=300, wait_s=1),
        make_contact("abandoned", at_s=600, wait_s=30),
    ]
    assert ["open"] == [caller.state for caller in missed_callers(contacts, contacts)]


def test_withheld_numbers_cannot_be_called(make_contact):
    """Each is listed on its own and is not counted as open."""
    missed = [make_contact("abandoned", at_s=at, wait_s=30, caller="") for at in (0, 60)]
    callers = missed_callers(missed, missed)
    assert ["not_callable", "not_callable"] == [caller.state for caller in callers]
    assert Parts(0) == measure_callbacks(callers)["callback_open"]


def test_hanging_up_at_once_is_not_missed(make_contact):
    """Short abandons are not on the list."""
    assert [] == missed_callers([make_contact("abandoned", wait_s=1)], [])


def test_latest_first_and_written_out(make_contact):
    """The list starts with whoever was missed last; times are in the office's zone."""
    missed = [
        make_contact("abandoned", at_s=0, wait_s=30, caller="1"),
        make_contact("abandoned", at_s=60, wait_s=40, caller="2"),
    ]
    callers = missed_callers(missed, missed)
    assert ["2", "1"] == [caller.caller for caller in callers]
    row = callers[0].to_json("Europe/London")
    assert ("2026-06-01T10:01:00+01:00", 40.0, None) == (row["last"], row["longest_wait_s"], row["cleared"])
