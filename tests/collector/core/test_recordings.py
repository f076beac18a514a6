"""Recordings of a real PBX, leg by leg: what the core says of them is written down in tests/vectors/legs-<name>.jsonl.

`python tests/collector/core/test_recordings.py --write` writes them anew; look at the difference before it is kept.
"""

import gzip
import json
import struct
import sys
import tomllib
from ipaddress import ip_address
from pathlib import Path

import pytest

from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings

TESTS = Path(__file__).resolve().parents[2]
NAMES = ("a-direct", "b-ringgroup", "c-queue")
FACTS = (
    "role",
    "direction",
    "extension",
    "caller",
    "callee",
    "final_code",
    "cancelled",
    "ended_by",
    "reason_sip",
)
MORE_FACTS = (
    "reason_q850",
    "holds",
    "hold_ms",
    "transfer",
    "refer_to",
    "retransmissions",
    "bye_response_ms",
    "partial",
)


def lab_settings():
    """The office of the recordings."""
    config = tomllib.loads((TESTS / "captures" / "asterisk-lab.toml").read_text())
    sip = config["sip"]
    return MonitorSettings(
        ports=tuple(sip["ports"]),
        pbx=tuple(ip_address(address).packed for address in sip["pbx"]),
        trunks=tuple(ip_address(address).packed for address in sip["trunks"]),
        extensions=tuple(tuple(span.split("-")) for span in sip["extensions"]),
        feature_codes=tuple(sip["feature_codes"]),
        digit_numbers=tuple(sip["digit_numbers"]),
        country=config["numbers"]["country"],
    )


def frames_of(name):
    """(milliseconds, frame) of a recording: little-endian pcap with nanoseconds, Ethernet."""
    data = gzip.decompress((TESTS / "captures" / f"{name}.pcap.gz").read_bytes())
    at = 24
    while at < len(data):
        seconds, nanoseconds, length, _ = struct.unpack_from("<IIII", data, at)
        yield (
            seconds * 1000 + nanoseconds // 1_000_000,
            data[at + 16 : at + 16 + length],
        )
        at += 16 + length


def legs_of(name):
    """Every leg of a recording, by the time of its INVITE."""
    monitor = CallMonitor(lab_settings())
    now_ms = 0
    for now_ms, frame in frames_of(name):
        monitor.receive_frame(frame, now_ms, 1, len(frame))
    monitor.close(now_ms)
    legs = []
    while (event := monitor.next_event()) is not None:
        if isinstance(event, LegEnded):
            legs.append(event)
    return sorted(legs, key=lambda leg: (leg.invite_ms, leg.call_id))


def line_of(leg):
    """One line of a vector: times since the INVITE, words, counts."""
    since = {name: getattr(leg, name) for name in ("ring_ms", "answer_ms", "end_ms")}
    facts = {"call_id": leg.call_id.decode(), "invite_ms": leg.invite_ms}
    facts |= {name: None if value is None else value - leg.invite_ms for name, value in since.items()}
    return json.dumps(facts | {name: getattr(leg, name) for name in FACTS + MORE_FACTS})


def vector(name):
    """Where a recording's legs are written down."""
    return TESTS / "vectors" / f"legs-{name}.jsonl"


@pytest.mark.parametrize("name", NAMES)
def test_legs_of_a_recording(name):
    """Every leg with its times and words, exactly as it was when somebody held it against the PBX's own account."""
    assert vector(name).read_text().splitlines() == [line_of(leg) for leg in legs_of(name)]


@pytest.mark.parametrize("name", NAMES)
def test_legs_agree_with_the_pbx(name):
    """Every leg of the PBX's own account is there; answered alike but for losers of a simultaneous answer."""
    truth = TESTS / "captures" / f"{name}.truth"
    zipped = truth / "calls.json.gz"
    text = gzip.decompress(zipped.read_bytes()) if zipped.exists() else (truth / "calls.json").read_bytes()
    legs = {leg.call_id.decode(): leg for leg in legs_of(name)}
    theirs = [leg for call in json.loads(text)["calls"] for leg in call["legs"] if leg.get("callid")]
    assert {leg["callid"] for leg in theirs} <= set(legs)
    differing = [leg for leg in theirs if bool(leg.get("answer")) != (legs[leg["callid"]].answer_ms is not None)]
    for leg in differing:
        ours = legs[leg["callid"]]
        assert (ours.reason_sip, ours.ended_by) == (200, "caller")
    answered = [leg for leg in theirs if leg.get("answer") and leg not in differing]
    late = [leg for leg in answered if abs(legs[leg["callid"]].answer_ms / 1000 - leg["answer"]) > 0.05]
    assert [] == late


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for recording in NAMES:
        vector(recording).write_text("".join(line_of(leg) + "\n" for leg in legs_of(recording)))
