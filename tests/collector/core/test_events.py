from collector.core.events import (
    DIRECTIONS,
    ENDERS,
    ROLES,
    TRANSFERS,
    TRANSPORTS,
    GapObserved,
    HealthReported,
    LegEnded,
    RegistrationChanged,
)


def test_new_leg_claims_nothing():
    """Times that did not happen are None, words and counts are empty: only the INVITE is known."""
    leg = LegEnded(5, b"key")
    values = {name: getattr(leg, name) for name in LegEnded.__annotations__}
    assert {"invite_ms", "call_key", "role"} == {name for name, value in values.items() if value}


def test_words_begin_with_the_unknown_one():
    """The wire leaves out what has its default: the first word of each list."""
    leg = LegEnded(5, b"key")
    assert (ROLES[0], DIRECTIONS[0], ENDERS[0], TRANSFERS[0], TRANSPORTS[0]) == (
        leg.role,
        leg.direction,
        leg.ended_by,
        leg.transfer,
        leg.transport,
    )


def test_small_events_keep_their_fields():
    """Registration, gap and health."""
    assert RegistrationChanged(1, "phone", "101", True).registered
    assert GapObserved(1, 2, "restart", 3).count == 3
    assert HealthReported(1, {"frames": 2}).counters == {"frames": 2}
