from hypothesis import given
from hypothesis import strategies as st

from collector.core.hold import CALLEE, CALLER, HoldMeter
from collector.core.sdp import INACTIVE, NO_SDP, RECEIVE_ONLY, SEND_ONLY, SEND_RECEIVE


def settle(meter, now_ms, side, offered, answered, cseq=1):
    """One re-INVITE and its 2xx."""
    meter.receive_offer(side, cseq, offered)
    assert meter.is_pending(side, cseq)
    meter.receive_answer(answered, now_ms)


def test_hold_and_resume():
    """From the 2xx of the sendonly offer to the 2xx of the sendrecv one (RFC 3264 section 8.4)."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLEE, SEND_ONLY, RECEIVE_ONLY)
    assert meter.is_held
    settle(meter, 6_500, CALLEE, SEND_RECEIVE, SEND_RECEIVE)
    assert (False, 1, 5_500) == (meter.is_held, meter.holds, meter.hold_ms)


def test_inactive_is_hold_too():
    """Some phones send no music and expect nothing."""
    meter = HoldMeter()
    settle(meter, 0, CALLER, INACTIVE, INACTIVE)
    settle(meter, 800, CALLER, SEND_RECEIVE, SEND_RECEIVE)
    assert (1, 800) == (meter.holds, meter.hold_ms)


def test_both_sides_may_hold():
    """Time counts while anybody holds: it ends when the last one resumes."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLER, SEND_ONLY, RECEIVE_ONLY)
    settle(meter, 2_000, CALLEE, INACTIVE, INACTIVE)
    settle(meter, 3_000, CALLER, SEND_RECEIVE, SEND_ONLY)
    assert meter.is_held
    settle(meter, 4_000, CALLEE, SEND_RECEIVE, SEND_RECEIVE)
    assert (False, 1, 3_000) == (meter.is_held, meter.holds, meter.hold_ms)


def test_end_cuts_a_hold_off():
    """What was on at the end is told apart from what was over before (the caller hung up on hold)."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLEE, SEND_ONLY, RECEIVE_ONLY)
    settle(meter, 2_000, CALLEE, SEND_RECEIVE, SEND_RECEIVE)
    settle(meter, 5_000, CALLEE, SEND_ONLY, RECEIVE_ONLY)
    meter.finish(9_000)
    meter.finish(9_500)
    assert (2, 5_000, 4_000) == (meter.holds, meter.hold_ms, meter.last_ms)


def test_codec_change_is_no_hold():
    """An offer that keeps both directions open changes nothing."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLER, SEND_RECEIVE, SEND_RECEIVE)
    assert (False, 0) == (meter.is_held, meter.holds)


def test_refused_offer_changes_nothing():
    """488 and 491 leave the call as it was."""
    meter = HoldMeter()
    meter.receive_offer(CALLER, 3, SEND_ONLY)
    meter.receive_refusal()
    assert (False, False) == (meter.is_held, meter.is_pending(CALLER, 3))


def test_delayed_offer_is_answered_by_the_ack():
    """A re-INVITE without a description: the 2xx offers, the ACK answers with sendonly."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLER, NO_SDP, SEND_RECEIVE, cseq=5)
    assert not meter.is_held
    meter.receive_ack(CALLER, 5, SEND_ONLY, 1_010)
    assert meter.is_held
    settle(meter, 3_000, CALLER, NO_SDP, SEND_RECEIVE, cseq=6)
    meter.receive_ack(CALLER, 6, SEND_RECEIVE, 3_010)
    assert (False, 2_000) == (meter.is_held, meter.hold_ms)


def test_offer_in_a_2xx_can_hold():
    """The side that was asked for an offer sends sendonly: it holds."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLER, NO_SDP, SEND_ONLY)
    assert meter.is_held


def test_hold_ends_with_the_leg():
    """Hanging up while on hold counts up to the BYE."""
    meter = HoldMeter()
    settle(meter, 1_000, CALLER, SEND_ONLY, RECEIVE_ONLY)
    meter.finish(4_000)
    meter.finish(9_000)
    assert (1, 3_000) == (meter.holds, meter.hold_ms)


DIRECTIONS = st.sampled_from([NO_SDP, INACTIVE, SEND_ONLY, RECEIVE_ONLY, SEND_RECEIVE])


@given(
    st.lists(st.tuples(st.sampled_from([CALLER, CALLEE]), DIRECTIONS, DIRECTIONS, st.integers(0, 1_000)), max_size=20)
)
def test_time_on_hold_never_exceeds_the_call(steps):
    """Whatever is offered and answered, the sum stays within what passed."""
    meter = HoldMeter()
    now_ms = 0
    for side, offered, answered, later_ms in steps:
        now_ms += later_ms
        settle(meter, now_ms, side, offered, answered)
    meter.finish(now_ms)
    assert 0 <= meter.hold_ms <= now_ms
    assert meter.holds <= len(steps)
