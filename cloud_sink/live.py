"""What rings and talks right now, per office: in memory only, from what boxes say on their live channel.

Progress may be lost on its way, so nothing here lasts: a phone that rang too long without another word is forgotten,
and so is everything of a box that went away. No KPI comes from here.
"""

import threading
from dataclasses import dataclass

PHASES = ("calling", "ringing", "talking", "ended")
FORGET_S = {"calling": 60.0, "ringing": 300.0, "talking": 4 * 3600.0}
MAX_LEGS = 2_000  # of one box: more phones than any office has; a hostile box must not fill the memory


@dataclass(frozen=True, slots=True)
class Progress:
    """One leg as a box sees it. `since_ms`: when it reached this phase, Unix milliseconds by the sink's clock."""

    key: str
    phase: str
    role: str
    direction: str
    extension: str
    caller: str
    callee: str
    since_ms: int


class LivePicture:
    """The open legs of every box; safe to use from several threads."""

    def __init__(self) -> None:
        self._boxes: dict[str, tuple[str, dict[tuple[str, str, str], Progress]]] = {}
        self._lock = threading.Lock()
        self.dropped = 0

    def receive_progress(self, box: str, office: str, progress: Progress) -> None:
        """Take what a box of an office says about one leg."""
        leg = (progress.key, progress.role, progress.extension)
        with self._lock:
            _, legs = self._boxes.setdefault(box, (office, {}))
            legs.pop(leg, None)
            if progress.phase == PHASES[-1]:
                return
            if len(legs) >= MAX_LEGS:
                legs.pop(next(iter(legs)))
                self.dropped += 1
            legs[leg] = progress

    def forget_box(self, box: str) -> None:
        """A box went away, or came back after a restart: it will say anew what rings."""
        with self._lock:
            self._boxes.pop(box, None)

    def legs(self, office: str, now_ms: int) -> list[Progress]:
        """Return the open legs of an office, the oldest first."""
        with self._lock:
            for owner, legs in self._boxes.values():
                if owner == office:
                    _forget_old(legs, now_ms)
            found = [leg for owner, legs in self._boxes.values() if owner == office for leg in legs.values()]
        return sorted(found, key=lambda leg: (leg.since_ms, leg.extension))


def _forget_old(legs: dict[tuple[str, str, str], Progress], now_ms: int) -> None:
    old = [key for key, leg in legs.items() if now_ms - leg.since_ms > FORGET_S[leg.phase] * 1000]
    for key in old:
        del legs[key]
