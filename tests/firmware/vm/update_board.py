"""In the place of the firmware's board.py on a device of `device.py`; its clock is the machine's, and is right."""

import sys
import time

from unix_hardware import UnixBoard


class Board(UnixBoard):
    """A reset ends the process."""

    counts_drops = False

    def __init__(self, name: str) -> None:
        super().__init__("1", 0, 0, "")

    def clock_offset(self) -> int:
        """From the board's time to Unix milliseconds."""
        return time.time_ns() // 1_000_000 - self.now_ms()

    def dropped(self) -> int:
        """It never says."""
        return 0

    def restart(self) -> None:
        """Begin again from boot.py."""
        sys.exit(0)
