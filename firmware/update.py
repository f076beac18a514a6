"""New firmware and new settings over the network: checked before they are tried, and undone when they fail.

Commands on `rt/1/<box>/cmd`, which the broker lets only the sink's identity write; MessagePack maps, in this order:

    {"do": "update", "step": "begin", "version": text, "files": {path: [bytes, sha256], ...}}
    {"do": "update", "step": "data", "path": path, "at": offset, "data": bytes}        at most 2 KB each
    {"do": "update", "step": "end"}

The files go into the copy that does not run. `end` checks every one of them; only then is the copy put on trial (see
`boot.py`). Settings go the same way in one piece: {"do": "settings", "settings": JSON text}.
"""

import hashlib
import json
import os

from firmware.boot import read, remove, write
from firmware.settings import Settings, SettingsError

MAX_FILES = 64
MAX_BYTES = 262_144


class Refused(Exception):
    """The update is not tried; the text says why."""


class Update:
    """One board's update. `root` ends in "/"; `problem` says what was last refused."""

    def __init__(self, root: str, box: str) -> None:
        self.problem = ""
        self._root = root
        self._box = box
        self._files: dict[str, list[object]] = {}

    def receive(self, command: dict[str, object]) -> bool:
        """Take one command; True when the board is to restart."""
        try:
            if command["do"] == "settings":
                self._take_settings(command["settings"])
                return True
            return self._take_step(command)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            self._refuse("not understood: " + str(error))
        except (Refused, SettingsError, OSError) as error:
            self._refuse(str(error))
        return False

    def _refuse(self, why: str) -> None:
        self.problem = why
        self._files = {}
        print("update refused:", why)

    def _take_step(self, command: dict[str, object]) -> bool:
        step = command["step"]
        if step == "begin":
            self._begin(command["files"])
        elif step == "data":
            self._take_data(command["path"], command["at"], command["data"])
        elif step == "end":
            self._end()
            return True
        return False

    def _spare(self) -> str:
        """The copy that does not run; nothing may change while one is on trial."""
        if read(self._root + "trial"):
            raise Refused("another update is on trial")
        return "a" if read(self._root + "slot").strip() == "b" else "b"

    def _begin(self, files: dict[str, list[object]]) -> None:
        if not 0 < len(files) <= MAX_FILES or sum([entry[0] for entry in files.values()]) > MAX_BYTES:
            raise Refused("no files, or more than there is room for")
        for path in files:
            if not _is_plain(path):
                raise Refused(path + ": only names below the copy's own folder")
        remove(self._root + "undone")
        folder = self._root + self._spare()
        _remove_tree(folder)
        for path in files:
            _make_folders(folder, path)
        self.problem = ""
        self._files = files

    def _take_data(self, path: str, at: int, data: bytes) -> None:
        if not self._files:
            return  # of an update that was refused: `end` says it once more
        if path not in self._files:
            raise Refused(path + ": not announced")
        name = self._root + self._spare() + "/" + path
        size = _size(name)
        if at > size:
            raise Refused(path + ": a piece is missing")
        if at == size:  # else it came twice
            with open(name, "ab") as file:
                file.write(data)

    def _end(self) -> None:
        slot = self._spare()
        if not self._files:
            raise Refused(self.problem or "no update was begun")
        for path, entry in self._files.items():
            name = self._root + slot + "/" + path
            if _size(name) != entry[0] or _digest(name) != entry[1]:
                raise Refused(path + ": is not what was announced")
        write(self._root + "trial", slot + " 0")

    def _take_settings(self, text: str) -> None:
        sections = json.loads(text)
        if Settings(sections, "settings").box["id"] != self._box:
            raise Refused("settings of another box")
        remove(self._root + "undone")
        write(self._root + "settings.old", read(self._root + "settings.json"))
        write(self._root + "settings.trial", "0")
        write(self._root + "settings.json", text)


def confirm(root: str) -> None:
    """The sink was reached: what is on trial stays."""
    slot = read(root + "trial")[:1]
    if slot:
        write(root + "slot", slot)
        remove(root + "trial")
    if read(root + "settings.trial"):
        remove(root + "settings.trial")
        remove(root + "settings.old")


def _is_plain(path: str) -> bool:
    """True for `folder/name`: nothing that leads out of the copy's folder."""
    parts = path.split("/")
    return len(parts) < 6 and not [part for part in parts if part == "" or part[0] == "."]


def _size(path: str) -> int:
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        piece = file.read(512)
        while piece:
            digest.update(piece)
            piece = file.read(512)
    return digest.digest()


def _make_folders(folder: str, path: str) -> None:
    for part in [""] + path.split("/")[:-1]:
        folder = folder + "/" + part if part else folder
        try:
            os.mkdir(folder)
        except OSError:
            pass


def _remove_tree(path: str) -> None:
    try:
        names = os.listdir(path)
    except OSError:
        return
    for name in names:
        inner = path + "/" + name
        if os.stat(inner)[0] & 0x4000:
            _remove_tree(inner)
        else:
            os.remove(inner)
    os.rmdir(path)
