"""Saved reports as the configuration has them, `[offices.NAME.reports.X]`, and who mails them, `[mail]`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path

from cloud_sink.errors import ConfigurationError
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.comparison import COMPARISONS
from cloud_sink.reports.saved import DAYS_BACK, PERIODS, TABLES, YESTERDAY, Condition, SavedReport, Schedule
from cloud_sink.sections import Section, nearest

KINDS = ("pdf", "xlsx", "csv")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # stands in addresses and names of files
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
LAST_MONTH_DAY = 28  # every month has it


SECURITIES = ("starttls", "tls", "none")
PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server that takes reports; without a host none are mailed."""

    host: str = ""
    port: int = 587
    security: str = "starttls"  # starttls | tls | none
    ca_file: str = ""
    username: str = ""
    password_file: str = ""
    sender: str = ""


def mail_settings(section: Section) -> MailSettings:
    """Read `[mail]`. Raises ConfigurationError naming file and key."""
    security = section.choice("security", SECURITIES, "starttls")
    settings = MailSettings(
        host=section.text("host"),
        port=section.integer("port", PORTS[security], 1, 65535),
        security=security,
        ca_file=section.path("ca_file"),
        username=section.text("username"),
        password_file=section.path("password_file"),
        sender=section.text("sender"),
    )
    section.close()
    if settings.host:
        check_address(section, "sender", settings.sender)
    if settings.username and not settings.password_file:
        section.refuse("password_file", "is missing: the password of `username` stands in its first line")
    if settings.username and security == "none":
        section.refuse("security", 'is "none": a password is sent over "starttls" or "tls" only')
    return settings


def check_mailable(file: Path, mail: MailSettings, reports: Mapping[str, tuple[SavedReport, ...]]) -> None:
    """Refuse reports that are to be mailed where no server takes them. Raises ConfigurationError."""
    for office, saved in reports.items():
        mailed = [report.name for report in saved if report.recipients]
        if mailed and not mail.host:
            raise ConfigurationError(
                f"{file}: offices.{office}.reports.{mailed[0]} is mailed, but [mail] host does not say by which server"
            )


def saved_reports(office: Section) -> tuple[SavedReport, ...]:
    """Read the reports of an office. Raises ConfigurationError naming file and key."""
    return tuple(_report(section) for section in office.sections("reports"))


def _report(section: Section) -> SavedReport:
    """One report."""
    if not NAME.fullmatch(section.last_name):
        section.refuse("", 'needs a name of letters, digits, "-" and "_", 64 at most')
    saved = SavedReport(
        name=section.last_name,
        title=section.text("title", section.last_name),
        tables=_known(section, "tables", TABLES) or ("summary",),
        kpis=_known(section, "kpis", tuple(CATALOGUE)),
        names=section.texts("names"),
        where=_conditions(section),
        period=_period(section),
        compare=section.choice("compare", ("", *COMPARISONS), ""),
        file_kind=section.choice("file", KINDS, "pdf"),
        schedule=_schedule(section),
        recipients=_recipients(section),
    )
    section.close()
    _check_together(section, saved)
    return saved


def _check_together(section: Section, saved: SavedReport) -> None:
    """What is wrong only between two keys."""
    if saved.file_kind == "csv" and len(saved.tables) > 1:
        section.refuse("file", f'cannot be "csv", which holds one table, with {len(saved.tables)} tables: write "xlsx"')
    if saved.recipients and saved.schedule is None:
        section.refuse("to", 'names who gets it, but not when: write at = "7:00"')
    if saved.schedule is not None and not saved.recipients:
        section.refuse("at", 'says when it is mailed, but not to whom: write to = ["name@example.com"]')


def _known(section: Section, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Words of a list, each one of those there are."""
    words = section.texts(key)
    for word in words:
        if word not in known:
            section.refuse(key, f'names "{word}", which does not exist{nearest(word, known)}')
    return words


def _conditions(section: Section) -> tuple[Condition, ...]:
    """What rows must meet."""
    found = []
    for text in section.texts("where"):
        condition = Condition.parse(text)
        if condition is None:
            section.refuse("where", f'holds "{text}": write a column, a sign and a number, such as "asa > 20"')
        found.append(condition)
    return tuple(found)


def _period(section: Section) -> str:
    """A relative period."""
    period = section.text("period", YESTERDAY)
    if period not in PERIODS and not (DAYS_BACK.fullmatch(period) and 0 < int(period.split()[0]) <= 366):
        words = ", ".join(f'"{word}"' for word in PERIODS)
        section.refuse("period", f'must be one of {words} or "30 days" (1 to 366), not "{period}"')
    return period


def _schedule(section: Section) -> Schedule | None:
    """When it is mailed; None for a report that is only asked for."""
    text = section.text("at")
    days = _known(section, "days", WEEKDAYS)
    month_day = section.integer("month_day", 0, 0, LAST_MONTH_DAY)
    if not text:
        return None
    clock = CLOCK.fullmatch(text)
    if clock is None:
        section.refuse("at", f'must be a time of the office\'s clock such as "7:00", not "{text}"')
    if days and month_day:
        section.refuse("month_day", 'cannot stand beside "days": write one of them')
    weekdays = frozenset(WEEKDAYS.index(day) for day in days) or frozenset(range(7))
    return Schedule(time(int(clock[1]), int(clock[2])), weekdays, month_day)


def _recipients(section: Section) -> tuple[str, ...]:
    """Addresses of mail."""
    recipients = section.texts("to")
    for address in recipients:
        check_address(section, "to", address)
    return recipients


def check_address(section: Section, key: str, address: str) -> None:
    """Refuse what no mail can be sent to."""
    try:
        parsed = Address(addr_spec=address)
    except (HeaderParseError, ValueError, IndexError):
        parsed = None
    if parsed is None or not parsed.username or "." not in parsed.domain or not address.isascii():
        section.refuse(key, f'holds {address!r}, which is no address of mail such as "name@example.com"')
