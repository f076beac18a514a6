"""From a box's live channel to the picture of what rings and talks: what must not wait for the database."""

from collections.abc import Callable

from cloud_sink.ingest import decode_state, unpack
from cloud_sink.live import PHASES, LivePicture, Progress
from collector.core import wire, wire_reader
from collector.core.events import LegEnded


class LiveChannel:
    """Takes what must not wait for the database: progress of legs, and boxes that come and go."""

    def __init__(self, picture: LivePicture, office_of_box: Callable[[str], str], now_ms: Callable[[], int]) -> None:
        self._picture = picture
        self._office_of_box = office_of_box
        self._now_ms = now_ms
        self._connections: dict[str, int] = {}  # number of each known box's latest
        self.malformed = 0

    def receive_message(self, topic: str, payload: bytes) -> bool:
        """Look at a message; True where it is of this channel only. Never raises: the broker's thread calls it."""
        parsed = wire.parse_topic(topic)
        if parsed is None or parsed[1] not in ("live", "state"):
            return False
        box, channel = parsed
        if channel == "state":
            self._receive_state(box, payload)
            return False
        try:
            leg, phase, _ = wire_reader.decode_progress(unpack(payload))
        except (ValueError, wire_reader.WireError):
            self.malformed += 1  # not worth a place in quarantine: the leg's durable event comes anyway
            return True
        if office := self._office_of_box(box):
            self._picture.receive_progress(box, office, _progress(leg, phase, self._now_ms()))
        return True

    def _receive_state(self, box: str, payload: bytes) -> None:
        try:
            state = decode_state(box, "", unpack(payload), self._now_ms())
        except ValueError:
            return  # the database's side puts it into quarantine
        if state.online and self._office_of_box(box):
            self._connections[box] = state.connection
        elif not state.online and state.connection >= self._connections.get(box, 0):  # not an old one's last will
            self._picture.forget_box(box)


def _progress(leg: LegEnded, phase: int, now_ms: int) -> Progress:
    return Progress(
        key=leg.call_key.hex(),
        phase=PHASES[phase],
        role=leg.role,
        direction=leg.direction,
        extension=leg.extension,
        caller=leg.caller,
        callee=leg.callee,
        since_ms=now_ms,
    )
