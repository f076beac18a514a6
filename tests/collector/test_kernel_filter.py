"""The kernel's filter as a program: `collector.kernel_filter`. What it passes is shown in adapters/test_afpacket.py."""

import socket
import struct

import pytest

from collector.adapters.afpacket import attach_filter
from collector.kernel_filter import compile_filter, compile_sampler

RETURN = 0x06


def instructions(program):
    """(code, true, false, k) of each."""
    return list(struct.iter_unpack("=HBBI", program))


@pytest.mark.parametrize("ports", [(), (5060,), tuple(range(5000, 5256))])
@pytest.mark.parametrize("any_port", [False, True])
@pytest.mark.parametrize("interfaces", [(), (2,), (2, 3, 4)])
def test_the_kernel_accepts_every_program(ports, any_port, interfaces):
    """The kernel checks jumps and loads itself before it takes a program."""
    program = compile_filter(ports, interfaces=interfaces, loopbacks=(1,), any_port=any_port)
    with socket.socket(type=socket.SOCK_DGRAM) as target:
        attach_filter(target, program)
        attach_filter(target, compile_sampler(interfaces, snap_bytes=96, one_in=4))


def test_a_program_ends_with_its_two_verdicts():
    """Nothing, or the whole packet."""
    *_, reject, accept = instructions(compile_filter((5060,), interfaces=(2,)))
    assert ((RETURN, 0), (RETURN, True)) == ((reject[0], reject[3]), (accept[0], accept[3] >= 65_535))


def test_too_many_ports_are_refused():
    """Beyond what the kernel takes there is an error with the number, not a filter that leaves some out."""
    with pytest.raises(ValueError, match="too many ports: the kernel takes 4096 instructions"):
        compile_filter(range(1, 2000), interfaces=(2,))
