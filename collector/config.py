"""The box's configuration: one TOML file, each key declared once, in the data classes below.

A file may also hold the sink's sections; they are left to the sink. Every error names the file and the key.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from collector.core.monitor import MonitorSettings
from collector.core.wire import is_box_id
from collector.errors import ConfigurationError

T = TypeVar("T")
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SINK_SECTIONS = ("sink", "offices")  # read by cloud_sink.config
CALLER_NUMBERS = ("clear", "masked", "keyed")
SOURCE_KINDS = ("file", "live", "tzsp", "hep")
LOG_LEVELS = ("debug", "info", "warning", "error")
MAX_PORTS = 256  # the kernel's filter has room for about a thousand
MAX_NAME = 24  # of a source: it stands in every health report


# --- how a value is read: each raises ValueError with what would be right -------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004 - reported like every other wrong value
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError('must be a list of texts, such as ["101", "102"]')
    return tuple(value)


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return read


def _one_of(words: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}{_suggestion(str(value), words)}")
        return str(value)

    return read


def _box_id(value: object) -> str:
    if not is_box_id(_text(value)):
        raise ValueError(f'{value!r} is no name of a box: use 1 to 32 of a-z, 0-9 and "-"')
    return str(value)


def _ports(value: object) -> tuple[int, ...]:
    if value == "any":
        return ()
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list of port numbers, such as [5060], or "any"')
    if len(value) > MAX_PORTS:
        raise ValueError(f'has {len(value)} ports, {MAX_PORTS} is the limit; use "any" to look at every packet')
    return tuple(map(_whole(1, 65535), value))


def _addresses(value: object) -> tuple[bytes, ...]:
    return tuple(ipaddress.ip_address(text).packed for text in _texts(value))


def _networks(value: object) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in _texts(value))


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - reported like every other wrong value
    return value


def _name(value: object) -> str:
    text = _text(value)
    if len(text) > MAX_NAME or not re.fullmatch("[a-z0-9_-]+", text):
        raise ValueError(f'{value!r} is no name of a source: use 1 to {MAX_NAME} of a-z, 0-9, "_" and "-"')
    return text


def _listen(value: object) -> tuple[str, int]:
    """An address and port; the address is "" for all."""
    host, colon, port = _text(value).rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError('must be "ADDRESS:PORT", or ":PORT" for all addresses of the box')
    if host:
        host = str(ipaddress.ip_address(host.strip("[]")))
    return host, int(port)


def _extensions(value: object) -> tuple[tuple[str, str], ...]:
    return tuple(map(_extension_range, _texts(value)))


def _extension_range(text: str) -> tuple[str, str]:
    low, dash, high = text.partition("-")
    if not dash or not (low.isdigit() and high.isdigit()):
        return text, text
    if len(low) != len(high) or low > high:
        raise ValueError(f"{text!r} is no range of extensions: both ends need as many digits, the lower one first")
    return low, high


def _key(default: T, read: Callable[[object], T], about: str) -> T:
    """One key: its default, how it is read, and what the documentation says about it."""
    return field(default=default, metadata={"read": read, "about": about})


# --- the keys -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """[box]: which box this is."""

    id: str = _key("", _box_id, "name of this box, in every topic: 1 to 32 of a-z, 0-9 and -")
    office: str = _key("", _text, "office the box belongs to; a section [offices.NAME] of the sink")
    tenant: str = _key("", _text, "customer the office belongs to")
    log: str = _key("info", _one_of(LOG_LEVELS), "least important lines that go to the log: debug (the only one with "
                    "phone numbers), info, warning or error")  # fmt: skip
    silence_s: int = _key(900, _whole(60, 86_400), "seconds without any SIP after which the box calls itself blind; "
                          "phones register more often")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sip:
    """[sip]: what to look for on the wire, and who is who."""

    ports: tuple[int, ...] = _key((5060,), _ports, 'ports that carry SIP, or "any" to look at every packet')
    pbx: tuple[bytes, ...] = _key((), _addresses, "addresses of the PBX; without them they are learned")
    trunks: tuple[bytes, ...] = _key((), _addresses, "addresses of the carrier's side")
    extensions: tuple[tuple[str, str], ...] = _key((), _extensions, 'extensions of the office, such as ["101-120"]')
    feature_codes: tuple[str, ...] = _key((), _texts, "numbers that are commands to the PBX, such as *45 or 701-720")
    digit_numbers: tuple[str, ...] = _key((), _texts, "called numbers whose keypad digits are kept")
    correlation_header: str = _key("", _text, "header by which the PBX ties the legs of one call together")


@dataclass(frozen=True, slots=True)
class Numbers:
    """[numbers]: how numbers are written here, so that one caller has one number."""

    country: str = _key("", _text, "country calling code without +, such as 44")
    area: str = _key(
        "",
        _text,
        "area code without its prefix, where local numbers are dialled without it",
    )
    international_prefix: str = _key("00", _text, "what stands before a country code")
    national_prefix: str = _key("0", _text, "what stands before an area code")


@dataclass(frozen=True, slots=True)
class Privacy:
    """[privacy]: what leaves the box."""

    caller_numbers: str = _key("keyed", _one_of(CALLER_NUMBERS), "numbers of outsiders: clear, masked (last three "
                               "digits gone) or keyed (a code that is the same for the same caller)")  # fmt: skip
    key_file: str = _key(
        "",
        _text,
        "secret for keyed numbers, made on the first start; default: beside the spool",
    )


@dataclass(frozen=True, slots=True)
class Source:
    """[[source]]: where packets come from; any number, and one that fails does not stop another."""

    kind: str = _key("file", _one_of(SOURCE_KINDS), "live: network interfaces; tzsp: a router's sniffer stream; hep: a "
                     "PBX that mirrors its SIP; file: a recording (pcap or pcapng, .gz too)")  # fmt: skip
    name: str = _key(
        "",
        _name,
        "name in logs and counters; default: its kind, and a number from the second on",
    )
    path: str = _key("", _text, "file: the recording; - is standard input")
    follow: bool = _key(
        False, _switch, "file: it is being written (tcpdump -U -w): hear what is added from now on; of a pipe all of it"
    )
    interfaces: tuple[str, ...] = _key((), _texts, 'live: interfaces to listen on, such as ["eth0"]')
    promiscuous: bool = _key(
        True,
        _switch,
        "live: hear what is addressed to others too, as a mirror port needs",
    )
    listen: tuple[str, int] = _key(("", 0), _listen, 'tzsp, hep: "ADDRESS:PORT" to listen on; default ":37008" for '
                                   'tzsp, ":9060" for hep (UDP and TCP)')  # fmt: skip
    allow: tuple[Network, ...] = _key((), _networks, "tzsp, hep: addresses and networks that may send; default: all")
    auth_key_file: str = _key("", _text, "hep: file whose first line must be the key in every packet")
    certificate_file: str = _key("", _text, "hep: certificate of this box; TCP becomes TLS")
    key_file: str = _key("", _text, "hep: private key of the certificate; default: in the same file")


# which keys only make sense for which kinds
_KEYS_OF_KINDS = {
    "path": ("file",),
    "follow": ("file",),
    "interfaces": ("live",),
    "promiscuous": ("live",),
    "listen": ("tzsp", "hep"),
    "allow": ("tzsp", "hep"),
    "auth_key_file": ("hep",),
    "certificate_file": ("hep",),
    "key_file": ("hep",),
}


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """[spool]: where events wait until the sink has them."""

    path: str = _key("/var/lib/ringtap/spool.db", _text, "file of the spool")
    max_bytes: int = _key(268_435_456, _whole(65_536, 1 << 40), "when it is larger the oldest events go")
    max_days: int = _key(90, _whole(1, 3650), "events that waited longer go")


@dataclass(frozen=True, slots=True)
class Mqtt:
    """[mqtt]: the broker."""

    host: str = _key("127.0.0.1", _text, "name or address of the broker")
    port: int = _key(1883, _whole(1, 65535), "its port; 8883 is usual with TLS")
    username: str = _key("", _text, "user name, if the broker wants one")
    password_file: str = _key("", _text, "file with the password in its first line")
    ca_file: str = _key(
        "",
        _text,
        "certificate of the authority that signed the broker's; switches TLS on",
    )
    certificate_file: str = _key("", _text, "certificate of this box, for mutual TLS")
    key_file: str = _key("", _text, "private key of this box's certificate")
    secret_file: str = _key("", _text, "opens the next keys, which the sink hands over; `ringtap enrol` makes it")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a box is told; paths in it are resolved against the folder of the file."""

    path: str = ""
    box: Box = field(default_factory=Box)
    sip: Sip = field(default_factory=Sip)
    numbers: Numbers = field(default_factory=Numbers)
    privacy: Privacy = field(default_factory=Privacy)
    sources: tuple[Source, ...] = ()
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    mqtt: Mqtt = field(default_factory=Mqtt)

    def resolve(self, name: str) -> Path:
        """A path of this file: relative ones start from the folder the file is in."""
        return Path(self.path).parent / name

    def is_live(self) -> bool:
        """True where a source goes on for ever: then all of them are heard at once."""
        return any(source.kind != "file" or source.follow for source in self.sources)

    def named_extensions(self) -> frozenset[str]:
        """Those that [sip] extensions names one by one: of a range nobody knows which exist."""
        return frozenset(low for low, high in self.sip.extensions if low == high)

    def monitor_settings(self) -> MonitorSettings:
        """What the core wants to know."""
        return MonitorSettings(
            any_port=not self.sip.ports,
            **{item.name: getattr(self.sip, item.name) for item in fields(self.sip)},
            **{item.name: getattr(self.numbers, item.name) for item in fields(self.numbers)},
        )

    def require_box(self) -> None:
        """A service needs a name; a replay does not."""
        if not self.box.id:
            raise ConfigurationError(f'{self.path}: [box] id: missing; give this box a name, such as id = "office-1"')


_SECTIONS: dict[str, type[Any]] = {
    "box": Box,
    "sip": Sip,
    "numbers": Numbers,
    "privacy": Privacy,
    "spool": SpoolSettings,
    "mqtt": Mqtt,
}
_SOURCE = "source"


def documented_keys() -> Iterator[tuple[str, str, object, str]]:
    """(section, key, default, meaning) of every key there is."""
    for section, record in {**_SECTIONS, _SOURCE: Source}.items():
        for item in fields(record):
            yield section, item.name, item.default, item.metadata["about"]


def load(path: str) -> Configuration:
    """Read and check a file; raises ConfigurationError."""
    document = _parse(path)
    known = (*_SECTIONS, _SOURCE, *SINK_SECTIONS)
    for name in document:
        if name not in known:
            raise ConfigurationError(f"{path}: [{name}]: unknown section{_suggestion(name, known)}")
    sections = {name: _read_section(path, name, record, document.get(name, {})) for name, record in _SECTIONS.items()}
    return Configuration(path=path, sources=_read_sources(path, document.get(_SOURCE, [])), **sections)


def _parse(path: str) -> dict[str, object]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text, so it is no TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}") from error


def _read_sources(path: str, tables: object) -> tuple[Source, ...]:
    if not isinstance(tables, list):
        raise ConfigurationError(f"{path}: [{_SOURCE}]: write [[{_SOURCE}]], in double brackets")
    sources: list[Source] = []
    for table in tables:
        source = _read_section(path, _SOURCE, Source, table)
        _check_source(path, source, table)
        if not source.name:
            source = replace(source, name=_free_name(source.kind, {other.name for other in sources}))
        if source.name in {other.name for other in sources}:
            raise ConfigurationError(f'{path}: [[{_SOURCE}]] name: "{source.name}" is taken by another source')
        sources.append(source)
    return tuple(sources)


def _free_name(kind: str, taken: set[str]) -> str:
    return next(name for name in (kind, *(f"{kind}{n}" for n in range(2, 1000))) if name not in taken)


def _check_source(path: str, source: Source, table: dict[str, object]) -> None:
    for key, kinds in _KEYS_OF_KINDS.items():
        if key in table and source.kind not in kinds:
            raise ConfigurationError(f'{path}: [[{_SOURCE}]] {key}: is for kind = "{kinds[0]}", not "{source.kind}"')
    for kind, key in (("file", "path"), ("live", "interfaces")):
        if source.kind == kind and not getattr(source, key):
            raise ConfigurationError(f'{path}: [[{_SOURCE}]] {key}: missing; kind = "{kind}" needs it')


def _read_section(path: str, section: str, record: type[T], table: object) -> T:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {section}: must be a section, written [{section}]")
    readers = {item.name: item.metadata["read"] for item in fields(record)}  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        if key not in readers:
            raise ConfigurationError(f"{path}: [{section}] {key}: unknown key{_suggestion(key, readers)}")
        try:
            values[key] = readers[key](value)
        except ValueError as error:
            raise ConfigurationError(f"{path}: [{section}] {key}: {error}") from None
    return record(**values)


def _suggestion(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(known)}"
