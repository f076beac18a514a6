"""A UDP socket for those who mirror SIP to this box: kernel time stamps, kernel drops, and a list of who may send.

The kernel puts the fragments together before they come here: a router's datagrams are longer than its wire allows.
"""

import contextlib
import ipaddress
import logging
import socket
import struct
from collections.abc import Sequence
from typing import TypeAlias

from collector.journal import tell

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

BUFFER_BYTES = 8 << 20  # half a second of 12,000 messages a second
MAX_DATAGRAM = 65_535
MAX_SENDERS = 256  # remembered; whoever floods with forged senders fills no memory
MAX_TOLD = 8  # of those who are refused; then their number has to do

_SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max; needs CAP_NET_ADMIN
_SO_TIMESTAMPNS = 35
_SO_MEMINFO = 55  # Linux 4.12: counts of the socket, its drops among them (linux/sock_diag.h, SK_MEMINFO_DROPS)
_MEMINFO = struct.Struct("@9I")
_ANCILLARY_BYTES = socket.CMSG_SPACE(16)
_STAMP = struct.Struct("@qq")  # struct timespec

_log = logging.getLogger(__name__)


class AllowList:
    """Who may send to the source `name`: addresses and networks; an empty list lets everybody."""

    def __init__(self, networks: Sequence[Network], name: str = "") -> None:
        self._networks = tuple(networks)
        self._name = name
        self._known: dict[str, bool] = {}
        self._told = 0

    def admits(self, sender: str) -> bool:
        """True for a sender that is welcome."""
        known = self._known.get(sender)
        if known is None:
            known = self._look(sender)
            if len(self._known) < MAX_SENDERS:
                self._known[sender] = known
            if not known and self._told < MAX_TOLD:
                self._told += 1
                tell(_log, "warning", "sender_refused", source=self._name, sender=plain_address(sender))
        return known

    def senders(self) -> int:
        """How many different ones were admitted."""
        return sum(self._known.values())

    def _look(self, sender: str) -> bool:
        address = plain_address(sender)
        return not self._networks or any(address in network for network in self._networks)


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of a sender; IPv4 mapped into IPv6 becomes IPv4 again."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class DatagramSocket:
    """Bound to an address and port; "" hears IPv4 and IPv6. Raises OSError."""

    def __init__(self, host: str, port: int, allowed: AllowList, buffer_bytes: int = BUFFER_BYTES) -> None:
        self.socket = bind(host, port, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        _enlarge(self.socket, buffer_bytes)
        self.refused = 0
        self.received = 0
        self._allowed = allowed

    @property
    def drops(self) -> int:
        """Datagrams that the kernel had no room for; told at once, not with the next one that has."""
        return int(_MEMINFO.unpack(self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[8])

    def receive(self, limit: int) -> list[tuple[int, bytes]]:
        """(Kernel's stamp in ns, datagram) of up to `limit` that wait and are welcome."""
        taken = []
        receive = self.socket.recvmsg
        admits = self._allowed.admits
        with contextlib.suppress(BlockingIOError):
            for _ in range(limit):
                data, ancillary, _, sender = receive(MAX_DATAGRAM, _ANCILLARY_BYTES)
                stamp_ns = _read_stamp(ancillary)
                if admits(sender[0]):
                    taken.append((stamp_ns, data))
                else:
                    self.refused += 1
        self.received += len(taken)
        return taken

    def close(self) -> None:
        """Let go of the port."""
        self.socket.close()


def _read_stamp(ancillary: list[tuple[int, int, bytes]]) -> int:
    for _, kind, value in ancillary:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _STAMP.unpack(value)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return 0


def bind(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A non-blocking socket on a port; host "" hears IPv6 and IPv4, where the machine has IPv6."""
    version = 6 if ":" in host or not host else 4
    try:
        return _bind(socket.AF_INET6 if version == 6 else socket.AF_INET, host, port, kind)
    except OSError:
        if host:
            raise
        return _bind(socket.AF_INET, host, port, kind)


def _bind(family: socket.AddressFamily, host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    bound = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(host)))
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _enlarge(bound: socket.socket, wanted: int) -> None:
    """As large as the rights allow: with CAP_NET_ADMIN what is wanted, else net.core.rmem_max."""
    try:
        bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, wanted)
    except PermissionError:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)


def explain(what: str, host: str, port: int, error: OSError) -> str:
    """Why a port cannot be had, with the address and what to look at."""
    reason = error.strerror or str(error)
    return f"{what} port {port} on {host or 'all addresses'}: {reason}; `ss -lnp` names who has it"
