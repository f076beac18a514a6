"""PBXs that mirror their SIP, over real sockets: `collector.adapters.hep_listener`."""

import ipaddress
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from builders import make_invite
from networks import free_port, wait_for
from wrapped import make_hep

from collector.adapters.hep_listener import MAX_CONNECTIONS, PATIENCE_S, HepSource
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.errors import ConfigurationError

VECTOR = Path(__file__).parents[2] / "vectors/kamailio-5.6-call.hep"
PACKET = make_hep(make_invite())
WITH_KEY = make_hep(make_invite(), key="secret")


@pytest.fixture
def listen():
    """Makes sources on free ports; returns (source, port)."""
    sources = []

    def make(**settings):
        port = free_port()
        source = HepSource("pbx", port=port, **settings)
        source.handle_time()
        assert not source.trouble()
        sources.append(source)
        return source, port

    yield make
    for source in sources:
        source.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate with its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "box.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout {path}.key -out {path}".split(),
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + path.with_name("box.pem.key").read_text())
    return path


def send_udp(packets, port):
    """As FreeSWITCH or Kamailio do."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for packet in packets:
            sender.sendto(packet, ("127.0.0.1", port))


def take(source, count):
    """The data of so many packets."""
    packets = []
    wait_for(lambda: packets.extend(source.receive()) or len(packets) >= count)
    return [data for _, data, _, _ in packets]


def test_udp_packets(listen):
    """One packet a datagram."""
    source, port = listen()
    send_udp([PACKET] * 3, port)
    assert [PACKET] * 3 == take(source, 3)


def test_stream_is_cut_into_packets(listen):
    """Over TCP packets come in pieces and several at once; each comes out whole."""
    source, port = listen()
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(PACKET[:100])
        assert [] == source.receive()
        stream.sendall(PACKET[100:] + WITH_KEY + PACKET[:3])
        assert [PACKET, WITH_KEY] == take(source, 2)
        stream.sendall(PACKET[3:])
        assert [PACKET] == take(source, 1)


def test_what_kamailio_sends_is_a_whole_call(listen):
    """Packets that Kamailio 5.6 sent (siptrace, HEP3) of a call by sipp: cut from a stream, they make one whole leg."""
    source, port = listen()
    recorded = VECTOR.read_bytes()
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(recorded)
        packets = take(source, recorded.count(b"HEP3"))
    monitor = CallMonitor(MonitorSettings(ports=(15060,)))
    for number, packet in enumerate(packets):
        monitor.receive_hep(packet, 1_000 + number)
    monitor.close(5_000)
    leg = monitor.next_event()
    assert (200, False, "caller") == (leg.final_code, leg.partial, leg.ended_by)


def test_closed_connections_are_forgotten(listen):
    """A PBX that restarts leaves nothing behind."""
    source, port = listen()
    with socket.create_connection(("127.0.0.1", port)) as stream:
        wait_for(lambda: source.receive() or source.counters()["connections"] == 1)
        stream.sendall(PACKET)
        assert [PACKET] == take(source, 1)
    wait_for(lambda: source.receive() or source.counters()["connections"] == 0)


def test_stream_that_is_no_hep_is_closed(listen):
    """A web browser at the port is told nothing, and the connection is over."""
    source, port = listen()
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait_for(lambda: source.receive() or source.counters()["malformed_streams"] == 1)
        stream.settimeout(60)
        assert b"" == stream.recv(10)


def test_connections_are_bounded(listen):
    """Those beyond the bound are refused; the others are heard."""
    source, port = listen()
    streams = []
    for _ in range(MAX_CONNECTIONS + 2):
        streams.append(socket.create_connection(("127.0.0.1", port)))
        source.receive()
    wait_for(lambda: source.receive() or source.counters()["refused"] == 2)
    streams[0].sendall(PACKET)
    assert [PACKET] == take(source, 1)
    for stream in streams:
        stream.close()


def test_silent_connections_make_room_for_a_pbx(listen):
    """All places are taken by those who say nothing, or half a packet, for half a minute: the PBX gets one of them."""
    source, port = listen()
    seconds = [0.0]
    source._streams._now = lambda: seconds[0]
    pbx = socket.create_connection(("127.0.0.1", port))
    pbx.sendall(PACKET)
    assert [PACKET] == take(source, 1)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(MAX_CONNECTIONS - 1)]
    silent[0].sendall(PACKET[:20])
    wait_for(lambda: source.receive() or source.counters()["connections"] == MAX_CONNECTIONS)
    seconds[0] = PATIENCE_S + 1
    second = socket.create_connection(("127.0.0.1", port))
    second.sendall(WITH_KEY)
    assert [WITH_KEY] == take(source, 1)
    pbx.sendall(PACKET)
    assert [PACKET] == take(source, 1), "who has spoken before keeps the place"
    assert MAX_CONNECTIONS == source.counters()["connections"]
    for stream in (pbx, second, *silent):
        stream.close()


def test_handshake_that_never_ends_holds_nobody_up(listen, certificate):
    """Half of a TLS handshake, and nothing: other connections and datagrams are heard."""
    source, port = listen(certificate_file=certificate)
    with socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01")
        wait_for(lambda: source.receive() or source.counters()["connections"] == 1)
        send_udp([PACKET], port)
        assert [PACKET] == take(source, 1)


def test_half_a_packet_takes_bounded_memory(listen):
    """The length of a packet is 16 bits: what waits for the rest of one is never more than 64 KiB."""
    source, port = listen()
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(b"HEP3\xff\xff" + bytes(65_528))
        wait_for(
            lambda: source.receive() or any(len(item.buffer) == 65_534 for item in source._streams.connections.values())
        )
        stream.sendall(b"\0" + PACKET)
        assert [b"HEP3\xff\xff" + bytes(65_529), PACKET] == take(source, 2)


def test_tls(listen, certificate):
    """With a certificate the stream is TLS; many packets in one go all arrive, plain TCP is hung up on."""
    source, port = listen(certificate_file=certificate)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    raw = socket.create_connection(("127.0.0.1", port))
    tls = context.wrap_socket(raw, do_handshake_on_connect=False)
    tls.setblocking(False)

    def shake_hands():
        source.receive()
        try:
            tls.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    wait_for(shake_hands)
    tls.setblocking(True)
    tls.sendall(PACKET * 40)
    assert [PACKET] * 40 == take(source, 40)
    tls.close()


def test_packets_without_the_right_key_are_refused(listen, caplog):
    """No key, a wrong key: counted, not believed, and told once."""
    source, port = listen(auth_key="secret")
    send_udp([PACKET, make_hep(make_invite(), key="wrong"), WITH_KEY], port)
    assert [WITH_KEY] == take(source, 1)
    assert 2 == source.counters()["unauthorised"]
    assert ["key_refused"] == [record.getMessage() for record in caplog.records]


def test_rtcp_with_the_right_key_is_no_stranger(listen):
    """A PBX sends more than SIP over its connection: whose key is right keeps it."""
    source, port = listen(auth_key="secret")
    rtcp = make_hep(b"{}", key="secret", kind=5)
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(rtcp + WITH_KEY)
        assert [rtcp, WITH_KEY] == take(source, 2)


def test_stream_with_a_wrong_key_is_closed(listen):
    """What it brought before is taken, nothing after."""
    source, port = listen(auth_key="secret")
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(WITH_KEY + PACKET)
        assert [WITH_KEY] == take(source, 1)
        stream.settimeout(60)
        assert b"" == stream.recv(1)
    assert 1 == source.counters()["unauthorised"]


def test_allow_list_holds_for_connections_too(listen):
    """A stranger's connection is closed before a byte is read."""
    source, port = listen(allowed=[ipaddress.ip_network("10.0.0.0/8")])
    with socket.create_connection(("127.0.0.1", port)) as stream:
        wait_for(lambda: source.receive() or source.counters()["refused"] == 1)
        stream.settimeout(60)
        assert b"" == stream.recv(1)


def test_certificate_that_cannot_be_used_is_found_before_the_start(tmp_path, certificate):
    """check-config names the file: it is missing, or no certificate; a good one is fine."""
    HepSource("pbx", certificate_file=certificate).check_certificate()
    HepSource("pbx").check_certificate()
    path = tmp_path / "box.pem"
    with pytest.raises(
        ConfigurationError, match=r"box.pem: \[\[source\]\] certificate_file of pbx: cannot be used: No such"
    ):
        HepSource("pbx", certificate_file=path).check_certificate()
    path.write_text("nothing")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        HepSource("pbx", certificate_file=path).check_certificate()


def test_missing_certificate_is_said(tmp_path):
    """The trouble is a sentence, not an exception, and goes away with its cause."""
    source = HepSource("pbx", port=free_port(), certificate_file=tmp_path / "none.pem")
    source.handle_time()
    assert "No such file or directory" in source.trouble()
    assert [] == source.receive()
    assert () == source.files()
