"""RFC 5359 sections 2.4 to 2.6: transfers unattended, attended, and of an instant message."""

from call_story import lines, told

ALICE_TALKS_TO_BOB = """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        3000   A alice < proxy < bob   200
        3010   A alice > proxy > bob   ACK
"""


def test_unattended_transfer() -> None:
    """2.4: Bob sends Alice to Carol and hangs up; Alice's new call is a leg of its own."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        5000   A bob > proxy > alice   REFER refer=carol
        5010   A bob < proxy < alice   202
        5020   A alice > proxy > bob   NOTIFY status=100
        5030   A alice < proxy < bob   200
        5100   A bob > proxy > alice   BYE
        5110   A bob < proxy < alice   200
        5200   B alice > proxy > carol INVITE
        5300   B alice < proxy < carol 180
        7000   B alice < proxy < carol 200
        7010   B alice > proxy > carol ACK
        7020   A alice > proxy > bob   NOTIFY status=200
        7030   A alice < proxy < bob   200
        9000   B alice > proxy > carol BYE
        9010   B alice < proxy < carol 200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 5100 callee 200 blind=103
        answered B 101>103 phone:103 5300 7000 9000 caller 200
    """
    assert lines(legs) == told(flow)


def test_unattended_transfer_that_fails_brings_the_caller_back() -> None:
    """2.4, the target is busy: NOTIFY says so, nothing was transferred, Alice and Bob talk on."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        5000   A bob > proxy > alice   REFER refer=carol
        5010   A bob < proxy < alice   202
        5020   A alice > proxy > bob   NOTIFY status=100
        5030   A alice < proxy < bob   200
        5200   B alice > proxy > carol INVITE
        7000   B alice < proxy < carol 486
        7010   B alice > proxy > carol ACK
        7020   A alice > proxy > bob   NOTIFY status=486
        7030   A alice < proxy < bob   200
        9000   A alice > proxy > bob   BYE
        9010   A alice < proxy < bob   200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 9000 caller 200
        busy     B 101>103 phone:103 - - 7000 callee 486
    """
    assert lines(legs) == told(flow)


def test_a_refused_refer_transfers_nothing() -> None:
    """2.4, Alice does not want to be sent on (603 to REFER)."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        5000   A bob > proxy > alice   REFER refer=carol
        5010   A bob < proxy < alice   603
        9000   A alice > proxy > bob   BYE
        9010   A alice < proxy < bob   200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 9000 caller 200
    """
    assert lines(legs) == told(flow)


def test_attended_transfer() -> None:
    """2.5: Bob holds Alice, asks Carol, and joins the two: the REFER names the dialog that Alice takes over."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        4000   A bob > proxy > alice   INVITE sdp=sendonly
        4010   A bob < proxy < alice   200 sdp=recvonly
        4020   A bob > proxy > alice   ACK
        4100   B bob > proxy > carol   INVITE
        4200   B bob < proxy < carol   180
        5000   B bob < proxy < carol   200
        5010   B bob > proxy > carol   ACK
        6000   A bob > proxy > alice   REFER refer=carol?B
        6010   A bob < proxy < alice   202
        6020   A alice > proxy > bob   NOTIFY status=100
        6030   A alice < proxy < bob   200
        6100   C alice > proxy > carol INVITE replaces=B
        6200   C alice < proxy < carol 200
        6210   C alice > proxy > carol ACK
        6220   B carol > proxy > bob   BYE
        6230   B carol < proxy < bob   200
        6240   A alice > proxy > bob   NOTIFY status=200
        6250   A alice < proxy < bob   200
        6300   A bob > proxy > alice   BYE
        6310   A bob < proxy < alice   200
        9000   C alice > proxy > carol BYE
        9010   C alice < proxy < carol 200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 6300 callee 200 hold=1x2290 attended=103 replaces=B
        answered B 102>103 phone:103 4200 5000 6220 callee 200
        answered C 101>103 phone:103 - 6200 9000 caller 200 replaces=B
    """
    assert lines(legs) == told(flow)


def test_attended_transfer_that_fails() -> None:
    """2.5, Carol refuses to be taken over (NOTIFY 488): no transfer, no dialog replaced, the caller returns."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        4100   B bob > proxy > carol   INVITE
        5000   B bob < proxy < carol   200
        5010   B bob > proxy > carol   ACK
        6000   A bob > proxy > alice   REFER refer=carol?B
        6010   A bob < proxy < alice   202
        6100   A alice > proxy > bob   NOTIFY status=488
        6110   A alice < proxy < bob   200
        7000   B bob > proxy > carol   BYE
        7010   B bob < proxy < carol   200
        9000   A alice > proxy > bob   BYE
        9010   A alice < proxy < bob   200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 9000 caller 200
        answered B 102>103 phone:103 - 5000 7000 caller 200
    """
    assert lines(legs) == told(flow)


def test_transfer_of_an_instant_message_is_no_transfer() -> None:
    """2.6: a REFER to send a MESSAGE moves no call, and a MESSAGE is no leg."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        5000   A bob > proxy > alice   REFER | Refer-To: <sip:103@10.77.1.5;method=MESSAGE>
        5010   A bob < proxy < alice   202
        5020   A alice > proxy > bob   NOTIFY status=100
        5030   A alice < proxy < bob   200
        5100   B alice > proxy > carol MESSAGE
        5110   B alice < proxy < carol 200
        5120   A alice > proxy > bob   NOTIFY status=200
        5130   A alice < proxy < bob   200
        9000   A alice > proxy > bob   BYE
        9010   A alice < proxy < bob   200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 9000 caller 200
    """
    assert lines(legs) == told(flow)
