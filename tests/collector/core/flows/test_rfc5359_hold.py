"""RFC 5359 sections 2.1 to 2.3: hold, consultation hold, music on hold."""

from call_story import lines, told


def test_call_hold() -> None:
    """2.1: Bob holds Alice for five seconds; one leg, one hold, its time not counted twice for the two hops."""
    flow = """
        0      A alice > proxy > bob   INVITE
        5      A alice < proxy         100
        100    A alice < proxy < bob   180
        3000   A alice < proxy < bob   200
        3010   A alice > proxy > bob   ACK
        # Bob presses hold
        5000   A bob > proxy > alice   INVITE sdp=sendonly
        5100   A bob < proxy < alice   200 sdp=recvonly
        5110   A bob > proxy > alice   ACK
        # and takes the call back
        10000  A bob > proxy > alice   INVITE
        10100  A bob < proxy < alice   200
        10110  A bob > proxy > alice   ACK
        12000  A alice > proxy > bob   BYE
        12010  A alice < proxy < bob   200
    """
    legs = """
        answered A 101>102 phone:102 100 3000 12000 caller 200 hold=1x5000
    """
    assert lines(legs) == told(flow)


def test_both_sides_hold() -> None:
    """2.1, both ends: from the first hold to the last resume it is one hold."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx < bob   200
        3010   A pbx > bob   ACK
        5000   A bob > pbx   INVITE sdp=sendonly
        5010   A bob < pbx   200 sdp=recvonly
        5020   A bob > pbx   ACK
        6000   A pbx > bob   INVITE sdp=inactive
        6010   A pbx < bob   200 sdp=inactive
        6020   A pbx > bob   ACK
        8000   A bob > pbx   INVITE
        8010   A bob < pbx   200 sdp=inactive
        8020   A bob > pbx   ACK
        9010   A pbx > bob   INVITE
        9020   A pbx < bob   200
        9030   A pbx > bob   ACK
        12000  A bob > pbx   BYE
        12010  A bob < pbx   200
    """
    legs = """
        answered A 447700900123>102 phone:102 100 3000 12000 callee 200 hold=1x4010
    """
    assert lines(legs) == told(flow)


def test_hold_in_the_old_form_lasts_to_the_end() -> None:
    """2.1 in RFC 2543's form (c=0.0.0.0), never taken back: the hold ends with the call."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx < bob   200
        3010   A pbx > bob   ACK
        5000   A bob > pbx   INVITE sdp=held
        5010   A bob < pbx   200
        5020   A bob > pbx   ACK
        9010   A pbx > bob   BYE
        9020   A pbx < bob   200
    """
    legs = """
        answered A 447700900123>102 phone:102 100 3000 9010 caller 200 hold=1x4000
    """
    assert lines(legs) == told(flow)


def test_consultation_hold() -> None:
    """2.2: Bob holds Alice, asks Carol, and goes back to Alice: two legs, the hold only on the first."""
    flow = """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        3000   A alice < proxy < bob   200
        3010   A alice > proxy > bob   ACK
        5000   A bob > proxy > alice   INVITE sdp=sendonly
        5010   A bob < proxy < alice   200 sdp=recvonly
        5020   A bob > proxy > alice   ACK
        5500   B bob > proxy > carol   INVITE
        5600   B bob < proxy < carol   180
        7000   B bob < proxy < carol   200
        7010   B bob > proxy > carol   ACK
        9000   B bob > proxy > carol   BYE
        9010   B bob < proxy < carol   200
        9500   A bob > proxy > alice   INVITE
        9510   A bob < proxy < alice   200
        9520   A bob > proxy > alice   ACK
        12000  A alice > proxy > bob   BYE
        12010  A alice < proxy < bob   200
    """
    legs = """
        answered A 101>102 phone:102 100 3000 12000 caller 200 hold=1x4500
        answered B 102>103 phone:103 5600 7000 9000 caller 200
    """
    assert lines(legs) == told(flow)


def test_music_on_hold() -> None:
    """2.3: the re-INVITE has no offer; Alice's 200 brings it, the music server's answer travels in the ACK."""
    flow = """
        0      A alice > proxy > bob   INVITE
        100    A alice < proxy < bob   180
        3000   A alice < proxy < bob   200
        3010   A alice > proxy > bob   ACK
        # Bob asks for Alice's offer, takes it to the music server, and gives her its answer
        5000   A bob > proxy > alice   INVITE sdp=no
        5010   A bob < proxy < alice   200
        5020   B bob > music           INVITE
        5030   B bob < music           200 sdp=sendonly
        5040   B bob > music           ACK
        5050   A bob > proxy > alice   ACK sdp=sendonly
        # and takes her back
        9000   B bob > music           BYE
        9010   B bob < music           200
        9020   A bob > proxy > alice   INVITE
        9050   A bob < proxy < alice   200
        9060   A bob > proxy > alice   ACK
        12000  A alice > proxy > bob   BYE
        12010  A alice < proxy < bob   200
    """
    legs = """
        answered A 101>102 phone:102 100 3000 12000 caller 200 hold=1x4000
        answered B 102>800 phone:102 - 5030 9000 caller 200
    """
    assert lines(legs) == told(flow)


def test_a_refused_hold_is_no_hold() -> None:
    """RFC 3261 section 14: a re-INVITE that is refused (488, 491) leaves everything as it was."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx < bob   200
        3010   A pbx > bob   ACK
        5000   A bob > pbx   INVITE sdp=sendonly
        5010   A bob < pbx   488
        5020   A bob > pbx   ACK
        9010   A bob > pbx   BYE
        9020   A bob < pbx   200
    """
    legs = """
        answered A 447700900123>102 phone:102 100 3000 9010 callee 200
    """
    assert lines(legs) == told(flow)


def test_hold_by_update() -> None:
    """RFC 3311: UPDATE with an offer holds as a re-INVITE does; a codec change or a session refresh does not."""
    flow = """
        0      A pbx > bob   INVITE from=447700900123
        100    A pbx < bob   180
        3000   A pbx < bob   200
        3010   A pbx > bob   ACK
        4000   A pbx > bob   UPDATE
        4010   A pbx < bob   200
        5000   A bob > pbx   UPDATE sdp=sendonly
        5010   A bob < pbx   200 sdp=recvonly
        7000   A bob > pbx   UPDATE sdp=sendrecv
        7010   A bob < pbx   200 sdp=sendrecv
        8000   A pbx > bob   INVITE sdp=sendrecv
        8010   A pbx < bob   200
        8020   A pbx > bob   ACK
        9010   A bob > pbx   BYE
        9020   A bob < pbx   200
    """
    legs = """
        answered A 447700900123>102 phone:102 100 3000 9010 callee 200 hold=1x2000
    """
    assert lines(legs) == told(flow)
