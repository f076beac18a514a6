"""The wheel, as a user gets it: each program starts in an environment that holds nothing but its own extra."""

import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [  # extra, program, package
    ("collector", "ringtap-collector", "collector"),
    ("sink", "ringtap-sink", "cloud_sink"),
    ("field", "ringtap", "fieldkit"),
]
# what measures the sink's own database, and says in a line that it needs the sink
OF_THE_SINK = ("fieldkit.bench.office_days", "fieldkit.bench.queries")
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__") and ".migrations." not in module.name and module.name not in sys.argv[2:]:
        importlib.import_module(module.name)
"""


def run(*command: str | Path) -> str:
    """What the command printed; fails the test with its error text if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the build backend of the test environment."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    return next(folder.glob("ringtap-*.whl"))


def requirements(extra: str) -> list[Distribution]:
    """Everything that the extra pulls in, by the metadata of what is installed here."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(f"ringtap[{extra}]")]
    while waiting:
        needed = waiting.pop()
        for text in distribution(needed.name).requires or []:
            inner = Requirement(text)
            wanted = any(inner.marker is None or inner.marker.evaluate({"extra": e}) for e in ("", *needed.extras))
            if wanted and inner.name.lower() not in found:
                found[inner.name.lower()] = distribution(inner.name)
                waiting.append(inner)
    return list(found.values())


def make_environment(folder: Path, wheel: Path, extra: str) -> Path:
    """An environment with the wheel and links to the extra's requirements; nothing is fetched. Its bin folder."""
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    for needed in requirements(extra):
        for top in {file.parts[0] for file in needed.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(needed.locate_file(top))))
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    return folder / "bin"


@pytest.mark.parametrize(("extra", "program", "package"), PROGRAMS)
def test_program_starts_with_only_its_own_extra(
    extra: str, program: str, package: str, wheel: Path, tmp_path: Path
) -> None:
    """--help works, `python -m` does the same, and every module of the package can be imported."""
    folder = make_environment(tmp_path / "environment", wheel, extra)
    assert program in run(folder / program, "--help")
    assert program in run(folder / "python", "-m", package, "--help")
    run(folder / "python", "-c", IMPORT_ALL, package, *OF_THE_SINK)
    if extra == "field":
        command = (folder / program, "bench", "sink", "--quick")
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert (2, "") == (done.returncode, done.stdout)
        assert "pip install 'ringtap[sink]'" in done.stderr


def test_wheel_holds_its_packages_and_nothing_else(wheel: Path) -> None:
    """Sources, type markers, migrations, templates, the page's own files, what boards get; no tests, no tools."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"collector", "cloud_sink", "fieldkit", "firmware"} == {
        top for top in tops if not top.endswith(".dist-info")
    }
    for package in ("collector", "cloud_sink", "fieldkit"):
        assert f"{package}/py.typed" in names
