"""Every recording: its golden legs, the PBX's own account, what tshark finds in it, and what was meant to happen.

`python tests/collector/core/test_recordings.py` writes the golden files anew: read the difference before you commit it.
"""

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import Leg
from collector.adapters.pcapfile import open_captures
from collector.config import load
from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.replay import Replayed, replay

CAPTURES = Path(__file__).parents[2] / "captures"
GOLDEN = CAPTURES / "golden"
PUBLIC = Path(__file__).parents[4] / "shared" / "captures" / "public"

# recording -> SIP messages that tshark 4.0 dissects in it
RECORDINGS = {
    "a-direct": 786,
    "a-direct-chansip": 830,
    "a-direct.hep": 786,  # as its pcap: tshark needs to be told of HEP
    "b-ringgroup": 759,
    "b-ringgroup-chansip": 774,
    "b-ringgroup-trunkpai": 769,
    "b-ringgroup.hep": 759,
    "c-queue": 3_296,
    "c-queue.hep": 3_296,
    "d-features": 2_695,
    "d-features.hep": 2_695,
    "e-outbound": 772,
    "f-baresip": 260,
    "f-frag": 165,
    "f-ipv6": 111,
    "f-loss": 596,
    "f-missing-bye": 747,
    "f-noise": 1_277,
    "f-survey": 209,
    "f-tcp": 540,
    "f-tcp.hep": 535,  # five are behind the first fragments of HEP packets, whose others the lab's filter left out
    "office-day-A": 14_933,
}

ANSWER_MS = 20
CLOCK_MS = 1.5  # our times are cut to milliseconds
END_MS = 100

# Call-IDs' first characters. The lab's machine was busy: the PBX wrote these answers down 21 to 470 ms before or after
# their packets; the packet's time is the fact (tshark's first 200 to each INVITE is at our time, to the millisecond).
# That it was the PBX who was late shows in all answers: what it received it wrote down afterwards, what it sent before,
# and its own mirror of the TCP phones' answers, made as it reads them, is within 5 ms of what it wrote.
ANSWERS_LOGGED_LATE = {
    "a-direct": "dcff1f4a",
    "d-features.hep": "5d333011 74e0b3c1 d33c2470 b6fbfba3 33950569 002e0abe ee15be2b 03995fed 32527768 bd21d075 "
    "ccff70d9",
    "d-features": "5d333011 4f038519 74e0b3c1 d33c2470 b9575337 b6fbfba3 868fc08b 002e0abe ee15be2b 03995fed ccff70d9",
    "e-outbound": "9cb3fd2e 7a18d5a1",
    "f-ipv6": "20f9525d",
    "f-loss": "ed268162",
    "f-tcp": "72415588 f5d4eb96 227b23d0 63ded264 83b3edec 7b5dff82 c054fbae d5645341 90d646e4 91a50954 9a0d35fe "
    "d2f7c36b",
    "office-day-A": "3db35ac7 d8d9c2f1 8d7fa837",
}
# The same of ends: tshark's first BYE is at our time.
ENDS_LOGGED_LATE = {
    "b-ringgroup-chansip": "0de28d8f",
    "d-features": "4f038519 bb1e37a9 1c542a0b",
    "f-loss": "79290867",
    "f-survey": "bbcb4393",
    "office-day-A": "453e7d19 8f351c35 964aee60 025ac318",
}
# Both sides of the call were killed: the wire has no end, and none is made up. And one that nobody acknowledged: the
# PBX closed its channel 28 s before the trunk gave up.
ENDS_NOT_ON_THE_WIRE = {"f-missing-bye": "72548698 16c465e3 30891553"}


@cache
def replayed(name: str) -> Replayed:
    """What the whole pipeline makes of a recording."""
    config = CAPTURES / "asterisk-lab.toml"
    return replay(
        open_captures([str(CAPTURES / f"{name}.pcap.gz")]),
        load(str(config)).monitor_settings(),
        office_plans(config)["lab"],
        box="lab",
        with_ladder=False,
        on_progress=lambda _share: None,
    )


def truth(name: str, file: str) -> dict[str, Any]:
    """A file of the PBX's or the script's own account."""
    path = CAPTURES / f"{name.removesuffix('.hep')}.truth" / file
    text = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(f"{file}.gz").read_bytes())
    found: dict[str, Any] = json.loads(text)
    return found


def pbx_legs(name: str) -> list[tuple[dict[str, Any], Leg, str]]:
    """(the PBX's channel, our leg, its outcome word) for every channel that spoke SIP; all have a leg."""
    done = replayed(name)
    found = {done.call_ids[leg.leg_id]: leg for leg in reversed(done.legs)}
    channels = [leg for call in truth(name, "calls.json")["calls"] for leg in call["legs"] if leg.get("callid")]
    assert [] == [channel["callid"] for channel in channels if channel["callid"] not in found]
    legs = [(channel, found[channel["callid"]]) for channel in channels]
    return [(channel, leg, done.outcomes[leg.leg_id]) for channel, leg in legs]


def listed(table: dict[str, str], name: str, channel: dict[str, Any]) -> bool:
    """True for a Call-ID that a table of exceptions names."""
    return channel["callid"][:8] in table.get(name, table.get(name.removesuffix(".hep"), "")).split()


# --- golden legs ----------------------------------------------------------------------------------------------------


def golden_lines(name: str) -> list[str]:
    """A line for each leg: milliseconds since the first one, and everything that was out of the ordinary."""
    done = replayed(name)
    begin = done.legs[0].t_invite
    return [_golden_line(leg, begin, done.outcomes[leg.leg_id]) for leg in done.legs]


def _golden_line(leg: Leg, begin: int, word: str) -> str:
    moments = (leg.t_invite, leg.t_ring, leg.t_answer, leg.t_end)
    times = " ".join("-" if at_ms is None else str(at_ms - begin) for at_ms in moments)
    who = f"{leg.role}:{leg.extension or '-'} {leg.direction or '-'} {leg.caller or '?'}>{leg.callee}"
    extras = {
        "cancelled": leg.cancelled,
        f"reason={leg.reason_sip}": leg.reason_sip,
        f"q850={leg.reason_q850}": leg.reason_q850 is not None,
        f"hold={leg.holds}x{leg.hold_ms}": leg.holds,
        f"{leg.transfer}={leg.refer_to}": leg.transfer,
        f"connected={leg.connected}": leg.connected,
        f"diverted={leg.diverted_by}": leg.diverted_by,
        f"digits={leg.digits}": leg.digits,
        f"again={leg.retransmissions}": leg.retransmissions,
        leg.transport: leg.transport != "udp",
        "partial": leg.partial,
    }
    said = [f"{leg.final_code}", leg.ended_by or "nobody", *(text for text, is_so in extras.items() if is_so)]
    return f"{times} {who} {word} {' '.join(said)}"


@pytest.mark.parametrize("name", RECORDINGS)
def test_legs_are_the_golden_ones(name: str) -> None:
    """Every leg with every fact, as last looked at by a human: a change shows itself as a difference of lines."""
    assert (GOLDEN / f"{name}.legs").read_text().splitlines() == golden_lines(name)


# --- the PBX's own account ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_leg_of_the_pbx_is_found_and_answered_alike(name: str) -> None:
    """All channels; where the PBX does not count an answer that is on the wire, the word is lost_race."""
    unlike = [
        (channel["callid"], word)
        for channel, leg, word in pbx_legs(name)
        if bool(channel.get("answer")) != (leg.t_answer is not None) and word != "lost_race"
    ]
    assert [] == unlike


@pytest.mark.parametrize("name", RECORDINGS)
def test_answers_are_at_the_pbx_s_time(name: str) -> None:
    """Within 20 ms of the PBX's own log, but for the listed ones that it wrote down late."""
    late = [
        (channel["callid"], leg.t_answer - 1000 * channel["answer"])
        for channel, leg, _ in pbx_legs(name)
        if leg.t_answer is not None and channel.get("answer") and not listed(ANSWERS_LOGGED_LATE, name, channel)
        if abs(leg.t_answer - 1000 * channel["answer"]) > ANSWER_MS
    ]
    assert [] == late


@pytest.mark.parametrize("name", [name for name in RECORDINGS if not name.endswith(".hep")])
def test_answers_are_on_their_side_of_the_pbx_s_time(name: str) -> None:
    """A PBX writes an answer down once it has read it, or before it sends it: the wire is early here and late there."""
    wrong = [
        (channel["callid"], behind_ms)
        for channel, leg, word in pbx_legs(name)
        if leg.t_answer is not None and channel.get("answer") and word != "lost_race"
        for behind_ms in [leg.t_answer - 1000 * channel["answer"]]
        if (behind_ms if is_target(leg) else -behind_ms) > CLOCK_MS
    ]
    assert [] == wrong


def test_the_pbx_s_own_mirror_is_at_its_time_where_it_reads_late() -> None:
    """f-tcp: answers that the wire has 24 to 35 ms before the PBX's log are in its mirror when it writes them down."""
    behind_ms = [
        abs(leg.t_answer - 1000 * channel["answer"])
        for channel, leg, _ in pbx_legs("f-tcp.hep")
        if leg.t_answer is not None and listed(ANSWERS_LOGGED_LATE, "f-tcp", channel) and is_target(leg)
    ]
    assert len(behind_ms) >= 10
    assert max(behind_ms) <= 5


@pytest.mark.parametrize("name", RECORDINGS)
def test_ends_are_at_the_pbx_s_time(name: str) -> None:
    """Within 100 ms of the PBX's own log wherever the channel and the leg end by the same thing."""
    late = [
        (channel["callid"], word, leg.t_end and leg.t_end - 1000 * channel["end"])
        for channel, leg, word in pbx_legs(name)
        if not ends_otherwise(name, channel, leg, word)
        if leg.t_end is None or abs(leg.t_end - 1000 * channel["end"]) > END_MS
    ]
    assert [] == late


def ends_otherwise(name: str, channel: dict[str, Any], leg: Leg, word: str) -> bool:
    """Where the channel's end is not the leg's.

    A transferred channel is closed at once, its phone hangs up within 1.2 s; a phone that lost a race of chan_sip stays
    up; a dead phone is called on after the caller was served (the captures' README says so of all three).
    """
    if leg.transfer and leg.t_end is not None and 0 < leg.t_end - 1000 * channel["end"] < 1_200:
        return True
    dead = word == "unreachable" and leg.t_ring is None
    return (
        word == "lost_race"
        or dead
        or listed(ENDS_LOGGED_LATE, name, channel)
        or listed(ENDS_NOT_ON_THE_WIRE, name, channel)
    )


def test_ends_that_differ_stay_the_exception() -> None:
    """Dead phones and lost races, whose legs outlive the PBX's channel, are fewer than one leg in a hundred."""
    legs = [(name, *found) for name in RECORDINGS for found in pbx_legs(name)]
    apart = [
        channel["callid"]
        for name, channel, leg, _ in legs
        if not leg.transfer and not listed(ENDS_LOGGED_LATE, name, channel)
        if leg.t_end is None or abs(leg.t_end - 1000 * channel["end"]) > END_MS
    ]
    assert len(legs) > 2_000
    assert len(apart) <= len(legs) / 100


# --- HEP ------------------------------------------------------------------------------------------------------------


# scenario -> how far apart times are, ms: the PBX hands its mirror on when it finds the time, and it was busy
HEP_BEHIND_MS = {"a-direct": 50, "b-ringgroup": 50, "c-queue": 50, "d-features": 350, "f-tcp": 50}
HEP_FACTS = (
    "role",
    "direction",
    "extension",
    "caller",
    "callee",
    "final_code",
    "cancelled",
    "ended_by",
    "holds",
    "transfer",
)


@pytest.mark.parametrize("name", HEP_BEHIND_MS)
def test_hep_tells_the_same_legs_as_the_wire(name: str) -> None:
    """The PBX's own mirror (res_hep) and its Ethernet port: the same calls, facts and words, times nearly."""
    wire, hep = replayed(name), replayed(f"{name}.hep")
    expected = {wire.call_ids[leg.leg_id]: leg for leg in wire.legs}
    found = {hep.call_ids[leg.leg_id]: leg for leg in hep.legs}
    assert (len(wire.legs), expected.keys()) == (len(hep.legs), found.keys())
    for call_id, leg in expected.items():
        other = found[call_id]
        assert [getattr(leg, fact) for fact in HEP_FACTS] == [getattr(other, fact) for fact in HEP_FACTS]
        assert wire.outcomes[leg.leg_id] == hep.outcomes[other.leg_id]
        times = ((leg.t_ring, other.t_ring), (leg.t_answer, other.t_answer), (leg.t_end, other.t_end))
        assert [(one is None) for one, _ in times] == [(two is None) for _, two in times]
        behind_ms = [(one or 0) - (two or 0) for one, two in (*times, (leg.hold_ms, other.hold_ms))]
        assert max(map(abs, behind_ms)) <= HEP_BEHIND_MS[name]


# --- no message missed ----------------------------------------------------------------------------------------------


def count_messages(path: Path) -> int:
    """SIP messages that the core sees in a capture, on whatever port."""
    monitor = CallMonitor(MonitorSettings(any_port=True))
    now_ms = 0
    for captured in open_captures([str(path)]).frames():
        if captured is not None:
            frame, now_ms, link_type, length = captured
            monitor.receive_frame(frame, now_ms, link_type, length)
    monitor.close(now_ms)
    return monitor.counters.sip_messages


@pytest.mark.parametrize("name", RECORDINGS)
def test_no_message_is_missed_that_tshark_finds(name: str) -> None:
    """At least as many SIP messages as tshark 4 dissects, duplicates and retransmissions included."""
    assert count_messages(CAPTURES / f"{name}.pcap.gz") >= RECORDINGS[name]


# third-party captures, which are not part of the project: part of the file's name -> messages that tshark 4.0 finds
PUBLIC_MESSAGES = {
    "arkime_synthetic": 4, "eimlab9": 11, "ipfixprobe": 45, "michalcab": 9, "sip-i": 2, "sip-tcp": 30, "--sdp": 1,
    "non_default_port": 2, "not_sdp": 1, "sip_reqs": 4, "sip_resp": 7, "ptavi": 25, "wireshark": 81,
    "invalid-content-length": 2, "junk-before-request": 1, "long-request": 2, "body-frames": 10, "body-large": 2,
    "compact": 1, "gtp-iphone": 17, "multi": 1, "options-method": 2, "sip-pattern": 2, "sip-sdp": 2, "tcp-method": 2,
    "tcp-pattern": 2,
}  # fmt: skip


def test_no_message_is_missed_in_other_peoples_captures() -> None:
    """Where they are at hand: pcap and pcapng, UDP, TCP, fragments, other ports, other link types."""
    for part, expected in PUBLIC_MESSAGES.items():
        paths = sorted(PUBLIC.glob(f"*{part}*"))
        assert paths or not PUBLIC.exists(), part
        for path in paths:
            wanted = 30 if part == "sip-tcp" and path.name.startswith("nextcaller") else expected
            if part == "sip-tcp" and not path.name.startswith("nextcaller"):
                continue  # Suricata's have their own rows
            assert count_messages(path) >= wanted, path.name


# --- what was meant to happen ---------------------------------------------------------------------------------------

# recording -> script's case -> word of each leg of a phone that was called (or, outbound, of the carrier's), by number
WORDS: dict[str, dict[str, str]] = {
    "a-direct": {
        "a01": "101 answered", "a02": "101 answered", "a03": "101 no_answer", "a04": "102 no_answer", "a05": "101 dnd",
        "a06": "102 dnd", "a07": "101 declined", "a08": "101 dnd", "a09": "101 caller_gone", "a10": "101 caller_gone",
        "a11": "103 unreachable", "a12": "", "a13": "", "a14": "", "a15": "", "a16": "101 answered",
        "a17": "105 answered", "a17b": "105 busy", "a18": "106 answered, 106 answered", "a20": "101 unreachable",
        "a21": "101 failed", "a22": "101 answered", "a23": "107 answered", "a24": "101 answered", "a25": "101 failed",
    },
    "b-ringgroup": {
        "b01": "101 elsewhere, 102 answered, 103 elsewhere", "b02": "101 dnd, 102 dnd, 103 answered",
        "b03": "101 no_answer, 102 no_answer, 103 no_answer",
        "b04": "101 caller_gone, 102 caller_gone, 103 caller_gone",
        "b05": "104 elsewhere, 105 answered, 106 elsewhere", "b06": "104 caller_gone, 105 caller_gone, 106 caller_gone",
        "b07": "101 dnd, 102 dnd, 103 dnd", "b08": "107 no_answer, 108 no_answer, 109 answered",
        "b09": "107 dnd, 108 answered", "b10.0": "101 lost_race, 102 answered, 103 elsewhere",
        "b10.1": "101 answered, 102 lost_race, 103 elsewhere", "b10.2": "101 answered, 102 lost_race, 103 elsewhere",
        "b11": "101 answered, 102 unreachable, 103 elsewhere", "b12": "101 elsewhere, 102 elsewhere, 103 answered",
    },
    "e-outbound": {
        "e01": "102 answered", "e02": "103 dnd", "e03": "103 no_answer", "e04": "102 no_answer",
        "e05": "103 caller_gone",
        "e06": "447700922001 answered", "e07": "447700922002 answered", "e08": "447700922003 busy",
        "e09": "447700922004 unreachable", "e10": "447700922005 unreachable", "e11": "447700922006 declined",
        "e12": "447700922007 unreachable", "e13": "447700922008 failed", "e14": "447700922009 caller_gone",
        "e15": "447700922010 answered", "e16": "447700922011 no_answer", "e17": "447700922012 failed",
        "e18": "447700922013 failed", "e19": "", "e20": "", "e21": "447700922014 answered",
        "e22": "447700922015 answered, 447700922016 answered", "e23": "107 answered, 447700922017 answered",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_outcome_words_are_what_the_script_meant(name: str) -> None:
    """Case by case: a busy phone, do not disturb, a dead phone, a caller who left, a colleague who was faster."""
    done = replayed(name)
    cases = sorted(truth(name, "intent.json")["cases"], key=lambda case: float(case["t"]))
    begins = [int(1000 * case["t"]) - 300 for case in cases]
    said: dict[str, str] = {}
    for case, begin, until in zip(cases, begins, [*begins[1:], 1 << 60], strict=True):
        legs = [leg for leg in done.legs if begin <= leg.t_invite < until and is_target(leg)]
        said[case["case"]] = ", ".join(sorted(f"{leg.callee} {done.outcomes[leg.leg_id]}" for leg in legs))
    races = {case: words for case, words in said.items() if case.startswith("a19")}
    assert WORDS[name] == {case: words for case, words in said.items() if case not in races}
    assert all(words in ("107 answered", "107 caller_gone") for words in races.values())


def is_target(leg: Leg) -> bool:
    """True for a phone that was called, or an outside number that was."""
    return leg.extension == leg.callee if leg.role == "phone" else leg.direction == "out"


def write_golden(report: Callable[[str], object]) -> None:
    """Write every golden file anew."""
    GOLDEN.mkdir(exist_ok=True)
    for name in RECORDINGS:
        (GOLDEN / f"{name}.legs").write_text("\n".join(golden_lines(name)) + "\n")
        report(name)


if __name__ == "__main__":
    write_golden(print)
