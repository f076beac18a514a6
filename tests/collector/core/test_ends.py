"""Calls whose end nobody sees: what ends them, when, and that none is counted for hours."""

import pytest
from builders import PBX, make_register, make_request, make_response, make_udp_frame, phone
from call_story import Story, told

from collector.core.monitor import CallMonitor, MonitorSettings

HOUR_MS = 3_600_000
CALL = """
    0      A carol > pbx > bob   INVITE
    100    A carol < pbx < bob   180
    3000   A carol < pbx < bob   200 {answer}
    3010   A carol > pbx > bob   ACK
"""
GIVEN_UP = "answered    A 103>102 phone:102 100 3000 {end} nobody 200 partial"


def call(answer=""):
    """A call to Bob that is up; `answer` says what stands in its 200."""
    return CALL.format(answer=answer)


def ended(ladder, at_ms, **settings):
    """(whether a call that ends without a word was still up just before, how the legs are told afterwards)."""
    story = Story(ladder, **settings)
    story.tap.wait_until(at_ms - 1000)
    before = len(story.tap.ended())
    story.tap.wait_until(at_ms)
    return before, len(story.tap.ended()), story.legs()


def test_session_timer_ends_a_call():
    """RFC 4028: two minutes after the last refresh that was due, and a little; the end is the last that was heard."""
    before, after, [leg] = ended(call("| Session-Expires: 90;refresher=uas"), 3000 + 152_500)
    assert (0, 1, GIVEN_UP.format(end=3011)) == (before, after, leg)


@pytest.mark.parametrize("header", ["Session-Expires: 90", "x: 90;refresher=uac", "session-expires :90"])
def test_forms_of_the_header(header):
    """Long, compact, odd."""
    assert (0, 1) == ended(call(f"| {header}"), 3000 + 152_500)[:2]


@pytest.mark.parametrize("header", ["Session-Expires: 86400", "Session-Expires: x", "Session-Expires:", "Min-SE: 90"])
def test_what_is_no_session_timer(header):
    """A day, or nothing that can be read: the general bound alone."""
    assert (0, 1) == ended(call(f"| {header}"), 3000 + 4 * HOUR_MS + 500)[:2]


def test_refreshed_session_lives_on():
    """An UPDATE and its 2xx start the timer anew, also with another interval."""
    ladder = (
        call("| Session-Expires: 90")
        + """
        60000  A carol < pbx < bob   UPDATE | Session-Expires: 300
        60010  A carol > pbx > bob   200 | Session-Expires: 300
    """
    )
    before, after, [leg] = ended(ladder, 60_010 + 332_500)
    assert (0, 1, GIVEN_UP.format(end=60_011)) == (before, after, leg)


def test_session_timer_can_be_given_up():
    """A 2xx without Session-Expires: no session timer from then on (RFC 4028 section 7.2)."""
    ladder = (
        call("| Session-Expires: 90")
        + """
        60000  A carol < pbx < bob   INVITE | Session-Expires: 90
        60010  A carol > pbx > bob   200
        60020  A carol < pbx < bob   ACK
    """
    )
    assert (0, 1) == ended(ladder, 60_010 + 4 * HOUR_MS + 500)[:2]


SECOND = """
    60000  B dave > pbx > bob    INVITE
    60100  B dave < pbx < bob    180
    63000  B dave < pbx < bob    200
    63010  B dave > pbx > bob    ACK
"""


def test_phone_in_another_call_is_no_longer_in_the_first():
    """Ten minutes later the first is given up; it ended, as far as is known, with the last that was heard of it."""
    before, after, legs = ended(call() + SECOND, 63_000 + 600_500)
    assert (0, 1, GIVEN_UP.format(end=3011)) == (before, after, legs[0])
    assert legs[1].startswith("answered    B 104>102")


def test_end_of_the_recording_settles_a_doubt():
    """A replay that ends before the ten minutes are over tells the same."""
    assert GIVEN_UP.format(end=3011) == told(call() + SECOND).splitlines()[0]


def test_call_of_ones_own_counts_as_well():
    """The phone dials: what it was in before is over."""
    ladder = (
        call()
        + """
        60000  B bob > pbx    INVITE to=104
        63000  B bob < pbx    200
        63010  B bob > pbx    ACK
    """
    )
    assert GIVEN_UP.format(end=3011) == told(ladder).splitlines()[0]


def test_call_on_hold_is_not_over():
    """A consultation: the first call waits on hold while the phone is in the second."""
    ladder = (
        call()
        + """
        50000  A carol < pbx < bob   INVITE sdp=sendonly
        50010  A carol > pbx > bob   200 sdp=recvonly
        50020  A carol < pbx < bob   ACK
    """
        + SECOND
    )
    story = Story(ladder)
    story.tap.wait_until(HOUR_MS)
    assert [] == story.tap.ended()


def test_what_is_heard_again_was_not_over():
    """A phone that holds a call without a word: its REFER shows that the call lives; its BYE ends it at its time."""
    ladder = (
        call()
        + SECOND
        + """
        500000   A carol < pbx < bob   INFO
        900000   A carol < pbx < bob   BYE
        900010   A carol > pbx > bob   200/BYE
    """
    )
    assert (
        "answered    A 103>102 phone:102 100 3000 900000 callee 200" == told(ladder, until_ms=900_100).splitlines()[0]
    )


def test_another_phone_of_the_extension_says_nothing():
    """Two phones of one extension may be in two calls."""
    ladder = (
        call()
        + """
        60000  B dave > pbx > bob2   INVITE
        63000  B dave < pbx < bob2   200
        63010  B dave > pbx > bob2   ACK
    """
    )
    story = Story(ladder)
    story.tap.wait_until(HOUR_MS)
    assert [] == story.tap.ended()


def test_phone_whose_registration_ran_out_is_in_no_call():
    """The power went: its registration is not refreshed, and ten minutes after it ran out the call is given up."""
    story = Story(call())
    request = make_register(102, expires="60")
    story.tap.send(4_000, phone(102), PBX, request)
    story.tap.send(
        4_010,
        PBX,
        phone(102),
        make_response(request, 200, extra=[("Contact", "<sip:102@10.77.1.102:5060>;expires=60")]),
    )
    story.tap.wait_until(64_010 + 599_000)
    assert [] == story.tap.ended()
    story.tap.wait_until(64_010 + 601_000)
    assert [GIVEN_UP.format(end=3011)] == story.legs()


def test_pbx_that_says_idle_knows_of_an_end():
    """dialog-info (RFC 4235): until then the call was up, as the PBX knew; some other state ends nothing."""
    for state, expected in (("terminated", 61_000), ("confirmed", None)):
        story = Story(call())
        register = make_register(102, expires="3600")
        story.tap.send(4_000, phone(102), PBX, register)
        story.tap.send(
            4_010,
            PBX,
            phone(102),
            make_response(register, 200, extra=[("Contact", "<sip:102@10.77.1.102:5060>;expires=3600")]),
        )
        body = (
            '<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="3" state="full" '
            f'entity="sip:102@10.77.1.5"><dialog id="102"><state>{state}</state></dialog></dialog-info>'
        )
        notify = make_request(
            "NOTIFY",
            callee="104",
            call_id="hint",
            to_tag="x",
            extra=[("Content-Type", "application/dialog-info+xml")],
            body=body,
        )
        story.tap.send(61_000, PBX, phone(104), notify)
        story.tap.wait_until(61_000 + 601_000)
        assert [expected and GIVEN_UP.format(end=expected)] == ([*story.legs()] if expected else [None])


def test_general_bound():
    """Nothing else is known: the configured bound, and the end is the last that was heard."""
    before, after, [leg] = ended(call(), 3_000 + 60_500, max_call_ms=60_000)
    assert (0, 1, GIVEN_UP.format(end=3011)) == (before, after, leg)


def test_phones_whose_addresses_end_in_their_extensions_are_told_apart():
    """10.77.1.101 is 101 and 10.77.1.102 is 102, as in most offices: a call of one says nothing of the other's."""
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,)))
    now_ms = 1000
    for extension in (101, 102):
        invite = make_request("INVITE", call_id=f"call-{extension}", uri=f"sip:{extension}@pbx", callee=str(extension))
        for message, source, target in (
            (invite, PBX, phone(extension)),
            (make_response(invite, 200), phone(extension), PBX),
            (make_request("ACK", call_id=f"call-{extension}", to_tag="b"), PBX, phone(extension)),
        ):
            now_ms += 10
            frame = make_udp_frame(message, source, target)
            monitor.receive_frame(frame, now_ms, 1, len(frame))
    monitor.close(now_ms + 1000)
    legs = [monitor.next_event() for _ in range(2)]
    assert [("101", None), ("102", None)] == [(leg.extension, leg.end_ms) for leg in legs]


def test_a_call_of_five_hours_that_the_pbx_asks_after():
    """OPTIONS within the call each hour: it is not given up at four hours, and its BYE ends it."""
    asked = "".join(
        f"""
        {hour * HOUR_MS}  A carol < pbx < bob   OPTIONS
        {hour * HOUR_MS + 10}  A carol > pbx > bob   200
        """
        for hour in (1, 2, 3, 4)
    )
    end = f"""
        {5 * HOUR_MS}  A carol > pbx > bob   BYE
        {5 * HOUR_MS + 10}  A carol < pbx < bob   200
    """
    assert f"answered    A 103>102 phone:102 100 3000 {5 * HOUR_MS} caller 200" == told(call() + asked + end)
