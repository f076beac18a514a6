"""On MicroPython's unix port: a flash chip in files, so that the next start finds what a power cut left.

Its folder holds flash.img (BLOCKS erased blocks at first), erases (a counter of four bytes for each block), power (how
many writes the power lasts, -1: for ever, and a seed) and journal, to which one line is appended for each flush that
returned ("flushed EPOCH FIRST LAST") and for the cut ("cut EPOCH LAST"). The process kills itself in the middle of the
write at which the power goes: nothing is closed, nothing is tidied.
"""

import os
import random
import struct

import vfs

BLOCK_BYTES = 4096
BLOCKS = 256
ERASED = b"\xff" * 256
COUNTER = ">I"


class FlashFile:
    """A block device: erased bytes are 0xff, writing clears bits only, an erase is counted."""

    def __init__(self, folder: str, writes_left: int) -> None:
        self.writes_left = writes_left
        self.on_cut: object = lambda: None
        self._image = open(folder + "flash.img", "r+b")  # noqa: SIM115 - as long as the board
        self._erases = open(folder + "erases", "r+b")  # noqa: SIM115

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        """Block device protocol."""
        self._image.seek(block * BLOCK_BYTES + offset)
        assert self._image.readinto(buffer) == len(buffer)

    def writeblocks(self, block: int, buffer: bytes, offset: int = 0) -> None:
        """A write that is cut leaves its first bytes, and one that is half done."""
        before = bytearray(len(buffer))
        self.readblocks(block, before, offset)
        assert before == b"\xff" * len(buffer), "written twice without an erase"
        self._image.seek(block * BLOCK_BYTES + offset)
        if self.writes_left == 1:
            written = random.randrange(len(buffer))
            self._image.write(bytes(buffer[:written]) + bytes([random.randrange(256) | buffer[written]]))
            self.on_cut()
            os.system("kill -9 $PPID")
        self.writes_left -= 1
        self._image.write(buffer)

    def ioctl(self, operation: int, argument: int) -> int | None:
        """Sizes; 6 erases a block."""
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return BLOCK_BYTES
        if operation == 6:
            self._erase(argument)
        return 0

    def is_blank(self) -> bool:
        """True for a chip that has never been written."""
        first = bytearray(len(ERASED))
        self.readblocks(0, first)
        return first == ERASED

    def _erase(self, block: int) -> None:
        self._image.seek(block * BLOCK_BYTES)
        for _ in range(BLOCK_BYTES // len(ERASED)):
            self._image.write(ERASED)
        self._erases.seek(4 * block)
        count = struct.unpack(COUNTER, self._erases.read(4))[0]
        self._erases.seek(4 * block)
        self._erases.write(struct.pack(COUNTER, count + 1))


class Journal:
    """What a flush promised, and what there was when the power went: written by the machine, not by the board."""

    def __init__(self, path: str) -> None:
        from firmware.spool import Spool

        self._file = open(path, "ab")  # noqa: SIM115
        self._spool: object = None
        self._flush = Spool._flush_segment
        Spool._flush_segment = lambda spool: self.flush(spool)  # noqa: PLW0108 - a bound method gets no spool

    def flush(self, spool: object) -> bool:
        """What it does otherwise, noted once it has returned."""
        self._spool = spool
        first = spool._first
        done = self._flush(spool)
        if done:
            self._file.write(b"flushed %d %d %d\n" % (spool._epoch, first, spool._first - 1))
        return done

    def note_cut(self) -> None:
        """The newest event that there was, in flash or not."""
        spool = self._spool
        if spool is not None:
            self._file.write(b"cut %d %d\n" % (spool._epoch, spool._first + len(spool._rows) - 1))


def writes_left(folder: str) -> int:
    """How long the power lasts; what a cut leaves is the same for the same seed."""
    with open(folder + "power") as file:
        writes, seed = file.read().split()
    random.seed(int(seed))
    return int(writes)


def mount(folder: str) -> None:
    """The flash at /flash; from here on the power lasts as long as it is said."""
    writes = writes_left(folder)
    flash = FlashFile(folder, -1)
    if flash.is_blank():
        vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    flash.writes_left = writes
    flash.on_cut = Journal(folder + "journal").note_cut
