"""Routers' sniffer streams (TZSP over UDP) as a source; several routers may send to one port."""

from collections.abc import Iterable, Sequence

from collector.core.tzsp import PORT
from collector.datagrams import AllowList, DatagramSocket, Network, explain
from collector.ports import Packet

A_TURN = 512  # datagrams; about 5 ms of work
KEEPALIVE = 4  # type of a TZSP datagram (its second byte) that carries nothing


class TzspSource:
    """A UDP port; a failure is told by `trouble` and tried again."""

    form = "tzsp"

    def __init__(self, name: str, host: str = "", port: int = PORT, allowed: Sequence[Network] = ()) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._allowed = AllowList(allowed, name)
        self._datagrams: DatagramSocket | None = None
        self._trouble = "not started"
        self._keepalives = 0

    def handle_time(self) -> None:
        """Open the port, if it is not open."""
        if self._datagrams is not None:
            return
        try:
            self._datagrams = DatagramSocket(self._host, self._port, self._allowed)
            self._trouble = ""
        except OSError as error:
            self._trouble = explain("TZSP", self._host, self._port, error)

    def files(self) -> Iterable[int]:
        """The port's socket."""
        return () if self._datagrams is None else (self._datagrams.socket.fileno(),)

    def receive(self) -> list[Packet]:
        """Datagrams with a packet inside."""
        if self._datagrams is None:
            return []
        packets = []
        for stamp_ns, data in self._datagrams.receive(A_TURN):
            if data[1:2] == bytes((KEEPALIVE,)):
                self._keepalives += 1
            else:
                packets.append((stamp_ns, data, 0, len(data)))
        return packets

    def trouble(self) -> str:
        """Why the port is not open."""
        return self._trouble

    def counters(self) -> dict[str, int]:
        """`packets` received, `drops` of the kernel, `refused` of unknown senders, `keepalives`, `senders`."""
        datagrams = self._datagrams
        if datagrams is None:
            return {"packets": 0, "drops": 0}
        return {
            "packets": datagrams.received,
            "drops": datagrams.drops,
            "refused": datagrams.refused,
            "keepalives": self._keepalives,
            "senders": self._allowed.senders(),
        }

    def close(self) -> None:
        """Let go of the port."""
        if self._datagrams is not None:
            self._datagrams.close()
        self._datagrams = None
