"""A collector that listens, as its command, and calls that it may hear."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from builders import PBX, make_invite, make_request, make_response, make_udp_frame, phone
from networks import wait_for

ROOT = Path(__file__).parents[1]


class Box:
    """A collector process that prints its events into a file."""

    def __init__(self, folder, sources, *, head="", environment=None, options=()):
        self.config = folder / "box.toml"
        self.head = f'[box]\nid = "test"\n{head}\n[privacy]\ncaller_numbers = "clear"\n'
        self.config.write_text(self.head + sources)
        self.out = folder / "out.jsonl"
        self.err = folder / "err.txt"
        self.command = [sys.executable, "-m", "collector", "run", "--config", str(self.config), "--print", *options]
        self.environment = {**os.environ, **(environment or {})}
        self.start()

    def start(self):
        """Start it (again)."""
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=err, cwd=ROOT, env=self.environment)
        wait_for(lambda: "event=source_started" in self.log() or self.process.poll() is not None)

    def log(self):
        """What it said."""
        return self.err.read_text()

    def events(self, kind):
        """Events of a kind, printed so far."""
        lines = [json.loads(line) for line in self.out.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == kind]

    def stop(self):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def live(*interfaces):
    """A [[source]] of interfaces."""
    return f'[[source]]\nkind = "live"\ninterfaces = {json.dumps(interfaces)}\n'


def make_call(call_id, extension=101):
    """(from PBX?, message) of a call that a phone answers and the caller ends."""
    invite = make_invite(call_id=call_id, uri=f"sip:{extension}@10.77.1.{extension}:5060", callee=str(extension))
    bye = make_request("BYE", call_id=call_id, cseq=2, to_tag="b")
    return [
        (True, invite),
        (False, make_response(invite, 180)),
        (False, make_response(invite, 200)),
        (True, make_request("ACK", call_id=call_id, to_tag="b")),
        (True, bye),
        (False, make_response(bye, 200)),
    ]


def call_frames(call_id, padding=0, extension=101):
    """The frames of such a call."""
    return [
        make_udp_frame(message + bytes(padding), *((PBX, phone(extension)) if forward else (phone(extension), PBX)))
        for forward, message in make_call(call_id, extension)
    ]
