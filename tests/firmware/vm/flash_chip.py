"""A flash chip in memory, as littlefs sees one: it counts erases, and its power can be cut."""

import random

BLOCK_BYTES = 4096
BLOCKS = 64
ERASED = memoryview(b"\xff" * BLOCK_BYTES)


def make_flash() -> "Flash":
    """An erased one."""
    return Flash([bytearray(b"\xff" * BLOCK_BYTES) for _ in range(BLOCKS)])


class Flash:
    """A block device in memory: erased bytes are 0xff, writing clears bits only, power goes after so many writes."""

    def __init__(self, blocks: list[bytearray]) -> None:
        self.blocks = blocks
        self.erases = [0] * BLOCKS
        self.writes_left = -1

    def power_on(self) -> "Flash":
        """The same blocks again; what still holds this object (a file that was never closed) writes to nothing."""
        blocks = self.blocks
        self.blocks = []
        return Flash(blocks)

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        """Block device protocol."""
        buffer[:] = memoryview(self.blocks[block])[offset : offset + len(buffer)]

    def writeblocks(self, block: int, buffer: bytes, offset: int = 0) -> None:
        """A write that is cut leaves its first bytes, and one that is half done."""
        written = len(buffer)
        if self.writes_left == 0:
            raise OSError(5)
        if self.writes_left > 0:
            self.writes_left -= 1
            if self.writes_left == 0:
                written = random.randrange(len(buffer))
                self.blocks[block][offset + written] = random.randrange(256) & buffer[written]
        page = memoryview(self.blocks[block])
        assert page[offset : offset + written] == ERASED[:written], "written twice without an erase"
        page[offset : offset + written] = buffer[:written]
        if self.writes_left == 0:
            raise OSError(5)

    def ioctl(self, operation: int, argument: int) -> int | None:
        """Sizes; 6 erases a block."""
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return BLOCK_BYTES
        if operation == 6:
            if self.writes_left == 0:
                raise OSError(5)
            self.blocks[argument][:] = b"\xff" * BLOCK_BYTES
            self.erases[argument] += 1
        return 0
