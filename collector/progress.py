"""One line on a terminal that says how far something is; a line per tenth where there is no terminal."""

import time
from collections.abc import Callable
from typing import TextIO

PATIENCE_S = 2.0  # what ends sooner needs no bar
STEP_S = 0.2
WIDTH = 30


class ProgressLine:
    """Call it with a share from 0 to 1, as often as you like. `tenths` also writes where nobody sits at a terminal."""

    def __init__(
        self, label: str, stream: TextIO, *, tenths: bool, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._label = label
        self._stream = stream
        self._tenths = tenths
        self._monotonic = monotonic
        self._draws = stream.isatty()
        self._next_at = monotonic() + PATIENCE_S
        self._drawn = False
        self._told = -1

    def __call__(self, share: float) -> None:
        """Show it if it is time to."""
        if self._draws:
            self._draw(share)
        elif self._tenths and int(share * 10) > self._told:
            self._told = int(share * 10)
            self._stream.write(f"{self._label}: {self._told * 10} %\n")
            self._stream.flush()

    def _draw(self, share: float) -> None:
        now = self._monotonic()
        if now < self._next_at and not (self._drawn and share >= 1):
            return
        self._next_at = now + STEP_S
        self._drawn = share < 1
        filled = int(share * WIDTH)
        line = f"\r{self._label} [{'#' * filled}{'-' * (WIDTH - filled)}] {int(share * 100):3d} %"
        self._stream.write(line + ("\n" if share >= 1 else ""))
        self._stream.flush()
