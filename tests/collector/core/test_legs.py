import pytest
from builders import make_request, read

from collector.core.events import LegEnded
from collector.core.leg_table import _compile
from collector.core.legs import (
    ACTIONS,
    CALLING,
    ENDED,
    SIGNAL_NAMES,
    STATE_NAMES,
    TIMEOUT,
    TRANSITIONS,
    WAIT_MS,
    TrackedLeg,
)
from collector.core.timers import TimerQueue

STATES = range(len(STATE_NAMES))
SIGNALS = range(len(SIGNAL_NAMES))
PAIRS = [(state, signal) for state in STATES for signal in SIGNALS]


def name(value):
    """A test's name: CALLING-RING."""
    return f"{STATE_NAMES[value[0]]}-{SIGNAL_NAMES[value[1]]}"


def make_leg(state):
    """A leg in a state, with an INVITE 10 s ago that was answered 4 s ago."""
    facts = LegEnded(0, b"key")
    facts.ring_ms, facts.answer_ms = 1_000, 6_000
    leg = TrackedLeg(facts, b"call-1", "101", b"\1\1\1\1", 1, b"a")
    leg.state = state
    return leg


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_every_pair_is_in_the_table_or_changes_nothing(pair):
    """A pair of the table names a state and an action that exist; any other pair has no entry at all."""
    timers = [TimerQueue(WAIT_MS[state]) for state in WAIT_MS]
    entry = _compile(timers)[pair[0]][pair[1]]
    if pair in TRANSITIONS:
        following, action = TRANSITIONS[pair]
        assert following in STATES
        assert entry == (following, ACTIONS[action], None if following == ENDED else timers[following])
    else:
        assert entry is None


@pytest.mark.parametrize("pair", [pair for pair in sorted(TRANSITIONS) if TRANSITIONS[pair][1] != "none"], ids=name)
def test_every_action_runs_with_and_without_a_message(pair):
    """A time-out has no message; an action must do without."""
    _, action = TRANSITIONS[pair]
    for message in (None, read(make_request("BYE", cseq=2))):
        leg = make_leg(pair[0])
        ACTIONS[action](leg, message, 10_000)
        assert leg.facts.invite_ms == 0


def test_every_action_is_used():
    """No action without a transition."""
    assert set(ACTIONS) == {action for _, action in TRANSITIONS.values()}


def test_every_state_reaches_the_end():
    """From anywhere there is a way to ENDED, and nothing leads out of it."""
    reaching = {ENDED}
    for _ in STATES:
        reaching |= {state for (state, _), (following, _) in TRANSITIONS.items() if following in reaching}
    assert set(STATES) == reaching
    assert not [state for state, _ in TRANSITIONS if state == ENDED]


def test_every_state_is_reached():
    """From CALLING there is a way to every state."""
    reached = {CALLING}
    for _ in STATES:
        reached |= {following for (state, _), (following, _) in TRANSITIONS.items() if state in reached}
    assert set(STATES) == reached


def test_no_state_waits_forever():
    """Every state but the last has a time, and a way out when it is over."""
    for state in STATES:
        if state != ENDED:
            assert WAIT_MS[state] > 0
            assert (state, TIMEOUT) in TRANSITIONS
