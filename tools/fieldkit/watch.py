"""`ringtap watch`: calls as they happen, one line each time that one begins, rings, is answered or ends.

The loop is the collector's own (`collector.live`), so what a box would hear is what is shown; nothing is kept or sent.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TextIO

from collector import config, journal
from collector.adapters.afpacket import InterfaceSource
from collector.adapters.hep_listener import HepSource
from collector.adapters.tzsp_listener import TzspSource
from collector.blindness import Lookout
from collector.core.events import LegEnded
from collector.core.hep import PORT as HEP_PORT
from collector.core.legs import CALLING, ENDED, RINGING, TALKING
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.core.tzsp import PORT as TZSP_PORT
from collector.errors import WrongUse
from collector.live import LiveService
from collector.ports import Event, LiveSource
from collector.timeline import Timeline
from fieldkit.output import Row, utc_text

EXAMPLES = """\
examples:
  sudo ringtap watch eth0
  ringtap watch tzsp --config box.toml --extension 201
  ringtap watch hep:9060 --format jsonl > calls.jsonl
"""
SILENCE_MS = 60_000  # without SIP for so long, something is wrong with the tap: said on standard error
PHASES = {CALLING: "calling", RINGING: "ringing", TALKING: "talking", ENDED: "ended"}


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The arguments of `ringtap watch`."""
    about = "show calls as they happen: who rings, who answers, who hangs up; nothing is kept or sent"
    command = commands.add_parser("watch", help=about, description=about, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    command.add_argument("sources", nargs="+", metavar="SOURCE", help="a network interface (needs root), tzsp or "
                         "tzsp:PORT for a router's stream, hep or hep:PORT for a PBX's mirror")  # fmt: skip
    command.add_argument("--config", metavar="F", help="the box's configuration, for its [sip] and [numbers]")
    command.add_argument("--extension", metavar="N", action="append", default=[], help="only calls of this one; may be "
                         "given again")  # fmt: skip
    command.add_argument("--seconds", type=float, metavar="S", help="end after so long (default: Ctrl-C ends it)")
    command.add_argument("--format", choices=("table", "jsonl"), default="table", help="how to print it (default: "
                         "%(default)s)")  # fmt: skip
    command.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = config.load(arguments.config) if arguments.config else config.Configuration()
    journal.begin("warning")
    sources = [make_source(name, settings.monitor_settings()) for name in arguments.sources]
    for source in sources:
        source.handle_time()
        if source.trouble():
            raise WrongUse(source.trouble())
    watched = frozenset(arguments.extension)
    screen = Screen(sys.stdout, arguments.format, lambda leg: not watched or leg.extension in watched)
    watch(settings.monitor_settings(), sources, screen, arguments.seconds)
    print(screen.summary(), file=sys.stderr)
    return 0 if screen.calls else 1


def make_source(name: str, settings: MonitorSettings) -> LiveSource:
    """What a word of the command line names. Raises WrongUse for a port that is none."""
    kind, _, port = name.partition(":")
    if kind not in {"tzsp", "hep"}:
        ports = () if settings.any_port else (*settings.ports, TZSP_PORT, HEP_PORT)
        return InterfaceSource(name, [name], ports)
    if port and not (port.isdecimal() and 0 < int(port) < 1 << 16):
        raise WrongUse(f"{name}: {port} is no port: write {kind}:{TZSP_PORT if kind == 'tzsp' else HEP_PORT}")
    if kind == "tzsp":
        return TzspSource(name, port=int(port or TZSP_PORT))
    return HepSource(name, port=int(port or HEP_PORT))


def watch(settings: MonitorSettings, sources: Sequence[LiveSource], screen: "Screen", seconds: float | None) -> None:
    """Listen until Ctrl-C, SIGTERM, or for so many seconds."""
    monitor, timeline = CallMonitor(settings), Timeline()
    monitor.listen_to_progress(
        lambda leg, state, now_ms: screen.receive_progress(leg, state, now_ms, timeline.wall_ahead_ms())
    )
    service = LiveService(monitor, _Nowhere(), _unchanged, sources, Lookout(SILENCE_MS), timeline=timeline)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    alarm = threading.Timer(seconds or 0.0, service.stop)
    if seconds is not None:
        alarm.start()
    service.run()
    alarm.cancel()


class _Nowhere:
    """An event sink for events that nobody wants: the screen has shown their calls already."""

    def write(self, events: Sequence[Event]) -> None:
        """Forget them."""

    def pump(self, wait_s: float = 0.0) -> None:
        """Nothing waits here."""

    def undelivered(self) -> int:
        """Nothing is delivered."""
        return 0

    def close(self) -> None:
        """Nothing to leave in order."""


def _unchanged(_event: Event) -> None:
    """Numbers are shown in clear: they do not leave this machine."""


class Screen:
    """Prints the steps of legs, one line each. `is_wanted` says whose."""

    def __init__(self, stream: TextIO, form: str, is_wanted: Callable[[LegEnded], bool] = bool) -> None:
        self._stream = stream
        self._form = form
        self._is_wanted = is_wanted
        self.calls = 0
        self.answered = 0
        self._wide = [5, 3, 8, 8, 4]  # columns: they grow with what they have to hold

    def receive_progress(self, leg: LegEnded, state: int, now_ms: int, ahead_ms: int = 0) -> None:
        """A leg has reached a state at `now_ms`; the wall clock is `ahead_ms` ahead of that timeline."""
        phase = PHASES.get(state)
        if phase is None or not self._is_wanted(leg):
            return
        self.calls += phase == "calling"
        self.answered += phase == "talking"
        if self._form == "jsonl":
            self._stream.write(json.dumps(_describe(leg, phase, now_ms + ahead_ms)) + "\n")
        else:
            self._stream.write(self._line(leg, state, now_ms, ahead_ms) + "\n")
        self._stream.flush()

    def summary(self) -> str:
        """What was seen, in a sentence."""
        return f"call legs: {self.calls} began, {self.answered} were answered" if self.calls else "no call was seen"

    def _line(self, leg: LegEnded, state: int, now_ms: int, ahead_ms: int) -> str:
        clock = datetime.fromtimestamp((now_ms + ahead_ms) / 1000).astimezone()
        cells = (leg.role, leg.direction, leg.caller or "-", leg.callee or "-", leg.extension or "-")
        self._wide = [max(wide, len(cell)) for wide, cell in zip(self._wide, cells, strict=True)]
        role, direction, caller, callee, extension = (
            cell.ljust(wide) for cell, wide in zip(cells, self._wide, strict=True)
        )
        time = clock.strftime("%H:%M:%S") + f".{clock.microsecond // 1000:03d}"
        return f"{time}  {role}  {direction}  {caller} > {callee}  {extension}  {say(leg, state)}"


def say(leg: LegEnded, state: int) -> str:
    """What has happened to a leg, in words."""
    if state != ENDED:
        waited = f" after {_seconds(leg.invite_ms, leg.answer_ms)}" if state == TALKING else ""
        return {CALLING: "is called", RINGING: "rings", TALKING: "answered"}[state] + waited
    by = f" by the {leg.ended_by}" if leg.ended_by else ""
    if leg.answer_ms is not None:
        return f"hung up{by} after {_seconds(leg.answer_ms, leg.end_ms)}"
    if leg.cancelled:
        return f"given up by the caller after {_seconds(leg.invite_ms, leg.end_ms)}"
    return f"refused: {leg.final_code}" if leg.final_code else "ended without a response"


def _seconds(from_ms: int, until_ms: int | None) -> str:
    return "an unknown time" if until_ms is None else f"{(until_ms - from_ms) / 1000:.1f} s"


def _describe(leg: LegEnded, phase: str, wall_ms: int) -> Row:
    return {
        "time": utc_text(wall_ms),
        "phase": phase,
        "call_id": leg.call_id.decode("utf-8", "backslashreplace"),
        "role": leg.role,
        "direction": leg.direction,
        "extension": leg.extension,
        "caller": leg.caller,
        "callee": leg.callee,
        "ring_ms": _lasted(leg.ring_ms, leg.answer_ms or leg.end_ms),
        "talk_ms": _lasted(leg.answer_ms, leg.end_ms),
        "final_code": leg.final_code,
        "cancelled": leg.cancelled,
        "ended_by": leg.ended_by,
    }


def _lasted(from_ms: int | None, until_ms: int | None) -> int | None:
    return None if from_ms is None or until_ms is None else until_ms - from_ms
