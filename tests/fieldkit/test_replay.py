"""The whole pipeline in one process: `fieldkit.replay`."""

import gzip
import json
import subprocess
import sys

from cloud_sink.config import office_plans
from collector import config
from collector.adapters.pcapfile import open_captures
from collector.core.events import GapObserved, LegEnded, RegistrationChanged
from fieldkit.replay import ReceivedEvents, replay


def make_leg(at_ms, call_id):
    """A leg with a Call-ID."""
    leg = LegEnded(at_ms, b"\x00\x01\x02\x03\x04\x05")
    leg.call_id, leg.role, leg.extension, leg.answer_ms = call_id, "phone", "101", at_ms + 500
    return leg


def test_events_pass_the_wire_and_come_back_as_the_sinks_legs():
    """Numbers and times as sent, bytes as hexadecimal, ids in the order of arrival; the Call-ID stays beside."""
    received = ReceivedEvents("lab", "london")
    received.write(
        [make_leg(1_000, b"x@y"), RegistrationChanged(5, "phone", "101", True), GapObserved(1, 9, "test", 2)]
    )
    received.write([make_leg(2_000, b"\xff@y")])
    assert ["lab-00000000-1", "lab-00000000-4"] == [leg.leg_id for leg, _ in received.kept.legs()]
    assert ("000102030405", 1_000, 1_500, None) == tuple(
        getattr(next(received.kept.legs())[0], name) for name in ("call_key", "t_invite", "t_answer", "t_end")
    )
    assert ["x@y", "\\xff@y"] == [call_id for _, call_id in received.kept.legs()]
    assert [(1, 9)] == received.gaps


def test_any_number_of_events_is_sent_in_batches():
    """More than one batch holds, and nothing at all."""
    received = ReceivedEvents("lab", "london")
    received.write([make_leg(n, b"%d" % n) for n in range(1234)])
    received.write([])
    assert 1234 == len(list(received.kept.legs()))
    assert received.undelivered() == 0


def test_the_same_recording_says_the_same_twice(lab_config, captures):
    """Nothing depends on the clock or the machine."""
    settings = config.load(str(lab_config))

    def run():
        return replay(
            open_captures([str(captures / "c-queue.pcap.gz")]),
            settings.monitor_settings(),
            office_plans(lab_config)["lab"],
            box="lab",
            with_ladder=False,
            on_progress=lambda _share: None,
        )

    one, other = run(), run()
    assert one.legs == other.legs
    assert one.contacts == other.contacts
    assert one.report().to_json() == other.report().to_json()


def test_the_pbx_own_account_agrees(captures, lab_config):
    """Office day A against the PBX's channels: every leg found by its Call-ID, answered alike, within 50 ms."""
    command = [
        sys.executable,
        "-m",
        "fieldkit",
        "replay",
        str(captures / "office-day-A.pcap.gz"),
        "--config",
        str(lab_config),
    ]
    out = subprocess.run(
        [*command, "--show", "legs", "--format", "jsonl"], check=True, capture_output=True, text=True
    ).stdout
    legs = {}
    for leg in map(json.loads, out.splitlines()):
        legs.setdefault(leg["call_id"], []).append(leg)
    truth = json.loads(gzip.decompress((captures / "office-day-A.truth" / "calls.json.gz").read_bytes()))
    channels = [leg for call in truth["calls"] for leg in call["legs"] if leg.get("callid")]
    assert 1194 == len(channels)
    for channel in channels:
        answer = min((leg["t_answer"] for leg in legs[channel["callid"]] if leg["t_answer"]), default=None)
        assert (answer is None) == (not channel.get("answer"))
        if answer is not None:
            assert abs(answer - channel["answer"]) < 0.05


def test_statistics_need_no_legs(lab_config, captures):
    """Where nobody will look at them none is kept: memory stays flat however long a recording is."""
    done = replay(
        open_captures([str(captures / "a-direct.pcap.gz")]),
        config.load(str(lab_config)).monitor_settings(),
        office_plans(lab_config)["lab"],
        box="lab",
        with_ladder=False,
        with_legs=False,
        on_progress=lambda _share: None,
    )
    assert ([], {}, 786) == (done.legs, done.call_ids, done.counters["sip_messages"])
