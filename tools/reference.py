"""Write the reference tables of the README pages from the code itself; tests/test_docs.py fails where they differ.

usage: python tools/reference.py     rewrites everything between <!-- reference:NAME --> and <!-- /reference -->
"""

import argparse
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi import FastAPI

from cloud_sink import cli as sink_cli
from cloud_sink.imports.kinds import KINDS
from cloud_sink.imports.queue_log import SAYS
from cloud_sink.store.logged import QUEUE_LOG
from cloud_sink.web import app as web
from cloud_sink.web import metrics
from collector import blindness
from collector import cli as collector_cli
from collector import config as collector_config
from collector.core import counters, events, legs, wire
from fieldkit import cli as field_cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("ARCHITECTURE.md", "collector/README.md", "cloud_sink/README.md", "tools/README.md")
BLOCK = re.compile(r"(<!-- reference:(\w+) -->\n).*?(<!-- /reference -->)", re.DOTALL)


def table(*rows: tuple[str, ...]) -> Iterator[str]:
    """Lines of a Markdown table; the first row is its head."""
    for number, row in enumerate(rows):
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        if number == 0:
            yield "|" + "---|" * len(row)


def collector_keys() -> Iterator[str]:
    """Every key of the box's configuration."""
    rows = [("key", "default", "meaning")]
    for section, key, default, about in collector_config.documented_keys():
        brackets = f"[[{section}]]" if section == "source" else f"[{section}]"
        rows.append((f"`{brackets} {key}`", f"`{toml(default)}`", about))
    yield from table(*rows)


def toml(value: object) -> str:
    """A default as it would stand in the file."""
    if isinstance(value, tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def field_names(event: type) -> list[str]:
    """The fields of an event's class: annotated where they have defaults, else slots."""
    return sorted(getattr(event, "__slots__", ()) or event.__annotations__)


def event_kinds() -> Iterator[str]:
    """Every kind of event on the wire, with its number and fields."""
    kinds = (
        (wire.KIND_LEG, events.LegEnded),
        (wire.KIND_REGISTRATION, events.RegistrationChanged),
        (wire.KIND_GAP, events.GapObserved),
        (wire.KIND_HEALTH, events.HealthReported),
        (wire.KIND_STATE, events.StateTold),
        (wire.KIND_VOICE, events.VoiceReported),
        (wire.KIND_REGISTERS, events.RegistersCounted),
    )
    rows = [("kind", "event", "what happened", "fields")]
    for number, event in kinds:
        fields = ", ".join(f"`{name}`" for name in field_names(event) if name != "call_id")
        rows.append((str(number), f"`{event.__name__}`", first_line(event), fields))
    yield from table(*rows)


def first_line(thing: object) -> str:
    """The first line of a docstring."""
    return (thing.__doc__ or "").strip().splitlines()[0]


def counter_names() -> Iterator[str]:
    """Every counter of the core."""
    yield ", ".join(f"`{name}`" for name in counters.Counters().as_dict())


def conditions() -> Iterator[str]:
    """Every way of being blind that a box knows."""
    yield from table(("condition", "what to do"), *((f"`{name}`", what) for name, what in blindness.REMEDIES.items()))


def api_routes() -> Iterator[str]:
    """Every address of the JSON API with its parameters."""
    app = FastAPI()
    for part in web.API:
        app.include_router(part.router)
    rows = [("address", "what", "parameters")]
    for path, operations in app.openapi()["paths"].items():
        operation = operations["get"]
        names = [f"`{item['name']}`" for item in operation.get("parameters", []) if item["in"] == "query"]
        rows.append((f"`GET {path}`", operation["summary"], ", ".join(names)))
    yield from table(*rows)


def import_kinds() -> Iterator[str]:
    """Every kind of import with its columns; those that must be filled in first."""
    rows = [("kind", "what it holds", "columns")]
    for kind in KINDS.values():
        columns = sorted(kind.columns, key=lambda column: not column.required)
        names = ", ".join(f"**{each.name}**" if each.required else each.name for each in columns)
        rows.append((f"`{kind.name}`", kind.says, names))
    rows.append((f"`{QUEUE_LOG}`", SAYS, "as Asterisk writes it"))
    yield from table(*rows)


def leg_states() -> Iterator[str]:
    """The transition table of the leg state machine as a diagram."""
    signals: dict[tuple[int, int], list[str]] = {}
    for (state, signal), (following, _) in sorted(legs.TRANSITIONS.items()):
        signals.setdefault((state, following), []).append(legs.SIGNAL_NAMES[signal])
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {legs.STATE_NAMES[legs.CALLING]}: INVITE"
    for (state, following), names in signals.items():
        yield f"    {legs.STATE_NAMES[state]} --> {legs.STATE_NAMES[following]}: {', '.join(names)}"
    yield f"    {legs.STATE_NAMES[legs.ENDED]} --> [*]"
    yield "```"


def commands(parser: argparse.ArgumentParser) -> Callable[[], Iterator[str]]:
    """Every sub-command of a program with its arguments."""

    def write() -> Iterator[str]:
        for name, sub in sub_commands(parser):
            yield f"### `{parser.prog} {name}`"
            yield ""
            yield sub.description or sub.format_usage()
            yield ""
            further = list(sub_commands(sub))
            for command, below in further:
                yield from command_below(f"{name} {command}", below)
            if not further:
                yield from table(("argument", "meaning"), *arguments(sub))
            yield ""

    return write


def sub_commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands of a program, or of a command, by name."""
    for action in parser._subparsers._group_actions if parser._subparsers else []:
        yield from sorted((action.choices or {}).items())


def command_below(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """A command of a command: what it does, and its arguments in a line each."""
    further = list(sub_commands(parser))
    for command, below in further:
        yield from command_below(f"{name} {command}", below)
    if not further:
        yield f"- `{name}`: {parser.description}"
        yield from (f"  - {written}: {about}" for written, about in arguments(parser) if "--config" not in written)


def arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """(how it is written, what it does) of each argument."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        value = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar or action.dest.upper()}"
        choices = f" ({', '.join(map(str, action.choices))})" if action.choices else ""
        yield f"`{name}{value}`", (action.help or "").replace("%(default)s", str(action.default)) + choices


def metric_families() -> Iterator[str]:
    """What `/metrics` tells, with its labels."""
    rows = [
        (f"`{family.name}`", ", ".join(f"`{label}`" for label in family.labels), family.says)
        for family in metrics.make_families().values()
    ]
    yield from table(("metric", "labels", "what"), *rows)


WRITERS: dict[str, Callable[[], Iterator[str]]] = {
    "collector_keys": collector_keys,
    "collector_commands": commands(collector_cli.make_parser()),
    "event_kinds": event_kinds,
    "leg_states": leg_states,
    "conditions": conditions,
    "counters": counter_names,
    "api_routes": api_routes,
    "import_kinds": import_kinds,
    "metrics": metric_families,
    "sink_commands": commands(sink_cli.make_parser()),
    "field_commands": commands(field_cli.make_parser()),
}


def renewed(page: str) -> str:
    """The page with every table as the code has it now."""
    return BLOCK.sub(lambda block: block[1] + "\n".join(WRITERS[block[2]]()).rstrip() + "\n" + block[3], page)


def main() -> None:
    """Rewrite the pages."""
    for name in PAGES:
        path = ROOT / name
        path.write_text(renewed(path.read_text()))


if __name__ == "__main__":
    main()
