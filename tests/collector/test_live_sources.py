"""Each kind of source with real traffic, heard by the collector as its command."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from builders import PBX, make_fragments, make_invite, phone
from live_box import ROOT, call_frames, live, make_call
from networks import ip, make_cable, wait_for

LONG = [("X-Long", "1" * 2000)]


def test_interface_that_is_unplugged_and_plugged_in_again(start_box):
    """The adapter is gone, with its number, and comes back as another one of the same name: heard again by itself."""
    with make_cable() as cable:
        box = start_box(live(cable.near))
        cable.send_frames(call_frames("before"))
        wait_for(lambda: len(box.events("leg")) == 1)
        ip(f"link del {cable.near}")
        wait_for(lambda: f"interface {cable.near} does not exist" in box.log())
        ip(f"link add {cable.near} type veth peer name {cable.far} netns {cable.namespace}")
        ip(f"-n {cable.namespace} link set {cable.far} up")
        ip(f"link set {cable.near} up")
        wait_for(lambda: "condition_ended condition=source_failed" in box.log())
        cable.send_frames(call_frames("after"))
        wait_for(lambda: len(box.events("leg")) == 2)
        assert "promiscuity 1" in ip(f"-d link show {cable.near}")
        assert 0 == box.stop()
    assert ["source_failed"] == [gap["reason"] for gap in box.events("gap")]


def test_interface_that_is_renamed_meanwhile(start_box):
    """Its name is what was configured: under another one it is missing, and found again when it has its own."""
    with make_cable() as cable:
        box = start_box(live(cable.near))
        other = f"{cable.near[:-1]}y"
        ip(f"link set {cable.near} down")  # only Linux 6.2 and later rename an interface that is up
        ip(f"link set {cable.near} name {other}")
        ip(f"link set {other} up")
        wait_for(lambda: f"interface {cable.near} does not exist" in box.log())
        ip(f"link set {other} down")
        ip(f"link set {other} name {cable.near}")
        ip(f"link set {cable.near} up")
        wait_for(lambda: "condition_ended condition=source_failed" in box.log())
        cable.send_frames(call_frames("after"))
        wait_for(lambda: len(box.events("leg")) == 1)


def test_cable_that_is_pulled_at_the_other_end(start_box):
    """No carrier is not the same as down, and the log says which."""
    with make_cable() as cable:
        box = start_box(live(cable.near))
        ip(f"-n {cable.namespace} link set {cable.far} down")
        wait_for(lambda: f"interface {cable.near} has no carrier: is its cable in?" in box.log())
        ip(f"-n {cable.namespace} link set {cable.far} up")
        wait_for(lambda: "condition_ended condition=source_failed" in box.log())


def address(cable, protocol):
    """Addresses of the near and the far end."""
    if protocol == 4:
        return cable.near_address, cable.far_address
    subnet = f"fd09:{os.getpid() & 0xFFFF:x}"  # another test run on this machine has another one
    ip(f"addr add {subnet}::1/64 dev {cable.near} nodad")
    ip(f"-n {cable.namespace} addr add {subnet}::2/64 dev {cable.far} nodad")
    return f"{subnet}::1", f"{subnet}::2"


def open_phone(address):
    """A UDP socket on SIP's port."""
    phone = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    phone.bind((address, 5060))
    phone.settimeout(60)
    return phone


def converse(near, far, messages):
    """(From the far end?, message): each is sent by the kernel's own stack, and received at the other end."""
    for from_far, message in messages:
        sender, receiver = (far, near) if from_far else (near, far)
        sender.sendto(message, receiver.getsockname()[:2])
        assert message == receiver.recv(65_535)


@pytest.mark.parametrize("protocol", [4, 6])
def test_kernels_own_packets(start_box, protocol):
    """Both ends speak through their own network stacks, IPv4 and IPv6; the call's INVITE is in fragments."""
    with make_cable() as cable:
        near, far = address(cable, protocol)
        box = start_box(live(cable.near))
        long = make_invite(call_id="kernel", extra=LONG)
        messages = [(True, long), *make_call("kernel")[1:]]
        with open_phone(near) as phone, cable.within(lambda: open_phone(far)) as pbx:
            converse(phone, pbx, messages)
        wait_for(lambda: len(box.events("leg")) == 1)
        assert 0 == box.stop()
    [leg] = box.events("leg")
    assert (200, False, "udp") == (leg["final_code"], leg["partial"], leg["transport"])
    counters = box.events("health")[-1]["counters"]
    assert (6, 0, 0) == tuple(counters[name] for name in ("sip_messages", "fragments_incomplete", "truncated"))
    assert counters["fragments"] >= 2


@pytest.mark.parametrize("tags", [b"\x81\0\0\x0a", b"\x88\xa8\0\x03\x81\0\0\x0a"], ids=["VLAN", "QinQ"])
def test_a_call_under_tags(cable, start_box, tags):
    """A trunk port is mirrored: the INVITE in three tagged fragments, the rest of the call tagged."""
    box = start_box(live(cable.near))
    invite, *others = call_frames("tagged")
    pieces = make_fragments(invite[34:], 160, PBX, phone(101))
    cable.send_frames([frame[:12] + tags + frame[12:] for frame in (*pieces, *others)])
    wait_for(lambda: len(box.events("leg")) == 1)
    assert 0 == box.stop()
    [leg] = box.events("leg")
    assert (200, False) == (leg["final_code"], leg["partial"])
    counters = box.events("health")[-1]["counters"]
    assert (len(pieces) + len(others), 0) == (counters["live_packets"], counters["truncated"])


def test_calls_over_tcp(cable, start_box):
    """Sipp over one TCP connection, segments put together by the network card's offloading or not."""
    box = start_box(live(cable.near))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    far, near = cable.far_address, cable.near_address
    server = cable.at_far_end(*f"sipp -sn uas -t t1 -i {far} -p 5060 -nostdin".split(), **quiet)
    client = f"sipp -sn uac {far}:5060 -t t1 -i {near} -p 5064 -d 100 -r 50 -m 50 -nostdin".split()
    wait_for(lambda: subprocess.run(client, **quiet, check=False).returncode == 0 or server.poll() is not None)
    server.kill()
    server.wait()
    whole = (200, False, "tcp")

    def legs():
        return [(leg["final_code"], leg["partial"], leg["transport"]) for leg in box.events("leg")]

    wait_for(lambda: legs().count(whole) >= 50)
    assert 0 == box.stop()
    assert {"tcp"} == {transport for _, _, transport in legs()}


def test_one_call_on_two_mirrors_is_one_call(start_box):
    """The same packets on two interfaces within a moment: one leg, and the second copies are counted as such."""
    with make_cable() as first, make_cable() as second:
        box = start_box(live(first.near, second.near))
        for frame in call_frames("twice"):
            first.send_frames([frame])
            second.send_frames([frame])
        wait_for(lambda: len(box.events("leg")) >= 1)
        assert 0 == box.stop()
    [leg] = box.events("leg")
    assert (200, False, "caller") == (leg["final_code"], leg["partial"], leg["ended_by"])
    counters = box.events("health")[-1]["counters"]
    assert 12 == counters["live_packets"]
    assert 6 == counters["duplicates"] + counters["retransmissions"], "late copies look like repetitions"


def test_pipe_of_tcpdump_is_a_live_source(cable, tmp_path):
    """`tcpdump -U -w - | ringtap-collector run`, with path "-" and follow: calls come out while tcpdump goes on."""
    config = tmp_path / "box.toml"
    config.write_text('[box]\nid = "a"\n[privacy]\ncaller_numbers = "clear"\n[[source]]\npath = "-"\nfollow = true\n')
    out, err = tmp_path / "out", tmp_path / "err"
    tcpdump = subprocess.Popen(
        ["tcpdump", "-i", cable.near, "-U", "-w", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with out.open("wb") as stdout, err.open("wb") as stderr:
        command = [sys.executable, "-m", "collector", "run", "--config", str(config), "--print"]
        box = subprocess.Popen(command, stdin=tcpdump.stdout, stdout=stdout, stderr=stderr, cwd=ROOT)
    tcpdump.stdout.close()
    try:
        wait_for(lambda: "event=source_started" in err.read_text())
        while b"listening on" not in tcpdump.stderr.readline():
            pass
        cable.send_frames(call_frames("piped"))
        wait_for(lambda: '"event": "leg"' in out.read_text())
        tcpdump.terminate()
        wait_for(lambda: "the recording has ended" in err.read_text())
        box.send_signal(signal.SIGTERM)
        assert 0 == box.wait(60)
    finally:
        for process in (box, tcpdump):
            process.kill()
            process.wait()
        tcpdump.stderr.close()
    [leg] = [event for event in map(json.loads, out.read_text().splitlines()) if event["event"] == "leg"]
    assert (200, False) == (leg["final_code"], leg["partial"])
