"""The kernel's filter: which packets reach the collector at all. RTP, the web and everything else stay in the kernel.

A classic BPF program (Linux Documentation/networking/filter.rst) for a cooked packet socket: the packet starts behind
its link-layer header, and the kernel tells protocol, interface and direction as auxiliary data. It passes, over IPv4
and IPv6, under a further VLAN tag or two (the kernel has taken the outer one off already) and inside PPPoE:

- UDP, TCP and SCTP from or to a SIP port;
- every IP fragment but the first: it carries no ports, and without it an INVITE over 1,500 bytes is lost;
- where any port is asked for: payloads that begin like a SIP message, too.
"""

import struct
from collections.abc import Sequence

PROGRAM_LIMIT = 4096  # instructions the kernel takes (BPF_MAXINSNS)
SNAP_ALL = 0x40000

# instructions: class | size | mode
_LD_W, _LD_H, _LD_B = 0x20, 0x28, 0x30  # absolute
_LDX_W, _LDX_H, _LDX_B = 0x40, 0x48, 0x50  # [X + k]
_LD_M, _LDX_IMM, _ST = 0x60, 0x01, 0x02
_ADD, _ADD_X, _AND, _LSH, _RSH = 0x04, 0x0C, 0x54, 0x64, 0x74
_JA, _JEQ, _JSET = 0x05, 0x15, 0x45
_TAX, _TXA, _RET = 0x07, 0x87, 0x06

# auxiliary data of the packet (linux/filter.h, SKF_AD_*)
_AUX = 0xFFFFF000
_PROTOCOL, _PACKET_TYPE, _INTERFACE = _AUX, _AUX + 4, _AUX + 8
_OUTGOING = 4  # PACKET_OUTGOING

_IPV4, _IPV6, _PPPOE_SESSION = 0x0800, 0x86DD, 0x8864
_VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
_PPP_IPV4, _PPP_IPV6 = 0x21, 0x57
_TCP, _UDP, _SCTP = 6, 17, 132
_FRAGMENT = 44
_EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options: rare, and left to the core
_PROTOCOL_SLOT = 0  # scratch memory

# first four bytes of every SIP message (RFC 3261 and its extensions): a status line, or a method
SIP_BEGINNINGS = (
    b"SIP/", b"INVI", b"ACK ", b"BYE ", b"CANC", b"REGI", b"OPTI", b"PRAC", b"UPDA", b"INFO", b"REFE", b"SUBS",
    b"NOTI", b"MESS", b"PUBL",
)  # fmt: skip


class _Program:
    """Instructions with labels: jumps go forward, any distance."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int | str]] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def add(self, code: int, value: int = 0) -> None:
        self._code.append((code, 0, 0, value))

    def jump(self, target: str) -> None:
        self._code.append((_JA, 0, 0, target))

    def jump_if(self, code: int, value: int, target: str) -> None:
        """Conditional jumps reach 255 instructions only, so they jump over an unconditional one."""
        self._code.append((code, 0, 1, value))
        self.jump(target)

    def pack(self) -> bytes:
        """One struct sock_filter each: code, true, false, k."""
        if len(self._code) > PROGRAM_LIMIT:
            raise ValueError(f"too many ports: the kernel takes {PROGRAM_LIMIT} instructions, not {len(self._code)}")
        return b"".join(
            struct.pack("=HBBI", code, yes, no, self._labels[k] - at - 1 if isinstance(k, str) else k)
            for at, (code, yes, no, k) in enumerate(self._code)
        )


def compile_filter(
    ports: Sequence[int], *, interfaces: Sequence[int], loopbacks: Sequence[int] = (), any_port: bool = False
) -> bytes:
    """The program, to attach with SO_ATTACH_FILTER. `interfaces` and `loopbacks` are indexes of what to watch.

    What leaves over a loopback interface comes in again at once, and is taken as it leaves.
    """
    program = _Program()
    _choose_interface(program, interfaces, loopbacks)
    _find_network_layer(program)
    _read_ipv4(program)
    _read_ipv6(program)
    _match_ports(program, ports, any_port=any_port)
    program.label("reject")
    program.add(_RET, 0)
    program.label("accept")
    program.add(_RET, SNAP_ALL)
    return program.pack()


def compile_sampler(interfaces: Sequence[int], *, snap_bytes: int, one_in: int) -> bytes:
    """Lets the first bytes of one packet in `one_in` (a power of two) through: enough to tell what kind it is."""
    program = _Program()
    _choose_interface(program, interfaces, ())
    program.add(_LD_W, _AUX + 56)  # SKF_AD_RANDOM
    program.add(_AND, one_in - 1)
    program.jump_if(_JEQ, 0, "accept")
    program.label("reject")
    program.add(_RET, 0)
    program.label("accept")
    program.add(_RET, snap_bytes)
    return program.pack()


def _choose_interface(program: _Program, interfaces: Sequence[int], loopbacks: Sequence[int]) -> None:
    program.add(_LD_W, _INTERFACE)
    for index in loopbacks:
        program.jump_if(_JEQ, index, "loopback")
    for index in interfaces:
        program.jump_if(_JEQ, index, "interface")
    program.jump("reject")
    program.label("loopback")
    program.add(_LD_W, _PACKET_TYPE)
    program.jump_if(_JEQ, _OUTGOING, "interface")
    program.jump("reject")
    program.label("interface")


def _find_network_layer(program: _Program) -> None:
    """Leaves the offset of the IP header in X, and goes on at "ipv4" or "ipv6"."""
    program.add(_LDX_IMM, 0)
    program.add(_LD_W, _PROTOCOL)
    for depth in range(3):
        program.jump_if(_JEQ, _IPV4, "ipv4")
        program.jump_if(_JEQ, _IPV6, "ipv6")
        program.jump_if(_JEQ, _PPPOE_SESSION, "pppoe")
        if depth < 2:
            for ethertype in _VLAN_TYPES:
                program.jump_if(_JEQ, ethertype, f"tag{depth}")
        program.jump("reject")
        if depth < 2:
            program.label(f"tag{depth}")  # tag control information (2 bytes), type of what follows (2)
            program.add(_LD_H, 4 * depth + 2)
            program.add(_LDX_IMM, 4 * depth + 4)
    program.label("pppoe")  # RFC 2516: six bytes, then the PPP protocol
    program.add(_LDX_H, 6)
    program.add(_ST, _PROTOCOL_SLOT)
    _advance(program, 8)
    program.add(_LD_M, _PROTOCOL_SLOT)
    program.jump_if(_JEQ, _PPP_IPV6, "ipv6")
    program.jump_if(_JEQ, _PPP_IPV4, "ipv4")
    program.jump("reject")


def _advance(program: _Program, length: int) -> None:
    program.add(_TXA)
    program.add(_ADD, length)
    program.add(_TAX)


def _read_ipv4(program: _Program) -> None:
    """Goes on at "transport" with the offset of the UDP or TCP header in X."""
    program.label("ipv4")
    program.add(_LDX_B, 9)
    program.add(_ST, _PROTOCOL_SLOT)
    _reject_other_protocols(program, "ipv4_known")
    program.label("ipv4_known")
    program.add(_LDX_H, 6)
    program.jump_if(_JSET, 0x1FFF, "accept")
    program.add(_LDX_B, 0)
    program.add(_AND, 0x0F)
    program.add(_LSH, 2)
    program.add(_ADD_X)
    program.add(_TAX)
    program.jump("transport")


def _reject_other_protocols(program: _Program, known: str) -> None:
    program.jump_if(_JEQ, _UDP, known)
    program.jump_if(_JEQ, _TCP, known)
    program.jump_if(_JEQ, _SCTP, known)
    program.jump("reject")


def _read_ipv6(program: _Program) -> None:
    program.label("ipv6")
    program.add(_LDX_B, 6)
    program.add(_ST, _PROTOCOL_SLOT)
    program.jump_if(_JEQ, _FRAGMENT, "ipv6_fragment")
    for kind in _EXTENSIONS:
        program.jump_if(_JEQ, kind, "ipv6_extension")
    _reject_other_protocols(program, "ipv6_known")
    program.label("ipv6_extension")
    program.add(_LDX_B, 40)
    program.jump_if(_JEQ, _FRAGMENT, "accept")
    _reject_other_protocols(program, "accept")
    program.label("ipv6_fragment")
    program.add(_LDX_H, 42)
    program.jump_if(_JSET, 0xFFF8, "accept")
    program.add(_LDX_B, 40)
    program.add(_ST, _PROTOCOL_SLOT)
    _advance(program, 8)
    program.label("ipv6_known")
    _advance(program, 40)
    program.label("transport")


def _match_ports(program: _Program, ports: Sequence[int], *, any_port: bool) -> None:
    for offset in (0, 2):
        program.add(_LDX_H, offset)
        for port in ports:
            program.jump_if(_JEQ, port, "accept")
    if any_port:
        _find_payload(program)
        program.add(_LDX_W, 0)
        for word in SIP_BEGINNINGS:
            program.jump_if(_JEQ, int.from_bytes(word, "big"), "accept")
    program.jump("reject")


def _find_payload(program: _Program) -> None:
    program.add(_LD_M, _PROTOCOL_SLOT)
    program.jump_if(_JEQ, _UDP, "udp")
    program.jump_if(_JEQ, _SCTP, "sctp")
    program.add(_LDX_B, 12)  # TCP: its header's length in words
    program.add(_AND, 0xF0)
    program.add(_RSH, 2)
    program.add(_ADD_X)
    program.add(_TAX)
    program.jump("payload")
    program.label("sctp")  # its header, and that of a first chunk with data
    _advance(program, 28)
    program.jump("payload")
    program.label("udp")
    _advance(program, 8)
    program.label("payload")
