"""Recordings that are being written: `collector.adapters.followed`, with the file's reader."""

import os
import subprocess

import pytest
from builders import make_invite, make_pcap, make_udp_frame
from networks import make_cable, wait_for

from collector.adapters.followed import FollowedSource
from collector.adapters.pcapfile import PcapFileSource

FRAME = make_udp_frame(make_invite())
T0_MS = 1_795_329_550_616


def records(*times_ms):
    """Packet records without the file's header."""
    return make_pcap([(at_ms, FRAME) for at_ms in times_ms])[24:]


@pytest.fixture
def follow(tmp_path):
    """Follows a file of the test's folder; returns (source, path)."""
    sources = []

    def make(name="growing.pcap"):
        path = tmp_path / name
        source = FollowedSource("file", lambda new: PcapFileSource(str(path), follow=True, from_start=new))
        sources.append(source)
        return source, path

    yield make
    for source in sources:
        source.close()


def take(source, count):
    """Times in ms of so many packets."""
    packets = []
    wait_for(lambda: packets.extend(source.receive()) or len(packets) >= count)
    return [stamp // 1_000_000 - T0_MS for stamp, *_ in packets]


def test_growing_file_is_heard_from_its_present_end(follow):
    """What was there before is left alone; what is added comes, also in pieces, with the time of its packets."""
    source, path = follow()
    path.write_bytes(make_pcap([(T0_MS - 5000, FRAME)] * 3))
    source.handle_time()
    wait_for(lambda: source._recording is not None and source._recording._growing.at_end)
    with path.open("ab") as file:
        file.write(records(T0_MS, T0_MS + 5)[:-20])
        file.flush()
        assert [0] == take(source, 1)
        file.write(records(T0_MS + 5)[-20:] + records(T0_MS + 9))
    assert [5, 9] == take(source, 2)
    assert ({"packets": 3, "drops": 0}, "") == (source.counters(), source.trouble())


def test_file_that_is_not_there_yet(follow):
    """The trouble names it; once somebody writes it, it is read."""
    source, path = follow()
    source.handle_time()
    wait_for(source.trouble)
    assert f"{path}: cannot be read: No such file or directory" == source.trouble()
    path.write_bytes(make_pcap([]))
    wait_for(lambda: source.handle_time() or not source.trouble())


def open_and_wait(source, path):
    """A file with a packet that is over, followed up to its end."""
    path.write_bytes(make_pcap([(T0_MS - 5000, FRAME)]))
    source.handle_time()
    wait_for(lambda: source._recording is not None and source._recording._growing.at_end)


def test_file_that_is_rotated(follow):
    """What was written to the old file until then comes, and then all of the one that took its place."""
    source, path = follow()
    open_and_wait(source, path)
    with path.open("ab") as file:
        file.write(records(T0_MS))
        path.rename(path.with_suffix(".1"))
        file.write(records(T0_MS + 1))
    path.write_bytes(make_pcap([(T0_MS + 2, FRAME)]))
    assert [0, 1, 2] == take(source, 3)
    with path.open("ab") as file:
        file.write(records(T0_MS + 3))
    assert ([3], "") == (take(source, 1), source.trouble())


def test_file_that_is_cut_to_nothing(follow):
    """Emptied and begun again, as `tcpdump -w` does when it is started anew: all of it is heard."""
    source, path = follow()
    open_and_wait(source, path)
    path.write_bytes(b"")
    path.write_bytes(make_pcap([]))
    wait_for(lambda: source._all_is_new)
    with path.open("ab") as file:
        file.write(records(T0_MS))
    assert [0] == take(source, 1)


def test_file_that_is_gone_for_a_while(follow):
    """Removed, and there again with another content: nothing of it is missed."""
    source, path = follow()
    open_and_wait(source, path)
    path.unlink()
    source.handle_time()
    path.write_bytes(make_pcap([(T0_MS, FRAME)]))
    assert [0] == take(source, 1)


def test_pipe_of_tcpdump_beside_other_sources():
    """A real tcpdump writes into a pipe; its packets come, and its end is told."""
    with make_cable() as cable:
        reader, writer = os.pipe()
        tcpdump = subprocess.Popen(
            ["tcpdump", "-i", cable.near, "-U", "-w", "-"], stdout=writer, stderr=subprocess.PIPE
        )
        os.close(writer)
        source = FollowedSource("pipe", lambda _new: PcapFileSource(f"/dev/fd/{reader}"))
        source.handle_time()
        while b"listening on" not in tcpdump.stderr.readline():
            pass
        cable.send_frames([FRAME] * 4)
        frames = []
        wait_for(lambda: frames.extend(packet for packet in source.receive() if packet[1] == FRAME) or len(frames) >= 4)
        tcpdump.terminate()
        wait_for(source.trouble)
        assert "the recording has ended" == source.trouble()
        tcpdump.wait()
        tcpdump.stderr.close()
        os.close(reader)
