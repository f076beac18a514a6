"""A SIP ladder: who sent what to whom, one column per address, one line per message.

The messages of a long recording do not fit into memory: SQLite keeps what is more than a few megabytes in a temporary
file (in TMPDIR) that is gone with the process, and calls come out of it one at a time.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

from collector.core.message import Message

COLUMN_WIDTH = 30  # an arrow with "SIP/2.0 481 ..." on it still reads
CALL_METHODS = frozenset((b"INVITE", b"ACK", b"BYE", b"CANCEL", b"PRACK", b"UPDATE", b"REFER"))
MAX_RUNGS = 5_000  # messages shown of one call; more is a loop, or an attack, and nobody reads it to its end
CACHE_KB = 4_096
TABLES = f"""
PRAGMA cache_size = -{CACHE_KB};
PRAGMA journal_mode = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE calls (number INTEGER PRIMARY KEY, call_id BLOB UNIQUE, rungs INTEGER);
CREATE TABLE rungs (call INTEGER, number INTEGER, at_ms INTEGER, source TEXT, target TEXT, words TEXT,
  PRIMARY KEY (call, number)) WITHOUT ROWID;
BEGIN;
"""


@dataclass(slots=True)
class Rung:
    """One message: when (Unix milliseconds), from and to which address, and what it says."""

    at_ms: int
    source: str
    target: str
    text: str


@dataclass(slots=True)
class Call:
    """The messages of one Call-ID; `left_out` is how many there were beyond MAX_RUNGS."""

    call_id: str
    rungs: list[Rung] = field(default_factory=list)
    left_out: int = 0


class Ladder:
    """Collects messages by Call-ID; give `receive_message` to a CallMonitor as its listener."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(TABLES)

    def calls(self) -> Iterator[Call]:
        """Calls in order of their first message, one in memory at a time."""
        for number, call_id, rungs in self._database.execute("SELECT * FROM calls ORDER BY number"):
            query = "SELECT at_ms, source, target, words FROM rungs WHERE call = ? ORDER BY number"
            kept = [Rung(*row) for row in self._database.execute(query, (number,))]
            yield Call(_text(call_id), kept, rungs - len(kept))

    def receive_message(
        self, now_ms: int, source: bytes, source_port: int, target: bytes, target_port: int, message: Message
    ) -> None:
        """Keep one message, if it is a call's: registrations and keep-alives are none."""
        found = self._database.execute(
            "SELECT number, rungs FROM calls WHERE call_id = ?", (message.call_id,)
        ).fetchone()
        if found is None:
            if message.method not in CALL_METHODS:
                return
            query = "INSERT INTO calls (call_id, rungs) VALUES (?, 0)"
            found = self._database.execute(query, (message.call_id,)).lastrowid, 0
        call, rungs = found
        self._database.execute("UPDATE calls SET rungs = ? WHERE number = ?", (rungs + 1, call))
        if rungs < MAX_RUNGS:
            ends = _endpoint(source, source_port), _endpoint(target, target_port)
            row = (call, rungs, now_ms, *ends, _title(message))
            self._database.execute("INSERT INTO rungs VALUES (?, ?, ?, ?, ?, ?)", row)


def _text(data: bytes) -> str:
    """Words from the wire, safe to print: no control characters reach the terminal."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else "?" for character in text)


def _endpoint(address: bytes, port: int) -> str:
    host = str(ip_address(address))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _title(message: Message) -> str:
    if message.is_request:
        return _text(message.method)
    words = _text(message.first_line).split(" ", 1)[-1]
    return words if message.method == b"INVITE" else f"{words} ({_text(message.method)})"


def draw(call: Call) -> Iterator[str]:
    """The lines of one call's ladder."""
    columns = list(dict.fromkeys(name for rung in call.rungs for name in (rung.source, rung.target)))
    start_ms = call.rungs[0].at_ms
    yield f"Call-ID {call.call_id}"
    yield (" " * 10 + "".join(name.ljust(COLUMN_WIDTH) for name in columns)).rstrip()
    for rung in call.rungs:
        yield f"{(rung.at_ms - start_ms) / 1000:8.3f}  " + _arrow(columns, rung)
    if call.left_out:
        yield f"{'':10}and {call.left_out} messages more"


def _arrow(columns: list[str], rung: Rung) -> str:
    source, target = columns.index(rung.source), columns.index(rung.target)
    left, right = sorted((source, target))
    bars = ["|" + " " * (COLUMN_WIDTH - 1)] * (len(columns) - 1) + ["|"]
    room = max(0, (right - left) * COLUMN_WIDTH - 3)
    label = f" {rung.text[: max(0, room - 4)]} ".center(room, "-")
    arrow = f"|{'<' if target < source else '-'}{label}{'>' if target > source else '-'}"
    if source == target:
        return f"{''.join(bars[:left])}| {rung.text}"
    return "".join(bars[:left]) + arrow + "".join(bars[right:])
