"""RFC 5359 section 2, from 2.10 on: conferences, shared lines, find-me, screening, park, pickup, redial, click."""

from call_story import lines, told

ALICE_TALKS_TO_BOB = """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        3000   A alice < proxy < bob   200
        3010   A alice > proxy > bob   ACK
"""


def test_third_party_is_added() -> None:
    """2.10: Bob holds Alice, calls Carol, and mixes: Alice's hold ends when Bob becomes the focus."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        4000   A bob > proxy > alice   INVITE sdp=sendonly
        4010   A bob < proxy < alice   200 sdp=recvonly
        4020   A bob > proxy > alice   ACK
        4100   B bob > proxy > carol   INVITE
        4200   B bob < proxy < carol   180
        6000   B bob < proxy < carol   200
        6010   B bob > proxy > carol   ACK
        7000   A bob > proxy > alice   INVITE | Contact: <sip:102@10.77.1.102>;isfocus
        7010   A bob < proxy < alice   200
        7020   A bob > proxy > alice   ACK
        9000   B carol > proxy > bob   BYE
        9010   B carol < proxy < bob   200
        12000  A bob > proxy > alice   BYE
        12010  A bob < proxy < alice   200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 12000 callee 200 hold=1x3000
        answered B 102>103 phone:103 4200 6000 9000 callee 200
    """
    assert lines(legs) == told(flow)


def test_third_party_joins() -> None:
    """2.11: Carol joins the call of Alice and Bob by a Join header: a leg of her own, nothing ends by it."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        5000   B carol > proxy > bob   INVITE | Join: call-A@story;to-tag=bob;from-tag=alice
        5100   B carol < proxy < bob   180
        6000   B carol < proxy < bob   200 | Contact: <sip:102@10.77.1.102>;isfocus
        6010   B carol > proxy > bob   ACK
        6100   A bob > proxy > alice   INVITE | Contact: <sip:102@10.77.1.102>;isfocus
        6110   A bob < proxy < alice   200
        6120   A bob > proxy > alice   ACK
        9000   A alice > proxy > bob   BYE
        9010   A alice < proxy < bob   200
        12000  B carol > proxy > bob   BYE
        12010  B carol < proxy < bob   200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 9000 caller 200
        answered B 103>102 phone:102 5100 6000 12000 caller 200
    """
    assert lines(legs) == told(flow)


def test_single_line_extension() -> None:
    """Single-line extension: two phones of Bob's ring at once, one answers: one answered leg, no missed call."""
    flow = """
        0      A alice > proxy         INVITE to=102
        1      A proxy > bob           INVITE
        2      A proxy > bob2          INVITE
        100    A alice < proxy < bob   180
        200    A alice < proxy < bob2  180
        3000   A alice < proxy < bob2  200
        3005   A proxy > bob           CANCEL | Reason: SIP;cause=200;text="Call completed elsewhere"
        3006   A proxy < bob           200/CANCEL
        3007   A proxy < bob           487
        3008   A proxy > bob           ACK
        3010   A alice > proxy > bob2  ACK
        9000   A bob2 > proxy > alice  BYE
        9010   A bob2 < proxy < alice  200
    """
    legs = """
        answered A 101>102 phone:102 100 3000 9000 callee 200
    """
    assert lines(legs) == told(flow)


def test_find_me() -> None:
    """Find-me: the proxy tries Bob (no answer), Carol (busy), Dave (answers), one after the other in one Call-ID."""
    flow = """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        4000   A proxy > bob           CANCEL
        4010   A proxy < bob           200/CANCEL
        4020   A proxy < bob           487
        4030   A proxy > bob           ACK
        4100   A proxy > carol         INVITE
        4900   A proxy < carol         486
        4910   A proxy > carol         ACK
        5000   A proxy > dave          INVITE
        5100   A alice < proxy < dave  180
        8000   A alice < proxy < dave  200
        8010   A alice > proxy > dave  ACK
        9000   A alice > proxy > dave  BYE
        9010   A alice < proxy < dave  200
    """
    legs = """
        no_answer A 101>102 phone:102 100 - 4000 nobody 487 cancelled
        busy      A 101>103 phone:103 - - 4900 callee 486
        answered  A 101>104 phone:104 5100 8000 9000 caller 200
    """
    assert lines(legs) == told(flow)


def test_find_me_all_at_once() -> None:
    """Find-me, in parallel: Carol answers, the others are cancelled: answered once, never a missed call."""
    flow = """
        0      A alice > proxy > bob   INVITE
        2      A proxy > carol         INVITE
        3      A proxy > dave          INVITE
        100    A alice < proxy < bob   180
        110    A alice < proxy < carol 180
        120    A alice < proxy < dave  180
        3000   A alice < proxy < carol 200
        3010   A proxy > bob           CANCEL
        3011   A proxy > dave          CANCEL
        3012   A proxy < bob           200/CANCEL
        3013   A proxy < dave          200/CANCEL
        3014   A proxy < bob           487
        3015   A proxy < dave          487
        3016   A proxy > bob           ACK
        3017   A proxy > dave          ACK
        3020   A alice > proxy > carol ACK
        9000   A alice > proxy > carol BYE
        9010   A alice < proxy < carol 200
    """
    legs = """
        elsewhere A 101>102 phone:102 100 - 3010 nobody 487 cancelled
        answered  A 101>103 phone:103 110 3000 9000 caller 200
        elsewhere A 101>104 phone:104 120 - 3011 caller 487 cancelled
    """
    assert lines(legs) == told(flow)


def test_incoming_call_screening() -> None:
    """Incoming screening: the proxy turns the caller away (403): Bob's phone saw nothing and missed nothing."""
    flow = """
        0      A alice > proxy         INVITE to=102
        100    A alice < proxy         403
        110    A alice > proxy         ACK
    """
    legs = """
        failed   A 101>102 phone:101 - - 100 callee 403
    """
    assert lines(legs) == told(flow)


def test_outgoing_call_screening() -> None:
    """Outgoing screening: a number that may not be dialled, refused after the phone had to authenticate itself."""
    flow = """
        0      A alice > proxy         INVITE to=00900123
        5      A alice < proxy         407
        10     A alice > proxy         ACK
        20     A alice > proxy         INVITE
        100    A alice < proxy         403
        110    A alice > proxy         ACK
    """
    legs = """
        failed   A 101>900123 phone:101 - - 100 callee 403
    """
    assert lines(legs) == told(flow, country="44")


def test_call_park() -> None:
    """Call park: Bob parks Alice by REFER to the park server, Carol picks her up from it by Replaces."""
    flow = (
        ALICE_TALKS_TO_BOB
        + """
        4000   B bob > park            REFER | Refer-To: <sip:101@10.77.1.5?Replaces=call-A%40story>
        4010   B bob < park            202
        4020   B park > bob            NOTIFY status=100
        4030   B park < bob            200
        4100   C park > alice          INVITE replaces=A
        4110   C park < alice          200
        4120   C park > alice          ACK
        4130   A alice > proxy > bob   BYE
        4140   A alice < proxy < bob   200
        4150   B park > bob            NOTIFY status=200
        4160   B park < bob            200
        # Carol asks who is parked and takes the call
        6000   D carol > park          SUBSCRIBE
        6010   D carol < park          200
        6020   D park > carol          NOTIFY
        6030   D park < carol          200
        7000   E carol > alice         INVITE replaces=C
        7010   E carol < alice         200
        7020   E carol > alice         ACK
        7030   C alice > park          BYE
        7040   C alice < park          200
        9000   E alice > carol         BYE
        9010   E alice < carol         200
    """
    )
    legs = """
        answered A 101>102 phone:102 100 3000 4130 caller 200
        answered C 700>101 phone:101 - 4110 7030 callee 200 replaces=A
        answered E 103>101 phone:101 - 7010 9000 callee 200 replaces=C
    """
    assert lines(legs) == told(flow)


def test_call_pickup() -> None:
    """Call pickup: Bob's phone rings, Carol takes the call by Replaces: Bob's leg ended elsewhere."""
    flow = """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        # Carol sees it ring and asks for the dialog
        1000   B carol > bob           SUBSCRIBE
        1010   B carol < bob           200
        1020   B bob > carol           NOTIFY
        1030   B bob < carol           200
        3000   C carol > proxy > alice INVITE | Replaces: call-A@story;to-tag=bob;from-tag=alice;early-only
        3010   C carol < proxy < alice 200
        3020   C carol > proxy > alice ACK
        3030   A alice > proxy > bob   CANCEL
        3040   A alice < proxy < bob   200/CANCEL
        3050   A alice < proxy < bob   487
        3060   A alice > proxy > bob   ACK
        9000   C alice > proxy > carol BYE
        9010   C alice < proxy < carol 200
    """
    legs = """
        elsewhere A 101>102 phone:102 100 - 3030 caller 487 cancelled
        answered  C 103>101 phone:101 - 3010 9000 callee 200 replaces=A
    """
    assert lines(legs) == told(flow)


def test_automatic_redial() -> None:
    """Automatic redial: Bob is busy, Alice's phone calls again when he is free: a busy and an answered leg."""
    flow = """
        0      A dave > proxy > bob    INVITE
        100    A dave < proxy < bob    180
        500    A dave < proxy < bob    200
        510    A dave > proxy > bob    ACK
        1000   B alice > proxy > bob   INVITE
        1100   B alice < proxy < bob   486
        1110   B alice > proxy > bob   ACK
        2000   C alice > proxy > bob   SUBSCRIBE
        2010   C alice < proxy < bob   200
        2020   C bob > proxy > alice   NOTIFY
        2030   C bob < proxy < alice   200
        5000   A dave > proxy > bob    BYE
        5010   A dave < proxy < bob    200
        5100   C bob > proxy > alice   NOTIFY
        5110   C bob < proxy < alice   200
        6000   D alice > proxy > bob   INVITE
        6100   D alice < proxy < bob   180
        8000   D alice < proxy < bob   200
        8010   D alice > proxy > bob   ACK
        9000   D alice > proxy > bob   BYE
        9010   D alice < proxy < bob   200
    """
    legs = """
        answered A 104>102 phone:102 100 500 5000 caller 200
        busy     B 101>102 phone:102 - - 1100 callee 486
        answered D 101>102 phone:102 6100 8000 9000 caller 200
    """
    assert lines(legs) == told(flow)


def test_click_to_dial() -> None:
    """Click to dial: a controller asks Alice's phone by REFER to call Bob: only what Alice dials is a call."""
    flow = """
        0      A screen > alice        REFER refer=bob
        10     A screen < alice        202
        20     A alice > screen        NOTIFY status=100
        30     A alice < screen        200
        100    B alice > proxy > bob   INVITE
        200    B alice < proxy < bob   180
        3000   B alice < proxy < bob   200
        3010   B alice > proxy > bob   ACK
        3020   A alice > screen        NOTIFY status=200
        3030   A alice < screen        200
        9000   B bob > proxy > alice   BYE
        9010   B bob < proxy < alice   200
    """
    legs = """
        answered B 101>102 phone:102 200 3000 9000 callee 200
    """
    assert lines(legs) == told(flow)
