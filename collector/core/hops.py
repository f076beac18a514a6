"""Who sends to whom: one object for each direction of a flow, so that what its addresses mean is worked out once.

Nearly every message goes over a hop that is known already; it is found by the very bytes that stand in the frame.
"""

from collector.core.keys import mark_of

UDP = 1  # indexes of events.TRANSPORTS
TCP = 2
WEBSOCKET = 4
SCTP = 0  # the wire has no word for it: unknown
MAX_HOPS = 1024  # an office has two for each phone and carrier
MAX_HOPS_ON_BOARD = 16  # where a heap is small; those in use come back at once


class Hop:
    """From one address and port to another; `transport` indexes `events.TRANSPORTS`, `sender` is the source's mark."""

    __slots__ = ("sender", "source", "source_port", "target", "target_port", "transport")

    def __init__(self, source: bytes, source_port: int, target: bytes, target_port: int, transport: int) -> None:
        self.source = source
        self.source_port = source_port
        self.target = target
        self.target_port = target_port
        self.transport = transport
        self.sender = mark_of(source)

    def back(self) -> "Hop":
        """The other direction."""
        return Hop(self.target, self.target_port, self.source, self.source_port, self.transport)


class HopTable:
    """The hops of late, at most `limit`; a full table is emptied, since those in use come back at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # by source, target and both ports, as they stand one after the other in a UDP datagram; TCP's number behind
        self.known: dict[bytes, Hop] = {}

    def hop(self, source: bytes, source_port: int, target: bytes, target_port: int, transport: int) -> Hop:
        """The one object for a hop."""
        key = _key(source, source_port, target, target_port, transport)
        hop = self.known.get(key)
        if hop is None:
            back = self.known.get(_key(target, target_port, source, source_port, transport))
            if back is not None:  # addresses are kept once for both directions
                source, target = back.target, back.source
            if len(self.known) >= self._limit:
                self.known.clear()
            hop = self.known[key] = Hop(source, source_port, target, target_port, transport)
        return hop


def _key(source: bytes, source_port: int, target: bytes, target_port: int, transport: int) -> bytes:
    key = source + target + bytes([source_port >> 8, source_port & 255, target_port >> 8, target_port & 255])
    return key if transport == UDP else key + bytes([transport])
