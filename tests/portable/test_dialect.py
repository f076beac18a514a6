"""The core stays inside what MicroPython understands and what a core may touch."""

import ast
from pathlib import Path

import pytest
from run_micropython import compile_core

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "collector" / "core").glob("*.py"))
# MicroPython has these everywhere, and none of them reads a clock, a socket or a file
ALLOWED = {"binascii", "collections", "hashlib", "micropython", "struct"}

ON_HOSTS = {"operator"}  # in the module that a board never loads


def imported_modules(path: Path) -> set[str]:
    """Names of all modules the file imports when it runs, wherever it does so."""
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    for_types_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - for_types_only:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: write the import in full"
            names.add(node.module or "")
    return names


def test_core_is_not_empty() -> None:
    """The tests below have something to look at."""
    assert len(CORE) > 5


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_core_imports_nothing_that_touches_the_world(path: Path) -> None:
    """A core module imports the core itself and the few pure modules named in ARCHITECTURE.md."""
    foreign = {name for name in imported_modules(path) if not name.startswith("collector.core")}
    assert set() == foreign - ALLOWED - (ON_HOSTS if path.stem == "quick" else set())


def test_core_compiles_for_a_board(tmp_path: Path) -> None:
    """mpy-cross turns every core module into bytecode: no syntax that a device lacks."""
    compiled = compile_core(tmp_path)
    assert [path.stem for path in CORE] == sorted(path.stem for path in compiled.glob("collector/core/*.mpy"))
