"""How the page is reached and how long one stays signed in: the section `[web]`. Standard library only."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cloud_sink.errors import ConfigurationError
from cloud_sink.sections import Section


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`open`: nobody signs in here, because a proxy in front asks who is there."""

    open: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    certificate_file: str = ""
    key_file: str = ""
    session_hours: int = 12
    idle_minutes: int = 60


def web_settings(section: Section) -> WebSettings:
    """Read `[web]`. Raises ConfigurationError."""
    usual = WebSettings()
    found = WebSettings(
        open=section.flag("open", default=usual.open),
        proxies=section.texts("proxies") or usual.proxies,
        certificate_file=section.path("certificate_file"),
        key_file=section.path("key_file"),
        session_hours=section.integer("session_hours", usual.session_hours, 1, 30 * 24),
        idle_minutes=section.integer("idle_minutes", usual.idle_minutes, 1, 24 * 60),
    )
    section.close()
    for proxy in found.proxies:
        _check_address(section, proxy)
    if bool(found.certificate_file) != bool(found.key_file):
        section.refuse("certificate_file", "and key_file belong together: name both, or none")
    for key in ("certificate_file", "key_file"):
        if (name := getattr(found, key)) and not Path(name).is_file():
            raise ConfigurationError(f"{section.file}: [web] {key}: there is no file {name}")
    return found


def _check_address(section: Section, text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        section.refuse("proxies", f'holds "{text}": write addresses or networks, as "10.0.0.5" or "10.0.0.0/24"')


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address to listen on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
