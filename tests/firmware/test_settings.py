"""What a board is told: `firmware.settings` and `firmware.privacy` against the collector's own."""

import copy
import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector import config
from collector.caller_keys import KeyRing
from collector.core.events import DIRECTIONS, LegEnded
from collector.privacy import CallerPrivacy as CollectorPrivacy
from fieldkit.board_secrets import board_keys
from firmware.privacy import CallerPrivacy, load_keys
from firmware.settings import Settings, SettingsError, defaults, load, parse_address

KEY = bytes(range(32))
MOMENT = datetime(2026, 12, 1, tzinfo=UTC)
MOMENT_MS = int(MOMENT.timestamp()) * 1000
STARTED_MS = MOMENT_MS - 3_600_000  # Unix time of the board's time 0


@pytest.mark.parametrize("text", ["10.77.1.5", "fd77::5", "::1", "::", "2001:db8:0:1:2:3:4:5", "fd77:1::"])
def test_addresses_are_read_as_ipaddress_reads_them(text: str) -> None:
    """IPv4 and every form of IPv6."""
    assert ipaddress.ip_address(text).packed == parse_address(text)


@pytest.mark.parametrize("text", ["", "10.77.1", "10.77.1.256", "fd77:::5", "1:2:3:4:5:6:7:8:9", "pbx.example"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """With the text in the error."""
    with pytest.raises(SettingsError, match="is no address"):
        parse_address(text)


def test_sections_and_keys_are_the_collectors() -> None:
    """Whatever the collector knows, but for its recordings and a path's age, has the same name on the board."""
    theirs: dict[str, set[str]] = {}
    for section, key, _, _ in config.documented_keys():
        theirs.setdefault(section, set()).add(key)
    for section in ("box", "sip", "numbers", "privacy", "mqtt"):
        assert set(defaults(section)) <= theirs[section]
    assert {"path", "max_bytes"} == set(defaults("spool"))


def test_core_gets_the_same_settings_as_on_a_collector(lab_config: Path) -> None:
    """The lab's file gives the same MonitorSettings on both, but for the board's bounds."""
    collector = config.load(str(lab_config))
    sections = json.loads(json.dumps(config.tomllib.loads(lab_config.read_text())))
    board = Settings({name: sections[name] for name in ("box", "sip", "numbers", "privacy")})
    for name in ("ports", "any_port", "pbx", "trunks", "extensions", "feature_codes", "digit_numbers"):
        assert getattr(collector.monitor_settings(), name) == getattr(board.monitor_settings(), name)
    assert collector.monitor_settings().numbering.country == board.monitor_settings().numbering.country


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold sections"),
        ('{"bux": {}}', "bux: unknown section"),
        ('{"box": {"idd": "a"}}', "box idd: unknown key"),
        ('{"box": {"id": 5}}', "must be written like"),
        ('{"box": {"id": "Off a"}}', "box id: must be"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, error: str) -> None:
    """File, section and key."""
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=error) as raised:
        load(str(path))
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("mode", ["clear", "masked", "keyed"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_numbers_are_protected_as_on_a_collector(mode: str, direction: str) -> None:
    """The same outsiders' numbers are hidden in the same way, without hmac."""
    leg = LegEnded(0, b"")
    leg.direction, leg.caller, leg.callee = direction, "447700900123", "442079460500"
    leg.connected, leg.refer_to, leg.diverted_by = "447700900777", "101", "442079460500"
    other = copy.copy(leg)
    CallerPrivacy(mode, [(0, KEY)], lambda number: number == "101").protect(leg)
    CollectorPrivacy(mode, KeyRing.of(KEY), lambda number: number == "101").protect(other)
    assert [getattr(other, name) for name in vars(leg)] == [getattr(leg, name) for name in vars(leg)]


def test_key_file_of_a_collector_is_read(tmp_path: Path) -> None:
    """64 hexadecimal digits; anything else is refused."""
    path = tmp_path / "caller.key"
    path.write_text(KEY.hex() + "\n")
    assert [(0, KEY)] == load_keys(str(path))
    path.write_text("secret")
    with pytest.raises(SettingsError, match="hexadecimal"):
        load_keys(str(path))


@pytest.mark.parametrize("begin_ms", [MOMENT_MS - 1, MOMENT_MS, MOMENT_MS + 86_400_000])
def test_keys_change_at_the_moment_they_change_on_collectors(tmp_path: Path, begin_ms: int) -> None:
    """Boxes of a tenant, boards among them, give a caller the same code before and after a rotation."""
    ring = KeyRing.of(KEY).rotated(MOMENT, MOMENT - timedelta(days=1))
    path = tmp_path / "caller.key"
    path.write_bytes(board_keys(ring))
    leg, other = LegEnded(begin_ms - STARTED_MS, b""), LegEnded(begin_ms, b"")
    leg.caller = other.caller = "447700900123"
    privacy = CallerPrivacy("keyed", load_keys(str(path)), lambda _number: False)
    privacy.offset_ms = STARTED_MS
    privacy.protect(leg)
    CollectorPrivacy("keyed", ring, lambda _number: False).protect(other)
    assert other.caller == leg.caller != "447700900123"
