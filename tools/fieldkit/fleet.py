"""`ringtap fleet`: all boxes of a sink, the one that needs somebody first."""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from collector.errors import RingtapError, WrongUse
from fieldkit.output import FORMATS, Row, print_rows, utc_text

EXAMPLES = """\
examples:
  ringtap fleet http://127.0.0.1:8080
  RINGTAP_TOKEN=... ringtap fleet https://sink.example.net --format jsonl
"""
TIMEOUT_S = 30
TOKEN = "RINGTAP_TOKEN"  # noqa: S105 - the name of the variable


class NoAnswer(RingtapError):
    """The sink did not say what was asked of it."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The arguments of `ringtap fleet`."""
    about = "all boxes of a sink: who is connected, what waits, what is wrong; exit status 1 where something is"
    command = commands.add_parser("fleet", help=about, description=about, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    command.add_argument("sink", metavar="URL", help="of the sink's page, such as http://127.0.0.1:8080")
    command.add_argument("--token-file", metavar="F", type=Path, help="a file whose first line is an API token "
                         f"(default: the variable {TOKEN})")  # fmt: skip
    command.add_argument("--format", choices=FORMATS, default="table", help="how to print it (default: %(default)s)")
    command.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    boxes = sorted(ask(arguments.sink, _token(arguments.token_file)), key=_urgency)
    rows = [_describe(box) for box in boxes]
    print_rows(rows, arguments.format, sys.stdout, table=[_line(box, time.time()) for box in boxes])
    return 1 if any(_needs_somebody(box) for box in boxes) else 0


def _token(file: Path | None) -> str:
    if file is None:
        return os.environ.get(TOKEN, "")
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise WrongUse(f"--token-file {file}: {error.strerror}") from error


def ask(sink: str, token: str) -> list[dict[str, Any]]:
    """The sink's boxes, as its API describes them. Raises WrongUse for what is no address, NoAnswer else."""
    if not sink.startswith(("http://", "https://")):
        raise WrongUse(f"{sink}: is no address of a page: write http://{sink} or https://{sink}")
    address = f"{sink.rstrip('/')}/api/v1/boxes"
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urlopen(Request(address, headers=headers), timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s), see above
            return list(json.load(answer))
    except HTTPError as error:
        raise NoAnswer(f"{address}: {error.code} {error.reason}{_what_to_do(error.code, token)}") from error
    except URLError as error:
        raise NoAnswer(f"{address}: {error.reason}") from error
    except (OSError, ValueError, TypeError) as error:
        raise NoAnswer(f"{address}: no answer of a sink: {error}") from error


def _what_to_do(status: int, token: str) -> str:
    if status not in {401, 403}:
        return ""
    return ": this token may not see it" if token else f": put a token into {TOKEN}, or name a --token-file"


def _needs_somebody(box: dict[str, Any]) -> bool:
    return not box["online"] or bool(box["troubles"])


def _urgency(box: dict[str, Any]) -> tuple[bool, int, str, str]:
    return box["online"], -len(box["troubles"]), box["office"], box["box"]


def _describe(box: dict[str, Any]) -> Row:
    times = {name: _time(box[name]) for name in ("last_seen", "last_event")}
    return {**box, **times}


def _time(at_s: float | None) -> str | None:
    return None if at_s is None else utc_text(at_s * 1000, "seconds")


def _line(box: dict[str, Any], now_s: float) -> Row:
    return {
        "box": box["box"],
        "office": box["office"] or None,
        "": "online" if box["online"] else "OFFLINE",
        "seen": _ago(now_s - box["last_seen"]),
        "waiting": box["waiting"],
        "version": box["version"] or None,
        "what is wrong": "; ".join(box["troubles"]) or None,
    }


def _ago(seconds: float) -> str:
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"
