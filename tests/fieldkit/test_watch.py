"""`ringtap watch`: calls as they happen, heard by the command itself."""

import io
import json
import signal
import socket
import subprocess
import sys

import pytest
from builders import make_invite, make_request, make_response, make_udp_frame
from live_box import call_frames
from networks import free_port, wait_for
from wrapped import make_tzsp

from collector.core.events import LegEnded
from collector.core.legs import CALLING, ENDED, RINGING, TALKING
from collector.core.links import LINK_ETHERNET
from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.cli import main
from fieldkit.watch import Screen, say

OFFICE = MonitorSettings(extensions=(("101", "120"),))


@pytest.fixture
def watching(tmp_path):
    """Starts `ringtap watch` on a router's stream; returns how to send it frames, its process and its two files."""
    port = free_port(socket.SOCK_DGRAM)
    out, err = tmp_path / "out", tmp_path / "err"
    office = tmp_path / "box.toml"
    office.write_text('[sip]\nextensions = ["101-120"]\n')
    processes = []

    def start(*arguments):
        with out.open("wb") as output, err.open("wb") as complaints:
            command = [sys.executable, "-m", "fieldkit", "watch", f"tzsp:{port}", "--config", str(office), *arguments]
            processes.append(subprocess.Popen(command, stdout=output, stderr=complaints))
        return processes[0], out, err

    def send(frames):
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for frame in frames:
                sender.sendto(make_tzsp(frame), ("127.0.0.1", port))

    yield start, send
    for process in processes:
        process.kill()
        process.wait()


def test_a_call_is_shown_step_by_step_while_it_happens(watching):
    """Every step comes before the next one is sent; Ctrl-C ends the command, with a sentence."""
    start, send = watching
    process, out, err = start("--format", "jsonl")
    frames = call_frames("one", extension=105)

    def phases():
        return [json.loads(line)["phase"] for line in out.read_text().splitlines()]

    def begun():
        send(frames[:1])  # as often as it takes until the command listens: copies change nothing
        return phases() == ["calling"]

    wait_for(begun)
    for number, phase in ((1, "ringing"), (2, "talking")):
        send(frames[number : number + 1])
        wait_for(lambda phase=phase: phases()[-1] == phase)
    send(frames[3:])
    wait_for(lambda: phases() == ["calling", "ringing", "talking", "ended"])
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    last = json.loads(out.read_text().splitlines()[-1])
    assert (last["extension"], last["call_id"], last["ended_by"]) == ("105", "one", "caller")
    assert "call legs: 1 began, 1 were answered" in err.read_text()


def test_only_the_extensions_that_were_asked_for_are_shown(watching):
    """And nothing seen is a problem: exit status 1."""
    start, send = watching
    process, out, err = start("--extension", "106", "--seconds", "600")
    wait_for(lambda: (send(call_frames("other", extension=105)), send(call_frames("mine", extension=106)),
                      "hung up by the caller" in out.read_text())[-1])  # fmt: skip
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert "105" not in out.read_text()
    assert "call legs: 1 began" in err.read_text()


def test_nothing_heard_ends_with_a_problem(watching):
    """A script may ask whether a tap hears calls at all."""
    start, _ = watching
    process, out, err = start("--seconds", "0.1")
    assert process.wait(60) == 1
    assert out.read_text() == ""
    assert "no call was seen" in err.read_text()


@pytest.mark.parametrize("source", ["tzsp:0", "hep:none", "tzsp:70000", "no-such-device"])
def test_a_source_that_cannot_be_is_wrong_use(source, capsys):
    """One line names it."""
    assert main(["watch", source]) == 2
    complaint = capsys.readouterr().err
    assert source.partition(":")[0] in complaint
    assert len(complaint.splitlines()) == 1


def show(*frames, form="table"):
    """What the screen says of these frames, a second apart."""
    stream = io.StringIO()
    monitor = CallMonitor(OFFICE)
    monitor.listen_to_progress(Screen(stream, form).receive_progress)
    for number, frame in enumerate(frames):
        monitor.receive_frame(frame, 1_000 * number, LINK_ETHERNET, len(frame))
    return stream.getvalue().splitlines()


def test_a_refusal_and_a_call_given_up_are_told_apart():
    """By the code, and by who gave up after how long."""
    invite = make_invite(call_id="busy")
    phone_of = {"source": bytes((10, 77, 1, 101)), "target": bytes((10, 77, 1, 5))}
    refused = show(make_udp_frame(invite), make_udp_frame(make_response(invite, 486), **phone_of))
    assert refused[-1].endswith("refused: 486")
    cancel = make_request("CANCEL")
    invite = make_invite()
    given_up = show(
        make_udp_frame(invite),
        make_udp_frame(make_response(invite, 180), **phone_of),
        make_udp_frame(cancel),
        make_udp_frame(make_response(invite, 487), **phone_of),
    )
    assert [line.split("  ")[-1].strip() for line in given_up] == [
        "is called",
        "rings",
        "given up by the caller after 2.0 s",
    ]


def test_words_of_a_leg_whose_times_are_not_all_known():
    """What was not seen is not invented."""
    leg = LegEnded(1_000, b"")
    assert say(leg, CALLING) == "is called"
    assert say(leg, RINGING) == "rings"
    leg.answer_ms = 5_200
    assert say(leg, TALKING) == "answered after 4.2 s"
    assert say(leg, ENDED) == "hung up after an unknown time"
    assert say(LegEnded(1_000, b""), ENDED) == "ended without a response"
