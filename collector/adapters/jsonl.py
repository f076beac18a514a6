"""Events as lines of JSON: what `run --print` shows instead of sending it."""

import json
from collections.abc import Sequence
from typing import TextIO

from collector.ports import Event

KIND_NAMES = {
    "LegEnded": "leg",
    "RegistrationChanged": "registration",
    "StateTold": "state",
    "VoiceReported": "voice",
    "RegistersCounted": "registers",
    "GapObserved": "gap",
    "HealthReported": "health",
}


class JsonLines:
    """An event sink that writes one object per event; bytes are shown in hexadecimal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, events: Sequence[Event]) -> None:
        """Print each event and flush, so that a pipe sees them at once."""
        for event in events:
            self._stream.write(json.dumps(describe_event(event)) + "\n")
        self._stream.flush()

    def pump(self, wait_s: float = 0.0) -> None:
        """Nothing waits here."""

    def undelivered(self) -> int:
        """What is printed is delivered."""
        return 0

    def close(self) -> None:
        """The stream belongs to whoever gave it."""


def describe_event(event: Event) -> dict[str, object]:
    """An event's kind and fields by name; the Call-ID stays out, as it does on the wire."""
    described: dict[str, object] = {"event": KIND_NAMES[type(event).__name__]}
    for name in sorted(getattr(event, "__slots__", ()) or type(event).__annotations__):
        if name != "call_id":
            value = getattr(event, name)
            described[name] = value.hex() if isinstance(value, bytes) else value
    return described
