"""Network interfaces as a source of frames: one AF_PACKET socket with a ring in memory, for any number of interfaces.

The kernel filters (`collector.kernel_filter`), writes what passes into the ring (TPACKET_V3, Linux
Documentation/networking/packet_mmap.rst) with its own time stamps, and counts what had no room. The ring needs
CAP_NET_RAW only: a socket buffer of its size would need CAP_NET_ADMIN. The socket is cooked (SOCK_DGRAM) and bound to
no interface: Ethernet, PPP and tunnels look alike, packets of several interfaces come in the order they were heard,
and an interface that comes, goes or is renamed only changes the filter.
"""

import ctypes
import errno
import mmap
import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.kernel_filter import compile_filter, compile_sampler
from collector.ports import Packet

BLOCK_BYTES = 131_072  # the largest packet that TCP offloading puts together (64 KiB) fits
RING_BYTES = 4 << 20  # half a second of 12,600 SIP messages a second; counts as memory of the process
SAMPLE_BYTES = 56  # of a packet in a sample: IPv6 or IPv4 header, UDP or TCP header, the first words of what they carry
RETIRE_MS = 40  # a block that is not full is handed over after this time
ETHERNET = 1  # pcap link type of what is handed on: a header with empty addresses and the protocol is put in front

_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION = 1, 5, 6, 10
_TPACKET_V3 = 2
_MEMBERSHIP_PROMISCUOUS = 1
_SO_ATTACH_FILTER = 26
_PROTOCOL_ALL = 3
_VLAN_TYPES = (b"\x81\0", b"\x88\xa8", b"\x91\0")
_FIRST_DIGIT = {b"\x08\0": "4", b"\x86\xdd": "6", b"\x88\x64": "1"}  # of IPv4, IPv6 and PPPoE: their version
MAX_TAG_BYTES = 16  # three tags, and the beginning of what they are before
_OTHER_HOST = 3  # packet type: addressed to another machine
_NO_ADDRESSES = bytes(12)
_USER = 1  # block status: belongs to us

_BLOCK = struct.Struct("=8xIII")  # struct tpacket_block_desc: status, packets, offset of the first
_STATUS_AT = 8
_HEADER = struct.Struct("=IIIII4xHH22x2s")  # struct tpacket3_hdr, then sockaddr_ll's family (in the 22) and protocol
_INTERFACES = Path("/sys/class/net")
_LOOPBACK_TYPE = "772"  # ARPHRD_LOOPBACK


@dataclass(slots=True)
class _Ring:
    """The socket, its memory, and which block comes next."""

    socket: socket.socket
    memory: mmap.mmap
    blocks: int
    turn: int = 0
    program: bytes = field(default=b"", repr=False)

    def take_block(self) -> list[Packet]:
        """The packets of the next block, if the kernel has handed it over; the block is given back."""
        start = self.turn * BLOCK_BYTES
        status, count, first = _BLOCK.unpack_from(self.memory, start)
        if not status & _USER:
            return []
        packets = _read_block(self.memory, start + first, count)
        struct.pack_into("=I", self.memory, start + _STATUS_AT, 0)
        self.turn = (self.turn + 1) % self.blocks
        return packets

    def close(self) -> None:
        self.memory.close()
        self.socket.close()


def _read_block(memory: mmap.mmap, at: int, count: int) -> list[Packet]:
    packets: list[Packet] = []
    unpack = _HEADER.unpack_from
    for _ in range(count):
        step, seconds, nanoseconds, captured, length, _mac, net, protocol = unpack(memory, at)
        start = at + net
        word = memory[start + 2 : start + 4]
        if word == protocol or word in _VLAN_TYPES:
            tags = _tag_bytes(memory[start : start + MAX_TAG_BYTES], protocol, length)
            start, captured, length = start + tags, captured - tags, length - tags
        frame = _NO_ADDRESSES + protocol + memory[start : start + captured]
        packets.append((seconds * 1_000_000_000 + nanoseconds, frame, ETHERNET, length + 14))
        at += step
    return packets


def _tag_bytes(data: bytes, protocol: bytes, length: int) -> int:
    """How many bytes of VLAN tags stand before the IP or PPPoE header of a cooked packet of so many bytes.

    Since Linux 6.10 (and in older ones that were mended alike) the kernel names the innermost protocol of such a
    packet, but takes off the outer tag only.
    """
    at = 0
    while data[at + 2 : at + 4] in _VLAN_TYPES:
        at += 4
    if data[at + 2 : at + 4] != protocol or length == int.from_bytes(protocol, "big"):  # the length of an IPv4 packet
        return 0
    return at + 4 if data[at + 4 : at + 5].hex()[:1] == _FIRST_DIGIT.get(protocol) else 0


class InterfaceSource:
    """SIP on the named interfaces; an interface that is not there (yet) is looked for every second."""

    form = "frame"

    def __init__(
        self,
        name: str,
        interfaces: Sequence[str],
        ports: Sequence[int],
        *,
        promiscuous: bool = True,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        self.name = name
        self._interfaces = tuple(interfaces)
        self._ports = tuple(ports)
        self._promiscuous = promiscuous
        self._ring_bytes = ring_bytes
        self._ring: _Ring | None = None
        self._up: dict[str, int] = {}  # name -> index, of the interfaces that carry packets now
        self._promiscuous_on: set[int] = set()
        self._trouble = "not started"
        self._packets = 0
        self._drops = 0

    def handle_time(self) -> None:
        """Open the ring, follow the interfaces, take over the kernel's count of drops."""
        try:
            if self._ring is None:
                self._ring = _open_ring(self._ring_bytes)
            self._follow_interfaces(self._ring)
            self._count(self._ring)
        except OSError as error:
            self._trouble = _explain(error)
            self.close()

    def files(self) -> Iterable[int]:
        """The packet socket."""
        return () if self._ring is None else (self._ring.socket.fileno(),)

    def receive(self) -> list[Packet]:
        """The next block of the ring that is ready, at most one: others get their turn too."""
        return [] if self._ring is None else self._ring.take_block()

    def trouble(self) -> str:
        """Which interface is missing or down."""
        return self._trouble

    def counters(self) -> dict[str, int]:
        """`packets` passed the kernel's filter, `drops` of them found the ring full."""
        return {"packets": self._packets, "drops": self._drops}

    def close(self) -> None:
        """Close the socket; `handle_time` would open it again."""
        if self._ring is not None:
            self._ring.close()
        self._ring = None
        self._up = {}
        self._promiscuous_on = set()

    def _follow_interfaces(self, ring: _Ring) -> None:
        up = {name: index for name in self._interfaces if (index := carrying_index(name))}
        if up != self._up or not ring.program:
            self._watch(ring, up)
        missing = [name for name in self._interfaces if name not in up]
        self._trouble = " and ".join(explain_interface(name) for name in missing)

    def _watch(self, ring: _Ring, up: dict[str, int]) -> None:
        loopbacks = [index for name, index in up.items() if is_loopback(name)]
        others = [index for index in up.values() if index not in loopbacks]
        ring.program = compile_filter(self._ports, any_port=not self._ports, interfaces=others, loopbacks=loopbacks)
        attach_filter(ring.socket, ring.program)
        self._promiscuous_on &= set(up.values())  # one that was unplugged has forgotten it; another may get its number
        if self._promiscuous:
            for index in others:
                self._join(ring.socket, index)
        self._up = up

    def _join(self, packet_socket: socket.socket, index: int) -> None:
        if index not in self._promiscuous_on:
            request = struct.pack("=iHH8s", index, _MEMBERSHIP_PROMISCUOUS, 0, b"")
            packet_socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)
            self._promiscuous_on.add(index)

    def _count(self, ring: _Ring) -> None:
        """Packets (dropped ones too), drops, full rings since the last look: struct tpacket_stats_v3."""
        packets, drops, _ = struct.unpack("=III", ring.socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        self._packets += packets
        self._drops += drops


def _open_ring(ring_bytes: int) -> _Ring:
    blocks = max(2, ring_bytes // BLOCK_BYTES)
    packet_socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_PROTOCOL_ALL))
    try:
        attach_filter(packet_socket, _REJECT_ALL)
        packet_socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        frame_bytes = 2048  # only its share of the block is looked at in version 3
        request = struct.pack(
            "=7I", BLOCK_BYTES, blocks, frame_bytes, blocks * (BLOCK_BYTES // frame_bytes), RETIRE_MS, 0, 0
        )
        packet_socket.setsockopt(_SOL_PACKET, _RX_RING, request)  # throws away what came before the filter
        packet_socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        memory = mmap.mmap(packet_socket.fileno(), blocks * BLOCK_BYTES, mmap.MAP_SHARED)
    except OSError:
        packet_socket.close()
        raise
    return _Ring(packet_socket, memory, blocks)


_REJECT_ALL = struct.pack("=HBBI", 6, 0, 0, 0)


def attach_filter(packet_socket: socket.socket, program: bytes) -> None:
    """Put a program in place, instead of the one before; raises OSError."""
    buffer = ctypes.create_string_buffer(program, len(program))
    request = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))  # struct sock_fprog
    packet_socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, request)


@dataclass(slots=True)
class Sample:
    """The first bytes of packets of any kind, from the IP header on; `overheard` of them are between other machines."""

    packets: list[bytes] = field(default_factory=list)
    overheard: int = 0


def sample_traffic(interfaces: Sequence[str], seconds: float = 0.3, limit: int = 400) -> Sample:
    """What these interfaces carry now, by the headers of one packet in four; empty where it cannot be had."""
    indexes = [index for name in interfaces if (index := carrying_index(name))]
    sample = Sample()
    until = time.monotonic() + seconds
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_PROTOCOL_ALL)) as packet_socket:
            attach_filter(packet_socket, compile_sampler(indexes, snap_bytes=SAMPLE_BYTES, one_in=4))
            while len(sample.packets) < limit and (rest := until - time.monotonic()) > 0:
                if select.select([packet_socket], [], [], rest)[0]:
                    data, (_, number, packet_type, *_) = packet_socket.recvfrom(SAMPLE_BYTES)
                    protocol = number.to_bytes(2, "big")
                    sample.packets.append(data[_tag_bytes(data, protocol, len(data)) :])
                    sample.overheard += packet_type == _OTHER_HOST
    except OSError:
        return Sample()
    return sample


def carrying_index(name: str) -> int:
    """Index of an interface that carries packets now, 0 of one that is missing, down or without a cable."""
    state = _read(name, "operstate")  # up; unknown where the driver does not tell (lo, tun)
    flags = int(_read(name, "flags") or "0", 16)
    return int(_read(name, "ifindex") or "0") if flags & 1 and state in {"up", "unknown"} else 0


def is_loopback(name: str) -> bool:
    """True of `lo`."""
    return _read(name, "type") == _LOOPBACK_TYPE


def explain_interface(name: str) -> str:
    """Why an interface carries nothing, in words with a remedy."""
    state = _read(name, "operstate")
    if not state:
        return f"interface {name} does not exist: `ip link` names those that do"
    if not int(_read(name, "flags") or "0", 16) & 1:
        return f"interface {name} is down: ip link set {name} up"
    return f"interface {name} has no carrier: is its cable in?"


def _read(name: str, item: str) -> str:
    try:
        return (_INTERFACES / name / item).read_text().strip()
    except OSError:
        return ""


def _explain(error: OSError) -> str:
    if error.errno in {errno.EPERM, errno.EACCES}:
        return "listening on interfaces needs CAP_NET_RAW: run the service by its unit file, or as root"
    return f"the packet socket failed: {error.strerror}"
