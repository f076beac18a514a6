"""Ports, and network namespaces that tests make for themselves: two ends of a cable, and programs running at either."""

import contextlib
import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_numbers = itertools.count(1)


def ip(command: str) -> str:
    """Run `ip COMMAND`; what went wrong is in the assertion."""
    done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {command}: {done.stderr.strip()} (these tests need root and network namespaces)"
    return done.stdout


@dataclass
class Cable:
    """`near` is an interface in the tests' own namespace, `far` the other end, alone in a namespace of its own."""

    near: str
    far: str
    namespace: str
    near_address: str = "10.201.0.1"
    far_address: str = "10.201.0.2"

    def at_far_end(self, *command: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program in the far namespace."""
        return subprocess.Popen(["ip", "netns", "exec", self.namespace, *command], **options)

    def within(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread that lives in the far namespace."""
        return run_in_namespace(self.namespace, function)

    def send_frames(self, frames: list[bytes]) -> None:
        """Put raw Ethernet frames on the cable at its far end."""

        def send() -> None:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
                raw.bind((self.far, 0))
                for frame in frames:
                    raw.send(frame)

        self.within(send)


def run_in_namespace(namespace: str, function: Callable[[], Any]) -> Any:
    """Sockets the function makes belong to the namespace."""
    results: list[Any] = []

    def enter() -> None:
        import ctypes

        handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        assert ctypes.CDLL(None, use_errno=True).setns(handle, 0x40000000) == 0, os.strerror(ctypes.get_errno())
        os.close(handle)
        results.append(function())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert results, "the function failed in its namespace"
    return results[0]


@contextlib.contextmanager
def make_cable() -> Iterator[Cable]:
    """A veth pair whose far end is in a namespace of its own; both are up and have addresses."""
    number = f"{os.getpid() % 100_000}x{next(_numbers)}"
    cable = Cable(f"rn{number}", f"rf{number}", f"rt-{number}", *_addresses(number))
    ip(f"netns add {cable.namespace}")
    try:
        ip(f"link add {cable.near} type veth peer name {cable.far} netns {cable.namespace}")
        ip(f"addr add {cable.near_address}/30 dev {cable.near}")
        ip(f"link set {cable.near} up")
        ip(f"-n {cable.namespace} addr add {cable.far_address}/30 dev {cable.far}")
        ip(f"-n {cable.namespace} link set {cable.far} up")
        ip(f"-n {cable.namespace} link set lo up")
        wait_for(lambda: "state UP" in ip(f"link show {cable.near}"))
        yield cable
    finally:
        subprocess.run(["ip", "netns", "del", cable.namespace], check=False)
        subprocess.run(["ip", "link", "del", cable.near], check=False, stderr=subprocess.DEVNULL)


def _addresses(number: str) -> tuple[str, str]:
    """Two addresses of a subnet that two test runs at once do not share."""
    block = hash(number) % 16_000
    base = f"10.{200 + block // 4096}.{block // 64 % 64}."
    return base + str(block % 64 * 4 + 1), base + str(block % 64 * 4 + 2)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of this machine that nobody has at this moment, of TCP unless told otherwise."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens at a port of TCP."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    """Fail if it does not come true in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
