import pytest
from builders import (
    CARRIER,
    PBX,
    Tap,
    make_invite,
    make_register,
    make_request,
    make_response,
    make_sdp,
    make_udp_frame,
    phone,
    times,
)
from hypothesis import given
from hypothesis import strategies as st

from collector.core.keys import call_key
from collector.core.legs import CALLING, RINGING, WAIT_MS

PHONE = phone(101)
INVITE = make_invite()
ACK = make_request("ACK", to_tag="b")
BYE = make_request("BYE", cseq=2, to_tag="b")
CANCEL = make_request("CANCEL")
# the callee's requests have From and To the other way round
BYE_OF_CALLEE = make_request("BYE", cseq=9, caller="101", callee="447700900123", from_tag="b", to_tag="a")


def reply(status, request=INVITE, **fields):
    """Short for the responses that fill these stories."""
    return make_response(request, status, **fields)


def hear(*steps, source=PBX, target=PHONE, **settings):
    """A tap that heard the messages of one dialog: (milliseconds, ">" or "<", message)."""
    tap = Tap(**settings)
    tap.exchange(source, target, steps)
    return tap


def only_leg(tap):
    """The one leg of a story."""
    legs = tap.close()
    assert len(legs) == 1
    return legs[0]


ANSWERED = (
    (0, ">", INVITE),
    (20, "<", reply(100)),
    (180, "<", reply(180)),
    (4_200, "<", reply(200, body=make_sdp())),
    (4_210, ">", ACK),
)
# --- RFC 3665 section 3 ---------------------------------------------------------------------------------------------


def test_3665_3_1_successful_session():
    """3.1: INVITE, 180, 200, ACK, and the callee hangs up."""
    leg = only_leg(hear(*ANSWERED, (64_200, "<", BYE_OF_CALLEE), (64_230, ">", reply(200, BYE_OF_CALLEE))))
    assert times(leg) == (0, 180, 4_200, 64_200)
    assert ("callee", 200, 30, False) == (leg.ended_by, leg.final_code, leg.bye_response_ms, leg.partial)
    assert ("phone", "in", "101", "447700900123", "udp") == (
        leg.role,
        leg.direction,
        leg.extension,
        leg.caller,
        leg.transport,
    )


@pytest.mark.parametrize("status", [401, 407])
def test_3665_3_2_credentials(status):
    """3.2, 3.3: a challenge and the INVITE with credentials are one leg from the first INVITE on."""
    again = make_invite(cseq=2)
    bye = make_request("BYE", cseq=3, to_tag="b")
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (10, "<", reply(status, to_tag="x")),
            (12, ">", make_request("ACK", to_tag="x", branch="z9hG4bKINVITEcall-11")),
            (20, ">", again),
            (200, "<", reply(180, again)),
            (900, "<", reply(200, again)),
            (910, ">", make_request("ACK", cseq=2, to_tag="b")),
            (5_000, ">", bye),
            (5_020, "<", reply(200, bye)),
        )
    )
    assert times(leg) == (0, 200, 900, 5_000)
    assert (200, "caller", 0, False) == (leg.final_code, leg.ended_by, leg.retransmissions, leg.partial)


def through_proxy(*, second_hop_target=PHONE):
    """3.2, 3.3: 102 calls 101 through proxies that record the route: every message is seen on two hops."""
    tap = Tap(pbx=(PBX,))
    first = make_invite(caller="102", uri="sip:101@10.77.1.5")
    second = make_invite(caller="102", branch="z9hG4bKproxy")
    bye = make_request("BYE", cseq=9, caller="101", callee="102", from_tag="b", to_tag="a")
    bye_2 = make_request("BYE", cseq=9, caller="101", callee="102", from_tag="b", to_tag="a", branch="z9hG4bKproxybye")
    for at_ms, source, target, message in (
        (0, phone(102), PBX, first),
        (1, PBX, phone(102), reply(100, first)),
        (2, PBX, second_hop_target, second),
        (100, second_hop_target, PBX, reply(180, second)),
        (101, PBX, phone(102), reply(180, first)),
        (3_000, second_hop_target, PBX, reply(200, second)),
        (3_001, PBX, phone(102), reply(200, first)),
        (3_010, phone(102), PBX, make_request("ACK", caller="102", to_tag="b")),
        (3_011, PBX, second_hop_target, make_request("ACK", caller="102", to_tag="b", branch="z9hG4bKproxyack")),
        (9_000, second_hop_target, PBX, bye),
        (9_001, PBX, phone(102), bye_2),
        (9_010, phone(102), PBX, reply(200, bye_2)),
        (9_011, PBX, second_hop_target, reply(200, bye)),
    ):
        tap.send(at_ms, source, target, message)
    return tap


def test_3665_3_2_two_hops_of_one_call():
    """3.2 to 3.5: a proxy in the office shows both hops of every message: one leg, nothing sent twice."""
    tap = through_proxy()
    leg = only_leg(tap)
    assert times(leg) == (0, 100, 3_000, 9_000)
    assert ("101", "102", "101", "callee") == (leg.extension, leg.caller, leg.callee, leg.ended_by)
    assert (0, 0) == (leg.retransmissions, tap.monitor.counters.orphans)


def test_3665_3_6_provisional_responses_of_a_gateway():
    """3.6, 3.7: 183 with a session description (early media) is ringing, not an answer."""
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (900, "<", reply(183, body=make_sdp())),
            (2_000, "<", reply(180)),
            (7_000, "<", reply(200)),
            (9_000, ">", BYE),
            source=PBX,
            target=CARRIER,
        )
    )
    assert times(leg) == (0, 900, 7_000, 9_000)
    assert ("trunk", "out", "") == (leg.role, leg.direction, leg.extension)


def test_3665_3_8_no_answer_is_cancelled():
    """3.8: the caller gives up: CANCEL, 200, 487, ACK."""
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (180, "<", reply(180)),
            (9_000, ">", CANCEL),
            (9_010, "<", reply(200, CANCEL)),
            (9_020, "<", reply(487)),
            (9_030, ">", make_request("ACK", to_tag="b", branch="z9hG4bKINVITEcall-11")),
        )
    )
    assert times(leg) == (0, 180, None, 9_000)
    assert (True, 487, "caller") == (leg.cancelled, leg.final_code, leg.ended_by)


@pytest.mark.parametrize("status", [404, 408, 480, 486, 488, 500, 503, 600, 603])
def test_3665_3_9_refused(status):
    """3.9, 3.10, 3.11: busy, no such number, temporarily unavailable ...: the callee's side ends it."""
    tap = hear(
        (0, ">", INVITE), (50, "<", reply(status)), (60, ">", make_request("ACK", branch="z9hG4bKINVITEcall-11"))
    )
    leg = only_leg(tap)
    assert times(leg) == (0, None, None, 50)
    assert (status, "callee", False) == (leg.final_code, leg.ended_by, leg.cancelled)
    assert tap.monitor.counters.orphans == 0


def test_3665_3_10_no_response_at_all():
    """3.10: a dead phone gets the INVITE seven times; the leg ends unreached with the last of them."""
    tap = hear(*[(at_ms, ">", INVITE) for at_ms in (0, 500, 1_500, 3_500, 7_500, 15_500, 31_500)])
    tap.wait_until(70_000)
    leg = only_leg(tap)
    assert times(leg) == (0, None, None, 31_500)
    assert (0, 6, False, "") == (leg.final_code, leg.retransmissions, leg.partial, leg.ended_by)


# --- RFC 5407 and other crossings -----------------------------------------------------------------------------------


def test_cancel_crosses_the_answer():
    """RFC 5407 section 3.1.2: the 2xx wins, a BYE follows; the CANCEL is still a fact."""
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (100, "<", reply(180)),
            (5_000, ">", CANCEL),
            (5_001, "<", reply(200)),
            (5_010, "<", reply(481, CANCEL)),
            (5_020, ">", ACK),
            (5_030, ">", BYE),
            (5_040, "<", reply(200, BYE)),
        )
    )
    assert times(leg) == (0, 100, 5_001, 5_030)
    assert (True, 200) == (leg.cancelled, leg.final_code)


def test_byes_cross():
    """RFC 5407 section 3.2.3: both hang up at once: the first BYE ends it."""
    leg = only_leg(
        hear(
            *ANSWERED,
            (9_000, ">", BYE),
            (9_001, "<", BYE_OF_CALLEE),
            (9_010, "<", reply(481, BYE)),
            (9_011, ">", reply(481, BYE_OF_CALLEE)),
        )
    )
    assert times(leg) == (0, 180, 4_200, 9_000)
    assert ("caller", 10, 481, 0) == (leg.ended_by, leg.bye_response_ms, leg.bye_code, leg.retransmissions)


def test_bye_crosses_a_reinvite():
    """RFC 5407 section 3.2.1: the re-INVITE comes to nothing."""
    reinvite = make_invite(cseq=2, to_tag="b", body=make_sdp("sendonly"))
    leg = only_leg(
        hear(*ANSWERED, (9_000, "<", BYE_OF_CALLEE), (9_001, ">", reinvite), (9_010, "<", reply(481, reinvite)))
    )
    assert (times(leg)[3], leg.holds) == (9_000, 0)


def test_answer_lost_before_the_tap():
    """The ACK of a 2xx is a transaction of its own: it proves that there was an answer."""
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (180, "<", reply(180)),
            (4_000, ">", ACK),
            (9_000, ">", BYE),
            (9_020, "<", reply(200, BYE)),
        )
    )
    assert times(leg) == (0, 180, 4_000, 9_000)
    assert (200, True) == (leg.final_code, leg.partial)


def test_refusal_lost_before_the_tap():
    """The ACK of a refusal repeats the INVITE's branch: no answer, and which refusal it was is not known."""
    tap = hear(
        (0, ">", INVITE), (180, "<", reply(180)), (4_000, ">", make_request("ACK", branch="z9hG4bKINVITEcall-11"))
    )
    tap.wait_until(20_000)
    leg = only_leg(tap)
    assert times(leg) == (0, 180, None, 4_000)
    assert (0, True) == (leg.final_code, leg.partial)


def test_late_ringing_and_repeated_answer():
    """180 behind the 200 and the 200 again change no time."""
    leg = only_leg(hear(*ANSWERED, (4_300, "<", reply(180)), (4_700, "<", reply(200)), (9_000, ">", BYE)))
    assert times(leg) == (0, 180, 4_200, 9_000)


def test_answer_again_is_counted():
    """A 2xx that is not acknowledged comes again and again (RFC 3261 section 13.3.1.4)."""
    leg = only_leg(
        hear(*ANSWERED[:4], (4_700, "<", reply(200)), (5_700, "<", reply(200)), (5_710, ">", ACK), (9_000, ">", BYE))
    )
    assert (times(leg)[2], leg.retransmissions) == (4_200, 2)


def test_bye_without_a_response():
    """The end is the first BYE, however often it is repeated; the other side is dead."""
    tap = hear(*ANSWERED, *[(at_ms, ">", BYE) for at_ms in (9_000, 9_500, 10_500, 12_500)])
    tap.wait_until(60_000)
    leg = only_leg(tap)
    assert (times(leg)[3], leg.retransmissions, leg.bye_response_ms) == (9_000, 3, None)


@pytest.mark.parametrize("status", [181, 199])
def test_forwarding_is_not_ringing(status):
    """181: some other phone will ring; 199: an early dialog is over (RFC 6228). 182, waiting in a queue, is ringing."""
    steps = [(0, ">", INVITE), (50, "<", reply(status)), (900, "<", reply(182)), (950, "<", reply(status))]
    leg = only_leg(hear(*steps, (4_000, "<", reply(200)), (5_000, ">", BYE)))
    assert times(leg) == (0, 900, 4_000, 5_000)


def test_hunting_pbx_may_think_for_minutes():
    """100 alone holds a call open longer than timer B: an answer after a minute is an answer."""
    leg = only_leg(hear((0, ">", INVITE), (10, "<", reply(100)), (60_000, "<", reply(200)), (61_000, ">", BYE)))
    assert times(leg) == (0, None, 60_000, 61_000)


def test_long_ringing_is_kept_alive_by_further_180s():
    """A phone that rings in a queue says so every minute (RFC 3261 section 13.3.1.1)."""
    tap = hear(
        (0, ">", INVITE),
        *[(1_000 + 60_000 * minute, "<", reply(180)) for minute in range(15)],
        (900_000, "<", reply(200)),
    )
    assert times(only_leg(tap)) == (0, 1_000, 900_000, None)


def test_ringing_that_nobody_ends():
    """Ten silent minutes: given up as partial, at the last sign of life."""
    tap = hear((0, ">", INVITE), (1_000, "<", reply(180)))
    tap.wait_until(1_000 + WAIT_MS[RINGING])
    assert [(True, 1_000)] == [(leg.partial, times(leg)[3]) for leg in tap.ended()]


def test_call_that_nobody_ends():
    """Without a BYE a call ends as partial with its last message, not after the bound (default 4 h)."""
    tap = hear(
        *ANSWERED, (60_000, "<", make_request("OPTIONS", cseq=9, from_tag="b", to_tag="a")), max_call_ms=3_600_000
    )
    tap.wait_until(4_000_000)
    assert [(True, 60_000)] == [(leg.partial, times(leg)[3]) for leg in tap.ended()]


# --- forks ----------------------------------------------------------------------------------------------------------


def test_two_answers_of_one_invite():
    """Forked downstream: two 2xx; the first counts, the other's BYE ends nothing (RFC 3261 section 13.2.2.4)."""
    lost_bye = make_request("BYE", cseq=2, to_tag="c")
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (100, "<", reply(180, to_tag="b")),
            (120, "<", reply(180, to_tag="c")),
            (3_000, "<", reply(200, to_tag="b")),
            (3_010, "<", reply(180, to_tag="c")),
            (3_020, "<", reply(200, to_tag="c")),
            (3_030, ">", ACK),
            (3_040, ">", make_request("ACK", to_tag="c")),
            (3_050, ">", lost_bye),
            (3_060, "<", reply(200, lost_bye)),
            (9_000, ">", make_request("BYE", cseq=3, to_tag="b")),
        )
    )
    assert times(leg) == (0, 100, 3_000, 9_000)


def forked_by_proxy():
    """One Call-ID to three phones: 101 answers, the proxy cancels 102 and 103 at once."""
    tap = Tap()
    invites = {
        n: make_invite(uri=f"sip:{n}@10.77.1.{n}", callee="600", branch=f"z9hG4bKfork{n}") for n in (101, 102, 103)
    }
    cancels = {
        n: make_request("CANCEL", uri=f"sip:{n}@10.77.1.{n}", callee="600", branch=f"z9hG4bKfork{n}")
        for n in (102, 103)
    }
    for n, invite in invites.items():
        tap.send(n - 101, PBX, phone(n), invite)
    for n, invite in invites.items():
        tap.send(n, phone(n), PBX, reply(180, invite, to_tag=f"t{n}"))
    tap.send(3_000, phone(101), PBX, reply(200, invites[101], to_tag="t101"))
    tap.send(3_001, PBX, phone(101), make_request("ACK", callee="600", to_tag="t101"))
    for n, cancel in cancels.items():
        tap.send(3_002, PBX, phone(n), cancel)
    for n, cancel in cancels.items():
        tap.send(3_005, phone(n), PBX, reply(200, cancel))
        tap.send(3_006, phone(n), PBX, reply(487, invites[n], to_tag=f"t{n}"))
    tap.send(8_000, PBX, phone(101), make_request("BYE", cseq=2, callee="600", to_tag="t101"))
    return tap


def test_fork_is_a_leg_for_each_target():
    """Every branch has its own leg with its own outcome, also where all CANCELs go out within a millisecond."""
    legs = {leg.extension: leg for leg in forked_by_proxy().close()}
    assert ["101", "102", "103"] == sorted(legs)
    assert times(legs["101"]) == (0, 101, 3_000, 8_000)
    assert [(True, 3_002, 487)] * 2 == [
        (legs[n].cancelled, times(legs[n])[3], legs[n].final_code) for n in ("102", "103")
    ]


def test_ring_group_of_a_b2bua():
    """Calls with Call-IDs of their own share nothing here: siblings are for the sink."""
    tap = Tap()
    for number in (101, 102):
        tap.send(
            number, PBX, phone(number), make_invite(uri=f"sip:{number}@x", callee=str(number), call_id=f"c{number}")
        )
    assert ["101", "102"] == [leg.extension for leg in tap.close()]


# --- inside a dialog ------------------------------------------------------------------------------------------------


def offer(cseq, direction, *, side=">"):
    """A re-INVITE of either side."""
    if side == ">":
        return make_invite(cseq=cseq, to_tag="b", body=make_sdp(direction))
    return make_invite(
        cseq=cseq, caller="101", callee="447700900123", from_tag="b", to_tag="a", body=make_sdp(direction)
    )


def test_hold_and_resume():
    """From the accepted sendonly to the accepted sendrecv; never a new leg (RFC 3264 section 8.4)."""
    hold, resume = offer(9, "sendonly", side="<"), offer(10, "sendrecv", side="<")
    leg = only_leg(
        hear(
            *ANSWERED,
            (10_000, "<", hold),
            (10_020, ">", reply(200, hold, body=make_sdp("recvonly"))),
            (25_000, "<", resume),
            (25_020, ">", reply(200, resume, body=make_sdp("sendrecv"))),
            (40_000, ">", BYE),
        )
    )
    assert (1, 15_000) == (leg.holds, leg.hold_ms)
    assert times(leg) == (0, 180, 4_200, 40_000)


def test_refused_hold_is_none():
    """488 and 491 change nothing."""
    first, second = offer(2, "sendonly"), offer(3, "inactive")
    leg = only_leg(
        hear(
            *ANSWERED,
            (5_000, ">", first),
            (5_010, "<", reply(488, first)),
            (6_000, ">", second),
            (6_010, "<", reply(491, second)),
        )
    )
    assert leg.holds == 0


def test_callee_holds_with_the_cseq_of_the_invite():
    """Each side counts its own CSeq: a repeated 200 to the callee's re-INVITE is no lost fork of the INVITE."""
    hold = offer(1, "sendonly", side="<")
    accepted = reply(200, hold, body=make_sdp("recvonly"))
    leg = only_leg(
        hear(*ANSWERED, (5_000, "<", hold), (5_010, ">", accepted), (5_510, ">", accepted), (9_000, "<", BYE_OF_CALLEE))
    )
    assert (times(leg)[3], leg.holds, leg.hold_ms, leg.ended_by) == (9_000, 1, 3_990, "callee")


def test_hold_by_update():
    """UPDATE offers as a re-INVITE does (RFC 3311)."""
    update = make_request("UPDATE", cseq=2, to_tag="b", body=make_sdp("inactive"))
    leg = only_leg(
        hear(
            *ANSWERED,
            (5_000, ">", update),
            (5_010, "<", reply(200, update, body=make_sdp("inactive"))),
            (6_010, ">", BYE),
        )
    )
    assert (1, 1_000) == (leg.holds, leg.hold_ms)


def test_hold_by_a_delayed_offer():
    """No description in the re-INVITE, an offer in the 2xx, the hold in the ACK."""
    reinvite = make_request("INVITE", cseq=2, to_tag="b")
    ack = make_request("ACK", cseq=2, to_tag="b", body=make_sdp("sendonly"))
    leg = only_leg(
        hear(
            *ANSWERED,
            (5_000, ">", reinvite),
            (5_010, "<", reply(200, reinvite, body=make_sdp())),
            (5_020, ">", ack),
            (6_020, ">", BYE),
        )
    )
    assert (1, 1_000) == (leg.holds, leg.hold_ms)


def test_connected_line_update():
    """A B2BUA's UPDATE names who is really there now."""
    update = make_request("UPDATE", cseq=2, to_tag="b", extra=[("P-Asserted-Identity", "<sip:07700900999@x>")])
    leg = only_leg(hear(*ANSWERED, (5_000, ">", update), (9_000, ">", BYE)))
    assert leg.connected == "447700900999"


REFER = make_request(
    "REFER", cseq=9, caller="101", from_tag="b", to_tag="a", extra=[("Refer-To", "<sip:102@10.77.1.5>")]
)


def notify(status):
    """How the transfer goes on, in the same dialog."""
    kind = [("Content-Type", "message/sipfrag"), ("Event", "refer")]
    return make_request("NOTIFY", cseq=3 + status, to_tag="b", extra=kind, body=f"SIP/2.0 {status} x\r\n")


def test_blind_transfer():
    """REFER, 202, NOTIFY 100 and 200 (RFC 5589 section 6)."""
    leg = only_leg(
        hear(
            *ANSWERED,
            (5_000, "<", REFER),
            (5_010, ">", reply(202, REFER)),
            (5_020, ">", notify(100)),
            (6_000, ">", notify(200)),
            (6_010, ">", BYE),
        )
    )
    assert ("blind", "102") == (leg.transfer, leg.refer_to)


def test_failed_transfer_is_none():
    """NOTIFY 503: the caller returns, nothing of the transfer stays."""
    leg = only_leg(
        hear(
            *ANSWERED,
            (5_000, "<", REFER),
            (5_010, ">", reply(202, REFER)),
            (6_000, ">", notify(503)),
            (9_000, ">", BYE),
        )
    )
    assert ("", "") == (leg.transfer, leg.refer_to)


def test_rejected_transfer_is_none():
    """A REFER that is refused moved nobody."""
    leg = only_leg(hear(*ANSWERED, (5_000, "<", REFER), (5_010, ">", reply(603, REFER)), (9_000, ">", BYE)))
    assert ("", "") == (leg.transfer, leg.refer_to)


def test_attended_transfer_names_the_other_dialog():
    """REFER with Replaces (RFC 5589 section 7)."""
    to = "<sip:102@10.77.1.5?Replaces=call-2%3Bto-tag%3Dx%3Bfrom-tag%3Dy>"
    refer = make_request("REFER", cseq=9, caller="101", from_tag="b", to_tag="a", extra=[("Refer-To", to)])
    leg = only_leg(hear(*ANSWERED, (5_000, "<", refer), (5_010, ">", reply(202, refer)), (9_000, ">", BYE)))
    assert ("attended", call_key(b"call-2")) == (leg.transfer, leg.replaces_key)


def test_blind_transfer_keeps_the_dialog_that_the_invite_replaced():
    """A picked-up call that is transferred later still says which call it picked up."""
    invite = make_invite(extra=[("Replaces", "call-0;to-tag=1;from-tag=2")])
    leg = only_leg(
        hear(
            (0, ">", invite),
            (100, "<", reply(200)),
            (5_000, "<", REFER),
            (5_010, ">", reply(202, REFER)),
            (9_000, ">", BYE),
        )
    )
    assert ("blind", call_key(b"call-0")) == (leg.transfer, leg.replaces_key)


def test_digits_of_an_ivr():
    """INFO digits in order, each once, only on numbers that are configured for it; and when the first came."""

    def info(cseq, digit):
        return make_request(
            "INFO",
            cseq=cseq,
            to_tag="b",
            extra=[("Content-Type", "application/dtmf-relay")],
            body=f"Signal={digit}\r\n",
        )

    steps = (
        *ANSWERED,
        (5_000, ">", info(2, "1")),
        (5_500, ">", info(2, "1")),
        (6_000, ">", info(3, "#")),
        (9_000, ">", BYE),
    )
    leg, deaf = only_leg(hear(*steps, digit_numbers=("101",))), only_leg(hear(*steps))
    assert ("1#", 5_000) == (leg.digits, leg.digit_after_ms)
    assert ("", 0) == (deaf.digits, deaf.digit_after_ms)


def test_digits_that_the_pbx_sends_are_not_the_callers():
    """Each side counts its requests by itself (RFC 3261 section 12.2.1.1): the PBX's 9 hides no digit after it."""

    def info(digit, **fields):
        kind = [("Content-Type", "application/dtmf-relay")]
        return make_request("INFO", extra=kind, body=f"Signal={digit}\r\n", **fields)

    steps = (
        *ANSWERED,
        (5_000, "<", info("4", cseq=9, caller="101", from_tag="b", to_tag="a")),
        (6_000, ">", info("5", cseq=2, to_tag="b")),
        (9_000, ">", BYE),
    )
    leg = only_leg(hear(*steps, digit_numbers=("101",)))
    assert ("5", 6_000) == (leg.digits, leg.digit_after_ms)


def test_reasons_of_cancel_and_bye():
    """Facts for the sink's outcome: completed elsewhere, normal clearing (RFC 3326)."""
    cancel = make_request(
        "CANCEL", extra=[("Reason", 'SIP;cause=200;text="Call completed elsewhere"'), ("Reason", "Q.850;cause=26")]
    )
    leg = only_leg(hear((0, ">", INVITE), (100, "<", reply(180)), (900, ">", cancel), (910, "<", reply(487))))
    assert (200, 26) == (leg.reason_sip, leg.reason_q850)
    leg = only_leg(
        hear(*ANSWERED, (9_000, ">", make_request("BYE", cseq=2, to_tag="b", extra=[("Reason", "Q.850;cause=16")])))
    )
    assert (0, 16) == (leg.reason_sip, leg.reason_q850)


def test_redirect_names_its_target():
    """302 with a Contact ends the leg at this phone (RFC 3261 section 8.1.3.4)."""
    leg = only_leg(hear((0, ">", INVITE), (50, "<", reply(302, extra=[("Contact", "<sip:105@10.77.1.5>;q=1")]))))
    assert (302, "105", "callee") == (leg.final_code, leg.diverted_by, leg.ended_by)


# --- what must not fool it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [422, 491])
def test_refusals_that_ask_for_another_try(status):
    """A session timer too small, a request pending: one leg with the next INVITE."""
    again = make_invite(cseq=2)
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (10, "<", reply(status)),
            (400, ">", again),
            (900, "<", reply(200, again)),
            (5_000, ">", make_request("BYE", cseq=3, to_tag="b")),
        )
    )
    assert (times(leg), leg.final_code) == ((0, None, 900, 5_000), 200)


def test_credentials_under_the_same_cseq():
    """A device that does not count its tries: another branch is another try all the same."""
    again = make_invite(branch="z9hG4bKagain")
    bye = make_request("BYE", cseq=2, to_tag="b")
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (10, "<", reply(401)),
            (20, ">", again),
            (200, "<", reply(180, again)),
            (900, "<", reply(200, again)),
            (910, ">", ACK),
            (5_000, ">", bye),
            (5_010, "<", reply(200, bye)),
        )
    )
    assert (times(leg), leg.final_code, leg.partial) == ((0, 200, 900, 5_000), 200, False)


def test_a_cancelled_call_of_a_device_without_branches():
    """RFC 2543 knew no branches: the CANCEL and its 200 find the call by its Call-ID alone."""
    bare = [message.replace(b";branch=z9hG4bKINVITEcall-11", b"") for message in (INVITE, CANCEL)]
    leg = only_leg(
        hear(
            (0, ">", bare[0]),
            (100, "<", reply(180, bare[0])),
            (5_000, ">", bare[1]),
            (5_010, "<", reply(200, bare[1])),
            (5_020, "<", reply(487, bare[0])),
        )
    )
    assert (times(leg), leg.cancelled, leg.ended_by, leg.partial) == ((0, 100, None, 5_000), True, "caller", False)


def test_bye_with_credentials_is_no_repetition():
    """401 to a BYE, and the next one with credentials: the end is the first, and nothing was sent again."""
    again = make_request("BYE", cseq=3, to_tag="b")
    leg = only_leg(
        hear(
            *ANSWERED,
            (9_000, ">", BYE),
            (9_010, "<", reply(401, BYE)),
            (9_020, ">", again),
            (9_030, "<", reply(200, again)),
        )
    )
    assert (times(leg)[3], leg.retransmissions, leg.ended_by) == (9_000, 0, "caller")


def test_who_still_repeats_its_invite_still_waits():
    """Timers differ: an answer 35 s after the first INVITE, 3 s after the last, is an answer."""
    steps = [(at_ms, ">", INVITE) for at_ms in (0, 500, 1_500, 3_500, 7_500, 15_500, 31_500)]
    leg = only_leg(hear(*steps, (33_000, "<", reply(180)), (35_000, "<", reply(200)), (35_010, ">", ACK)))
    assert times(leg)[:3] == (0, 33_000, 35_000)


def test_a_new_call_under_the_call_id_of_one_whose_bye_was_lost():
    """Another From tag from the same side is another call: the old one ended with the last that was heard of it."""
    again = make_invite(cseq=5, from_tag="new", branch="z9hG4bKnew")
    bye = make_request("BYE", cseq=6, from_tag="new", to_tag="c")
    first, second = hear(
        *ANSWERED,
        (60_000, ">", again),
        (60_100, "<", reply(180, again, to_tag="c")),
        (63_000, "<", reply(200, again, to_tag="c")),
        (63_010, ">", make_request("ACK", cseq=5, from_tag="new", to_tag="c")),
        (70_000, ">", bye),
        (70_010, "<", reply(200, bye)),
    ).close()
    assert (times(first), first.partial) == ((0, 180, 4_200, 4_210), True)
    assert (times(second), second.partial) == ((60_000, 60_100, 63_000, 70_000), False)


def test_two_phones_of_an_extension_where_only_their_side_is_seen():
    """The proxy's two INVITEs have branches of their own: a refusal of the one leaves the other ringing."""
    one, other = make_invite(branch="z9hG4bKone"), make_invite(branch="z9hG4bKother")
    tap = hear((0, ">", one))
    tap.exchange(
        PBX,
        phone(201),
        [(1, ">", other), (50, "<", reply(180, other, to_tag="c"))],
    )
    tap.exchange(
        PBX, PHONE, [(60, "<", reply(486, one)), (61, ">", make_request("ACK", branch="z9hG4bKone", to_tag="b"))]
    )
    tap.exchange(PBX, phone(201), [(3_000, "<", reply(200, other, to_tag="c"))])
    leg = only_leg(tap)
    assert (times(leg)[:3], leg.final_code) == ((0, 50, 3_000), 200)


def test_challenge_that_nobody_answers():
    """A scanner without credentials: the leg ends with the challenge."""
    tap = hear((0, ">", INVITE), (10, "<", reply(401)))
    tap.wait_until(20_000)
    assert [(401, 10)] == [(leg.final_code, times(leg)[3]) for leg in tap.ended()]


def test_second_try_whose_invite_was_lost():
    """The responses to the INVITE with credentials still find the leg."""
    again = make_invite(cseq=2)
    leg = only_leg(
        hear(
            (0, ">", INVITE),
            (10, "<", reply(401)),
            (300, "<", reply(180, again)),
            (900, "<", reply(200, again)),
            (5_000, ">", BYE),
        )
    )
    assert times(leg) == (0, 300, 900, 5_000)


def test_dialog_whose_start_was_not_seen():
    """Joining in the middle: orphans, no leg, no false missed call."""
    reinvite = offer(2, "sendonly")
    tap = hear((0, ">", reinvite), (10, "<", reply(200, reinvite)), (900, ">", BYE), (910, "<", reply(200, BYE)))
    assert [] == tap.close()
    assert tap.monitor.counters.orphans == 3


def test_late_copies_start_no_new_leg():
    """What comes again after the end is counted as sent again."""
    tap = hear(*ANSWERED, (9_000, ">", BYE), (9_010, "<", reply(200, BYE)), (9_500, ">", BYE), (9_600, ">", INVITE))
    assert len(tap.close()) == 1
    assert tap.monitor.counters.retransmissions == 2


def test_further_try_of_the_same_call_id():
    """A phone that reuses its Call-ID for the next call has a new leg."""
    again = make_invite(cseq=5)
    tap = hear((0, ">", INVITE), (50, "<", reply(486)), (60_000, ">", again), (60_050, "<", reply(486, again)))
    assert [(0, None, None, 50), (60_000, None, None, 60_050)] == [times(leg) for leg in tap.close()]


def test_table_of_legs_is_bounded():
    """Millions of Call-IDs: the oldest unanswered legs go, counted and reported; the talking one stays."""
    tap = hear(*ANSWERED, max_legs=10, max_ended=10)
    for number in range(100):
        tap.send(5_000 + number, PBX, phone(102), make_invite(call_id=f"flood{number}"))
    counters = tap.monitor.counters
    assert (10, 91) == (counters.legs_open, counters.legs_evicted)
    assert "call-1" not in [leg.call_id.decode() for leg in tap.ended()]


def test_forks_of_one_call_id_are_bounded():
    """An attacker's thousand targets of one Call-ID cost no more than sixteen."""
    tap = Tap()
    for number in range(100):
        tap.send(
            number, PBX, phone(101), make_invite(uri=f"sip:{1000 + number}@x", callee="x", branch=f"z9hG4bK{number}")
        )
    assert tap.monitor.counters.legs_open == 16


def test_no_leg_waits_longer_than_its_state():
    """What nobody ends, time does."""
    tap = hear((0, ">", INVITE))
    assert tap.monitor.next_deadline() is not None
    tap.wait_until(WAIT_MS[CALLING])
    assert len(tap.ended()) == 1
    assert tap.monitor.next_deadline() is None


STORY = [
    (PBX, PHONE, message) if arrow == ">" else (PHONE, PBX, message)
    for _, arrow, message in (*ANSWERED, (9_000, ">", BYE), (9_020, "<", reply(200, BYE)))
]
FACTS = ("call_id", "caller", "callee", "extension", "final_code", "ended_by", "partial", "cancelled", "holds", "role")


@given(st.lists(st.integers(1, 3), min_size=len(STORY), max_size=len(STORY)))
def test_packets_seen_twice_change_nothing(copies):
    """A mirror port that shows packets several times: the same leg, and the copies are counted as such."""
    tap = Tap()
    for turn, ((source, target, message), count) in enumerate(zip(STORY, copies, strict=True)):
        for _ in range(count):
            tap.send(1_000 * turn, source, target, message)
    leg = only_leg(tap)
    assert times(leg) == (0, 2_000, 3_000, 5_000)
    assert leg.retransmissions == 0


@given(st.data())
def test_any_story_is_survived(data):
    """Messages of two calls in any order, lost, repeated, from either side: legs are sane, nothing stays open."""
    requests = [
        make_request(method, call_id=call_id, cseq=cseq, to_tag=tag)
        for method in ("INVITE", "ACK", "CANCEL", "BYE", "UPDATE", "INFO", "REFER", "NOTIFY")
        for call_id in ("x", "y")
        for cseq in (1, 2)
        for tag in ("", "b")
    ]
    messages = (
        requests
        + [
            reply(status, request, to_tag=tag)
            for status in (100, 180, 200, 302, 401, 486, 487, 503)
            for request in requests[::5]
            for tag in ("b", "c")
        ]
        + [make_register()]
    )
    tap = Tap(max_legs=3, max_ended=4)
    at_ms = 0
    for message, later_ms, outwards in data.draw(
        st.lists(st.tuples(st.sampled_from(messages), st.integers(0, 40_000), st.booleans()), max_size=25)
    ):
        at_ms += later_ms
        tap.hear(at_ms, make_udp_frame(message, *((PBX, PHONE) if outwards else (PHONE, PBX))))
    for leg in tap.close():
        assert leg.end_ms is None or leg.invite_ms <= leg.end_ms
        assert leg.answer_ms is None or leg.ring_ms is None or leg.ring_ms <= leg.answer_ms
        assert leg.hold_ms >= 0
    assert tap.monitor.counters.legs_open == 0
    assert tap.monitor.next_deadline() is None


# --- packets that the tap missed ------------------------------------------------------------------------------------


def test_a_lost_invite_is_made_up_from_its_ringing():
    """The INVITE never reached the tap: 180 names the same parties, so the leg is there, marked partial."""
    leg = only_leg(hear(*ANSWERED[2:], (9_000, ">", BYE), (9_010, "<", reply(200, BYE))))
    assert ("101", "447700900123", True) == (leg.extension, leg.caller, leg.partial)
    assert (180, 4_200, 9_000) == times(leg)[1:]


def test_a_lost_invite_is_made_up_from_a_trying_outside_a_dialog():
    """100 without a To tag answers an INVITE that begins a call; with one it answers a re-INVITE of a call unseen."""
    assert 1 == len(hear((0, "<", reply(100, to_tag="")), (20, "<", reply(200))).close())
    assert [] == hear((0, "<", reply(100, make_invite(to_tag="b")))).close()


def test_a_lost_bye_is_made_up_from_its_response():
    """The 200 to a BYE ends the call for whoever its From names."""
    leg = only_leg(hear(*ANSWERED, (9_010, "<", reply(200, BYE))))
    assert (9_010, "caller", True) == (times(leg)[3], leg.ended_by, leg.partial)
