"""Frames from real network interfaces: `collector.adapters.afpacket`, and the kernel's filter before it."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from builders import PBX, make_ethernet, make_fragments, make_ipv4, make_ipv6, make_tcp, make_udp, make_udp_frame, phone
from networks import ip, make_cable, wait_for
from wrapped import make_data, make_sctp_frame

from collector.adapters.afpacket import (
    BLOCK_BYTES,
    RETIRE_MS,
    SAMPLE_BYTES,
    InterfaceSource,
    _tag_bytes,
    sample_traffic,
)
from collector.config import MAX_PORTS
from collector.core.counters import Counters
from collector.core.packet import PacketDecoder
from collector.traffic import describe_sample

INVITE = b"INVITE sip:101@10.77.1.101 SIP/2.0\r\n" + b"X-Long: 1234567890\r\n" * 20
RTP = struct.pack("!BBHII", 0x80, 8, 1, 160, 7) + bytes(160)
V6 = bytes.fromhex("fd770000000000000000000000000005")


@pytest.fixture(scope="module")
def cable():
    """Two interfaces with a cable between them."""
    with make_cable() as cable:
        yield cable


def listen(cable, *, ports=(5060,), **settings):
    """A source that hears the near end."""
    source = InterfaceSource("test", [cable.near], ports, **settings)
    source.handle_time()
    assert not source.trouble()
    return source


def take(source, count):
    """So many frames, and what comes with them, without the addresses of their Ethernet header."""
    packets = []
    wait_for(lambda: packets.extend(source.receive()) or len(packets) >= count)
    time.sleep(2 * RETIRE_MS / 1000)  # what should not come would have come by now
    packets += source.receive()
    return [frame[12:] for _, frame, _, _ in packets]


def ipv4(payload, *, protocol=17):
    """An IPv4 packet from the PBX to a phone."""
    return make_ipv4(payload, PBX, phone(101), protocol=protocol)


def ipv6_fragment(offset, *, more, payload=b"x" * 64):
    """A fragment (RFC 8200 section 4.5) of a UDP datagram."""
    header = struct.pack("!BBHI", 17, 0, offset | more, 99)
    return make_ipv6(header + payload, V6, V6, next_header=44)


def tag(vlan, ethertype=0x8100):
    """One VLAN tag."""
    return struct.pack("!HH", ethertype, vlan)


def pppoe(packet, protocol=0x21):
    """A PPPoE session packet (RFC 2516)."""
    return struct.pack("!BBHHH", 0x11, 0, 7, len(packet) + 2, protocol) + packet


SIP_OVER_UDP = ipv4(make_udp(INVITE))
PASSES = {
    "UDP": make_ethernet(SIP_OVER_UDP),
    "UDP, only the source port": make_ethernet(ipv4(make_udp(INVITE, 5060, 40000))),
    "UDP, only the target port": make_ethernet(ipv4(make_udp(INVITE, 40000, 5060))),
    "TCP": make_ethernet(ipv4(make_tcp(INVITE, 1), protocol=6)),
    "SCTP": make_sctp_frame(make_data(INVITE), PBX, phone(101), ports=(40000, 5060)),
    "IPv6": make_ethernet(make_ipv6(make_udp(INVITE), V6, V6), 0x86DD),
    "IPv6, first fragment": make_ethernet(ipv6_fragment(0, more=1, payload=make_udp(INVITE)), 0x86DD),
    "IPv6, later fragment": make_ethernet(ipv6_fragment(1480, more=0), 0x86DD),
    "PPPoE": make_ethernet(pppoe(SIP_OVER_UDP), 0x8864),
    "PPPoE with IPv6": make_ethernet(pppoe(make_ipv6(make_udp(INVITE), V6, V6), 0x57), 0x8864),
}
STAYS = {
    "RTP": make_ethernet(ipv4(make_udp(RTP, 4000, 4002))),
    "RTP over IPv6": make_ethernet(make_ipv6(make_udp(RTP, 4000, 4002), V6, V6), 0x86DD),
    "first fragment of RTP": make_ethernet(ipv6_fragment(0, more=1, payload=make_udp(RTP, 4000, 4002)), 0x86DD),
    "web": make_ethernet(ipv4(make_tcp(b"GET / HTTP/1.1\r\n\r\n", 1, source_port=80, target_port=40000), protocol=6)),
    "ICMP": make_ethernet(ipv4(b"\x08\0\0\0" + bytes(60), protocol=1)),
    "ARP": make_ethernet(bytes(46), 0x0806),
}


@pytest.mark.parametrize("what", PASSES)
def test_sip_passes_the_kernel(cable, what):
    """Each way SIP comes along a wire reaches the source, whole and once."""
    source = listen(cable)
    cable.send_frames([PASSES[what]])
    assert [PASSES[what][12:]] == take(source, 1)
    source.close()


@pytest.mark.parametrize("tags", [1, 2, 3])
def test_vlan_tags_hide_nothing(cable, tags):
    """One tag (which the kernel takes off) and others inside it: the same message comes out."""
    source = listen(cable)
    cable.send_frames(
        [
            make_ethernet(SIP_OVER_UDP, 0x0800, (tag(3, 0x88A8) + tag(10) + tag(11))[-4 * tags :]),
        ]
    )
    [frame] = take(source, 1)
    datagram = PacketDecoder(Counters()).decode(bytes(12) + frame, 1, 0)
    assert (17, INVITE) == (datagram[0], datagram[5])
    source.close()


@pytest.mark.parametrize(
    ("protocol", "data", "length", "tag_bytes"),
    [
        ("0800", "45000100", 256, 0),
        ("0800", "000a080045000100", 260, 4),
        ("0800", "400a080045000100", 260, 4),
        ("0800", "000a8100000b080045000100", 264, 8),
        ("0800", "4500080045000100", 2048, 0),
        ("86dd", "000a86dd60000000", 200, 4),
        ("86dd", "600086dd00400011", 200, 0),
        ("8864", "000a886411000001", 200, 4),
        ("8100", "000a080045000100", 260, 0),
        ("0800", "45", 1, 0),
    ],
)
def test_tags_that_the_kernel_left_are_found(protocol, data, length, tag_bytes):
    """By the protocol behind them; an older kernel names the tag, and one length looks like a protocol."""
    assert tag_bytes == _tag_bytes(bytes.fromhex(data), bytes.fromhex(protocol), length)


def test_every_fragment_passes(cable):
    """An INVITE in three fragments arrives as three: only the first has ports."""
    source = listen(cable)
    fragments = make_fragments(make_udp(INVITE), 160, PBX, phone(101))
    cable.send_frames(fragments)
    assert [fragment[12:] for fragment in fragments] == take(source, len(fragments))
    source.close()


def test_everything_else_stays_in_the_kernel(cable):
    """RTP, web and noise never reach the process, nor its counters: of all that passes one packet is SIP."""
    source = listen(cable)
    cable.send_frames([*STAYS.values(), PASSES["UDP"]])
    assert [PASSES["UDP"][12:]] == take(source, 1)
    source.handle_time()
    assert {"packets": 1, "drops": 0} == source.counters()
    source.close()


def test_any_port_takes_what_begins_like_sip(cable):
    """Asked for any port, SIP is recognised by its first word over UDP, TCP and SCTP; RTP still stays in the kernel."""
    source = listen(cable, ports=())
    odd = [
        make_ethernet(ipv4(make_udp(INVITE, 7000, 7001))),
        make_ethernet(ipv4(make_udp(b"SIP/2.0 200 OK\r\n", 7000, 7001))),
        make_ethernet(ipv4(make_tcp(INVITE, 1, source_port=7000, target_port=7001), protocol=6)),
        make_sctp_frame(make_data(INVITE), PBX, phone(101), ports=(7000, 7001)),
    ]
    cable.send_frames([*STAYS.values(), *odd])
    assert [frame[12:] for frame in odd] == take(source, 4)
    source.close()


def test_many_ports_fit_into_the_filter(cable):
    """As many ports as the configuration takes: the first and the last are heard, the one beyond is not."""
    source = listen(cable, ports=range(5000, 5000 + MAX_PORTS))
    frames = [make_udp_frame(INVITE, port=port) for port in (5000 + MAX_PORTS, 5000, 5000 + MAX_PORTS - 1)]
    cable.send_frames(frames)
    assert [frame[12:] for frame in frames[1:]] == take(source, 2)
    source.close()


def test_loopback_is_heard_once():
    """On lo every packet is seen going out and coming in; the source takes one of the two."""
    source = InterfaceSource("test", ["lo"], [46_061])
    source.handle_time()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, socket.socket(type=socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 46_061))
        for _ in range(5):
            sender.sendto(INVITE, ("127.0.0.1", 46_061))
        assert 5 == len(take(source, 5))
    source.close()


def test_stamps_are_the_kernels(cable):
    """A packet carries the time it arrived at, not the time it was read."""
    source = listen(cable)
    before = time.time_ns()
    cable.send_frames([PASSES["UDP"]])
    after = time.time_ns()
    packets = []
    wait_for(lambda: packets.extend(source.receive()) or packets)
    [(stamp, _, link_type, length)] = packets
    assert before <= stamp <= after
    assert (1, len(PASSES["UDP"])) == (link_type, length)
    source.close()


def test_full_ring_is_counted(cable):
    """What the ring has no room for is a drop by the kernel's own count; together with what was read it is all."""
    source = listen(cable, ring_bytes=2 * BLOCK_BYTES)
    cable.send_frames([make_udp_frame(INVITE + bytes(900))] * 1000)
    wait_for(lambda: source.handle_time() or source.counters()["packets"] == 1000)
    drops = source.counters()["drops"]
    assert drops > 0
    assert 1000 - drops == len(take(source, 1000 - drops))
    cable.send_frames([PASSES["UDP"]] * 10)
    assert 10 == len(take(source, 10)), "the ring goes on"
    source.close()


def test_interface_that_goes_and_comes_back(cable):
    """Down: said in words. Up again: heard again, without a restart."""
    source = listen(cable)
    ip(f"link set {cable.near} down")
    source.handle_time()
    assert f"interface {cable.near} is down: ip link set {cable.near} up" == source.trouble()
    ip(f"link set {cable.near} up")
    wait_for(lambda: source.handle_time() or not source.trouble())
    cable.send_frames([PASSES["UDP"]])
    assert 1 == len(take(source, 1))
    source.close()


def test_interface_that_is_plugged_in_later():
    """A missing interface is looked for; the others are heard meanwhile; a renamed one is found by its name."""
    with make_cable() as first, make_cable() as second:
        ip(f"link set {second.near} down")
        ip(f"link set {second.near} name usbx{os.getpid() % 10_000}")
        late = f"usbx{os.getpid() % 10_000}"
        source = InterfaceSource("test", [first.near, second.near], (5060,))
        source.handle_time()
        assert f"interface {second.near} does not exist: `ip link` names those that do" == source.trouble()
        first.send_frames([PASSES["UDP"]])
        assert 1 == len(take(source, 1))
        ip(f"link set {late} name {second.near}")
        ip(f"link set {second.near} up")
        wait_for(lambda: source.handle_time() or not source.trouble())
        second.send_frames([PASSES["UDP"]])
        assert 1 == len(take(source, 1))
        source.close()


def test_promiscuous_by_choice(cable):
    """An interface is promiscuous while a source that asked for it listens, and only then."""

    def mode():
        return "promiscuity 1" in ip(f"-d link show {cable.near}")

    source = listen(cable, promiscuous=False)
    assert not mode()
    source.close()
    source = listen(cable)
    assert mode()
    source.close()
    assert not mode()


def test_sample_says_what_else_there_is(cable):
    """Voice on a wire without SIP: the headers of its packets are enough to name it."""
    frame = make_ethernet(ipv4(make_udp(RTP, 4000, 4002)))
    enough = threading.Event()

    def talk():
        while not enough.is_set():
            cable.send_frames([frame] * 50)

    voice = threading.Thread(target=talk)
    voice.start()
    sample = sample_traffic([cable.near], seconds=60, limit=50)
    enough.set()
    voice.join()
    assert "rtp 4002" == describe_sample(sample.packets, sample.overheard)
    assert max(map(len, sample.packets)) <= SAMPLE_BYTES
    assert 45 <= sample.overheard <= 50, (
        "the frames' addresses are nobody's here; a few packets may be the kernel's own"
    )


def test_missing_rights_are_said():
    """Without CAP_NET_RAW there is one clear line, and no exception."""
    program = (
        "from collector.adapters.afpacket import InterfaceSource\n"
        "source = InterfaceSource('test', ['lo'], [5060]); source.handle_time(); print(source.trouble())"
    )
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert "listening on interfaces needs CAP_NET_RAW: run the service by its unit file, or as root\n" == done.stdout
