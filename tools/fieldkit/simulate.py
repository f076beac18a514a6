"""`ringtap simulate`: calls of an office that does not exist, as a recording or to a box, and the truth about them."""

import argparse
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import partial
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path

from collector.core.hep import PORT as HEP_PORT
from collector.core.tzsp import PORT as TZSP_PORT
from collector.errors import WrongUse
from collector.progress import ProgressLine
from fieldkit.packets import make_hep, make_tzsp, make_udp, write_pcap
from fieldkit.simulation import (
    CARRIER,
    FIRST_EXTENSION,
    MAX_AGENTS,
    PBX,
    QUEUE_NUMBER,
    Customer,
    Sent,
    Simulation,
    Team,
    Wishes,
    teams_of,
)

EXAMPLES = """\
examples:
  ringtap simulate day.pcap --calls 500 --config day.toml
  ringtap replay day.pcap --config day.toml --show kpis
  ringtap simulate tzsp:192.0.2.7 --calls 20 --calls-an-hour 600
"""
NAME = "simulated"
_WRAPPINGS = {"tzsp": (make_tzsp, TZSP_PORT), "hep": (make_hep, HEP_PORT)}


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The arguments of `ringtap simulate`."""
    about = "make calls of an office that does not exist, and say what KPIs they have: to try a box before real ones"
    command = commands.add_parser("simulate", help=about, description=about, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    command.add_argument("target", metavar="TARGET", help="a file (pcap), or tzsp:HOST[:PORT] or hep:HOST[:PORT] of a "
                         "box, which gets the calls at their own speed")  # fmt: skip
    usual = Wishes()
    for name, about in (
        ("calls", "how many customers call"),
        ("calls-an-hour", "how often, on average"),
        ("agents", f"how many answer, from extension {FIRST_EXTENSION} on"),
        ("patience-s", "how long a customer waits, on average"),
        ("pick-up-s", "how long an agent lets it ring"),
        ("talk-s", "how long they talk"),
        ("wrap-up-s", "how long an agent needs afterwards"),
        ("second-line", "agents of a queue that customers go on to, 0: none"),
        ("queue-timeout-s", "after how long they do"),
        ("seed", "repeats an office exactly"),
    ):
        default = getattr(usual, name.replace("-", "_"))
        command.add_argument(f"--{name}", type=type(default), default=default, metavar="N", help=f"{about} (default: "
                             "%(default)s)")  # fmt: skip
    command.add_argument("--speed", type=float, default=1.0, metavar="N", help="N times as fast to a box, whose times "
                         "are then shorter, too (default: %(default)s)")  # fmt: skip
    command.add_argument("--config", metavar="F", type=Path, help="write the office's configuration here: for replay, "
                         "a box or a sink")  # fmt: skip
    command.add_argument("--format", choices=("table", "json"), default="table", help="how to print the truth "
                         "(default: %(default)s)")  # fmt: skip
    command.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    wishes = _wishes(arguments)
    deliver = _delivery(arguments.target, arguments.speed)
    simulation = Simulation(wishes)
    simulation.run()
    if arguments.config:
        _write(arguments.config, describe_office(wishes).encode())
    deliver(simulation.sent)
    truth = tell_truth(simulation.customers)
    if arguments.format == "json":
        print(json.dumps(truth, indent=2))
    else:
        print(f"{arguments.target}: {len(simulation.sent):,} messages of {len(simulation.customers)} customers")
        print("\n".join(f"{name:18}{'-' if value is None else value}" for name, value in truth.items()))
    return 0


def _wishes(arguments: argparse.Namespace) -> Wishes:
    wishes = Wishes(**{item.name: getattr(arguments, item.name) for item in fields(Wishes)})
    if not 1 <= wishes.agents <= MAX_AGENTS - max(0, wishes.second_line):
        raise WrongUse(f"--agents {wishes.agents}: 1 to {MAX_AGENTS}, those of the second line included")
    if wishes.calls < 1 or wishes.calls_an_hour <= 0 or arguments.speed <= 0 or wishes.queue_timeout_s <= 0:
        raise WrongUse("--calls, --calls-an-hour, --queue-timeout-s and --speed must be above 0")
    if wishes.second_line < 0:
        raise WrongUse(f"--second-line {wishes.second_line}: 0 or more agents")
    return wishes


def describe_office(wishes: Wishes) -> str:
    """The configuration of a box beside this office, and of its sink (TOML)."""
    teams = teams_of(wishes)
    extensions = [extension for team in teams for extension in team.extensions]
    return f"""\
# Of `ringtap simulate`. A service adds [[source]], [spool], [mqtt] and [sink].
[box]
id = "{NAME}"
office = "{NAME}"

[sip]
pbx = ["{ip_address(PBX)}"]
trunks = ["{ip_address(CARRIER)}"]
extensions = ["{extensions[0]}-{extensions[-1]}"]

[numbers]
country = "44"

[privacy]
caller_numbers = "clear"

[offices.{NAME}]
name = "Simulated office"
time_zone = "UTC"
boxes = ["{NAME}"]

{"".join(_describe_queues(teams, wishes))}"""


def _describe_queues(teams: Sequence[Team], wishes: Wishes) -> Iterator[str]:
    """A section for each; the number leads to the first, the others take who was not answered in time."""
    for team, after in zip(teams, [*teams[1:], None], strict=True):
        numbers = [QUEUE_NUMBER] if team is teams[0] else []
        yield f"""\
[offices.{NAME}.queues.{team.name}]
numbers = {json.dumps(numbers)}
members = {json.dumps(team.extensions)}
"""
        if after is not None:
            yield f'timeout_s = {wishes.queue_timeout_s}\noverflow_to = "{after.name}"\n\n'


def tell_truth(customers: Sequence[Customer]) -> dict[str, int | float | None]:
    """What a report must say of them; seconds, None where there is nothing to say."""
    answered = [customer for customer in customers if customer.answered_ms is not None]
    left = [customer.wait_ms for customer in customers if customer.answered_ms is None]
    return {
        "offered": len(customers),
        "sent_on": sum(customer.sent_on_ms is not None for customer in customers),
        "answered": len(answered),
        "abandoned": len(left),
        "asa_s": _mean_s([customer.wait_ms for customer in answered]),
        "longest_wait_s": max(customer.wait_ms for customer in customers) / 1000,
        "abandoned_after_s": _mean_s(left),
        "talk_s": _mean_s([customer.talk_ms for customer in answered]),
    }


def _mean_s(times_ms: Sequence[int]) -> float | None:
    return round(sum(times_ms) / len(times_ms) / 1000, 3) if times_ms else None


# --- where the calls go ---------------------------------------------------------------------------------------------


def _delivery(target: str, speed: float) -> Callable[[Sequence[Sent]], None]:
    """What takes the messages. Raises WrongUse where the target can take none."""
    kind, _, place = target.partition(":")
    if kind not in _WRAPPINGS or not place:
        return partial(_record, Path(target))
    wrap, usual_port = _WRAPPINGS[kind]
    host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdecimal() else (place, "", "")
    sender = socket.socket(type=socket.SOCK_DGRAM)
    try:
        sender.connect((host, int(port or usual_port)))
    except (OSError, OverflowError) as error:
        raise WrongUse(f"{target}: {error}; write {kind}:HOST or {kind}:HOST:{usual_port}") from error
    return partial(_send, wrap, sender, speed)


def _record(path: Path, messages: Sequence[Sent]) -> None:
    """As if the last one had just been heard."""
    begun_ms = int(time.time() * 1000) - messages[-1].at_ms
    file = BytesIO()
    write_pcap(file, ((make_udp(sent.payload, sent.source, sent.target), begun_ms + sent.at_ms) for sent in messages))
    _write(path, file.getvalue())


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from error


def _send(wrap: Callable[[bytes, bytes, bytes], bytes], sender: socket.socket, speed: float,
          messages: Sequence[Sent]) -> None:  # fmt: skip
    """Each message when it is its turn."""
    progress = ProgressLine("calling", sys.stderr, tenths=False)
    begun, first_ms = time.monotonic(), messages[0].at_ms
    for number, sent in enumerate(messages):
        rest_s = (sent.at_ms - first_ms) / 1000 / speed - (time.monotonic() - begun)
        if rest_s > 0:
            time.sleep(rest_s)
        with suppress(ConnectionRefusedError):  # nobody listens there (yet): a box may be started meanwhile
            sender.send(wrap(sent.payload, sent.source, sent.target))
        progress(number / len(messages))
    progress(1.0)
