"""RFC 5407 section 3: messages that cross on the wire, and what the tap must make of them."""

from call_story import lines, told

ANSWERED = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx < bob   200
"""
TALKING = (
    ANSWERED
    + """
        3010   A pbx > bob   ACK
"""
)
THE_LEG = "answered A 447700900123>102 phone:102 100 3000"


def check(flow: str, *expected: str) -> None:
    """The flow's legs are the expected ones."""
    assert lines("\n".join(expected)) == told(flow)


# --- 3.1 the moratorium state: 2xx sent, ACK not yet there ----------------------------------------------------------


def test_3_1_1_initial_invite_again_while_the_200_is_under_way() -> None:
    """3.1.1: the INVITE comes twice and the 200 answers it twice; one leg, its first times, two repetitions."""
    flow = (
        ANSWERED
        + """
        3005   A pbx > bob   INVITE again
        3100   A pbx < bob   200/INVITE again
        3110   A pbx > bob   ACK
        9000   A pbx > bob   BYE
        9010   A pbx < bob   200
    """
    )
    check(flow, f"{THE_LEG} 9000 caller 200 again=2")


def test_3_1_2_cancel_crosses_the_200() -> None:
    """3.1.2: CANCEL after the 200: the 2xx wins, the caller acknowledges and hangs up at once."""
    flow = (
        ANSWERED
        + """
        3002   A pbx > bob   CANCEL
        3012   A pbx < bob   200/CANCEL
        3020   A pbx > bob   ACK
        3021   A pbx > bob   BYE
        3030   A pbx < bob   200/BYE
    """
    )
    check(flow, f"{THE_LEG} 3021 caller 200")


def test_3_1_2_cancel_seen_before_the_200_that_crossed_it() -> None:
    """3.1.2 with the tap on the caller's side: first the CANCEL, then the 200; still answered, and still cancelled."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx > bob   CANCEL
        3002   A pbx < bob   200/INVITE
        3012   A pbx < bob   200/CANCEL
        3020   A pbx > bob   ACK
        3021   A pbx > bob   BYE
        3030   A pbx < bob   200/BYE
    """
    check(flow, "answered A 447700900123>102 phone:102 100 3002 3021 caller 200 cancelled")


def test_3_1_3_bye_of_the_early_dialog_crosses_the_200() -> None:
    """3.1.3: the caller hung up by BYE before it knew of the 200: the BYE ends the call all the same."""
    flow = (
        ANSWERED
        + """
        3002   A pbx > bob   BYE
        3010   A pbx > bob   ACK
        3020   A pbx < bob   200/BYE
    """
    )
    check(flow, f"{THE_LEG} 3002 caller 200")


def test_3_1_3_bye_of_the_early_dialog_seen_before_the_200() -> None:
    """3.1.3 with the tap on the caller's side: BYE while ringing; the callee refuses the INVITE with 487."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx > bob   BYE
        3010   A pbx < bob   200/BYE
        3020   A pbx < bob   487
        3030   A pbx > bob   ACK
    """
    check(flow, "caller_gone A 447700900123>102 phone:102 100 - 3000 caller 487 cancelled")


def test_3_1_3_bye_of_the_early_dialog_seen_before_the_200_that_crossed_it() -> None:
    """3.1.3 with the tap on the caller's side: the 200 comes behind the BYE and its response: a call of no length."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx > bob   BYE
        3010   A pbx < bob   200/BYE
        3020   A pbx < bob   200/INVITE
        3030   A pbx > bob   ACK
    """
    check(flow, "answered A 447700900123>102 phone:102 100 3000 3000 caller 200")


def test_3_1_4_re_invite_overtakes_the_ack() -> None:
    """3.1.4: the ACK comes behind a re-INVITE that holds; the hold counts from its 200."""
    flow = (
        ANSWERED
        + """
        3010   A pbx > bob   INVITE sdp=sendonly
        3020   A pbx > bob   ACK cseq=1
        3030   A pbx < bob   200/INVITE sdp=recvonly
        3040   A pbx > bob   ACK
        9000   A pbx > bob   BYE
        9010   A pbx < bob   200
    """
    )
    check(flow, f"{THE_LEG} 9000 caller 200 hold=1x5970")


def test_3_1_5_re_invite_when_the_ack_is_lost() -> None:
    """3.1.5: the ACK is lost, the callee repeats its 200 and refuses the re-INVITE (491): nothing is held."""
    flow = (
        ANSWERED
        + """
        3010   A pbx > bob   ACK unseen
        3020   A pbx > bob   INVITE sdp=sendonly
        3030   A pbx < bob   491/INVITE
        3040   A pbx > bob   ACK
        3500   A pbx < bob   200/INVITE again
        3510   A pbx > bob   ACK cseq=1
        9000   A bob > pbx   BYE
        9010   A bob < pbx   200
    """
    )
    check(flow, f"{THE_LEG} 9000 callee 200 again=1")


def test_3_1_6_bye_overtakes_the_ack() -> None:
    """3.1.6: the caller's BYE arrives before its ACK: the leg ends with the BYE, the late ACK changes nothing."""
    flow = (
        ANSWERED
        + """
        3010   A pbx > bob   BYE
        3020   A pbx > bob   ACK
        3030   A pbx < bob   200/BYE
    """
    )
    check(flow, f"{THE_LEG} 3010 caller 200")


# --- 3.2 the mortal state: BYE sent, its 200 not yet there ----------------------------------------------------------


def test_3_2_1_both_hang_up_at_once() -> None:
    """3.2.1: BYE crosses BYE: the first one seen ended the call; both are answered, nothing is a retransmission."""
    flow = (
        TALKING
        + """
        9000   A pbx > bob   BYE
        9002   A bob > pbx   BYE
        9010   A pbx < bob   200/BYE
        9012   A bob < pbx   200/BYE
    """
    )
    check(flow, f"{THE_LEG} 9000 caller 200")


def test_3_2_2_re_invite_crosses_the_bye() -> None:
    """3.2.2: a re-INVITE to hold meets a BYE: refused (481), the call ended with the BYE and was never held."""
    flow = (
        TALKING
        + """
        9000   A pbx > bob   BYE
        9002   A bob > pbx   INVITE sdp=sendonly
        9010   A pbx < bob   200/BYE
        9012   A bob < pbx   481/INVITE
        9014   A bob > pbx   ACK
    """
    )
    check(flow, f"{THE_LEG} 9000 caller 200")


def test_3_2_2_re_invite_seen_before_the_bye_that_crossed_it() -> None:
    """3.2.2 from the other side: the offer was never accepted, so there is no hold."""
    flow = (
        TALKING
        + """
        9000   A bob > pbx   INVITE sdp=sendonly
        9002   A pbx > bob   BYE
        9010   A bob < pbx   481/INVITE
        9012   A pbx < bob   200/BYE
        9014   A bob > pbx   ACK
    """
    )
    check(flow, f"{THE_LEG} 9002 caller 200")


def test_3_2_3_the_200_of_a_re_invite_crosses_the_bye() -> None:
    """3.2.3: the hold is accepted when the caller has hung up already: no hold time after the end."""
    flow = (
        TALKING
        + """
        8990   A bob > pbx   INVITE sdp=sendonly
        9000   A bob > pbx   BYE
        9001   A bob < pbx   200/INVITE sdp=recvonly
        9010   A bob < pbx   200/BYE
        9014   A bob > pbx   ACK
    """
    )
    check(flow, f"{THE_LEG} 9000 callee 200")


def test_3_2_4_ack_meets_the_callees_bye() -> None:
    """3.2.4: the callee hangs up as soon as it has answered; the ACK comes behind its BYE."""
    flow = (
        ANSWERED
        + """
        3002   A bob > pbx   BYE
        3010   A pbx > bob   ACK
        3012   A bob < pbx   200/BYE
    """
    )
    check(flow, f"{THE_LEG} 3002 callee 200")


# --- 3.3 other crossings --------------------------------------------------------------------------------------------


def test_3_3_1_re_invites_cross() -> None:
    """3.3.1: both sides want to hold at once, both get 491, the one that waits longer tries again and succeeds."""
    flow = (
        TALKING
        + """
        4000   A pbx > bob   INVITE sdp=sendonly
        4001   A bob > pbx   INVITE sdp=sendonly
        4010   A pbx < bob   491/INVITE
        4011   A bob < pbx   491/INVITE
        4020   A pbx > bob   ACK
        4021   A bob > pbx   ACK
        5000   A bob > pbx   INVITE sdp=sendonly
        5010   A bob < pbx   200/INVITE sdp=recvonly
        5020   A bob > pbx   ACK
        9010   A bob > pbx   BYE
        9020   A bob < pbx   200
    """
    )
    check(flow, f"{THE_LEG} 9010 callee 200 hold=1x4000")


def test_3_3_2_update_crosses_a_re_invite() -> None:
    """3.3.2: an UPDATE with an offer meets a re-INVITE: both refused (491), nothing changes."""
    flow = (
        TALKING
        + """
        4000   A pbx > bob   UPDATE sdp=sendonly
        4001   A bob > pbx   INVITE sdp=inactive
        4010   A pbx < bob   491/UPDATE
        4011   A bob < pbx   491/INVITE
        4021   A bob > pbx   ACK
        9010   A bob > pbx   BYE
        9020   A bob < pbx   200
    """
    )
    check(flow, f"{THE_LEG} 9010 callee 200")


def test_3_3_2_a_re_invite_succeeds_beside_a_refused_update() -> None:
    """3.3.2, variant: the UPDATE is refused, the re-INVITE that crossed it is accepted: its hold counts."""
    flow = (
        TALKING
        + """
        4000   A pbx > bob   UPDATE sdp=sendrecv
        4001   A bob > pbx   INVITE sdp=sendonly
        4010   A pbx < bob   491/UPDATE
        4011   A bob < pbx   200/INVITE sdp=recvonly
        4021   A bob > pbx   ACK
        9011   A bob > pbx   BYE
        9020   A bob < pbx   200
    """
    )
    check(flow, f"{THE_LEG} 9011 callee 200 hold=1x5000")


def test_3_3_3_refer_crosses_the_bye() -> None:
    """3.3.3: a REFER that meets a BYE is refused (481): nobody was transferred."""
    flow = (
        TALKING
        + """
        9000   A pbx > bob   BYE
        9002   A bob > pbx   REFER refer=carol
        9010   A pbx < bob   200/BYE
        9012   A bob < pbx   481/REFER
    """
    )
    check(flow, f"{THE_LEG} 9000 caller 200")


# --- crossings that networks add ------------------------------------------------------------------------------------


def test_late_ringing_behind_the_200() -> None:
    """A 180 that UDP delivered after the 200: the leg was answered without ringing, and stays answered."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        3000   A pbx < bob   200
        3001   A pbx < bob   180
        3010   A pbx > bob   ACK
        9000   A pbx > bob   BYE
        9010   A pbx < bob   200
    """
    check(flow, "answered A 447700900123>102 phone:102 - 3000 9000 caller 200")


def test_lost_ack_keeps_the_200_coming() -> None:
    """No ACK ever: the callee repeats its 200 and hangs up after 32 s (RFC 3261 section 13.3.1.4)."""
    repeated = "".join(f"\n        {at_ms}  A pbx < bob  200/INVITE again" for at_ms in (3500, 4500, 6500, 10500))
    flow = (
        ANSWERED
        + repeated
        + """
        35000  A bob > pbx   BYE
        35010  A bob < pbx   200
    """
    )
    check(flow, f"{THE_LEG} 35000 callee 200 again=4")


def test_lost_200_to_bye_keeps_the_bye_coming() -> None:
    """The first BYE ended the call; its repetitions are counted and move nothing."""
    flow = (
        TALKING
        + """
        9000   A pbx > bob   BYE
        9500   A pbx > bob   BYE again
        10500  A pbx > bob   BYE again
        10510  A pbx < bob   200
    """
    )
    check(flow, f"{THE_LEG} 9000 caller 200 again=2")


def test_a_200_lost_before_the_tap_is_inferred_from_its_ack() -> None:
    """The ACK of a 2xx has a branch of its own (RFC 3261 section 13.2.2.4): answered, told as partial."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx < bob   200 unseen
        3010   A pbx > bob   ACK
        9000   A pbx > bob   BYE
        9010   A pbx < bob   200
    """
    check(flow, "answered A 447700900123>102 phone:102 100 3010 9000 caller 200 partial")


def test_a_200_to_a_cancelled_invite_of_one_fork() -> None:
    """Two phones pick up at once: both 200, one is acknowledged and hung up at once: it lost the race."""
    flow = """
        0      A pbx > bob    INVITE from=447700900123
        1      B pbx > carol  INVITE from=447700900123
        100    A pbx < bob    180
        101    B pbx < carol  180
        3000   A pbx < bob    200
        3004   B pbx > carol  CANCEL | Reason: SIP;cause=200;text="Call completed elsewhere"
        3005   B pbx < carol  200/INVITE
        3006   B pbx < carol  200/CANCEL
        3010   A pbx > bob    ACK
        3011   B pbx > carol  ACK
        3012   B pbx > carol  BYE | Reason: SIP;cause=200;text="Call completed elsewhere"
        3020   B pbx < carol  200/BYE
        9000   A bob > pbx    BYE
        9010   A bob < pbx    200
    """
    check(
        flow,
        f"{THE_LEG} 9000 callee 200",
        "lost_race B 447700900123>103 phone:103 101 3005 3012 caller 200 cancelled reason=200",
    )
