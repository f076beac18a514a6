"""`ringtap-sink report`: list the saved reports, write one to a file, or mail it now."""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from cloud_sink.calendars import day_of_month
from cloud_sink.config import SinkConfiguration
from cloud_sink.errors import ConfigurationError
from cloud_sink.office import Offices, UnknownOffice
from cloud_sink.question import BadQuestion, parse_day
from cloud_sink.reports.letter import write_letter
from cloud_sink.reports.mailing import Send
from cloud_sink.reports.make import FORMATS, Made, make_report
from cloud_sink.reports.saved import DayOfMonth, SavedReport, local_now
from cloud_sink.store import Mailing, Store

EXAMPLES = """\
examples:
  ringtap-sink report --config sink.toml
  ringtap-sink report morning --config sink.toml --day 2026-06-01 --output morning.pdf
  ringtap-sink report morning --config sink.toml --mail
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a saved report; without: list them")
    parser.add_argument("--config", required=True, metavar="F", help="configuration file (TOML)")
    parser.add_argument("--office", metavar="O", help="may be left out where only one office has it")
    parser.add_argument("--day", metavar="D", help="as it would have been on this day; default: today")
    parser.add_argument("--format", choices=list(FORMATS), help="default: the report's own")
    parser.add_argument("--output", metavar="F", help="file to write; without: standard output")
    parser.add_argument("--mail", action="store_true", help="mail it to its recipients now")


def run(
    arguments: argparse.Namespace,
    configuration: SinkConfiguration,
    write_file: Callable[[bytes, str | None], None],
    send: Send,
) -> Iterator[str]:
    """Do it; yields what there is to say. Raises SinkError."""
    store = Store.open(configuration.sink.database)
    store.check_schema()
    offices = Offices(store, configuration.plans, lambda: time.time_ns() // 1_000_000)
    if arguments.name is None:
        yield from _list(offices, configuration, store)
        return
    office, saved = _find(arguments, configuration)
    made = _make(arguments, offices, office, saved)
    if arguments.mail:
        yield _mail(made, configuration, send)
        return
    kind = arguments.format or saved.file_kind
    if kind == "csv" and len(saved.tables) > 1:
        raise ConfigurationError(f"{saved.name} has {len(saved.tables)} tables, CSV holds one: use --format xlsx")
    write_file(made.write(kind), arguments.output)


def _list(offices: Offices, configuration: SinkConfiguration, store: Store) -> Iterator[str]:
    """Every saved report with when it is mailed next and how that went last."""
    for office, reports in configuration.reports.items():
        plan = configuration.plans[office]
        now = local_now(offices.now_ms(), plan.time_zone)
        for saved in reports:
            yield f"{office}  {saved.name}  {saved.title}  {saved.period}  {saved.file_kind}" + _fares(
                saved, now, day_of_month(plan.calendar), store.mailing(office, saved.name)
            )


def _fares(saved: SavedReport, now: datetime, counted: DayOfMonth, mailing: Mailing | None) -> str:
    """How the mailing of one report goes."""
    if saved.schedule is None:
        return ""
    told = f"  next {saved.schedule.next_due(now, counted):%Y-%m-%d %H:%M} to {', '.join(saved.recipients)}"
    return told + (f"  LAST FAILED: {mailing.problem}" if mailing and mailing.problem else "")


def _find(arguments: argparse.Namespace, configuration: SinkConfiguration) -> tuple[str, SavedReport]:
    """The report of that name."""
    every = [(office, saved) for office, reports in configuration.reports.items() for saved in reports]
    found = [(o, s) for o, s in every if s.name == arguments.name and arguments.office in (None, o)]
    if not found:
        known = ", ".join(f"{saved.name} ({office})" for office, saved in every) or "none yet"
        raise ConfigurationError(f'{arguments.config}: no saved report "{arguments.name}" (there is: {known})')
    if len(found) > 1:
        raise ConfigurationError(f"several offices have it: say which with --office: {', '.join(o for o, _ in found)}")
    return found[0]


def _make(arguments: argparse.Namespace, offices: Offices, office: str, saved: SavedReport) -> Made:
    """The report as it is, or was, on the day asked for."""
    try:
        found = offices.get(office)
        day = parse_day(arguments.day, found.plan.calendar) if arguments.day else None
        return make_report(found, saved, day)
    except (BadQuestion, UnknownOffice) as error:
        raise ConfigurationError(str(error)) from error


def _mail(made: Made, configuration: SinkConfiguration, send: Send) -> str:
    """Send it out of its order: what is scheduled goes out all the same."""
    if not made.saved.recipients:
        raise ConfigurationError(
            f'{made.saved.name} has no recipients: write to = ["name@example.com"] and at = "7:00"'
        )
    now = local_now(time.time_ns() // 1_000_000, made.office.plan.time_zone)
    send(write_letter(made, sender=configuration.mail.sender, due=now))
    return f"mailed to {', '.join(made.saved.recipients)}"
