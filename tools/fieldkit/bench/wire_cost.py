"""What a leg costs on a metered line: a box and a sink with certificates, and a real mosquitto between them."""

import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.core.events import LegEnded
from collector.credentials import CertificateFiles
from fieldkit.bench import brokers
from fieldkit.bench.program import Program
from fieldkit.provision import Address, Provision, enrol

BOX = "office-1"
HEADERS = 52  # of each segment: IPv4 and TCP with time stamps
# struct tcp_info (linux/tcp.h): bytes_received, segs_out and segs_in, bytes_sent
RECEIVED_AT, SEGMENTS_AT, SENT_AT = 128, 136, 200
BATCH = 10


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes on the line since a connection began, with the headers of IP and TCP."""

    sent: int
    received: int

    @classmethod
    def of(cls, end: socket.socket) -> "Traffic":
        """What the kernel counted (tcp(7), TCP_INFO)."""
        info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        segments_out, segments_in = struct.unpack_from("=II", info, SEGMENTS_AT)
        (received,), (sent,) = (struct.unpack_from("=Q", info, at) for at in (RECEIVED_AT, SENT_AT))
        return cls(sent + HEADERS * segments_out, received + HEADERS * segments_in)


def measure_traffic(folder: Path, office: str, make_leg: Callable[[int], LegEnded], batches: int) -> Traffic:
    """Bytes that so many batches of ten legs cost, each delivered and acknowledged by itself as in a quiet office.

    `office`: the section of the sink's configuration that describes it, listing the box.
    """
    made = Provision(folder / "pki", Address("127.0.0.1", brokers.free_port()))
    made.make_servers()
    bundle = made.make_bundle(BOX, BOX)
    enrol(bundle.file, bundle.token, folder / "box")
    broker, sink = _servers(folder, made, office)
    broker.start()
    sink.start()
    try:
        return _deliver(folder, made.address.port, make_leg, batches)
    finally:
        sink.stop()
        broker.stop()


def _servers(folder: Path, made: Provision, office: str) -> tuple[Program, Program]:
    settings = made.folder / "broker/mosquitto.conf"
    if os.geteuid() == 0:  # else mosquitto becomes a user of its own, who cannot read the key
        settings.write_text(settings.read_text() + "user root\n")
    config = made.folder / "sink/sink.toml"
    sink = f'[sink]\ndatabase = "sqlite:///{folder}/tls.db"\nlisten = "127.0.0.1:0"\n'
    config.write_text(f"{(made.folder / 'sink/mqtt.toml').read_text()}\n{sink}{office}")
    return (
        brokers.mosquitto(folder, made.address.port, settings),
        Program.of_module("cloud_sink", ("serve", "--config", str(config)), folder / "tls-sink.log"),
    )


def _deliver(folder: Path, port: int, make_leg: Callable[[int], LegEnded], batches: int) -> Traffic:
    files = CertificateFiles(*(str(folder / "box" / name) for name in ("ca.crt", "box.crt", "box.key")))
    spool = Spool(str(folder / "tls-spool.db"))
    publisher = MqttPublisher(spool, Broker("127.0.0.1", port, certificates=files), Identity(BOX, BOX, "", "bench"))

    def deliver(batch: int) -> Traffic:
        publisher.write([make_leg(BATCH * batch + leg) for leg in range(BATCH)])
        while publisher.undelivered():
            publisher.pump(0.01)
        return Traffic.of(publisher.line())

    before = deliver(0)  # waits for broker and sink, too
    after = [deliver(number) for number in range(1, batches + 1)][-1]
    publisher.close()
    return Traffic(after.sent - before.sent, after.received - before.received)
