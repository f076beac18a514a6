"""Events as lines of JSON: `collector.adapters.jsonl`."""

import io
import json

from collector.adapters.jsonl import KIND_NAMES, JsonLines
from collector.core import events


def make_events():
    """One of each kind."""
    leg = events.LegEnded(1000, b"\x01\x02\x03\x04\x05\x06")
    leg.call_id = b"secret@host"
    return [
        leg,
        events.RegistrationChanged(1, "phone", "101", True),
        events.StateTold(2, "101", events.DND_ON, 0, ""),
        events.VoiceReported(3, "101", b"\x01\x02\x03\x04\x05\x06"),
        events.RegistersCounted(3, "phone", "101"),
        events.GapObserved(1, 2, "test", 3),
        events.HealthReported(4, {"frames": 5}),
    ]


def test_every_kind_of_event_is_one_line():
    """Fields by name, bytes in hexadecimal, no Call-ID."""
    stream = io.StringIO()
    sink = JsonLines(stream)
    sink.write(make_events())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert list(KIND_NAMES.values()) == [line["event"] for line in lines]
    assert ("010203040506", 1000) == (lines[0]["call_key"], lines[0]["invite_ms"])
    assert {"event": "gap", "count": 3, "from_ms": 1, "reason": "test", "until_ms": 2} == lines[5]
    assert "secret" not in stream.getvalue()
    assert sink.undelivered() == 0
