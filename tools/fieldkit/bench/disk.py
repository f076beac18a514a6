"""A disk of its own for one box's spool, small enough to be filled and freed while it is in use."""

import contextlib
import os
import subprocess
from pathlib import Path

SIZE_MB = 24  # an office's day and SQLite's log, with room to spare
BLOCK = bytes(1 << 16)


def can_mount() -> bool:
    """Only root may mount."""
    return os.geteuid() == 0


class SmallDisk:
    """A file system in memory at `folder`; `unmount` it at the end. Raises CalledProcessError where it cannot be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "ringtap-chaos", str(folder)], check=True)  # noqa: S607

    def fill(self) -> None:
        """Leave no byte."""
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while file.write(BLOCK):
                pass

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Nobody may use it any more."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)  # noqa: S607
