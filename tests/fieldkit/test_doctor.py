"""What is wrong with a tap: `fieldkit.doctor`, on recordings of faults and on a real interface."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from builders import (
    PBX,
    make_ethernet,
    make_invite,
    make_ipv4,
    make_pcap,
    make_request,
    make_response,
    make_tcp,
    make_udp,
    make_udp_frame,
    phone,
)
from networks import ip, make_cable, wait_for
from wrapped import make_tzsp

from collector.adapters.pcapfile import open_captures
from collector.core.counters import Counters
from collector.core.packet import PacketDecoder
from fieldkit import doctor
from fieldkit.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def examine(tmp_path, capsys):
    """Runs the doctor on frames (milliseconds, frame); returns (exit status, the JSON it printed)."""

    def run(frames):
        path = tmp_path / "fault.pcap"
        path.write_bytes(make_pcap(frames))
        status = main(["doctor", "--capture", str(path), "--format", "json"])
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(scope="module")
def good_frames(recording):
    """A healthy recording: (milliseconds, frame, source address, SIP payload)."""
    decoder = PacketDecoder(Counters())
    frames = []
    for frame, at_ms, link_type, _ in open_captures([str(recording("a-direct"))]).frames():
        datagram = decoder.decode(frame, link_type, at_ms)
        if datagram is not None:
            frames.append((at_ms, frame, datagram[1], datagram[5]))
    return frames


def names(report):
    """The conditions of a report."""
    return [condition["name"] for condition in report["conditions"]]


HEALTHY = sorted(path.name.removesuffix(".pcap.gz") for path in (ROOT / "tests/captures").glob("*.pcap.gz"))


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_recordings_have_nothing_wrong(recording, name, capsys):
    """Every recording of the office, with loss, missing BYEs, TCP and IPv6: no condition is invented."""
    assert 0 == main(["doctor", "--capture", str(recording(name))])
    assert "nothing wrong with the tap was found" in capsys.readouterr().out


def test_one_direction(examine, good_frames):
    """A mirror of ingress only: what phones and carrier send to the PBX, and nothing that it sends."""
    status, report = examine([(at_ms, frame) for at_ms, frame, source, _ in good_frames if source != PBX])
    assert 1 == status
    assert "one_direction" in names(report)
    [condition] = [item for item in report["conditions"] if item["name"] == "one_direction"]
    assert "and none back" in condition["evidence"]
    assert any("sniff-tzsp" in command for command in condition["router"])


def test_requests_without_responses(examine, good_frames):
    """FastTrack hides what comes after the first packets: requests are seen, answers are not."""
    status, report = examine([(at_ms, frame) for at_ms, frame, _, sip in good_frames if sip[:4] != b"SIP/"])
    assert (1, True) == (status, "requests_without_responses" in names(report))
    assert any("fasttrack" in command for item in report["conditions"] for command in item["router"])


def test_dialogs_from_their_middle(examine, good_frames):
    """Beginnings of dialogs never pass: what is seen belongs to calls that nobody knows."""
    hidden = (b"INVITE", b"REGISTER", b"OPTIONS", b"SUBSCRIBE")
    frames = [
        (at_ms, frame)
        for at_ms, frame, _, sip in good_frames
        if not sip.startswith(hidden) and b"REGISTER" not in sip[:600] and not sip.startswith(b"SIP/2.0 1")
    ]
    status, report = examine(frames)
    assert (1, True) == (status, "dialogs_begin_unseen" in names(report))


def test_duplicate_feed(examine, good_frames):
    """A mirror of two ports: every packet twice within a millisecond."""
    status, report = examine([(at_ms, frame) for at_ms, frame, _, _ in good_frames for _ in range(2)])
    assert (1, ["duplicate_feed"]) == (status, names(report))


def rtp_frame(number):
    """One voice packet."""
    payload = b"\x80\x08" + number.to_bytes(2, "big") + bytes(8) + bytes(160)
    return make_ethernet(make_ipv4(make_udp(payload, 10_000, 10_002), PBX, phone(101)))


def tls_frame(number):
    """One segment of SIP over TLS."""
    return make_ethernet(make_ipv4(make_tcp(b"\x17\x03\x03\0\x20" + bytes(32), number, target_port=5061), PBX, PBX, 6))


@pytest.mark.parametrize(
    ("make_frame", "expected"),
    [
        (rtp_frame, ["no_sip", "rtp_without_sip"]),
        (tls_frame, ["encrypted_sip", "no_sip"]),
        (lambda _: make_udp_frame(make_invite(), port=5080), ["no_sip", "sip_on_other_ports"]),
        (lambda _: make_ethernet(bytes(46), 0x0806), ["no_sip"]),
    ],
)
def test_no_sip_and_what_there_is_instead(examine, make_frame, expected):
    """Voice, encryption, SIP on a port nobody named, or nothing of the kind."""
    status, report = examine([(number, make_frame(number)) for number in range(30)])
    assert (1, expected) == (status, names(report))


def test_sip_on_a_port_nobody_named_beside_sip_that_is_heard(examine, good_frames):
    """Phones on 5060 are heard; the carrier's line on 5080 is not, and that is said."""
    line = [(good_frames[-1][0], make_udp_frame(make_invite(), port=5080))]
    status, report = examine([(at_ms, frame) for at_ms, frame, _, _ in good_frames] + line)
    assert (1, ["sip_on_other_ports"]) == (status, names(report))
    assert "ports 5080" == report["conditions"][0]["evidence"]


def test_phones_that_are_missing_are_named(tmp_path, capsys):
    """In an hour two of three phones that the configuration names were heard: the third one is on another switch."""
    config = tmp_path / "box.toml"
    config.write_text('[box]\nid = "a"\n[sip]\npbx = ["10.77.1.5"]\nextensions = ["101", "102", "103"]\n')
    frames = []
    for hour_ms, extension in ((0, 101), (3_600_000, 102)):
        invite = make_invite(
            call_id=f"call-{extension}", uri=f"sip:{extension}@10.77.1.{extension}", callee=str(extension)
        )
        answer = make_response(invite, 486)
        frames.append((hour_ms, make_udp_frame(invite, PBX, phone(extension))))
        frames.append((hour_ms + 10, make_udp_frame(answer, phone(extension), PBX)))
    path = tmp_path / "phones.pcap"
    path.write_bytes(make_pcap(frames))
    assert 1 == main(["doctor", "--capture", str(path), "--config", str(config)])
    said = capsys.readouterr().out
    assert "extensions: 101, 102\n" in said
    assert "missing_extensions: seen 2 of 3; not 103" in said


def test_a_damaged_recording_is_judged_as_far_as_it_goes(tmp_path, capsys):
    """What is cut off is said beside what was found."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(make_pcap([(0, make_udp_frame(make_invite()))] * 2)[:-10])
    main(["doctor", "--capture", str(path)])
    assert "cut short or damaged in packet 2" in capsys.readouterr().err


def test_nothing_at_all(examine):
    """An empty recording: the cable, or the sniffer."""
    status, report = examine([])
    assert (1, ["no_packets"]) == (status, names(report))


def test_report_for_a_person_says_what_was_not_verified(tmp_path, capsys):
    """Router commands come with the word that they were not tried on every version."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(make_pcap([]))
    assert 1 == main(["doctor", "--capture", str(path)])
    said = capsys.readouterr().out
    assert "no_packets: not a single packet" in said
    assert "on a MikroTik router: /tool/sniffer/set streaming-enabled=yes" in said
    assert "they were not tried on a router" in said


def test_live_interface(lab_config, capsys):
    """Half of the packets of a real interface: the direction that is missing is found within seconds."""
    with make_cable() as cable:
        frames = [
            make_udp_frame(make_request("ACK", call_id=f"call-{number}"), PBX, phone(101)) for number in range(30)
        ]

        def send():
            wait_for(lambda: "promiscuity 1" in ip(f"-d link show {cable.near}"))
            cable.send_frames(frames)

        sender = threading.Thread(target=send)
        sender.start()
        options = ["--live", cable.near, "--seconds", "4", "--config", str(lab_config), "--format", "json"]
        assert 1 == main(["doctor", *options])
        sender.join()
    report = json.loads(capsys.readouterr().out)
    assert 30 == report["counters"]["sip_messages"]
    assert "one_direction" in names(report)


def test_a_routers_stream_is_looked_into(lab_config, capsys):
    """On the interface where a router streams its SIP (TZSP) the doctor sees the SIP, from both of its directions."""
    call = [make_invite(call_id=f"call-{number}") for number in range(10)]
    frames = [make_tzsp(make_udp_frame(message, PBX, phone(101))) for message in call]
    frames += [make_tzsp(make_udp_frame(make_response(message, 486), phone(101), PBX)) for message in call]
    with make_cable() as cable:

        def send():
            wait_for(lambda: "promiscuity 1" in ip(f"-d link show {cable.near}"))
            cable.send_frames([make_udp_frame(datagram, phone(1), phone(2), port=37008) for datagram in frames])

        sender = threading.Thread(target=send)
        sender.start()
        main(["doctor", "--live", cable.near, "--seconds", "4", "--config", str(lab_config), "--format", "json"])
        sender.join()
    report = json.loads(capsys.readouterr().out)
    assert 20 == report["counters"]["sip_messages"]
    assert set() == set(names(report)) - {"clock_unsynchronised"}


def test_interface_that_cannot_be_heard(capsys):
    """A sentence and exit status 2."""
    assert 2 == main(["doctor", "--live", "nosuch0"])
    assert "ringtap: interface nosuch0 does not exist" in capsys.readouterr().err


def test_router_commands_belong_to_conditions():
    """No command stands for a condition that does not exist."""
    from collector.blindness import REMEDIES

    assert set(doctor.ROUTER_COMMANDS) <= set(REMEDIES)


def test_help_has_an_example():
    """As every command's."""
    done = subprocess.run(
        [sys.executable, "-m", "fieldkit", "doctor", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "sudo ringtap doctor --live eth0" in done.stdout
