"""What the board is told: one JSON file with the sections and keys of the collector's TOML (MicroPython reads no TOML).

`ringtap flash` writes it from the office's TOML file, after the collector's own loader has checked that; what is
checked here protects against a file that was edited on the board. The section `board` is the device's own.
"""

import json

from collector.core.monitor import MonitorSettings
from collector.core.wire import is_box_id

# (section, ((key, default), ...)); a value must be of its default's type, a list where that is a tuple: one constant,
# so that it stays in a board's flash
_KEYS = (
    ("box", (("id", ""), ("office", ""), ("tenant", ""))),
    (
        "sip",
        (
            ("ports", (5060,)),
            ("pbx", ()),
            ("trunks", ()),
            ("extensions", ()),
            ("feature_codes", ()),
            ("digit_numbers", ()),
            ("correlation_header", ""),
        ),
    ),
    ("numbers", (("country", ""), ("area", ""), ("international_prefix", "00"), ("national_prefix", "0"))),
    ("privacy", (("caller_numbers", "keyed"), ("key_file", "/caller.key"))),
    ("spool", (("path", "/spool"), ("max_bytes", 262144))),
    (
        "mqtt",
        (
            ("host", "127.0.0.1"),
            ("port", 1883),
            ("username", ""),
            ("password_file", ""),
            ("ca_file", ""),
            ("certificate_file", ""),
            ("key_file", ""),
        ),
    ),
    (
        "board",
        (
            ("name", "olimex-esp32-poe"),
            ("root", "/"),  # where settings.json and the two copies of the firmware are
            ("tzsp_port", 37008),
            ("ntp", "pool.ntp.org"),  # "": the board's own clock is right
            ("status_port", 80),  # 0: no page
            ("max_legs", 64),  # open at once; beyond it the oldest are given up and counted
            ("max_ended", 64),  # Call-IDs remembered after their end
            ("ring_bytes", 4096),  # of events in memory
            ("watchdog_s", 30),  # 0: none
        ),
    ),
)


def defaults(section: str) -> dict[str, object]:
    """Every key of a section with its default; empty for an unknown section."""
    for name, keys in _KEYS:
        if name == section:
            return {key: list(usual) if isinstance(usual, tuple) else usual for key, usual in keys}
    return {}


class SettingsError(Exception):
    """The text names file, section and key."""


class Settings:
    """One attribute for each section: a dictionary of its keys, defaults filled in."""

    def __init__(self, sections: dict[str, dict[str, object]], path: str = "settings.json") -> None:
        for name in sections:
            if not defaults(name):
                raise SettingsError(path + ": " + name + ": unknown section")
        self.box = _section(path, "box", sections)
        self.sip = _section(path, "sip", sections)
        self.numbers = _section(path, "numbers", sections)
        self.privacy = _section(path, "privacy", sections)
        self.spool = _section(path, "spool", sections)
        self.mqtt = _section(path, "mqtt", sections)
        self.board = _section(path, "board", sections)
        if not is_box_id(self.box["id"]):
            raise SettingsError(path + ": box id: must be 1 to 32 of a-z, 0-9 and -")

    def monitor_settings(self) -> MonitorSettings:
        """What the core wants to know, within this board's bounds."""
        sip = self.sip
        any_port = sip["ports"] == "any"
        return MonitorSettings(
            ports=() if any_port else tuple(sip["ports"]),
            any_port=any_port,
            pbx=tuple([parse_address(text) for text in sip["pbx"]]),
            trunks=tuple([parse_address(text) for text in sip["trunks"]]),
            extensions=tuple([_extension_range(text) for text in sip["extensions"]]),
            feature_codes=tuple(sip["feature_codes"]),
            digit_numbers=tuple(sip["digit_numbers"]),
            correlation_header=sip["correlation_header"],
            max_legs=self.board["max_legs"],
            max_ended=self.board["max_ended"],
            **self.numbers,
        )


def load(path: str) -> Settings:
    """Read and check the file; raises SettingsError."""
    try:
        with open(path) as file:
            sections = json.load(file)
    except OSError:
        raise SettingsError(path + ": cannot be read: run `ringtap flash` again") from None
    except ValueError:
        raise SettingsError(path + ": is not JSON") from None
    if not isinstance(sections, dict):
        raise SettingsError(path + ": must hold sections")
    return Settings(sections, path)


def _section(path: str, name: str, sections: dict[str, dict[str, object]]) -> dict[str, object]:
    values = defaults(name)
    for key, value in sections.get(name, {}).items():
        if key not in values:
            raise SettingsError(path + ": " + name + " " + key + ": unknown key")
        any_port = key == "ports" and value == "any"
        if type(value) is not type(values[key]) and not any_port:
            raise SettingsError(path + ": " + name + " " + key + ": must be written like " + repr(values[key]))
        values[key] = value
    return values


def _extension_range(text: str) -> tuple[str, str]:
    low, _, high = text.partition("-")
    return low, high or low


def parse_address(text: str) -> bytes:
    """The packed form of an IPv4 or IPv6 address in text; raises SettingsError. No board has inet_pton."""
    try:
        if ":" not in text:
            address = bytes([int(part) for part in text.split(".")])
            if len(address) == 4:
                return address
        else:
            head, gap, tail = text.partition("::")
            front, back = _groups(head), _groups(tail)
            if gap and len(front) + len(back) < 16:
                return front + bytes(16 - len(front) - len(back)) + back
            if not gap and len(front) == 16:
                return front
    except ValueError:
        pass
    raise SettingsError("sip: " + repr(text) + " is no address")


def _groups(text: str) -> bytes:
    return b"".join([int(group, 16).to_bytes(2, "big") for group in text.split(":")]) if text else b""
