from pathlib import Path

import pytest

from cloud_sink.config import load
from cloud_sink.errors import ConfigurationError
from cloud_sink.users.settings import WebSettings, is_loopback


def web(folder: Path, text: str) -> WebSettings:
    """`[web]` of a file that says so."""
    file = folder / "sink.toml"
    file.write_text(f"[web]\n{text}\n")
    return load(file).web


def test_the_section_is_read(tmp_path: Path):
    """Files start from the folder of the configuration."""
    (tmp_path / "page.pem").touch()
    (tmp_path / "page.key").touch()
    text = 'open = true\nproxies = ["10.0.0.0/24"]\nsession_hours = 8\n'
    text += 'certificate_file = "page.pem"\nkey_file = "page.key"'
    pair = (str(tmp_path / "page.pem"), str(tmp_path / "page.key"))
    assert WebSettings(True, ("10.0.0.0/24",), *pair, 8, 60) == web(tmp_path, text)
    assert WebSettings() == web(tmp_path, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('proxies = ["proxy.example"]', r'web.proxies holds "proxy.example": write addresses or networks'),
        ('certificate_file = "page.pem"', "web.certificate_file and key_file belong together"),
        ('certificate_file = "a"\nkey_file = "b"', r"\[web\] certificate_file: there is no file"),
        ("session_hours = 0", "web.session_hours must be a number from 1 to 720"),
        ("opne = true", r'unknown key "opne" in \[web\] \(did you mean "open"\?\)'),
    ],
)
def test_mistakes_name_the_key(tmp_path: Path, text: str, problem: str):
    """And the file."""
    with pytest.raises(ConfigurationError, match=problem):
        web(tmp_path, text)


@pytest.mark.parametrize(("host", "local"), [
    ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
    ("10.0.0.1", False), ("kpi.example.com", False), ("", False), ("localhost.evil.example", False),
])  # fmt: skip
def test_what_only_this_machine_can_reach(host: str, local: bool):
    """Names other than localhost may be anybody's."""
    assert local == is_loopback(host)
