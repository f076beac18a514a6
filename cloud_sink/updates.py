"""New firmware for boards: files of `ringtap flash --update`, handed to the boxes they are named after.

A board says in its birth message which version runs. Where a file BOX.update in the folder has another one, its pieces
go out as commands; the board checks them all before it tries them, and goes back where they do not do.
The same file is offered once: what was undone is not tried again and again.
"""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import msgpack

PIECE_BYTES = 512  # a board's heap has always a piece for it
MAX_LIST_BYTES = 4000  # with its topic within `firmware.mqtt.MAX_PACKET`
MAX_FILE_BYTES = 524_288  # twice what a board takes

Command = dict[str, object]

_log = logging.getLogger(__name__)


class Updates:
    """What lies in `folder` for whom; "": nothing for anybody."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder) if folder else None
        self._offered: dict[str, str] = {}  # box -> what it got last

    def offer(self, box: str, version: str) -> list[Command]:
        """The commands for a box that has just come with this version; none where there is nothing newer for it."""
        found = self._read(box)
        if found is None:
            return []
        content, files, offered = found
        if offered == version or self._offered.get(box) == content:
            return []
        self._offered[box] = content
        _log.info("box %s runs %s and gets %s", box, version, offered)
        return list(commands_of(offered, files))

    def _read(self, box: str) -> tuple[str, dict[str, bytes], str] | None:
        if self._folder is None:
            return None
        path = self._folder / f"{box}.update"
        try:
            content = path.read_bytes()
            version, files = read_update(content)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.error("%s cannot be used: %s", path, error)
            return None
        return hashlib.sha256(content).hexdigest(), files, version


def pack_update(version: str, files: dict[str, bytes]) -> bytes:
    """The content of an update's file. Raises ValueError for so many files that a board could not read their list."""
    if len(msgpack.packb(next(commands_of(version, files)))) > MAX_LIST_BYTES:
        raise ValueError("has too many files for a board")
    return bytes(msgpack.packb({"version": version, "files": files}))


def read_update(content: bytes) -> tuple[str, dict[str, bytes]]:
    """Version and files of an update's file. Raises ValueError."""
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("is longer than a board has room for")
    try:
        match msgpack.unpackb(content, raw=False, strict_map_key=True):
            case {"version": str(version), "files": dict(files)} if files and all(
                isinstance(data, bytes) for data in files.values()
            ):
                return version, files
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise ValueError("is no file of `ringtap flash --update`") from error
    raise ValueError("is no file of `ringtap flash --update`")


def commands_of(version: str, files: dict[str, bytes]) -> Iterator[Command]:
    """Announcement, pieces, end: what `firmware/update.py` takes, in this order."""
    announced = {path: [len(content), hashlib.sha256(content).digest()] for path, content in files.items()}
    yield {"do": "update", "step": "begin", "version": version, "files": announced}
    for path, content in files.items():
        for at in range(0, len(content), PIECE_BYTES):
            yield {"do": "update", "step": "data", "path": path, "at": at, "data": content[at : at + PIECE_BYTES]}
    yield {"do": "update", "step": "end"}
