"""Progress on its way out: `collector.wallboard`."""

import msgpack

from collector.core import wire, wire_reader
from collector.core.events import LegEnded
from collector.core.legs import CALLING, CANCELLING, ENDED, RINGING, TALKING
from collector.wallboard import MAX_A_SECOND, Wallboard


class Outbox:
    """Keeps what would be published."""

    def __init__(self):
        self.sent = []

    def publish_live(self, payload):
        """Keep it, decoded."""
        self.sent.append(wire_reader.decode_progress(msgpack.unpackb(payload)))


def make_leg():
    """A leg that is still open."""
    leg = LegEnded(1_700_000_000_000, b"12345678")
    leg.extension, leg.caller = "101", "447700900123"
    return leg


def test_phases_are_published_with_the_wall_clock():
    """Calling, ringing, talking, ended; a state that a wallboard does not show is not sent."""
    outbox = Outbox()
    board = Wallboard(outbox, lambda _event: None, ahead_ms=lambda: 5000)
    for at_ms, state in enumerate((CALLING, RINGING, CANCELLING, TALKING, ENDED)):
        board.receive_progress(make_leg(), state, at_ms)
    assert [("calling", 5000), ("ringing", 5001), ("talking", 5003), ("ended", 5004)] == [
        (wire.PHASES[phase], at_ms) for _, phase, at_ms in outbox.sent
    ]


def test_numbers_are_protected_and_the_leg_itself_is_not_touched():
    """What privacy hides in events is hidden here too; the tracker goes on with the number it saw."""
    outbox, leg = Outbox(), make_leg()

    def protect(event):
        event.caller = "hidden"

    Wallboard(outbox, protect).receive_progress(leg, RINGING, 0)
    assert ("hidden", "447700900123") == (outbox.sent[0][0].caller, leg.caller)


def test_a_flood_is_cut_and_counted():
    """No more than 200 in a second; the next second starts anew."""
    outbox, now = Outbox(), [0.0]
    board = Wallboard(outbox, lambda _event: None, monotonic=lambda: now[0])
    for _ in range(MAX_A_SECOND + 50):
        board.receive_progress(make_leg(), RINGING, 0)
    assert (MAX_A_SECOND, 50) == (len(outbox.sent), board.dropped)
    now[0] = 1.0
    board.receive_progress(make_leg(), ENDED, 0)
    assert MAX_A_SECOND + 1 == len(outbox.sent)
