"""Every message of a flow is lost at the tap, and every two of them: no leg is told otherwise without saying so."""

from itertools import combinations

import pytest
from builders import T0_MS, Tap, make_udp_frame
from call_story import PARTIES, Story, settle

from collector.core.events import LegEnded

CAROL = "| Contact: <sip:103@10.77.1.103:5060>"
RINGS = """
    0      A pbx > bob     INVITE from=447700900123
    5      A pbx < bob     100
    100    A pbx < bob     180
"""
TALKS = (
    RINGS
    + """
    3000   A pbx < bob     200
    3010   A pbx > bob     ACK
"""
)
CHALLENGED = """
    0      A bob > pbx     INVITE to=103
    5      A bob < pbx     401
    8      A bob > pbx     ACK
    10     A bob > pbx     INVITE
    15     A bob < pbx     100
"""
FLOWS = {
    "the caller hangs up": TALKS + "9000 A pbx > bob BYE\n 9010 A pbx < bob 200",
    "the callee hangs up": TALKS + "9000 A bob > pbx BYE\n 9010 A bob < pbx 200",
    "declined": RINGS + "4000 A pbx < bob 603\n 4010 A pbx > bob ACK",
    "cancelled": RINGS
    + """
        9000   A pbx > bob     CANCEL
        9005   A pbx < bob     200/CANCEL
        9006   A pbx < bob     487
        9010   A pbx > bob     ACK
    """,
    "a CANCEL that the answer crossed": RINGS
    + """
        3000   A pbx > bob     CANCEL
        3002   A pbx < bob     200/INVITE
        3012   A pbx < bob     481/CANCEL
        3020   A pbx > bob     ACK
        3021   A pbx > bob     BYE
        3030   A pbx < bob     200/BYE
    """,
    "challenged": CHALLENGED
    + """
        100    A bob < pbx     180
        3000   A bob < pbx     200
        3010   A bob > pbx     ACK
        9000   A bob > pbx     BYE
        9005   A bob < pbx     401
        9010   A bob > pbx     BYE
        9015   A bob < pbx     200
    """,
    "challenged and refused": CHALLENGED + "100 A bob < pbx 486\n 110 A bob > pbx ACK",
    "held": TALKS
    + """
        5000   A bob > pbx     INVITE sdp=sendonly
        5010   A bob < pbx     200 sdp=recvonly
        5020   A bob > pbx     ACK
        8000   A bob > pbx     INVITE
        8010   A bob < pbx     200
        8020   A bob > pbx     ACK
        9000   A pbx > bob     BYE
        9010   A pbx < bob     200
    """,
    "two hops": """
        0      A alice > proxy > bob   INVITE
        3      A alice < proxy         100
        100    A alice < proxy < bob   180
        3000   A alice < proxy < bob   200
        3010   A alice > proxy > bob   ACK
        9000   A alice > proxy > bob   BYE
        9010   A alice < proxy < bob   200
    """,
    "two hops, cancelled": """
        0      A alice > proxy > bob   INVITE
        3      A alice < proxy         100
        100    A alice < proxy < bob   180
        9000   A alice > proxy         CANCEL
        9001   A alice < proxy         200/CANCEL
        9002   A proxy > bob           CANCEL
        9003   A proxy < bob           200/CANCEL
        9004   A proxy < bob           487
        9005   A proxy > bob           ACK
        9006   A alice < proxy         487
        9007   A alice > proxy         ACK
    """,
    "one phone after the other": f"""
        0      A proxy > bob           INVITE from=447700900123
        100    A proxy < bob           180
        4000   A proxy > bob           CANCEL
        4001   A proxy < bob           200/CANCEL
        4002   A proxy < bob           487
        4003   A proxy > bob           ACK
        4010   A proxy > carol         INVITE
        4020   A proxy < carol         180 {CAROL}
        7000   A proxy < carol         200 {CAROL}
        7010   A proxy > carol         ACK
        9000   A proxy > carol         BYE
        9010   A proxy < carol         200
    """,
}
# Without the caller's own CANCEL and its 200 it was the proxy who gave the phone up, as far as is seen.
NOT_TO_BE_KNOWN = {("two hops, cancelled", 2): ["102 no_answer"]}
LATE_MS = 1_000  # further from the truth than this is untrue
Told = dict[str, tuple[str, LegEnded]]


def hear(packets: list[tuple[int, int, str, str, bytes]]) -> Told:
    """Phone that was called -> (word, leg), after two minutes of silence; no phone has two legs."""
    tap = Tap()
    for at_ms, _, sender, receiver, data in packets:
        tap.hear(at_ms, make_udp_frame(data, PARTIES[sender][1], PARTIES[receiver][1]))
    tap.wait_until(130_000)
    legs = tap.close()
    words = settle(legs)
    by_phone = {leg.callee: (words[number], leg) for number, leg in enumerate(legs)}
    assert len(legs) == len(by_phone), [words[number] for number in range(len(legs))]
    return by_phone


def untrue(expected: Told, found: Told) -> list[str]:
    """What is told otherwise than it was, and does not say that something was missed."""
    wrong = [f"a leg of {phone} that never was" for phone in found if phone not in expected]
    for phone, (word, leg) in found.items():
        meant, true_leg = expected.get(phone, (word, leg))
        if leg.answer_ms is not None and true_leg.answer_ms is None:
            wrong.append(f"{phone} answered")
        if word != meant and not any(other.partial for _, other in found.values()):
            wrong.append(f"{phone} {word}")
        if not leg.partial:
            moments = ((leg.answer_ms, true_leg.answer_ms), (leg.end_ms, true_leg.end_ms))
            if any(abs((one or T0_MS) - (other or T0_MS)) > LATE_MS for one, other in moments):
                wrong.append(f"{phone} at another time")
    return wrong


@pytest.mark.parametrize("name", FLOWS)
def test_what_is_lost_is_told_or_changes_nothing(name: str) -> None:
    """Nobody answers who did not, no phone has a leg twice, and any other word or time goes with `partial`."""
    packets = sorted(Story(FLOWS[name]).packets)
    expected = hear(packets)
    assert not any(leg.partial for _, leg in expected.values())
    numbers = range(len(packets))
    for lost in [*combinations(numbers, 1), *combinations(numbers, 2)]:
        found = hear([packet for number, packet in enumerate(packets) if number not in lost])
        wrong = untrue(expected, found)
        assert wrong in ([], NOT_TO_BE_KNOWN.get((name, len(lost)))), [
            packets[number][4].split(b"\r\n")[0] for number in lost
        ]


@pytest.mark.parametrize("name", FLOWS)
def test_no_message_alone_is_the_whole_call(name: str) -> None:
    """Whichever one is lost, each phone that was called has its leg, and who answered has answered."""
    packets = sorted(Story(FLOWS[name]).packets)
    expected = hear(packets)
    for number in range(len(packets)):
        found = hear(packets[:number] + packets[number + 1 :])
        assert expected.keys() == found.keys()
        for phone, (_, leg) in expected.items():
            assert (leg.answer_ms is None) == (found[phone][1].answer_ms is None)
