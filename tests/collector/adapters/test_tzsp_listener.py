"""Routers' sniffer streams over real UDP sockets: `collector.adapters.tzsp_listener`."""

import ipaddress
import socket
import time

import pytest
from builders import make_invite, make_udp_frame
from networks import free_port, make_cable, wait_for
from wrapped import make_tzsp

from collector.adapters.tzsp_listener import TzspSource

FRAME = make_udp_frame(make_invite())


@pytest.fixture
def listen():
    """Makes sources on free ports; returns (source, port)."""
    sources = []

    def make(**settings):
        port = free_port(socket.SOCK_DGRAM)
        source = TzspSource("router", port=port, **settings)
        source.handle_time()
        assert not source.trouble()
        sources.append(source)
        return source, port

    yield make
    for source in sources:
        source.close()


def send(datagrams, port, host="127.0.0.1"):
    """Send from a socket of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, (host, port))


def take(source, count):
    """So many packets."""
    packets = []
    wait_for(lambda: packets.extend(source.receive()) or len(packets) >= count)
    return packets


def test_datagrams_arrive_with_the_kernels_time(listen):
    """The datagram as it was sent, stamped when it arrived, not when it was read."""
    source, port = listen()
    for _ in range(50):  # the kernel begins to stamp a while after it was asked; until then it stamps what is read
        before = time.time_ns()
        send([make_tzsp(FRAME)], port)
        after = time.time_ns()
        time.sleep(0.05)
        [(stamp, data, _, length)] = take(source, 1)
        assert (make_tzsp(FRAME), len(data)) == (data, length)
        if stamp <= after:
            break
    assert before <= stamp <= after


def test_ipv4_and_ipv6_on_one_port(listen):
    """One socket hears both."""
    source, port = listen()
    send([make_tzsp(FRAME)], port, "127.0.0.1")
    send([make_tzsp(FRAME)], port, "::1")
    assert 2 == len(take(source, 2))
    assert 2 == source.counters()["senders"]


def test_keepalives_are_counted_and_no_packets(listen):
    """A router's sign of life is not SIP."""
    source, port = listen()
    send([make_tzsp(b"", kind=4), make_tzsp(FRAME)], port)
    assert 1 == len(take(source, 1))
    assert 1 == source.counters()["keepalives"]


def test_unknown_senders_are_refused_and_counted(listen, caplog):
    """With an allow-list only its addresses and networks are heard; who is refused is counted, and named once."""
    source, port = listen(allowed=[ipaddress.ip_network("::1/128"), ipaddress.ip_network("10.0.0.0/8")])
    send([make_tzsp(FRAME)] * 3, port, "127.0.0.1")
    send([make_tzsp(FRAME)], port, "::1")
    assert 1 == len(take(source, 1))
    assert 3 == source.counters()["refused"]
    [record] = caplog.records
    assert ("sender_refused", "127.0.0.1") == (record.getMessage(), str(record.facts["sender"]))


def test_fragmented_datagrams_are_whole(listen):
    """The kernel puts together what the router had to send in pieces; several routers send to one port."""
    source, port = listen()
    with make_cable() as cable:
        long = make_tzsp(make_udp_frame(make_invite(extra=[("X-Long", "1" * 2000)])))
        cable.within(lambda: send([long], port, cable.near_address))
        send([make_tzsp(FRAME)], port)
        assert [long, make_tzsp(FRAME)] == [data for _, data, _, _ in take(source, 2)]


def test_port_that_is_taken_is_said_and_tried_again(listen):
    """The trouble names the port; once it is free the source hears."""
    first, port = listen()
    second = TzspSource("second", port=port)
    second.handle_time()
    assert f"TZSP port {port} on all addresses: Address already in use; `ss -lnp` names who has it" == second.trouble()
    assert [] == second.receive()
    first.close()
    second.handle_time()
    assert "" == second.trouble()
    second.close()


def test_what_the_buffer_could_not_hold_is_counted(listen):
    """The kernel's own count of drops, and what was read, together are what was sent, also when nothing comes after."""
    source, port = listen()
    source._datagrams.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    send([make_tzsp(FRAME)] * 500, port)
    assert source.counters()["drops"] > 0
    assert 500 - source.counters()["drops"] == len(take(source, 500 - source.counters()["drops"]))
