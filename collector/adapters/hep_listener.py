"""PBXs that mirror their own SIP (HEP3 over UDP, TCP or TLS) as a source: Asterisk, FreeSWITCH, Kamailio, OpenSIPS.

The way to KPIs where SIP is encrypted: the PBX shows what it decrypted.
"""

import contextlib
import hmac
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.core.hep import PORT, hep_length, unwrap_hep
from collector.datagrams import AllowList, DatagramSocket, Network, bind, explain
from collector.ports import Packet

A_TURN = 512  # packets of one receive; about 5 ms of work
READ_BYTES = 65_536
MAX_CONNECTIONS = 32  # PBXs of one office: more is not one


class HepSource:
    """A port, UDP and TCP; with a certificate TCP is TLS. `auth_key` must be in every packet, where there is one."""

    form = "hep"

    def __init__(
        self,
        name: str,
        host: str = "",
        port: int = PORT,
        allowed: Sequence[Network] = (),
        *,
        auth_key: str = "",
        certificate_file: Path | None = None,
        key_file: Path | None = None,
    ) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._allowed = AllowList(allowed)
        self._auth_key = auth_key.encode()
        self._certificate = (certificate_file, key_file or certificate_file) if certificate_file else None
        self._datagrams: DatagramSocket | None = None
        self._streams: StreamListener | None = None
        self._trouble = "not started"
        self._unauthorised = 0
        self._packets = 0

    def handle_time(self) -> None:
        """Open the port, if it is not open."""
        if self._datagrams is not None:
            return
        try:
            context = make_context(*self._certificate) if self._certificate else None
            self._streams = StreamListener(self._host, self._port, self._allowed, context)
            self._datagrams = DatagramSocket(self._host, self._port, self._allowed)
            self._trouble = ""
        except OSError as error:  # ssl.SSLError is one
            self._trouble = explain("HEP", self._host, self._port, error)
            self.close()

    def files(self) -> Iterable[int]:
        """The socket of UDP, the one that takes connections, and every connection's."""
        if self._datagrams is None or self._streams is None:
            return ()
        return (self._datagrams.socket.fileno(), *self._streams.files())

    def receive(self) -> list[Packet]:
        """Packets of both kinds, whose key is right."""
        if self._datagrams is None or self._streams is None:
            return []
        arrived = self._datagrams.receive(A_TURN)
        arrived += self._streams.receive()
        packets = [(stamp_ns, data, 0, len(data)) for stamp_ns, data in arrived if self._is_authorised(data)]
        self._packets += len(packets)
        return packets

    def trouble(self) -> str:
        """Why the port is not open."""
        return self._trouble

    def counters(self) -> dict[str, int]:
        """`packets` received, `refused` senders' datagrams and connections, `unauthorised` packets, `drops`."""
        datagrams, streams = self._datagrams, self._streams
        if datagrams is None or streams is None:
            return {"packets": self._packets, "drops": 0}
        return {
            "packets": self._packets,
            "drops": datagrams.drops,
            "refused": datagrams.refused + streams.refused,
            "unauthorised": self._unauthorised,
            "malformed_streams": streams.malformed,
            "connections": len(streams.connections),
            "senders": self._allowed.senders(),
        }

    def close(self) -> None:
        """Let go of the port and every connection."""
        for part in (self._datagrams, self._streams):
            if part is not None:
                part.close()
        self._datagrams = self._streams = None

    def _is_authorised(self, data: bytes) -> bool:
        if not self._auth_key:
            return True
        packet = unwrap_hep(data)
        right = packet is not None and hmac.compare_digest(packet.auth_key, self._auth_key)
        self._unauthorised += not right
        return right


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with the box's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class StreamListener:
    """Takes connections and cuts HEP packets from them. A stream that is no HEP is closed: nothing finds its place."""

    def __init__(self, host: str, port: int, allowed: AllowList, context: ssl.SSLContext | None) -> None:
        self.connections: dict[socket.socket, bytearray] = {}  # what came after the last whole packet
        self.refused = 0
        self.malformed = 0
        self._allowed = allowed
        self._context = context
        self._listener = bind(host, port, socket.SOCK_STREAM)
        self._listener.listen(MAX_CONNECTIONS)

    def files(self) -> list[int]:
        """Sockets to wait for."""
        return [self._listener.fileno(), *(connection.fileno() for connection in self.connections)]

    def receive(self) -> list[tuple[int, bytes]]:
        """(Time in ns, packet) of all that is whole."""
        self._accept()
        packets: list[tuple[int, bytes]] = []
        for connection in list(self.connections):
            self._read(connection, packets)
        return packets

    def close(self) -> None:
        """Close everything."""
        for connection in list(self.connections):
            self._drop(connection)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # nobody (more) waits, or has gone again
            while True:
                connection, sender = self._listener.accept()
                if not self._allowed.admits(sender[0]) or len(self.connections) >= MAX_CONNECTIONS:
                    self.refused += 1
                    connection.close()
                    continue
                connection.setblocking(False)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a PBX that lost its power
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self.connections[connection] = bytearray()

    def _read(self, connection: socket.socket, packets: list[tuple[int, bytes]]) -> None:
        """Everything that is there, up to a turn's worth; TLS keeps what is decrypted from the selector's sight."""
        buffer = self.connections[connection]
        enough = len(packets) + A_TURN
        try:
            while len(packets) < enough:
                data = connection.recv(READ_BYTES)
                if not data:
                    self._drop(connection)
                    return
                buffer += data
                if not _cut(buffer, packets):
                    self.malformed += 1
                    self._drop(connection)
                    return
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:  # reset by the other side, or no TLS
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self.connections.pop(connection, None)
        connection.close()


def _cut(buffer: bytearray, packets: list[tuple[int, bytes]]) -> bool:
    """Move whole packets from the buffer; False where it holds something else. What stays is under 64 KiB."""
    now_ns = time.time_ns()
    at = 0
    while (length := hep_length(bytes(buffer[at : at + 6]))) > 0 and at + length <= len(buffer):
        packets.append((now_ns, bytes(buffer[at : at + length])))
        at += length
    del buffer[:at]
    return length >= 0
