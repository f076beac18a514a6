"""A SIP ladder: who sent what to whom, one column per address, one line per message."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

from collector.core.message import Message

COLUMN_WIDTH = 30  # an arrow with "SIP/2.0 481 ..." on it still reads
CALL_METHODS = frozenset((b"INVITE", b"ACK", b"BYE", b"CANCEL", b"PRACK", b"UPDATE", b"REFER"))


@dataclass(slots=True)
class Rung:
    """One message: when (Unix milliseconds), from and to which address, and what it says."""

    at_ms: int
    source: str
    target: str
    text: str


@dataclass(slots=True)
class Call:
    """All messages of one Call-ID."""

    call_id: str
    rungs: list[Rung] = field(default_factory=list)
    is_call: bool = False  # registrations and keep-alives are no calls


class Ladder:
    """Collects messages by Call-ID; give `receive_message` to a CallMonitor as its listener."""

    def __init__(self) -> None:
        self._calls: dict[bytes, Call] = {}

    @property
    def calls(self) -> list[Call]:
        """Calls in order of their first message."""
        return [call for call in self._calls.values() if call.is_call]

    def receive_message(
        self, now_ms: int, source: bytes, source_port: int, target: bytes, target_port: int, message: Message
    ) -> None:
        """Keep one message."""
        call = self._calls.get(message.call_id)
        if call is None:
            call = self._calls[message.call_id] = Call(_text(message.call_id))
        call.is_call = call.is_call or message.method in CALL_METHODS
        call.rungs.append(Rung(now_ms, _endpoint(source, source_port), _endpoint(target, target_port), _title(message)))


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
