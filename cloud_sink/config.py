"""What the operator told the sink: where to listen, where to store, which boxes and numbers an office has.

One TOML file may hold the box's part too: its sections are accepted here by name and judged by the collector.
Standard library only, so that `ringtap replay` can use it without the sink's own dependencies.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud_sink.contacts.records import (
    AGENT_ACTIONS,
    AGENT_CODES,
    ANNOUNCEMENT,
    CALENDARS,
    FEATURE,
    GREGORIAN,
    IVR,
    JALALI,
    QUESTIONS,
    QUEUE,
    RING_GROUP,
    SURVEY,
    VOICEMAIL,
    WEEK_STARTS,
    Destination,
    OfficePlan,
    Tariff,
)
from cloud_sink.errors import ConfigurationError
from cloud_sink.hours import business_hours
from cloud_sink.kpi.accessibility import DEFAULT_FORMULA, FORMULAS
from cloud_sink.reports.saved import SavedReport
from cloud_sink.reports.settings import MailSettings, check_mailable, mail_settings, saved_reports
from cloud_sink.retention import Retention, retention_settings
from cloud_sink.sections import BOX_ID, Section, nearest
from cloud_sink.users.settings import WebSettings, web_settings
from cloud_sink.work import imported_numbers, scorecards, targets, work_rules

COLLECTOR_SECTIONS = ("box", "sip", "numbers", "privacy", "source", "spool")
KINDS = {  # section of an office -> kind of destination
    "queues": QUEUE,
    "ring_groups": RING_GROUP,
    "ivrs": IVR,
    "surveys": SURVEY,
    "voicemails": VOICEMAIL,
    "announcements": ANNOUNCEMENT,
    "features": FEATURE,
}
FIRST_WEEKDAYS = {JALALI: "saturday"}  # where nothing else is configured
WAIT_STARTS = ("", "offer", "pbx_answer", "first_ring")
NUMBER_CHARACTERS = frozenset("0123456789*#+?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The MQTT broker to connect to."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    revoked_file: str = ""
    renewals_folder: str = ""
    updates_folder: str = ""


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Where the sink stores and listens; an empty `embedded_broker` means the broker of [mqtt]."""

    database: str = "sqlite:///ringtap-sink.db"
    listen: tuple[str, int] = ("127.0.0.1", 8080)
    embedded_broker: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class SinkConfiguration:
    """The whole file as the sink sees it."""

    file: Path
    sink: SinkSettings
    broker: BrokerSettings
    plans: dict[str, OfficePlan]
    office_of: dict[str, str] = field(default_factory=dict)  # box -> office
    only_office: str = ""  # the one office of a file that lists no boxes: every box is its
    mail: MailSettings = field(default_factory=MailSettings)
    reports: dict[str, tuple[SavedReport, ...]] = field(default_factory=dict)  # office -> its saved reports
    retention: Retention = field(default_factory=Retention)
    web: WebSettings = field(default_factory=WebSettings)

    def office_of_box(self, box: str) -> str:
        """Return the office a box belongs to, "" where the configuration does not say."""
        return self.office_of.get(box, self.only_office)


def load(path: str | Path) -> SinkConfiguration:
    """Read a configuration file. Raises ConfigurationError naming file and key."""
    file = Path(path)
    root = Section(file, "", _read(file))
    sink = _sink_settings(root.section("sink"))
    broker = _broker_settings(root.section("mqtt"))
    mail = mail_settings(root.section("mail"))
    retention = retention_settings(root.section("retention"))
    web = web_settings(root.section("web"))
    offices = root.sections("offices")
    root.close(also_known=COLLECTOR_SECTIONS)
    boxes: dict[str, str] = {}
    reports = {office.last_name: saved_reports(office) for office in offices}
    plans = {office.last_name: _office(office, boxes) for office in offices}
    only = next(iter(plans)) if len(plans) == 1 and not boxes else ""
    check_mailable(file, mail, reports)
    return SinkConfiguration(file, sink, broker, plans, boxes, only, mail, reports, retention, web)


def office_plans(path: str | Path) -> dict[str, OfficePlan]:
    """Return the plan of every office of a configuration file, by the office's id."""
    return load(path).plans


def _read(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not a text in UTF-8, so not a configuration: {error.reason}") from error
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error


def _sink_settings(section: Section) -> SinkSettings:
    settings = SinkSettings(
        database=section.text("database", SinkSettings().database),
        listen=_address(section, "listen", "127.0.0.1:8080"),
        embedded_broker=_address(section, "embedded_broker", "") if section.text("embedded_broker") else None,
    )
    if "://" not in settings.database:
        section.refuse("database", 'must be an address such as "sqlite:///sink.db" or "postgresql+psycopg://host/name"')
    section.close()
    return settings


def _broker_settings(section: Section) -> BrokerSettings:
    settings = BrokerSettings(
        host=section.text("host", "127.0.0.1"),
        port=section.integer("port", 1883, 1, 65535),
        username=section.text("username"),
        password_file=section.path("password_file"),
        ca_file=section.path("ca_file"),
        certificate_file=section.path("certificate_file"),
        key_file=section.path("key_file"),
        revoked_file=section.path("revoked_file"),
        renewals_folder=section.path("renewals_folder"),
        updates_folder=section.path("updates_folder"),
    )
    section.close()
    return settings


def _address(section: Section, key: str, default: str) -> tuple[str, int]:
    """Return (host, port) of "host:port" or "[v6]:port"; port 0 means any free one."""
    text = section.text(key, default)
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        section.refuse(key, f'must be "address:port" such as "127.0.0.1:8080", not "{text}"')
    return host.strip("[]"), int(port)


def _office(section: Section, boxes: dict[str, str]) -> OfficePlan:
    _claim_boxes(section, boxes)
    destinations = tuple(_destination(table, kind) for key, kind in KINDS.items() for table in section.sections(key))
    calendar = section.choice("calendar", CALENDARS, GREGORIAN)
    plan = OfficePlan(
        office=section.last_name,
        name=section.text("name"),
        time_zone=_time_zone(section),
        calendar=calendar,
        week_start=section.choice("week_start", WEEK_STARTS, FIRST_WEEKDAYS.get(calendar, "monday")),
        destinations=destinations,
        gap_ms=round(section.number("gap_s", 20, 0, 600) * 1000),
        short_abandon_ms=round(section.number("short_abandon_s", 5, 0, 600) * 1000),
        wait_start=section.choice("wait_start", WAIT_STARTS, ""),
        service_level_s=section.integer("service_level_s", 20, 1, 3600),
        service_level_target=section.number("service_level_target", 0.8, 0, 1),
        service_level_formula=section.choice("service_level_formula", FORMULAS, DEFAULT_FORMULA),
        direct=_direct(section),
        agent_codes=_agent_codes(section),
        tariffs=tuple(_tariff(table) for table in section.sections("tariffs")),
        repeat_days=section.integer("repeat_days", 7, 1, 30),
        shared_numbers=section.texts("shared_numbers"),
        business_hours=business_hours(section.section("business_hours"), calendar),
        trunk_channels=section.integer("trunk_channels", 0, 0, 100_000),
        imports=imported_numbers(section.section("imports")),
        work=work_rules(section.section("work")),
        scorecards=scorecards(section),
        targets=targets(section),
        csat_best=section.integer("csat_best", 5, 2, 9),
        ces_best=section.integer("ces_best", 7, 2, 9),
    )
    section.close()
    _check_destinations(section, destinations)
    return plan


def _claim_boxes(section: Section, boxes: dict[str, str]) -> None:
    for box in section.texts("boxes"):
        if not BOX_ID.fullmatch(box) or box == "sink":
            section.refuse("boxes", f'names "{box}": a box is 1 to 32 of a-z, 0-9 and "-", and not "sink"')
        if boxes.setdefault(box, section.last_name) != section.last_name:
            section.refuse("boxes", f'names "{box}", which [offices.{boxes[box]}] has too: a box belongs to one office')


def _time_zone(section: Section) -> str:
    name = section.text("time_zone", "UTC")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        section.refuse("time_zone", f'"{name}" is not a time zone of this system, write one such as "Europe/London"')
    return name


def _destination(section: Section, kind: str) -> Destination:
    destination = Destination(
        name=section.last_name,
        kind=kind,
        numbers=_numbers(section, "numbers"),
        members=_numbers(section, "members"),
        choices=section.mapping("choices") if kind == IVR else {},
        timeout_ms=round(section.number("timeout_s", 0, 0, 24 * 3600) * 1000),
        overflow_to=section.text("overflow_to") if kind in (QUEUE, RING_GROUP) else "",
        questions=_questions(section) if kind == SURVEY else (),
        after=section.texts("after") if kind == SURVEY else (),
        announce_ms=round(section.number("announce_s", 0, 0, 3600) * 1000),
        wrap_up_ms=round(section.number("wrap_up_s", 0, 0, 600) * 1000),
    )
    section.close()
    return destination


def _tariff(section: Section) -> Tariff:
    tariff = Tariff(
        name=section.last_name,
        prefixes=_numbers(section, "prefixes"),
        per_minute=section.number("per_minute", 0, 0, 1000),
        connect_fee=section.number("connect_fee", 0, 0, 1000),
        first_s=section.integer("first_s", 0, 0, 3600),
        step_s=section.integer("step_s", 1, 1, 3600),
    )
    section.close()
    return tariff


def _questions(section: Section) -> tuple[str, ...]:
    """What a survey asks, one digit each."""
    questions = section.texts("questions")
    for question in questions:
        if question not in QUESTIONS:
            section.refuse("questions", f'asks "{question}": a survey can ask {", ".join(QUESTIONS)}')
    return questions


def _numbers(section: Section, key: str) -> tuple[str, ...]:
    numbers = section.texts(key)
    for number in numbers:
        if not number or not NUMBER_CHARACTERS.issuperset(number):
            section.refuse(key, f'holds "{number}", which is not a number as it is dialled')
    return numbers


def _agent_codes(section: Section) -> dict[str, str]:
    """What feature codes do for agents; without any, those of FreePBX."""
    codes = section.mapping("agent_codes")
    for code, action in codes.items():
        if action not in AGENT_ACTIONS:
            section.refuse("agent_codes", f'lets "{code}" do "{action}": write one of {", ".join(AGENT_ACTIONS)}')
    return codes or dict(AGENT_CODES)


def _direct(section: Section) -> dict[str, str]:
    """Return DID pattern -> extension pattern: each "?" stands for one digit, the same digits in the same order."""
    direct = section.mapping("direct")
    for number, extension in direct.items():
        if number.count("?") < extension.count("?") or not NUMBER_CHARACTERS.issuperset(number + extension):
            section.refuse(
                "direct", f'maps "{number}" to "{extension}": write it like "44207946010?" = "10?", one ? a digit'
            )
    return direct


def _check_destinations(office: Section, destinations: tuple[Destination, ...]) -> None:
    names: set[str] = set()
    numbers: dict[str, str] = {}
    for destination in destinations:
        if destination.name in names:
            office.refuse(destination.name, "is there twice: queues, ring groups and the rest share one set of names")
        names.add(destination.name)
        for number in destination.numbers:
            if numbers.setdefault(number, destination.name) != destination.name:
                office.refuse(destination.name, f'has number "{number}", which {numbers[number]} has too')
    for destination in destinations:
        _check_choices(office, destination, names)
        _check_overflow(office, destination, destinations)
    _check_surveys(office, destinations)


def _check_choices(office: Section, destination: Destination, names: set[str]) -> None:
    for digit, target in destination.choices.items():
        if target not in names:
            office.refuse(
                f"ivrs.{destination.name}.choices", f'sends {digit} to unknown "{target}"{nearest(target, names)}'
            )


def _check_surveys(office: Section, destinations: tuple[Destination, ...]) -> None:
    """A survey follows queues and groups there are, each of them one survey."""
    asking = {place.name for place in destinations if place.kind in (QUEUE, RING_GROUP)}
    followed: dict[str, str] = {}
    for survey in destinations:
        for name in survey.after:
            if name not in asking:
                office.refuse(f"surveys.{survey.name}.after", f'names unknown queue "{name}"{nearest(name, asking)}')
            if followed.setdefault(name, survey.name) != survey.name:
                office.refuse(f"surveys.{survey.name}.after", f'names "{name}", which {followed[name]} follows too')


def _check_overflow(office: Section, destination: Destination, destinations: tuple[Destination, ...]) -> None:
    """A queue or ring group can send its callers on to another one, or to an extension."""
    target = destination.overflow_to
    teams = {place.name for place in destinations if place.kind in (QUEUE, RING_GROUP)} - {destination.name}
    if not target or target in teams or (target.isascii() and target.isdigit()):
        return
    key = f"{'queues' if destination.kind == QUEUE else 'ring_groups'}.{destination.name}.overflow_to"
    office.refuse(
        key, f'names "{target}", which is no other queue or ring group, and no extension{nearest(target, teams)}'
    )
