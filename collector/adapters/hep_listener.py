"""PBXs that mirror their own SIP (HEP3 over UDP, TCP or TLS) as a source: Asterisk, FreeSWITCH, Kamailio, OpenSIPS.

The way to KPIs where SIP is encrypted: the PBX shows what it decrypted.
"""

import contextlib
import hmac
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.core.hep import PORT, hep_auth_key, hep_length
from collector.datagrams import AllowList, DatagramSocket, Network, bind, explain
from collector.errors import ConfigurationError
from collector.journal import tell
from collector.ports import Packet

A_TURN = 512  # packets of one receive; about 5 ms of work
READ_BYTES = 65_536
MAX_CONNECTIONS = 32  # PBXs of one office: more is not one
PATIENCE_S = 30.0  # a connection that has brought nothing for so long makes room for another where all are taken
KEEPALIVE_S, KEEPALIVE_STEP_S, KEEPALIVES = 60, 15, 4  # two minutes after a PBX has lost its power it is forgotten

_log = logging.getLogger(__name__)


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
        self._allowed = AllowList(allowed, name)
        self._auth_key = auth_key.encode()
        self._certificate = (certificate_file, key_file or certificate_file) if certificate_file else None
        self._datagrams: DatagramSocket | None = None
        self._streams: StreamListener | None = None
        self._trouble = "not started"
        self._unauthorised = 0
        self._packets = 0

    def check_certificate(self) -> None:
        """Raise ConfigurationError where TLS is wanted and its files cannot be used."""
        if self._certificate:
            try:
                make_context(*self._certificate)
            except OSError as error:  # ssl.SSLError is one
                reason = error.strerror or str(error)
                raise ConfigurationError(
                    f"{self._certificate[0]}: [[source]] certificate_file of {self.name}: cannot be used: {reason}"
                ) from error

    def handle_time(self) -> None:
        """Open the port, if it is not open."""
        if self._datagrams is not None:
            return
        try:
            context = make_context(*self._certificate) if self._certificate else None
            self._streams = StreamListener(self._host, self._port, self._allowed, context, self._is_authorised)
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
        arrived = [item for item in self._datagrams.receive(A_TURN) if self._is_authorised(item[1])]
        arrived += self._streams.receive()
        self._packets += len(arrived)
        return [(stamp_ns, data, 0, len(data)) for stamp_ns, data in arrived]

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
        right = hmac.compare_digest(hep_auth_key(data), self._auth_key)
        if not right:
            if not self._unauthorised:
                tell(_log, "warning", "key_refused", source=self.name)
            self._unauthorised += 1
        return right


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with the box's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@dataclass(slots=True)
class Stream:
    """What came after the last whole packet, whether there was one, and when (or when it began)."""

    latest_s: float
    buffer: bytearray = field(default_factory=bytearray)
    has_spoken: bool = False


class StreamListener:
    """Takes connections and cuts HEP packets from them.

    A stream that is no HEP is closed, since nothing finds its place, and so is one with a wrong key. Where all places
    are taken, whoever has said nothing for a while makes room: first those who never said anything.
    """

    def __init__(
        self,
        host: str,
        port: int,
        allowed: AllowList,
        context: ssl.SSLContext | None,
        is_authorised: Callable[[bytes], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connections: dict[socket.socket, Stream] = {}
        self.refused = 0
        self.malformed = 0
        self._allowed = allowed
        self._context = context
        self._is_authorised = is_authorised
        self._now = monotonic
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
                if not self._allowed.admits(sender[0]) or not self._has_room():
                    self.refused += 1
                    connection.close()
                    continue
                connection.setblocking(False)
                _watch_for_death(connection)
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self.connections[connection] = Stream(self._now())

    def _has_room(self) -> bool:
        """True where another connection has a place; one that says nothing may have lost its own for that."""
        if len(self.connections) < MAX_CONNECTIONS:
            return True
        quietest = min(self.connections, key=self._patience_with)
        if self._now() - self.connections[quietest].latest_s < PATIENCE_S:
            return False
        self._drop(quietest)
        return True

    def _patience_with(self, connection: socket.socket) -> tuple[bool, float]:
        stream = self.connections[connection]
        return stream.has_spoken, stream.latest_s

    def _read(self, connection: socket.socket, packets: list[tuple[int, bytes]]) -> None:
        """Everything that is there, up to a turn's worth; TLS keeps what is decrypted from the selector's sight."""
        stream = self.connections[connection]
        enough = len(packets) + A_TURN
        try:
            while len(packets) < enough:
                data = connection.recv(READ_BYTES)
                if not data:
                    self._drop(connection)
                    return
                stream.buffer += data
                if not self._take(stream, packets):
                    self._drop(connection)
                    return
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:  # reset by the other side, or no TLS
            self._drop(connection)

    def _take(self, stream: Stream, packets: list[tuple[int, bytes]]) -> bool:
        """Take whole packets; False where the stream is no HEP, or has a wrong key."""
        whole, is_hep = _cut(stream.buffer)
        welcome = [item for item in whole if self._is_authorised(item[1])]
        packets += welcome
        if welcome:
            stream.has_spoken, stream.latest_s = True, self._now()
        self.malformed += not is_hep
        return is_hep and len(welcome) == len(whole)

    def _drop(self, connection: socket.socket) -> None:
        self.connections.pop(connection, None)
        connection.close()


def _watch_for_death(connection: socket.socket) -> None:
    """A PBX that lost its power says no good-bye: the kernel asks whether it is there."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_STEP_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVES)


def _cut(buffer: bytearray) -> tuple[list[tuple[int, bytes]], bool]:
    """Move whole packets from the buffer; False where it holds something else. What stays is under 64 KiB."""
    packets: list[tuple[int, bytes]] = []
    now_ns = time.time_ns()
    at = 0
    while (length := hep_length(bytes(buffer[at : at + 6]))) > 0 and at + length <= len(buffer):
        packets.append((now_ns, bytes(buffer[at : at + length])))
        at += length
    del buffer[:at]
    return packets, length >= 0
