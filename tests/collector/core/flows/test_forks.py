"""One INVITE to several phones through a proxy that keeps the Call-ID: each phone's messages are of its own leg."""

from call_story import lines, told

CAROL = "| Contact: <sip:103@10.77.1.103:5060>"


def test_two_refuse_while_the_third_rings() -> None:
    """The proxy acknowledges each refusal at once: no ACK of a branch that is over answers the one that rings on."""
    flow = """
        0      A alice > proxy > bob     INVITE
        2      A proxy > carol           INVITE
        3      A proxy > dave            INVITE
        100    A proxy < bob             486
        101    A proxy > bob             ACK
        110    A alice < proxy < carol   180
        120    A proxy < dave            486
        121    A proxy > dave            ACK
        3000   A alice < proxy < carol   200
        3010   A alice > proxy > carol   ACK
        9000   A alice > proxy > carol   BYE
        9010   A alice < proxy < carol   200
    """
    legs = """
        dnd      A 101>102 phone:102 - - 100 callee 486
        answered A 101>103 phone:103 110 3000 9000 caller 200
        dnd      A 101>104 phone:104 - - 120 callee 486
    """
    assert lines(legs) == told(flow)


def test_the_next_phone_is_called_before_the_last_refusal_is_acknowledged() -> None:
    """One after the other: an ACK behind the next INVITE, and a refusal sent again, are of the phone before."""
    flow = """
        0      A alice > proxy > bob     INVITE
        100    A alice < proxy < bob     180
        4000   A proxy < bob             486
        4001   A proxy > carol           INVITE
        4002   A proxy > bob             ACK
        4100   A alice < proxy < carol   180
        4500   A proxy < bob             486/INVITE again
        4501   A proxy > bob             ACK again
        8000   A alice < proxy < carol   200
        8010   A alice > proxy > carol   ACK
        9000   A carol > proxy > alice   BYE
        9010   A carol < proxy < alice   200
    """
    legs = """
        declined A 101>102 phone:102 100 - 4000 callee 486
        answered A 101>103 phone:103 4100 8000 9000 callee 200
    """
    assert lines(legs) == told(flow)


def test_nobody_answers_and_the_caller_gives_up() -> None:
    """What ends one branch after the other leaves no branch answered."""
    flow = """
        0      A alice > proxy > bob     INVITE
        2      A proxy > carol           INVITE
        100    A alice < proxy < bob     180
        110    A alice < proxy < carol   180
        9000   A alice > proxy           CANCEL
        9001   A alice < proxy           200/CANCEL
        9002   A proxy > bob             CANCEL
        9003   A proxy > carol           CANCEL
        9004   A proxy < bob             200/CANCEL
        9005   A proxy < carol           200/CANCEL
        9006   A proxy < bob             487
        9007   A proxy > bob             ACK
        9008   A proxy < carol           487
        9009   A proxy > carol           ACK
        9010   A alice < proxy           487
        9011   A alice > proxy           ACK
    """
    legs = """
        caller_gone A 101>102 phone:102 100 - 9000 caller 487 cancelled
        caller_gone A 101>103 phone:103 110 - 9003 caller 487 cancelled
    """
    assert lines(legs) == told(flow)


def test_two_phones_answer_and_the_caller_hangs_up_on_one() -> None:
    """RFC 3261 section 13.2.2.4: the BYE of the fork that lost, on either hop, ends nothing of the other's."""
    flow = """
        0      A alice > proxy > bob     INVITE
        2      A proxy > carol           INVITE
        100    A alice < proxy < bob     180
        110    A alice < proxy < carol   180
        3000   A alice < proxy < bob     200
        3003   A proxy > carol           CANCEL
        3005   A alice < proxy < carol   200/INVITE
        3006   A proxy < carol           200/CANCEL
        3010   A alice > proxy > bob     ACK
        3011   A alice > proxy > carol   ACK
        3012   A alice > proxy > carol   BYE
        3020   A alice < proxy < carol   200/BYE
        9000   A alice > proxy > bob     BYE
        9010   A alice < proxy < bob     200/BYE
    """
    legs = """
        answered  A 101>102 phone:102 100 3000 9000 caller 200
        lost_race A 101>103 phone:103 110 3005 3012 caller 200 cancelled
    """
    assert lines(legs) == told(flow)


def test_a_branch_whose_invite_was_lost_is_made_up_from_its_ringing() -> None:
    """Carol's answer is not taken for Bob's or Dave's: her response's Contact says whose it is."""
    flow = f"""
        0      A proxy > bob             INVITE from=447700900123
        2      A proxy > carol           INVITE unseen
        3      A proxy > dave            INVITE
        100    A proxy < bob             180
        110    A proxy < carol           180 {CAROL}
        120    A proxy < dave            180
        3000   A proxy < carol           200 {CAROL}
        3010   A proxy > bob             CANCEL
        3011   A proxy > dave            CANCEL
        3012   A proxy < bob             200/CANCEL
        3013   A proxy < dave            200/CANCEL
        3014   A proxy < bob             487
        3015   A proxy < dave            487
        3016   A proxy > bob             ACK
        3017   A proxy > dave            ACK
        3020   A proxy > carol           ACK
        9000   A proxy > carol           BYE
        9010   A proxy < carol           200
    """
    legs = """
        elsewhere A 447700900123>102 phone:102 100 - 3010 caller 487 cancelled
        elsewhere A 447700900123>104 phone:104 120 - 3011 caller 487 cancelled
        answered  A 447700900123>103 phone:103 110 3000 9000 caller 200 partial
    """
    assert lines(legs) == told(flow)


def test_a_branch_of_which_nobody_knows_the_phone_is_nobody_s() -> None:
    """Neither INVITE nor Contact of Carol's: her ringing and the CANCEL of it leave Bob's and Dave's legs alone."""
    flow = """
        0      A proxy > bob             INVITE from=447700900123
        2      A proxy > carol           INVITE unseen
        3      A proxy > dave            INVITE
        100    A proxy < bob             180
        110    A proxy < carol           180
        2000   A proxy > carol           CANCEL
        2010   A proxy < carol           200/CANCEL
        2020   A proxy < carol           487
        2030   A proxy > carol           ACK
        2500   A proxy < dave            486
        2510   A proxy > dave            ACK
        3000   A proxy < bob             200
        3010   A proxy > bob             ACK
        9000   A proxy > bob             BYE
        9010   A proxy < bob             200
    """
    legs = """
        answered    A 447700900123>102 phone:102 100 3000 9000 caller 200
        busy        A 447700900123>104 phone:104 - - 2500 callee 486
    """
    assert lines(legs) == told(flow)


def test_an_answer_of_a_fork_that_was_lost_is_inferred_from_its_ack() -> None:
    """The To tag of the ringing tells which of two phones the ACK is for."""
    flow = """
        0      A proxy > bob             INVITE from=447700900123
        2      A proxy > carol           INVITE
        100    A proxy < bob             180
        110    A proxy < carol           180
        3000   A proxy < carol           200 unseen
        3005   A proxy > bob             CANCEL
        3006   A proxy < bob             200/CANCEL
        3007   A proxy < bob             487
        3008   A proxy > bob             ACK
        3010   A proxy > carol           ACK
        9000   A carol > proxy           BYE
        9010   A carol < proxy           200
    """
    legs = """
        elsewhere   A 447700900123>102 phone:102 100 - 3005 caller 487 cancelled
        answered    A 447700900123>103 phone:103 110 3010 9000 callee 200 partial
    """
    assert lines(legs) == told(flow)


def test_a_proxy_that_gives_the_phone_up_is_not_its_caller() -> None:
    """The ring time is over: the caller is still there and hears 408, before or after the phone's 487."""
    for first, second in ((30_001, 30_011), (30_011, 30_001)):
        flow = f"""
            0      A alice > proxy > bob     INVITE
            100    A alice < proxy < bob     180
            30000  A proxy > bob             CANCEL
            30000  A proxy < bob             200/CANCEL
            {first}  A alice < proxy         408/INVITE
            {second}  A proxy < bob          487
            30020  A proxy > bob             ACK
            30021  A alice > proxy           ACK
        """
        [leg] = told(flow).splitlines()
        assert leg.startswith("no_answer   A 101>102 phone:102 100 - 30000 nobody")
        assert "partial" not in leg


def test_all_phones_ring_in_vain_while_the_caller_waits() -> None:
    """The proxy cancels both at once and tells the caller 408: two phones that did not answer, no caller who left."""
    flow = """
        0      A alice > proxy > bob     INVITE
        2      A proxy > carol           INVITE
        100    A alice < proxy < bob     180
        110    A alice < proxy < carol   180
        20000  A proxy > bob             CANCEL
        20001  A proxy > carol           CANCEL
        20004  A proxy < bob             487
        20005  A proxy > bob             ACK
        20006  A proxy < carol           487
        20007  A proxy > carol           ACK
        20008  A alice < proxy           408/INVITE
        20010  A alice > proxy           ACK
    """
    legs = """
        no_answer A 101>102 phone:102 100 - 20000 nobody 487 cancelled
        no_answer A 101>103 phone:103 110 - 20001 caller 487 cancelled
    """
    assert lines(legs) == told(flow)


def test_one_declines_for_all() -> None:
    """A 6xx ends the ringing of the others (RFC 3261 section 16.7): they did not answer; nobody left."""
    flow = """
        0      A alice > proxy > bob     INVITE
        2      A proxy > carol           INVITE
        100    A alice < proxy < bob     180
        110    A alice < proxy < carol   180
        3000   A proxy < bob             603
        3001   A proxy > bob             ACK
        3002   A proxy > carol           CANCEL
        3003   A proxy < carol           200/CANCEL
        3004   A proxy < carol           487
        3005   A proxy > carol           ACK
        3006   A alice < proxy           603/INVITE
        3007   A alice > proxy           ACK
    """
    legs = """
        declined  A 101>102 phone:102 100 - 3000 callee 603
        no_answer A 101>103 phone:103 110 - 3002 caller 487 cancelled
    """
    assert lines(legs) == told(flow)


TWO_PHONES = """
    0      A alice > proxy         INVITE to=102
    1      A proxy > bob           INVITE
    2      A proxy > bob2          INVITE
    100    A proxy < bob           486
    101    A proxy > bob           ACK
    600    A proxy < bob           486/INVITE again
    601    A proxy > bob           ACK again
    200    A alice < proxy < bob2  180
"""


def test_one_of_an_extension_s_two_phones_refuses() -> None:
    """Do not disturb on the one, an answer on the other: answered; the refusal is over only with the last phone."""
    answered = """
        3000   A alice < proxy < bob2  200
        3010   A alice > proxy > bob2  ACK
        9000   A bob2 > proxy > alice  BYE
        9010   A bob2 < proxy < alice  200
    """
    assert lines("answered A 101>102 phone:102 200 3000 9000 callee 200") == told(TWO_PHONES + answered)
    for status in ("486", "480"):
        refused = f"""
            3000   A alice < proxy < bob2  {status}/INVITE
            3010   A proxy > bob2          ACK
            3011   A alice > proxy         ACK
        """
        assert lines(f"declined A 101>102 phone:102 200 - 3000 callee {status}") == told(TWO_PHONES + refused)


def test_the_proxy_tries_another_gateway_behind_retry_after() -> None:
    """503 with Retry-After, and the same INVITE to the next gateway: the leg is tried on, and answered."""
    flow = """
        0      A alice > proxy > bob     INVITE
        50     A proxy < bob             503 | Retry-After: 5
        60     A proxy > bob             ACK
        70     A proxy > bob2            INVITE
        1000   A alice < proxy < bob2    183
        3000   A alice < proxy < bob2    200
        3010   A alice > proxy > bob2    ACK
        9000   A alice > proxy > bob2    BYE
        9010   A alice < proxy < bob2    200
    """
    assert lines("answered A 101>102 phone:102 1000 3000 9000 caller 200") == told(flow)
