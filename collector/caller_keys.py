"""The secrets that callers' numbers are keyed with: one file, a key a line, each with the moment it takes over.

    5f0c...  64 hexadecimal digits                              from the beginning
    91ab...  2026-12-01T00:00:00Z                               from then on

A leg is keyed by the key of the moment its INVITE came: boxes with the same file change keys at the same moment. A key
is removed by the first rotation that comes a day or more after another key took over: then nobody can tell who its
codes were, not even the box.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.errors import ConfigurationError

KEY_BYTES = 32
KEEP = timedelta(days=1)  # calls that were up, and legs that are told late, are over by then
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeyRing:
    """Keys in order of time, each with the moment it takes over; the first one is also for what was before."""

    def __init__(self, keys: Sequence[tuple[datetime, bytes]]) -> None:
        self.keys = sorted(keys)

    @classmethod
    def of(cls, key: bytes) -> "KeyRing":
        """One key, for all times."""
        return cls([(_BEGINNING, key)])

    def key_at(self, at_ms: int) -> bytes:
        """The key of a moment (Unix ms)."""
        if len(self.keys) == 1:
            return self.keys[0][1]
        at = _EPOCH + timedelta(milliseconds=at_ms)
        return next((key for since, key in reversed(self.keys) if since <= at), self.keys[0][1])

    def rotated(self, at: datetime, now: datetime) -> "KeyRing":
        """With a new key from `at` on, and without those that nothing needs any more."""
        keys = [*((since, key) for since, key in self.keys if since < at), (at, secrets.token_bytes(KEY_BYTES))]
        over = [until <= now - KEEP for until, _ in keys[1:]] + [False]
        return KeyRing([item for item, is_over in zip(keys, over, strict=True) if not is_over])

    def lines(self) -> str:
        """As the file says it."""
        return "".join(
            key.hex() + (f" {since:%Y-%m-%dT%H:%M:%SZ}" if since != _BEGINNING else "") + "\n"
            for since, key in self.keys
        )


def load_keys(path: Path, *, make: bool = True) -> KeyRing:
    """The keys of a file; one is made, readable by its owner only, where there is none. Raises ConfigurationError.

    `make` false: nothing is written, and there may be no key (then the ring is empty).
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return _make_first(path) if make else KeyRing([])
    except OSError as error:
        raise ConfigurationError(f"{path}: [privacy] key_file: cannot be read: {error.strerror}") from error
    lines = [line for line in text.splitlines() if line.strip()]
    return KeyRing([_parse_line(path, line) for line in lines or [""]])


def load_key(path: Path) -> bytes:
    """The key of this moment."""
    return load_keys(path).key_at((datetime.now(UTC) - _EPOCH) // timedelta(milliseconds=1))


def rotate(path: Path, at: datetime) -> KeyRing:
    """Put a new key into the file, from `at` on; whose the file was (of a new one: the folder), it stays.

    Raises ConfigurationError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        owner = (path if path.exists() else path.parent).stat()
    except OSError as error:
        raise ConfigurationError(f"{path}: [privacy] key_file: cannot be made: {error.strerror}") from error
    ring = load_keys(path).rotated(at, datetime.now(UTC))
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write(fresh, ring)
    try:
        if os.geteuid() == 0:
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: [privacy] key_file: cannot be written: {error.strerror}") from error
    return ring


def _parse_line(path: Path, line: str) -> tuple[datetime, bytes]:
    """One key and its time. A line that cannot be read stops the box: a new key would make every caller a new one."""
    digits, _, moment = line.strip().partition(" ")
    try:
        key = bytes.fromhex(digits)
        since = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if moment else _BEGINNING
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{path}: [privacy] key_file: is no key: {2 * KEY_BYTES} hexadecimal digits are expected, and perhaps a "
            "time such as 2026-12-01T00:00:00Z; move the file away to have a new one made"
        )
    return since, key


def _make_first(path: Path) -> KeyRing:
    ring = KeyRing.of(secrets.token_bytes(KEY_BYTES))
    _write(path, ring)
    return ring


def _write(path: Path, ring: KeyRing) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(ring.lines())
            file.flush()
            os.fsync(handle)
    except OSError as error:
        raise ConfigurationError(f"{path}: [privacy] key_file: cannot be made: {error.strerror}") from error
