"""RFC 5359 sections 2.7 to 2.9: call forwarding unconditional, busy and no answer; the proxy keeps the Call-ID."""

from call_story import lines, told

CAROL_ANSWERS = """
        5200   A alice < proxy < carol 180
        8000   A alice < proxy < carol 200
        8010   A alice > proxy > carol ACK
        12000  A carol > proxy > alice BYE
        12010  A carol < proxy < alice 200
"""


def test_forwarding_unconditional() -> None:
    """2.7: Bob's phone never rings; Alice's own call and the leg to Carol's phone are both told."""
    flow = (
        """
        5000   A alice > proxy         INVITE to=102
        5010   A alice < proxy         181
        5020   A proxy > carol         INVITE
    """
        + CAROL_ANSWERS
    )
    legs = """
        answered A 101>102 phone:101 5201 8001 12000 callee 200
        answered A 101>103 phone:103 5200 8000 12000 callee 200
    """
    assert lines(legs) == told(flow)


def test_forwarding_busy() -> None:
    """2.8: Bob's phone says 486, Carol's rings and answers: a refused and an answered leg."""
    flow = (
        """
        0      A alice > proxy > bob   INVITE
        100    A proxy < bob           486
        110    A proxy > bob           ACK
        5010   A alice < proxy         181
        5020   A proxy > carol         INVITE
    """
        + CAROL_ANSWERS
    )
    legs = """
        dnd      A 101>102 phone:102 - - 100 callee 486
        answered A 101>103 phone:103 5200 8000 12000 callee 200
    """
    assert lines(legs) == told(flow)


def test_forwarding_no_answer() -> None:
    """2.9: Bob's phone rings in vain, is cancelled, and Carol's takes over."""
    flow = (
        """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        4900   A proxy > bob           CANCEL
        4910   A proxy < bob           200/CANCEL
        4920   A proxy < bob           487
        4930   A proxy > bob           ACK
        5010   A alice < proxy         181
        5020   A proxy > carol         INVITE
    """
        + CAROL_ANSWERS
    )
    legs = """
        no_answer A 101>102 phone:102 100 - 4900 nobody 487 cancelled
        answered  A 101>103 phone:103 5200 8000 12000 callee 200
    """
    assert lines(legs) == told(flow)


def test_forwarding_by_the_phone() -> None:
    """A 302 of Bob's phone (RFC 3261 section 8.1.3.4): forwarded, and to whom; the PBX calls Carol anew."""
    flow = """
        0      A pbx > bob     INVITE from=447700900123
        100    A pbx < bob     302 | Contact: <sip:103@10.77.1.5>
        110    A pbx > bob     ACK
        200    B pbx > carol   INVITE from=447700900123 | Diversion: <sip:102@10.77.1.5>;reason=unconditional
        300    B pbx < carol   180
        3000   B pbx < carol   200
        3010   B pbx > carol   ACK
        9000   B pbx > carol   BYE
        9010   B pbx < carol   200
    """
    legs = """
        forwarded A 447700900123>102 phone:102 - - 100 callee 302 diverted=103
        answered  B 447700900123>103 phone:103 300 3000 9000 caller 200 diverted=102
    """
    assert lines(legs) == told(flow)
