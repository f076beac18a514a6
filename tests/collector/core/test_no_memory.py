"""A board whose heap is full for a moment reads the datagram again: `firmware/reading.py`. Nothing may come of that."""

import random
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest

import collector.core
from collector import config
from collector.adapters.pcapfile import open_captures
from collector.core import wire
from collector.core.monitor import CallMonitor

ROOT = str(Path(collector.core.__file__).parent)
# what asks MicroPython for memory: these built-in functions, and every new object
ASKING = frozenset(
    ("append", "crc32", "decode", "endswith", "extend", "join", "lower", "lstrip", "partition", "rpartition", "rstrip",
     "sorted", "split", "strip", "unpack_from", "upper")
)  # fmt: skip
MOST_REQUESTS = 60  # of nearly every message: an INVITE that begins a leg has about so many

Frames = list[tuple[bytes, int, int, int]]


class FullHeap:
    """A profile function that refuses one request for memory made by the core, the `after`-th, and then no other."""

    def __init__(self, after: int) -> None:
        self.refused = ""
        self._left = after

    def __call__(self, frame: FrameType, event: str, asked: object) -> None:
        """What Python tells of each call."""
        made = event == "call" and frame.f_code.co_name == "__init__"
        called = event == "c_call" and getattr(asked, "__name__", "") in ASKING
        if not self.refused and (made or called) and frame.f_code.co_filename.startswith(ROOT):
            self._left -= 1
            if not self._left:
                self.refused = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise MemoryError


def watch(frames: Frames, settings: config.MonitorSettings, seed: int, share: float) -> tuple[Counter[str], set[str]]:
    """Events of a board's core with a heap that is full at so many of the datagrams, and where it was full."""
    chance = random.Random(seed)
    monitor = CallMonitor(settings)
    events: Counter[str] = Counter()
    refused = set()
    for frame in frames:
        heap = FullHeap(chance.randrange(1, MOST_REQUESTS) if chance.random() < share else -1)
        sys.setprofile(heap)
        try:
            read(monitor, frame)
        except MemoryError:
            sys.setprofile(None)
            refused.add(heap.refused)
            read(monitor, frame)
        finally:
            sys.setprofile(None)
        take(monitor, events)
    monitor.close(frames[-1][1])
    take(monitor, events)
    return events, refused


def read(monitor: CallMonitor, frame: tuple[bytes, int, int, int]) -> None:
    """As a board does: what was due by then goes first."""
    deadline = monitor.next_deadline()
    while deadline is not None and deadline <= frame[1]:
        monitor.handle_deadline(deadline)
        deadline = monitor.next_deadline()
    monitor.receive_frame(*frame)


def take(monitor: CallMonitor, events: "Counter[str]") -> None:
    """The events so far, as they go over the wire."""
    while (event := monitor.next_event()) is not None:
        events[repr(wire.encode_event(event))] += 1


@pytest.mark.parametrize("seed", range(2))
def test_message_that_is_read_again_for_want_of_memory_changes_nothing(
    captures: Path, lab_config: Path, seed: int
) -> None:
    """Wherever reading stopped, over UDP and TCP: the same events as if there had been memory."""
    frames = list(open_captures([str(captures / "office-day-A.pcap.gz")]).frames())
    settings = config.load(str(lab_config)).monitor_settings()
    settings.max_legs = settings.max_ended = 64  # a board's: legs rest
    expected, nowhere = watch(frames, settings, seed, 0)
    events, refused = watch(frames, settings, seed, 0.2)
    assert not nowhere
    assert len(refused) > 40
    assert not events - expected
    assert not expected - events
