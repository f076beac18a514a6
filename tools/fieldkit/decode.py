"""`ringtap decode`: what the broker carries, or a box's spool keeps, in words.

Read are: a spool (the SQLite file of a stopped collector, or a copy), lines of `mosquitto_sub -F '%t %x'` (a topic and
a payload in hexadecimal, or the payload alone), and bare payloads in MessagePack, one after another.
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgpack

from collector.adapters.jsonl import describe_event
from collector.core import wire, wire_reader
from collector.errors import RingtapError, WrongUse
from fieldkit.output import Row, print_rows, utc_text

EXAMPLES = """\
examples:
  mosquitto_sub -h broker -t 'rt/1/#' -F '%t %x' | ringtap decode - --format jsonl
  ringtap decode /var/lib/ringtap/spool.db
"""
SQLITE_HEADER = b"SQLite format 3\0"
MAX_PAYLOAD = 1 << 20  # the sink reads no longer ones
_PAYLOAD = "payload"  # the event's name of what is no event: a state, an acknowledgement, a command
_MOMENTS = (
    "at_ms",
    "from_ms",
    "invite_ms",
    "ring_ms",
    "answer_ms",
    "end_ms",
    "until_ms",
)  # the first is the event's own
_SHOWN_APART = ("time", "topic", "box", "epoch", "seq", "event")  # columns of their own in a table


class Unreadable(RingtapError):
    """What a sink would put into quarantine: a payload, or one of its events."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The arguments of `ringtap decode`."""
    about = "say in words what the broker carries or a spool keeps; exit status 1 where a sink could not read it"
    command = commands.add_parser("decode", help=about, description=about, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    command.add_argument("file", metavar="FILE", help="a spool, lines of mosquitto_sub -F '%%t %%x', or bare payloads; "
                         "- is standard input")  # fmt: skip
    command.add_argument(
        "--format", choices=("table", "jsonl", "json"), default="table", help="how to print it (default: %(default)s)"
    )
    command.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    problems = 0

    def readable() -> Iterator[Row]:
        nonlocal problems
        for item in decode_file(arguments.file):
            if isinstance(item, Unreadable):
                problems += 1
                print(f"ringtap: {arguments.file}: {item}", file=sys.stderr)
            else:
                yield item

    if arguments.format == "jsonl":  # as it comes: what a broker carries has no end
        for row in readable():
            print_rows([row], "jsonl", sys.stdout)
            sys.stdout.flush()
    else:
        rows = list(readable())
        print_rows(rows, arguments.format, sys.stdout, table=[_line(row) for row in rows])
    return 1 if problems else 0


def _line(row: Row) -> Row:
    """A table's line: what says nothing is left out."""
    said = [
        f"{name}={value}"
        for name, value in row.items()
        if name not in _SHOWN_APART and (value not in ("", None, 0) or name == "registered")
    ]
    seq = row.get("seq")
    return {"time": row.get("time"), "box": row.get("box"), "seq": seq, "event": row["event"], "what": " ".join(said)}


# --- where payloads come from ---------------------------------------------------------------------------------------


def decode_file(name: str) -> Iterator[Row | Unreadable]:
    """Every event, progress of a leg or other message of a file, in its order. Raises WrongUse where it is none."""
    if name == "-":
        yield from _decode_stream(sys.stdin.buffer)
        return
    if not Path(name).is_file():
        raise WrongUse(f"{name}: no such file")
    with Path(name).open("rb") as file:
        is_spool = file.read(len(SQLITE_HEADER)) == SQLITE_HEADER
        file.seek(0)
        yield from _decode_spool(name) if is_spool else _decode_stream(file)


def _decode_stream(file: BinaryIO) -> Iterator[Row | Unreadable]:
    first = file.readline(2 * MAX_PAYLOAD)
    if _is_text(first):
        number = 0
        while first:
            number += 1
            yield from _decode_line(first, number)
            first = file.readline(2 * MAX_PAYLOAD)
    else:
        yield from _decode_bare(first + file.read())


def _is_text(line: bytes) -> bool:
    """A line that people can read; no payload of ours is: its first byte says that it is an array or a map."""
    return all(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in line)


def _decode_line(line: bytes, number: int) -> Iterator[Row | Unreadable]:
    """A topic and a payload in hexadecimal, or only that."""
    words = line.decode("ascii", "replace").split()
    if not words:
        return
    try:
        payload = bytes.fromhex(words[-1])
    except ValueError:
        yield Unreadable(f"line {number}: no payload in hexadecimal; print lines by mosquitto_sub -F '%t %x'")
        return
    yield from _decode_payload(payload, " ".join(words[:-1]), f"line {number}")


def _decode_bare(data: bytes) -> Iterator[Row | Unreadable]:
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=True, max_buffer_size=len(data))
    unpacker.feed(data)
    at = 0
    while at < len(data):
        try:
            content = unpacker.unpack()
        except (ValueError, msgpack.UnpackException) as error:
            yield Unreadable(f"byte {at}: not MessagePack: {str(error) or type(error).__name__}")
            return
        if not isinstance(content, list | dict):
            yield Unreadable(f"byte {at}: neither an array nor a map: no payload begins here")
            return
        yield from _describe(content, "", f"byte {at}")
        at = unpacker.tell()


def _decode_spool(name: str) -> Iterator[Row | Unreadable]:
    """Events that a box keeps, those that its sink has already included."""
    try:
        database = sqlite3.connect(f"{Path(name).resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)
        with database:
            (epoch,) = database.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
            for seq, at_ms, body in database.execute("SELECT seq, t_ms, body FROM event ORDER BY seq"):
                kind, *fields = msgpack.unpackb(body)
                try:
                    event = wire_reader.decode_event(kind, at_ms, fields)
                except wire_reader.WireError as error:
                    yield Unreadable(f"event {seq}: {error}")
                else:
                    yield _row(event, {"box": "", "epoch": f"{int(epoch):08x}", "seq": seq}, kind, fields)
    except (sqlite3.DatabaseError, TypeError) as error:
        raise WrongUse(f"{name}: not a spool that can be read: {error}; a running collector holds its own: stop it "
                       "first") from error  # fmt: skip
    finally:
        database.close()


# --- what they say --------------------------------------------------------------------------------------------------


def _decode_payload(payload: bytes, topic: str, where: str) -> Iterator[Row | Unreadable]:
    try:
        content = msgpack.unpackb(payload, raw=False, strict_map_key=True)
    except (ValueError, msgpack.UnpackException) as error:
        yield Unreadable(f"{where}: not MessagePack: {str(error) or type(error).__name__}")
        return
    yield from _describe(content, topic, where)


def _describe(content: object, topic: str, where: str) -> Iterator[Row | Unreadable]:
    parsed = wire.parse_topic(topic)
    box = parsed[0] if parsed else ""
    if isinstance(content, dict):
        yield {"time": None, "topic": topic, "box": box, "event": _PAYLOAD, "content": content}
        return
    try:
        if isinstance(content, list) and len(content) > 3 and isinstance(content[3], bytes):
            yield _progress(content, box)
        else:
            yield from _batch(wire_reader.decode_batch(content), box, where)
    except wire_reader.WireError as error:
        yield Unreadable(f"{where}: {error}")


def _progress(content: list[object], box: str) -> Row:
    leg, phase, at_ms = wire_reader.decode_progress(content)
    named = {name: getattr(leg, name) for name in ("role", "direction", "extension", "caller", "callee")}
    return {"time": _time(at_ms), "box": box, "event": wire.PHASES[phase], "call_key": leg.call_key.hex(), **named}


def _batch(batch: wire_reader.Batch, box: str, where: str) -> Iterator[Row | Unreadable]:
    for item in batch.items:
        if item.error:
            yield Unreadable(f"{where}: event {item.seq}: {item.error}")
        else:
            known = {"box": box, "epoch": f"{batch.epoch:08x}", "seq": item.seq}
            yield _row(item.event, known, 0, [])


def _row(event: object, known: Row, kind: int, fields: list[object]) -> Row:
    """An event by name; `kind` and `fields` are shown of one that a newer box wrote."""
    if event is None:
        return {"time": None, **known, "event": f"kind {kind}", "fields": [str(field) for field in fields]}
    described = describe_event(event)  # type: ignore[arg-type]
    times = {name: described.pop(name) for name in _MOMENTS if name in described}
    shown = {name.removesuffix("_ms"): _time(at_ms) for name, at_ms in times.items()}
    begun = next(iter(shown))
    return {"time": shown.pop(begun), **known, "event": described.pop("event"), **shown, **described}


def _time(at_ms: object) -> str | None:
    return utc_text(at_ms) if isinstance(at_ms, int) else None
