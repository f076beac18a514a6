"""On MicroPython's unix port: a board with all of its files in flash (littlefs), started as a real one starts.

arguments: FOLDER (of `flash_file`) TREE (what `ringtap flash --stage` has made; copied onto a flash that is blank)
boot.py and main.py run from that flash; a reset ends the process.
"""

import os
import sys

import vfs
from flash_file import FlashFile, writes_left

DIRECTORY = 0x4000


class Machine:
    """What of the module `machine`, which this port has without it, the firmware's main.py asks for."""

    @staticmethod
    def reset() -> None:
        """Begin again from boot.py."""
        print("reset")
        sys.exit(0)


def copy(source: str, target: str) -> None:
    """A tree of files."""
    for name in os.listdir(source):
        here, there = source + "/" + name, target + "/" + name
        if os.stat(here)[0] & DIRECTORY:
            os.mkdir(there)
            copy(here, there)
        else:
            with open(here, "rb") as read, open(there, "wb") as written:
                written.write(read.read())


folder, tree = sys.argv[1:3]
flash = FlashFile(folder, -1)
power = writes_left(folder)
if flash.is_blank():
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/flash")
    copy(tree, "/flash")
    vfs.umount("/flash")
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(flash), "/")
flash.writes_left = power
sys.modules["machine"] = Machine
for started in ("/boot.py", "/main.py"):
    if started == "/main.py":
        print("starts", sys.path[0])
    with open(started) as file:
        exec(file.read(), {"__name__": "__main__"})
