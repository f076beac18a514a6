"""Each message of a call is lost at the tap in turn: what the others tell is told, and nothing that is not so.

The tables say which facts stood in the lost message alone; everything else comes out as if it had been seen.
"""

import pytest
from builders import CARRIER, PBX, T0_MS, Tap, make_invite, make_request, make_response, make_sdp, phone

from collector.core.events import LegEnded

IDENTITY = ("P-Asserted-Identity", "<sip:101@10.77.1.5>")
NORMAL = ("Reason", "Q.850;cause=16")
FACTS = (
    "role", "direction", "extension", "caller", "callee", "ring_ms", "answer_ms", "end_ms", "final_code", "cancelled",
    "ended_by", "reason_sip", "reason_q850", "hold_ms", "holds", "transfer", "refer_to", "replaces_key", "connected",
)  # fmt: skip
NEAR_MS = 100  # a message and the one that answers it: the time of either will do
Steps = list[tuple[int, str, bytes]]

INVITE = make_invite(cseq=10)
CHALLENGED = make_invite(cseq=9)
TAGGED = {"to_tag": "b", "call_id": "call-1"}


def callee_request(method: str, cseq: int, **fields: object) -> bytes:
    """A request of who was called: tags and parties the other way round."""
    turned = {"from_tag": "b", "to_tag": "a", "caller": "101", "callee": "447700900123", "call_id": "call-1"}
    return make_request(method, cseq=cseq, uri="sip:asterisk@10.77.1.5", **{**turned, **fields})  # type: ignore[arg-type]


def reinvite(cseq: int, direction: str) -> bytes:
    """Who was called offers another direction."""
    return callee_request("INVITE", cseq, body=make_sdp(direction))


def accepted(request: bytes, direction: str) -> bytes:
    """Its 200 with an answer."""
    return make_response(request, 200, body=make_sdp(direction))


BYE = make_request("BYE", cseq=11, **TAGGED, extra=[NORMAL])
CANCEL = make_request("CANCEL", cseq=10, extra=[("Reason", "SIP;cause=200")])
REFUSAL_ACK = make_request("ACK", cseq=10, branch="z9hG4bKINVITEcall-110", **TAGGED)
HOLD, RESUME = reinvite(1, "sendonly"), reinvite(2, "sendrecv")
REFER = callee_request("REFER", 3, extra=[("Refer-To", "<sip:102@10.77.1.5>")])
PROGRESS = make_request(
    "NOTIFY", cseq=20, **TAGGED, extra=[("Content-Type", "message/sipfrag"), ("Event", "refer")],
    body="SIP/2.0 100 Trying\r\n",
)  # fmt: skip
ANSWERED: Steps = [
    (0, ">", INVITE),
    (10, "<", make_response(INVITE, 100)),
    (50, "<", make_response(INVITE, 180)),
    (4_000, "<", make_response(INVITE, 200, extra=[IDENTITY])),
    (4_010, ">", make_request("ACK", cseq=10, uri="sip:phone@10.77.1.101", **TAGGED)),
]
ENDED: Steps = [(60_000, ">", BYE), (60_010, "<", make_response(BYE, 200))]

# call -> its messages; each with the facts that nobody knows without it
CALLS: dict[str, tuple[Steps, dict[int, str]]] = {
    "answered": (ANSWERED + ENDED, {2: "ring_ms", 3: "connected", 5: "reason_q850"}),
    "challenged": (
        [
            (0, ">", CHALLENGED),
            (5, "<", make_response(CHALLENGED, 401)),
            (8, ">", make_request("ACK", cseq=9, branch="z9hG4bKINVITEcall-19", **TAGGED)),
            *((at_ms + 10, arrow, message) for at_ms, arrow, message in ANSWERED + ENDED),
        ],
        {5: "ring_ms", 6: "connected", 8: "reason_q850"},
    ),
    "refused": (
        [
            (0, ">", INVITE),
            (10, "<", make_response(INVITE, 100)),
            (40, "<", make_response(INVITE, 486, extra=[("Reason", "Q.850;cause=17")])),
            (41, ">", REFUSAL_ACK),
        ],
        {2: "final_code reason_q850"},
    ),
    "cancelled": (
        [
            (0, ">", INVITE),
            (10, "<", make_response(INVITE, 100)),
            (50, "<", make_response(INVITE, 180)),
            (9_000, ">", CANCEL),
            (9_010, "<", make_response(CANCEL, 200)),
            (9_011, "<", make_response(INVITE, 487)),
            (9_020, ">", REFUSAL_ACK),
        ],
        {2: "ring_ms", 3: "reason_sip"},
    ),
    "held": (
        [
            *ANSWERED,
            (10_000, "<", HOLD),
            (10_010, ">", accepted(HOLD, "recvonly")),
            (10_020, "<", callee_request("ACK", 1)),
            (20_000, "<", RESUME),
            (20_010, ">", accepted(RESUME, "sendrecv")),
            (20_020, "<", callee_request("ACK", 2)),
            *ENDED,
        ],
        {2: "ring_ms", 3: "connected", 11: "reason_q850"},
    ),
    "transferred": (
        [
            *ANSWERED,
            (30_000, "<", REFER),
            (30_010, ">", make_response(REFER, 202)),
            (30_020, ">", PROGRESS),
            (30_030, "<", make_response(PROGRESS, 200)),
            *ENDED,
        ],
        {2: "ring_ms", 3: "connected", 5: "refer_to", 9: "reason_q850"},
    ),
}
CASES = [(name, number) for name, (steps, _) in CALLS.items() for number in range(len(steps))]


def hear(steps: Steps, source: bytes = PBX, target: bytes = phone(101)) -> list[LegEnded]:
    """The legs of messages, and a minute of silence after them."""
    tap = Tap()
    tap.exchange(source, target, steps)
    tap.wait_until(steps[-1][0] + 60_000)
    return tap.close()


def unlike(expected: LegEnded, found: LegEnded) -> list[str]:
    """The facts that differ, times by more than NEAR_MS."""
    names = []
    for name in FACTS:
        one, other = getattr(expected, name), getattr(found, name)
        both = name.endswith("_ms") and one is not None and other is not None
        if abs(one - other) > NEAR_MS if both else one != other:
            names.append(name)
    return names


@pytest.mark.parametrize(("name", "number"), CASES)
def test_one_lost_message_costs_what_stood_in_it(name: str, number: int) -> None:
    """Facts that another message tells as well stay right."""
    steps, costs = CALLS[name]
    (expected,) = hear(steps)
    (found,) = hear(steps[:number] + steps[number + 1 :])
    assert costs.get(number, "").split() == unlike(expected, found)
    assert abs(expected.invite_ms - found.invite_ms) <= NEAR_MS
    assert not expected.partial


# --- several at once: a burst ---------------------------------------------------------------------------------------

DID = "442079460400"
TRUNK_INVITE = make_invite(uri=f"sip:{DID}@10.77.1.5", callee=DID, cseq=10)
TRUNK_ACK = make_request("ACK", uri="sip:10.77.1.5:5060", callee=DID, cseq=10, **TAGGED)
TRUNK: Steps = [
    (0, ">", TRUNK_INVITE),
    (1, "<", make_response(TRUNK_INVITE, 100)),
    (3, "<", make_response(TRUNK_INVITE, 200)),
    (5, ">", TRUNK_ACK),
    *((at_ms, arrow, message.replace(b"<sip:101@", f"<sip:{DID}@".encode())) for at_ms, arrow, message in ENDED),
]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_burst_at_the_beginning_leaves_the_call(first: int) -> None:
    """A queue's call is answered within milliseconds: whatever comes first of it makes the leg, down to the ACK."""
    (leg,) = hear(TRUNK[first:], CARRIER, PBX)
    assert ("trunk", "in", "447700900123", DID, 200, "caller", True) == (
        leg.role, leg.direction, leg.caller, leg.callee, leg.final_code, leg.ended_by, leg.partial,
    )  # fmt: skip
    assert TRUNK[first][0] == leg.invite_ms - T0_MS
    assert (leg.answer_ms or 0) - T0_MS <= 5


def test_a_burst_over_the_answer_leaves_an_answered_call() -> None:
    """Neither 200 nor ACK: a dialog that ends with BYE was a call, and was up since it rang at the latest."""
    for lost, ring_ms in ((2, None), (3, 50)):  # the 180 as well, and not
        (leg,) = hear([*ANSWERED[:lost], (60_000, "<", callee_request("BYE", 5))])
        assert (ring_ms or 0, 60_000, 200, False, True) == (
            (leg.answer_ms or 0) - T0_MS, (leg.end_ms or 0) - T0_MS, leg.final_code, leg.cancelled, leg.partial,
        )  # fmt: skip


def test_a_transfer_of_which_only_the_progress_is_seen() -> None:
    """REFER and its 202 were lost: the NOTIFY that it is tried says that somebody is transferred."""
    steps, _ = CALLS["transferred"]
    (leg,) = hear(steps[:5] + steps[7:])
    assert ("blind", "", True) == (leg.transfer, leg.refer_to, leg.partial)


def test_a_refusal_alone_is_a_try() -> None:
    """INVITE and 100 were lost: who was called refused all the same."""
    (leg,) = hear([(40, "<", make_response(INVITE, 486)), (41, ">", REFUSAL_ACK)])
    assert ("101", 486, "callee", True) == (leg.extension, leg.final_code, leg.ended_by, leg.partial)


# what is seen of it -> messages, and how many of them are counted as orphans
JOINED: dict[str, tuple[Steps, int]] = {
    "a re-INVITE": (
        [(0, "<", HOLD), (5, ">", accepted(HOLD, "recvonly")), (9, "<", callee_request("ACK", 1)), *ENDED],
        3,
    ),
    "an UPDATE": ([(0, "<", callee_request("UPDATE", 1))], 1),
    "its end": (ENDED, 1),
    "its end, said twice": ([(0, ">", BYE), *ENDED], 2),
    "the end of its ringing": (CALLS["cancelled"][0][3:], 2),
    "a refused re-INVITE": ([(5, ">", make_response(HOLD, 488)), (9, "<", callee_request("ACK", 1))], 1),
    "the ACK of some refusal": ([(0, ">", make_request("ACK", cseq=10, **TAGGED))], 0),
}


@pytest.mark.parametrize("name", JOINED)
def test_a_call_that_was_up_before_is_counted_and_makes_no_leg(name: str) -> None:
    """Nobody knows when it began: it would be a call of no length, or a missed one."""
    steps, orphans = JOINED[name]
    tap = Tap()
    tap.exchange(PBX, phone(101), steps)
    assert [] == tap.close()
    assert orphans == tap.monitor.counters.orphans


def test_a_new_call_under_a_joined_one_s_call_id_is_a_leg() -> None:
    """Some devices use a Call-ID again."""
    tap = Tap()
    tap.exchange(PBX, phone(101), [(0, ">", BYE), *((at_ms + 100, arrow, data) for at_ms, arrow, data in ANSWERED)])
    assert [200] == [leg.final_code for leg in tap.close()]
