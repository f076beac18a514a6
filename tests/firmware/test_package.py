"""`package.json`: what `mip` installs, fetched as it does from a server on this machine."""

import functools
import http.server
import json
import subprocess
import threading
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from build_micropython import FROZEN_ONLY
from machine_room import ROOT
from unpack_micropython import micropython_command

from firmware import VERSION

START = """\
import sys
sys.path.insert(0, sys.argv[1])
import firmware.app
print("imported", firmware.VERSION)
"""


class QuietServer(http.server.SimpleHTTPRequestHandler):
    """Serves the checkout without a word."""

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - the parent's name
        """Nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The checkout's address."""
    handler = functools.partial(QuietServer, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def test_what_mip_fetches_is_what_a_board_imports(server: str, tmp_path: Path) -> None:
    """Every file lies where mip looks for it, beside the package, and the application starts from them."""
    for target, path in json.loads(fetch(f"{server}/package.json"))["urls"]:
        file = tmp_path / "lib" / target
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(fetch(f"{server}/{path}"))
    program = tmp_path / "start.py"
    program.write_text(START)
    command = [*micropython_command("2m"), str(program), str(tmp_path / "lib")]
    done = subprocess.run(command, env=FROZEN_ONLY, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (f"imported {VERSION}\n", "") == (done.stdout, done.stderr)


def fetch(address: str) -> bytes:
    """What the server has there; an address is taken as it is, as mip takes it."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return bytes(answer.read())


def test_package_names_every_file_of_core_and_firmware() -> None:
    """No file of the core is forgotten, and the version is the project's."""
    package = json.loads((ROOT / "package.json").read_text())
    expected = {
        path.relative_to(ROOT) for part in ("collector/core", "firmware") for path in (ROOT / part).glob("*.py")
    }
    expected -= {Path("firmware/main.py"), Path("firmware/manifest.py")}
    expected.add(Path("collector/__init__.py"))
    assert sorted([str(path), str(path)] for path in expected) == sorted(package["urls"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == package["version"] == VERSION
