"""A file that somebody is writing, as a stream: its end is waited for, and a file put in its place is noticed."""

import io
import os
import time
from pathlib import Path
from typing import BinaryIO

PATIENCE_S = 0.1  # between two looks for more


class GrowingFile(io.RawIOBase):
    """Ends only when told to stop, or when the file was exchanged or cut to nothing (rotated): then `replaced` is true.

    `at_end` turns true at its first end: what was written before it was opened is over.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.at_end = False
        self.replaced = False
        self.stopped = False
        self._path = Path(path)
        self._file = file

    def readable(self) -> bool:
        """True, always."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill the buffer with what there is; waits where there is nothing."""
        while not (data := self._file.read(len(buffer))) and not self.stopped and not self.replaced:
            self.at_end = True
            self.replaced = self._is_replaced()  # what was written until then is still read
            if not self.replaced:
                time.sleep(PATIENCE_S)
        buffer[: len(data)] = data
        return len(data)

    def _is_replaced(self) -> bool:
        """Another file has the name now, or this one is shorter; one that is only gone may still be written."""
        try:
            now = self._path.stat()
        except OSError:
            return False
        ours = os.fstat(self._file.fileno())
        return (now.st_ino, now.st_dev) != (ours.st_ino, ours.st_dev) or now.st_size < self._file.tell()
