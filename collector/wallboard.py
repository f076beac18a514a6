"""What happens to legs right now, for wallboards: sent at once, kept nowhere, and never in the way of anything."""

import time
from collections.abc import Callable
from typing import Protocol

import msgpack

from collector.core import wire
from collector.core.events import LegEnded
from collector.core.legs import CALLING, ENDED, RINGING, TALKING
from collector.ports import Event

PHASE_OF_STATE = {CALLING: 0, RINGING: 1, TALKING: 2, ENDED: 3}  # indexes of wire.PHASES; other states show nothing new
MAX_A_SECOND = 200  # a busy office has a tenth of it; a flood must not fill the connection's buffers
_SHOWN = ("role", "direction", "extension", "caller", "callee")


class LivePublisher(Protocol):
    """Where progress goes; it may be lost there."""

    def publish_live(self, payload: bytes) -> None:
        """Send this now if there is a connection, else not at all."""
        ...


class Wallboard:
    """Listens to the progress of legs. `protect` changes numbers before they leave; `ahead_ms` is added to times."""

    def __init__(
        self,
        publisher: LivePublisher,
        protect: Callable[[Event], None],
        ahead_ms: Callable[[], int] = int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._protect = protect
        self._ahead_ms = ahead_ms
        self._now = monotonic
        self._second = 0
        self._sent = 0
        self.dropped = 0

    def receive_progress(self, leg: LegEnded, state: int, now_ms: int) -> None:
        """A leg has reached a state; `leg` itself is still being observed and stays as it is."""
        phase = PHASE_OF_STATE.get(state)
        if phase is None or not self._has_room():
            return
        shown = LegEnded(leg.invite_ms, leg.call_key)
        for name in _SHOWN:
            setattr(shown, name, getattr(leg, name))
        self._protect(shown)
        array = wire.encode_progress(shown, phase, now_ms + self._ahead_ms())
        self._publisher.publish_live(bytes(msgpack.packb(array)))

    def _has_room(self) -> bool:
        second = int(self._now())
        if second != self._second:
            self._second, self._sent = second, 0
        self._sent += 1
        if self._sent > MAX_A_SECOND:
            self.dropped += 1
            return False
        return True
