"""What systemd wants to hear (sd_notify(3), without a library), and what the kernel shall no longer allow us."""

import contextlib
import ctypes
import os
import socket
import struct
import time
from collections.abc import Callable

CAP_NET_RAW = 13
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_LAST_CAPABILITY = 63


class Supervisor:
    """Speaks to the socket that NOTIFY_SOCKET names; says nothing where there is none."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._monotonic = monotonic
        self._period_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
        self._due_s = 0.0

    def say(self, *lines: str) -> None:
        """READY=1, STOPPING=1, STATUS=...: lines of one message."""
        if self._address:
            address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.sendto("\n".join(lines).encode(), address)

    def say_reloading(self) -> None:
        """The configuration is read again; READY=1 ends it."""
        self.say("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1_000_000)}")

    def handle_time(self) -> None:
        """Tell the watchdog that the loop still turns, twice in its period."""
        if self._period_s and self._monotonic() >= self._due_s:
            self._due_s = self._monotonic() + self._period_s
            self.say("WATCHDOG=1")


def drop_capabilities(keep: int = 1 << CAP_NET_RAW) -> None:
    """Keep CAP_NET_RAW, to open an interface again, and nothing else, for this process and what it might start."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(_LAST_CAPABILITY + 1):
        if not keep >> capability & 1:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    permitted = _capabilities() & keep
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    low = permitted & 0xFFFFFFFF
    libc.capset(header, struct.pack("=6I", low, low, 0, permitted >> 32, permitted >> 32, 0))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _capabilities() -> int:
    """What the process may use now."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - one line of a pseudo-file
        return next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm"))


def clock_is_synchronised() -> bool:
    """The kernel's own word (adjtimex(2)): some time service has set the clock and keeps it."""
    state = ctypes.create_string_buffer(256)  # struct timex, modes = 0: read only
    answer = ctypes.CDLL(None).adjtimex(state)
    return answer not in {-1, 5}  # TIME_ERROR
