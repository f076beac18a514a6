"""RFC 3665 section 3: the basic call flows. Alice is extension 101, Bob 102; the tap hears every hop that is drawn."""

import pytest
from builders import PBX
from call_story import PARTIES, lines, told

TWO_PROXIES = {"pbx": (PBX, PARTIES["proxy2"][1])}


def test_3_1_successful_session():
    """Alice calls Bob directly, Bob hangs up."""
    flow = """
        0      A alice > bob   INVITE
        100    A alice < bob   180
        2000   A alice < bob   200
        2010   A alice > bob   ACK
        9000   A alice < bob   BYE
        9010   A alice > bob   200/BYE
    """
    assert lines("answered A 101>102 phone:102 100 2000 9000 callee 200") == told(flow)


def test_3_2_through_two_proxies():
    """One leg with its first times, however often each message is seen."""
    flow = """
        0      A alice > proxy              INVITE to=102
        5      A alice < proxy              407
        8      A alice > proxy              ACK
        10     A alice > proxy > proxy2 > bob   INVITE
        12     A alice < proxy              100
        13     A proxy < proxy2             100
        100    A alice < proxy < proxy2 < bob   180
        2000   A alice < proxy < proxy2 < bob   200
        2010   A alice > proxy > proxy2 > bob   ACK
        9000   A alice < proxy < proxy2 < bob   BYE
        9010   A alice > proxy > proxy2 > bob   200/BYE
    """
    assert lines("answered A 101>102 phone:102 100 2000 9000 callee 200") == told(flow, **TWO_PROXIES)


def test_3_3_multiple_proxy_authentication():
    """Each proxy asks for credentials of its own: three INVITEs, one leg that began with the first."""
    flow = """
        0      A alice > proxy              INVITE to=102
        5      A alice < proxy              407
        8      A alice > proxy              ACK
        10     A alice > proxy > proxy2     INVITE
        14     A alice < proxy              100
        16     A proxy < proxy2             407
        18     A proxy > proxy2             ACK
        20     A alice < proxy              407
        22     A alice > proxy              ACK
        30     A alice > proxy > proxy2 > bob   INVITE
        100    A alice < proxy < proxy2 < bob   180
        2000   A alice < proxy < proxy2 < bob   200
        2010   A alice > proxy > proxy2 > bob   ACK
        9000   A alice > proxy > proxy2 > bob   BYE
        9010   A alice < proxy < proxy2 < bob   200/BYE
    """
    assert lines("answered A 101>102 phone:102 100 2000 9000 caller 200") == told(flow, **TWO_PROXIES)


def test_3_4_proxy_failure():
    """The first proxy says nothing to seven INVITEs; Alice tries the second with the same Call-ID: one answered leg."""
    flow = """
        0      A alice > proxy    INVITE to=102
        500    A alice > proxy    INVITE again
        1500   A alice > proxy    INVITE again
        3500   A alice > proxy    INVITE again
        7500   A alice > proxy    INVITE again
        15500  A alice > proxy    INVITE again
        31500  A alice > proxy    INVITE again
        32000  A alice > proxy2   INVITE
        32005  A alice < proxy2   407
        32008  A alice > proxy2   ACK
        32010  A alice > proxy2 > bob   INVITE
        32100  A alice < proxy2 < bob   180
        34000  A alice < proxy2 < bob   200
        34010  A alice > proxy2 > bob   ACK
        39000  A alice < proxy2 < bob   BYE
        39010  A alice > proxy2 > bob   200/BYE
    """
    assert lines("answered A 101>102 phone:102 32100 34000 39000 callee 200 again=6") == told(flow, **TWO_PROXIES)


def test_3_5_through_an_alg():
    """A gateway before the proxy rewrites addresses: still one Call-ID, one leg."""
    flow = """
        0      A alice > proxy > proxy2 > bob   INVITE
        4      A alice < proxy              100
        100    A alice < proxy < proxy2 < bob   180
        2000   A alice < proxy < proxy2 < bob   200
        2010   A alice > proxy > proxy2 > bob   ACK
        9000   A alice > proxy > proxy2 > bob   BYE
        9010   A alice < proxy < proxy2 < bob   200/BYE
    """
    assert lines("answered A 101>102 phone:102 100 2000 9000 caller 200") == told(flow, **TWO_PROXIES)


def test_3_6_redirect_and_sdp_in_the_ack():
    """The redirect server sends Alice to a proxy; her second INVITE (same Call-ID) leaves the SDP to the 200.

    The redirection ends the first attempt; what follows it is an attempt of its own.
    """
    flow = """
        0      A alice > proxy        INVITE to=102
        5      A alice < proxy        302 | Contact: <sip:102@10.77.1.6>
        8      A alice > proxy        ACK
        20     A alice > proxy2 > bob   INVITE sdp=no
        24     A alice < proxy2       100
        100    A alice < proxy2 < bob   180
        2000   A alice < proxy2 < bob   200
        2010   A alice > proxy2 > bob   ACK sdp=sendrecv
        9000   A alice > proxy2 > bob   BYE
        9010   A alice < proxy2 < bob   200/BYE
    """
    assert lines("""
        forwarded A 101>102 phone:101 - - 5 callee 302 diverted=102
        answered  A 101>102 phone:102 100 2000 9000 caller 200
    """) == told(flow, **TWO_PROXIES)


def test_3_7_re_invite_with_another_address():
    """Bob's address changes in the call: no new leg, no hold."""
    flow = """
        0      A alice > bob   INVITE
        100    A alice < bob   180
        2000   A alice < bob   200
        2010   A alice > bob   ACK
        4000   A alice < bob   INVITE
        4010   A alice > bob   200
        4020   A alice < bob   ACK
        9000   A alice < bob   BYE
        9010   A alice > bob   200/BYE
    """
    assert lines("answered A 101>102 phone:102 100 2000 9000 callee 200") == told(flow)


def test_3_8_no_answer():
    """Alice gives up while Bob's phone rings: she left, nobody declined."""
    flow = """
        0      A alice > proxy > proxy2 > bob   INVITE
        4      A alice < proxy              100
        100    A alice < proxy < proxy2 < bob   180
        9000   A alice > proxy              CANCEL
        9001   A alice < proxy              200/CANCEL
        9002   A proxy > proxy2             CANCEL
        9003   A proxy < proxy2             200/CANCEL
        9004   A proxy2 > bob               CANCEL
        9005   A proxy2 < bob               200/CANCEL
        9010   A proxy2 < bob               487
        9011   A proxy2 > bob               ACK
        9012   A proxy < proxy2             487
        9013   A proxy > proxy2             ACK
        9014   A alice < proxy              487
        9015   A alice > proxy              ACK
    """
    [leg] = told(flow, **TWO_PROXIES).splitlines()
    assert lines("caller_gone A 101>102 phone:102 100 - 9000 caller 487 cancelled") == leg


@pytest.mark.parametrize("status", ["486", "480"], ids=["3.9 busy", "3.11 unavailable"])
def test_3_9_and_3_11_refused_at_once(status):
    """Busy and temporarily unavailable: Bob is in no call, so his phone refuses by itself."""
    flow = f"""
        0      A alice > proxy > proxy2 > bob   INVITE
        4      A alice < proxy              100
        100    A proxy2 < bob               {status}
        101    A proxy2 > bob               ACK
        102    A proxy < proxy2             {status}
        103    A proxy > proxy2             ACK
        104    A alice < proxy              {status}
        105    A alice > proxy              ACK
    """
    assert lines(f"dnd A 101>102 phone:102 - - 100 callee {status}") == told(flow, **TWO_PROXIES)


def test_3_10_no_response_from_the_phone():
    """Bob's phone says nothing; the proxy's own 408 is all that Alice hears: unreachable, with its repetitions told."""
    flow = """
        0      A alice > proxy > proxy2 > bob   INVITE
        4      A alice < proxy              100
        500    A proxy2 > bob               INVITE again
        1500   A proxy2 > bob               INVITE again
        3500   A proxy2 > bob               INVITE again
        7500   A proxy2 > bob               INVITE again
        15500  A proxy2 > bob               INVITE again
        31500  A proxy2 > bob               INVITE again
        32000  A proxy < proxy2             408
        32001  A proxy > proxy2             ACK
        32002  A alice < proxy              408
        32003  A alice > proxy              ACK
    """
    assert lines("unreachable A 101>102 phone:102 - - 32000 callee 408 again=6") == told(flow, **TWO_PROXIES)
