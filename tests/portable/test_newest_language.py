"""The core on the newest MicroPython there is: Debian's is some versions behind."""

import subprocess
import tempfile
from pathlib import Path

import pytest
from run_micropython import ROOT, portable_tests
from unpack_micropython import CACHE

PACKAGE = "@micropython/micropython-webassembly-pyscript"
VERSION = "1.27.0"
RUNNER = str(ROOT / "tests" / "portable" / "run_newest.mjs")


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """MicroPython built for WebAssembly, fetched by npm once per user."""
    kept = CACHE.with_name(f"micropython-{VERSION}-wasm")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as work:
            fetched = Path(work) / "fetched"
            fetched.mkdir()
            command = [
                "npm",
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                fetched,
                f"{PACKAGE}@{VERSION}",
            ]
            subprocess.run(command, check=True)
            try:
                fetched.rename(kept)
            except OSError:
                assert kept.exists(), "another process was not faster"
    return kept / "node_modules" / PACKAGE / "micropython.mjs"


def run(interpreter: Path, *files: str) -> "subprocess.CompletedProcess[str]":
    """The runner's sum and exit status."""
    command = ["node", RUNNER, str(interpreter), str(ROOT), *files]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_portable_tests_pass_on_the_newest_language(interpreter: Path) -> None:
    """Everything that runs on the 32-bit machine runs there, too."""
    done = run(interpreter, *portable_tests())
    passed, words = done.stdout.splitlines()[-1].split(" ", 1)
    assert (0, "passed, 0 failed") == (done.returncode, words), done.stdout
    assert int(passed) > 40
    assert VERSION in done.stdout


def test_a_failure_there_is_a_failure_here(interpreter: Path) -> None:
    """A file that is missing, for one."""
    assert 1 == run(interpreter, "tests/portable/test_nothing.py").returncode
