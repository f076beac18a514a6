"""A recording that is being written, as a live source: a growing file, or standard input beside other sources.

A thread waits for it, so that nothing else has to; times are those of its packets.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from collector.errors import CaptureError
from collector.ports import Frame, FrameSource, Packet

A_TURN = 512
MAX_WAITING_FRAMES = 4_096  # read but not yet taken: a megabyte or two
PATIENCE_S = 0.02


class Recording(FrameSource, Protocol):
    """A source of frames whose waiting can be ended."""

    @property
    def replaced(self) -> bool:
        """True where it ended because another file took its place."""
        ...

    def stop(self) -> None:
        """End soon."""
        ...


class FollowedSource:
    """`open_recording` makes the source of frames (and may wait); where it fails it is called again after a second.

    Its argument is true where all of the recording is new: it has taken the place of one that was followed. A pipe ends
    for good (`comes_again` false).
    """

    form = "frame"

    def __init__(self, name: str, open_recording: Callable[[bool], Recording], *, comes_again: bool = True) -> None:
        self.name = name
        self._comes_again = comes_again
        self._open_recording = open_recording
        self._waiting: deque[Frame] = deque()
        self._thread: threading.Thread | None = None
        self._trouble = ""
        self._packets = 0
        self._closed = False
        self._recording: Recording | None = None
        self._all_is_new = False

    def handle_time(self) -> None:
        """Begin to read, or begin again."""
        if self._thread is None or (self._comes_again and not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
            self._thread.start()

    def files(self) -> Iterable[int]:
        """None: the loop looks every tenth of a second."""
        return ()

    def receive(self) -> list[Packet]:
        """What the thread has read."""
        packets: list[Packet] = []
        while self._waiting and len(packets) < A_TURN:
            data, at_ms, link_type, length = self._waiting.popleft()
            packets.append((at_ms * 1_000_000, data, link_type, length))
        self._packets += len(packets)
        return packets

    def trouble(self) -> str:
        """Why it cannot be read, or that it has ended."""
        return self._trouble

    def counters(self) -> dict[str, int]:
        """`packets` read."""
        return {"packets": self._packets, "drops": 0}

    def close(self) -> None:
        """Take no more of it."""
        self._closed = True
        if self._recording is not None:
            self._recording.stop()

    def _read(self) -> None:
        try:
            while not self._closed:
                source = self._recording = self._open_recording(self._all_is_new)
                self._trouble = ""
                self._take(source)
                self._all_is_new = source.replaced
                if not source.replaced:
                    self._trouble = "; ".join(source.problems) or "the recording has ended"
                    return
        except CaptureError as error:
            self._trouble = str(error)

    def _take(self, source: Recording) -> None:
        for frames in source.batches():
            while len(self._waiting) >= MAX_WAITING_FRAMES and not self._closed:
                time.sleep(PATIENCE_S)
            if self._closed:
                return
            self._waiting.extend(frames)
