"""The network of the chaos test: `fieldkit.bench.relay`."""

import socket
from collections.abc import Iterator

import pytest

from fieldkit.bench.relay import Relay


@pytest.fixture
def far_end() -> Iterator[socket.socket]:
    """What the relay connects to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


@pytest.fixture
def relay(far_end: socket.socket) -> Iterator[Relay]:
    """A relay in front of it."""
    relay = Relay(far_end.getsockname()[1])
    yield relay
    relay.stop()


def connect(relay: Relay, far_end: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Both ends of one connection through the relay."""
    near = socket.create_connection(("127.0.0.1", relay.port), 5)
    near.sendall(b"first")
    far, _ = far_end.accept()
    far.settimeout(5)
    assert b"first" == far.recv(100)
    return near, far


def test_a_line_that_is_up_passes_bytes_both_ways(relay: Relay, far_end: socket.socket) -> None:
    """What goes in at one end comes out at the other."""
    near, far = connect(relay, far_end)
    far.sendall(b"back")
    assert b"back" == near.recv(100)


def test_a_cut_line_ends_connections_and_takes_no_new_ones(relay: Relay, far_end: socket.socket) -> None:
    """Both ends notice at once; once it is up again new connections pass."""
    near, far = connect(relay, far_end)
    relay.set_line("cut")
    assert b"" == receive(near)
    assert b"" == receive(far)
    with socket.create_connection(("127.0.0.1", relay.port), 5) as refused:
        assert b"" == receive(refused)
    relay.set_line("up")
    connect(relay, far_end)


def test_a_dead_line_keeps_what_is_sent_until_it_is_up(relay: Relay, far_end: socket.socket) -> None:
    """Nobody notices, nothing passes; afterwards it does."""
    near, far = connect(relay, far_end)
    relay.set_line("dead")
    near.sendall(b"waits")
    far.settimeout(0.3)
    with pytest.raises(TimeoutError):
        far.recv(100)
    relay.set_line("up")
    far.settimeout(5)
    assert b"waits" == far.recv(100)


def test_a_slow_line_passes_everything_in_its_order(relay: Relay, far_end: socket.socket) -> None:
    """Late, but whole."""
    near, far = connect(relay, far_end)
    relay.set_line("slow")
    for piece in (b"one", b"two", b"three"):
        near.sendall(piece)
    near.shutdown(socket.SHUT_WR)
    assert b"onetwothree" == b"".join(iter(lambda: receive(far), b""))


def receive(end: socket.socket) -> bytes:
    """What comes next; nothing where the other side ended or aborted the connection."""
    try:
        return end.recv(100)
    except ConnectionResetError:
        return b""
