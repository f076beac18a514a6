"""Started by MicroPython before main.py: chooses which of the two copies of the firmware runs, and which settings.

A copy or a file of settings that came over the network is on trial: it has three starts to reach the sink, which
`update.confirm` notes; then the board goes back to what it had, and the file `undone` says so. Where the firmware is
frozen there are no copies.
"""

import os
import sys

MAX_STARTS = 3


def read(path: str) -> str:
    """The file's text, "" where there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def write(path: str, text: str) -> None:
    """Whole or not at all, whatever happens to the power."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def remove(path: str) -> None:
    """The file is gone afterwards."""
    try:
        os.remove(path)
    except OSError:
        pass


def choose_copy(root: str) -> str:
    """The folder below `root` that starts: "a" or "b"; counts a start of a copy on trial."""
    name, _, starts = read(root + "trial").partition(" ")
    if name in ("a", "b") and starts.isdigit():
        if int(starts) < MAX_STARTS:
            write(root + "trial", name + " " + str(int(starts) + 1))
            return name
        write(root + "undone", "the update in copy " + name + " never reached the sink")
        remove(root + "trial")
    return read(root + "slot").strip() or "a"


def choose_settings(root: str) -> None:
    """Put the old settings back where the new ones have failed; counts a start of settings on trial."""
    starts = read(root + "settings.trial")
    if not starts.isdigit():
        return
    if int(starts) < MAX_STARTS:
        write(root + "settings.trial", str(int(starts) + 1))
        return
    write(root + "undone", "the new settings never reached the sink")
    if read(root + "settings.old"):
        os.rename(root + "settings.old", root + "settings.json")
    remove(root + "settings.trial")


if __name__ == "__main__":
    choose_settings("/")
    sys.path.insert(0, "/" + choose_copy("/"))
