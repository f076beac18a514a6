"""`ringtap-sink import`: a file into the store, a template to fill in, or a rehearsal of either."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from cloud_sink.config import SinkConfiguration
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.errors import ConfigurationError
from cloud_sink.imports.importing import Imported, apply, read_file, rehearse
from cloud_sink.imports.kinds import KINDS
from cloud_sink.imports.queue_log import SAYS
from cloud_sink.imports.templates import describe, template
from cloud_sink.sheets import FORMATS, write
from cloud_sink.store import ImportOrigin, Store
from cloud_sink.store.logged import QUEUE_LOG

COMMAND_LINE = "command line"  # who imported, where no user signed in
EXAMPLES = """\
examples:
  ringtap-sink import schedules --template > schedules.csv
  ringtap-sink import schedules schedules.csv --config sink.toml --dry-run
  ringtap-sink import schedules schedules.csv --config sink.toml
  ringtap-sink import queue_log /var/log/asterisk/queue_log --config sink.toml
  ringtap-sink import customers customers.xlsx --config sink.toml --office london
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("kind", choices=[*KINDS, QUEUE_LOG], help="what the file holds")
    parser.add_argument("file", nargs="?", metavar="FILE", help="CSV or XLSX; Asterisk's own queue_log")
    parser.add_argument("--config", metavar="F", help="configuration file (TOML)")
    parser.add_argument("--office", metavar="O", help="may be left out where there is one office only")
    parser.add_argument("--dry-run", action="store_true", help="check the file and say what it holds, store nothing")
    parser.add_argument("--remove", action="store_true", help="take out what the file names, instead of storing it")
    parser.add_argument("--template", action="store_true", help="write a file to fill in, and what its columns mean")
    parser.add_argument("--format", choices=list(FORMATS), default="csv", help="of the template; default: csv")
    parser.add_argument("--output", metavar="F", help="file to write the template to; without: standard output")


def run(
    arguments: argparse.Namespace,
    load: Callable[[argparse.Namespace], SinkConfiguration],
    write_file: Callable[[bytes, str | None], None],
) -> list[str]:
    """Do it; returns what there is to say. Raises SinkError."""
    kind: str = arguments.kind
    if arguments.template:
        if kind == QUEUE_LOG:
            raise ConfigurationError(f"{kind}: there is nothing to fill in: {SAYS}")
        write_file(write(template(KINDS[kind]), arguments.format), arguments.output)
        return [describe(KINDS[kind])]
    if not arguments.file or not arguments.config:
        raise ConfigurationError(
            f"name the file to import and --config, or ask for --template: "
            f"`ringtap-sink import {kind} FILE --config sink.toml`"
        )
    configuration = load(arguments)
    plan = _office(arguments, configuration)
    store = Store.open(configuration.sink.database)
    store.check_schema()
    how = "remove" if arguments.remove else "write"
    file = Path(arguments.file)
    rows = read_file(file, kind, plan, store)
    if arguments.dry_run:
        done = rehearse(rows, kind, plan, store, how=how)
        return [f"{plan.office}: {kind}: {told(done, how, would=True)}; nothing stored (--dry-run)"]
    origin = ImportOrigin(time.time_ns() // 1_000_000, file.name, COMMAND_LINE)
    return [f"{plan.office}: {kind}: {told(apply(rows, kind, plan, store, how=how, origin=origin), how)}"]


def _office(arguments: argparse.Namespace, configuration: SinkConfiguration) -> OfficePlan:
    """The office named, or the only one."""
    known = ", ".join(configuration.plans)
    if arguments.office is None and len(configuration.plans) > 1:
        raise ConfigurationError(f"say which office with --office: {known}")
    name = arguments.office or next(iter(configuration.plans))
    if name not in configuration.plans:
        raise ConfigurationError(f'{arguments.config}: no office "{name}" (there is: {known})')
    return configuration.plans[name]


def told(done: Imported, how: str, *, would: bool = False) -> str:
    """What happened, or would, in words."""
    rows, counts = f"{done.rows} rows read{', all fine' if would else ''}", done.counts
    if how == "remove":
        return f"{rows}, {counts.changed} {'to be ' if would else ''}removed, {counts.same} were not there"
    return f"{rows}: {counts.new} new, {counts.changed} corrected, {counts.same} as before"
