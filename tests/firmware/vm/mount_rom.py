"""On MicroPython: put a ROM image outside the heap, mount it, and import the module that is the program.

usage: micropython mount_rom.py IMAGE MODULE [ARGUMENT...]
"""

import os
import sys

import ffi
import uctypes
import vfs

image, module = sys.argv[1:3]
size = os.stat(image)[6]
rom = uctypes.bytearray_at(ffi.open(None).func("p", "malloc", "i")(size), size)
with open(image, "rb") as file:
    file.readinto(rom)
vfs.mount(vfs.VfsRom(rom), "/rom")
sys.path.insert(0, "/rom")
sys.argv[:] = sys.argv[2:]
del image, size
__import__(module)
