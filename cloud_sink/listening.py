"""Listening sockets, opened before anything else starts so that a busy port is one clear line."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from cloud_sink.errors import AddressInUse

BACKLOG = 128


def listen(address: tuple[str, int], key: str) -> socket.socket:
    """Return a socket that listens on (host, port). Raises AddressInUse naming the configuration's key."""
    host, port = address
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressInUse(f"{key}: {shown(address)} is not an address here: {error.strerror or error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"{key}: cannot listen on {shown(address)}: {error.strerror}; stop what does, or choose another port"
        ) from error
    return listener


def shown(address: tuple[str, int]) -> str:
    """Return "host:port", IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def peer_reset() -> Iterator[None]:
    """Let a peer go away without an error of ours."""
    try:
        yield
    except (ConnectionError, TimeoutError):
        return
