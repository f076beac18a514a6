"""The command `ringtap-sink`."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cloud_sink import backup as backing_up
from cloud_sink import config
from cloud_sink.adapters.mqtt import check_broker_files
from cloud_sink.adapters.smtp import Outbox
from cloud_sink.errors import ConfigurationError, SinkError
from cloud_sink.garbage import rare_garbage_collection
from cloud_sink.imports import command as importing
from cloud_sink.ingest import Ingest
from cloud_sink.office import Offices, UnknownOffice
from cloud_sink.question import BadQuestion, Question
from cloud_sink.reachable import check_guarded
from cloud_sink.reports import command as reporting
from cloud_sink.reports.make import FORMATS as FILES
from cloud_sink.reports.make import export_file
from cloud_sink.reports.tables import EXPORTS
from cloud_sink.rolling import Roller
from cloud_sink.service import Sink
from cloud_sink.store import Quarantined, Store
from cloud_sink.users import command as accounting

EXAMPLES = """\
examples:
  ringtap-sink serve --config sink.toml
  ringtap-sink check-config --config sink.toml
  ringtap-sink rebuild --config sink.toml --office lab
  ringtap-sink export contacts --config sink.toml --day 2026-06-01 --format xlsx --output contacts.xlsx
  ringtap-sink backup sink-backup.db --config sink.toml
  ringtap-sink quarantine --config sink.toml --format jsonl | head
"""
FORMATS = ("table", "json", "jsonl")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 fine, 1 problems found, 2 wrong use."""
    arguments = make_parser().parse_args(argv)
    logging.basicConfig(format="ringtap-sink: %(message)s", level=logging.WARNING)
    logging.getLogger("cloud_sink.users").setLevel(logging.INFO)  # who signs in belongs into the journal
    try:
        return int(arguments.command(arguments))
    except SinkError as error:
        print(f"ringtap-sink: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def make_parser() -> argparse.ArgumentParser:
    """The commands and their arguments; the reference pages are made from it too."""
    parser = argparse.ArgumentParser(
        prog="ringtap-sink",
        description="Receives what boxes saw, stitches it into contacts and shows KPIs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ringtap {version('ringtap')}")
    commands = parser.add_subparsers(title="commands", required=True)
    _add_command(commands, "serve", "receive events and serve the dashboard until Ctrl-C or SIGTERM", _serve)
    _add_command(commands, "check-config", "read the configuration and say what is wrong with it", _check_config)
    _add_command(commands, "migrate", "bring the database's tables up to date (serve does it too)", _migrate)
    rebuild = _add_command(
        commands, "rebuild", "stitch all stored legs again, after numbers, gaps or announcements were changed", _rebuild
    )
    rebuild.add_argument("--office", metavar="O", help="this office only")
    export = _add_command(commands, "export", "write a table of an office's day or period as CSV, XLSX or PDF", _export)
    export.add_argument("name", choices=list(EXPORTS), help="what to write")
    export.add_argument("--office", metavar="O", help="may be left out where there is one office only")
    export.add_argument("--day", metavar="D", help="one day, as 2026-06-01; without any: the latest observed")
    export.add_argument("--week", metavar="D", help="the week that this day is in, by the office's week_start")
    export.add_argument("--month", metavar="M", help="one month, as 2026-06")
    export.add_argument("--from", dest="from_", metavar="T", help="first day or time, with --until")
    export.add_argument("--until", metavar="T", help="last day, or the time before which it ends")
    export.add_argument("--format", choices=list(FILES), default="csv", help="default: csv")
    export.add_argument("--output", metavar="F", help="file to write; without: standard output")
    import_about = "import what people know and no box sees, as CSV or XLSX: the same file twice changes nothing"
    _add_part(commands, "import", import_about, importing, _import)
    _add_part(commands, "user", "who may sign in on the page and ask the API: users, roles, tokens, and what was done",
              accounting, _user)  # fmt: skip
    _add_part(commands, "report", "list the saved reports, write one to a file, or mail it now", reporting, _report)
    backing_up.add_backup_arguments(
        _add_command(commands, "backup", "write the database into one file, while the sink runs", _back_up)
    )
    backing_up.add_restore_arguments(
        _add_command(commands, "restore", "read a backup back; the sink must not run meanwhile", _restore)
    )
    forget = _add_command(commands, "forget", "take one caller's number out of everything that is stored", _forget)
    forget.add_argument("--caller", required=True, metavar="N", help="the number, or the code that stands for it, as "
                        "contacts show it")  # fmt: skip
    forget.add_argument("--office", metavar="O", help="of this office only")
    forget.add_argument("--dry-run", action="store_true", help="say what that would change, change nothing")
    quarantine = _add_command(commands, "quarantine", "list what was received and could not be used", _quarantine)
    quarantine.add_argument("--limit", type=_positive, default=100, metavar="N", help="rows at most (default 100)")
    quarantine.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    quarantine.add_argument("--again", action="store_true", help="try them again, after an update of the sink or of "
                            "its configuration; what is of use now is stored and leaves the quarantine")  # fmt: skip
    return parser


def _add_command(commands, name, about, function) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--config", required=True, metavar="F", help="configuration file (TOML)")
    command.set_defaults(command=function)
    return command


def _add_part(commands, name, about, part, function) -> None:  # type: ignore[no-untyped-def]
    """A command whose arguments and examples stand in a module of its own."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=part.EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    part.add_arguments(command)
    command.set_defaults(command=function)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'"{text}" is not a positive number')
    return int(text)


# --- commands ----------------------------------------------------------------------------------------------------


def _serve(arguments: argparse.Namespace) -> int:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    sink = Sink(_configuration(arguments))
    with rare_garbage_collection():
        try:
            sink.start()
            where = " ".join(f"{name}={address}" for name, address in sink.addresses.items())
            print(f"ringtap-sink: ready {where}", flush=True)
            stopping.wait()
        finally:
            sink.stop()
    return 0


def _check_config(arguments: argparse.Namespace) -> int:
    configuration = _configuration(arguments)
    store = Store.open(configuration.sink.database)
    check_guarded(store, configuration)
    if configuration.sink.embedded_broker is None:
        check_broker_files(configuration.broker)
    print(f"{configuration.file}: fine, database {store.url}")
    for office, plan in configuration.plans.items():
        boxes = [box for box, owner in configuration.office_of.items() if owner == office]
        owned = ", ".join(boxes) if boxes else "every box" if configuration.only_office else "none"
        print(f"  office {office}: {len(plan.destinations)} destinations, boxes: {owned}")
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    store = _store(arguments)
    store.migrate()
    print(f"{store.url}: up to date")
    return 0


def _forget(arguments: argparse.Namespace) -> int:
    store, plans = _store(arguments), _configuration(arguments).plans
    store.check_schema()
    if arguments.office is not None and arguments.office not in plans:
        raise ConfigurationError(f'{arguments.config}: no office "{arguments.office}" (there is: {", ".join(plans)})')
    chosen = {name: plan for name, plan in plans.items() if arguments.office in (None, name)}
    if any(store.is_own_phone(name, arguments.caller) for name in chosen):
        raise ConfigurationError(f"{arguments.caller} is a phone of the office, no caller from outside")
    found = store.forget(chosen, arguments.caller, _wall_ms(), rehearse=arguments.dry_run)
    would = "would be taken" if arguments.dry_run else "taken"
    print(
        f"{would} out of {found.contacts} contacts ({found.legs} legs), {found.imported} imported rows, "
        f"{found.quarantined} messages in quarantine"
    )
    return 0


def _back_up(arguments: argparse.Namespace) -> int:
    progress = Progress("backup", "pages or rows")
    print(backing_up.back_up(_store(arguments), arguments.file, force=arguments.force, progress=progress))
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    progress = Progress("restore", "pages or rows")
    print(backing_up.restore(_store(arguments), arguments.file, force=arguments.force, progress=progress))
    return 0


def _rebuild(arguments: argparse.Namespace) -> int:
    plans = _configuration(arguments).plans
    if arguments.office is not None and arguments.office not in plans:
        known = ", ".join(plans)
        raise ConfigurationError(f'{arguments.config}: no office "{arguments.office}" (there is: {known})')
    store = _store(arguments)
    store.check_schema()
    for office, plan in plans.items():
        if arguments.office in (None, office):
            contacts = store.rebuild(plan, Progress(office, "legs"))
            days = Roller(store, plans, _wall_ms).roll([office], Progress(office, "days"))
            print(f"{office}: {contacts} contacts, {days} closed days")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    if arguments.format != "csv" and not arguments.output and sys.stdout.isatty():
        raise ConfigurationError(f"{arguments.format} is no text: name a file with --output")
    configuration = _configuration(arguments)
    store = Store.open(configuration.sink.database)
    store.check_schema()
    offices = Offices(store, configuration.plans, _wall_ms)
    try:
        office = offices.get(_one_office(arguments, offices))
        period = office.period(
            Question(arguments.day, arguments.from_, arguments.until, arguments.week, arguments.month)
        )
    except (BadQuestion, UnknownOffice) as error:
        raise ConfigurationError(str(error)) from error
    _write_file(export_file(office, period, arguments.name, arguments.format), arguments.output)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    if arguments.template and arguments.format == "xlsx" and not arguments.output and sys.stdout.isatty():
        raise ConfigurationError("a spreadsheet is no text: name a file with --output")
    said = importing.run(arguments, _configuration, _write_file)
    for line in said:
        print(line, file=sys.stderr if arguments.template else sys.stdout)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    configuration = _configuration(arguments)
    kind = arguments.format or "pdf"
    if arguments.name and not arguments.mail and kind != "csv" and not arguments.output and sys.stdout.isatty():
        raise ConfigurationError(f"a report is no text: name a file with --output, such as {arguments.name}.{kind}")
    for line in reporting.run(arguments, configuration, _write_file, Outbox(configuration.mail).send):
        print(line)
    return 0


def _user(arguments: argparse.Namespace) -> int:
    for line in accounting.run(arguments, _configuration(arguments)):
        print(line)
    return 0


def _one_office(arguments: argparse.Namespace, offices: Offices) -> str:
    """The office named, or the only one."""
    names = offices.names()
    if arguments.office is None and len(names) > 1:
        raise ConfigurationError(f"say which office with --office: {', '.join(names)}")
    return names[0] if arguments.office is None else str(arguments.office)


def _write_file(content: bytes, path: str | None) -> None:
    """Write to a file, or to standard output."""
    if path is None:
        sys.stdout.buffer.write(content)
        return
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error


def _quarantine(arguments: argparse.Namespace) -> int:
    store = _store(arguments)
    store.check_schema()
    rows = store.quarantine(arguments.limit)
    if arguments.again:
        return _try_again(_configuration(arguments), store, rows)
    if arguments.format == "json":
        print(json.dumps([_as_json(row) for row in rows], indent=2))
    elif arguments.format == "jsonl":
        for row in rows:
            print(json.dumps(_as_json(row)))
    else:
        for row in rows:
            print(f"{_iso(row.last_seen_ms)}  {row.times:>6} x  {row.topic}  {row.reason}")
        print(f"{store.quarantined()} kinds of messages or events in quarantine", file=sys.stderr)
    return 0


def _try_again(configuration: config.SinkConfiguration, store: Store, rows: Sequence[Quarantined]) -> int:
    ingest = Ingest(store, configuration.plans, configuration.office_of_box)
    taken = ingest.receive_again(rows, _wall_ms())
    print(f"{taken} of {len(rows)} are stored now, {len(rows) - taken} are still of no use")
    return 0


def _configuration(arguments: argparse.Namespace) -> config.SinkConfiguration:
    configuration = config.load(Path(arguments.config))
    if not configuration.plans:
        raise ConfigurationError(f"{arguments.config}: no office yet: write [offices.NAME] and list its boxes there")
    return configuration


def _store(arguments: argparse.Namespace) -> Store:
    return Store.open(_configuration(arguments).sink.database)


def _as_json(row: Quarantined) -> dict[str, object]:
    return {
        "topic": row.topic,
        "reason": row.reason,
        "payload": row.payload.hex(),
        "first_seen": _iso(row.first_seen_ms),
        "last_seen": _iso(row.last_seen_ms),
        "times": row.times,
    }


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")


class Progress:
    """A line on standard error that grows with the work, once it takes over two seconds."""

    def __init__(self, what: str, unit: str) -> None:
        self._what = what
        self._unit = unit
        self._begun = self._shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        now = time.monotonic()
        if now - self._begun > 2 and (now - self._shown > 0.5 or done == total):
            self._shown = now
            line = f"{self._what}: {100 * done // max(1, total)} % of {total} {self._unit}"
            again = sys.stderr.isatty() and done < total
            print(line, end="\r" if again else "\n", file=sys.stderr, flush=True)
