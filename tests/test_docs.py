"""The pages say what the code does: every command, key, event kind, counter and KPI is documented."""

import ast
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from cloud_sink.config import KINDS
from cloud_sink.imports.kinds import KINDS as IMPORTS
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.reports.tables import EXPORTS
from cloud_sink.web.reports import TABLE_WORDS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = SimpleNamespace(**runpy.run_path(str(ROOT / "tools" / "reference.py")))
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", ".cache"} & set(path.parts))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
SECTION_READERS = {
    "text",
    "integer",
    "number",
    "choice",
    "texts",
    "mapping",
    "sections",
    "_address",
    "_numbers",
    "flag",
}


@pytest.mark.parametrize("name", REFERENCE.PAGES)
def test_reference_tables_are_as_the_code_has_them(name: str) -> None:
    """`python tools/reference.py` would change nothing: commands, keys, events and counters are up to date."""
    page = (ROOT / name).read_text()
    assert "<!-- reference:" in page
    assert REFERENCE.renewed(page) == page, f"run: python tools/reference.py   (it rewrites {name})"


def sink_keys() -> set[str]:
    """Every key that cloud_sink reads from its configuration, found where it reads them."""
    keys: set[str] = set()
    readers = [
        ROOT / "cloud_sink" / name
        for name in ("config.py", "hours.py", "work.py", "reports/settings.py", "users/settings.py")
    ]
    for node in (node for file in readers for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [item.value for item in node.args[:2] if isinstance(item, ast.Constant)]
            if called in SECTION_READERS and texts and isinstance(texts[0], str):
                keys.add(texts[0])
    return keys - {"offices"}


def test_sink_keys_are_documented() -> None:
    """Each key of the sink's configuration has its row in cloud_sink/README.md."""
    page = (ROOT / "cloud_sink" / "README.md").read_text()
    assert len(sink_keys()) > 15
    assert {key for key in sink_keys() if not re.search(rf"`[^`\n]*\b{key}`", page)} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_destination_are_documented(kind: str) -> None:
    """Each kind of place that calls are sent to has its row in cloud_sink/README.md."""
    assert f"`[offices.NAME.{kind}.X]`" in (ROOT / "cloud_sink" / "README.md").read_text()


def test_kpis_are_documented() -> None:
    """Each KPI has its heading in cloud_sink/kpi/README.md."""
    page = (ROOT / "cloud_sink" / "kpi" / "README.md").read_text()
    assert {name for name in CATALOGUE if f"### `{name}`" not in page} == set()


def test_tables_are_described() -> None:
    """Each table has its row in cloud_sink/README.md, its words on the page `/reports`, and may stand in a report."""
    page = (ROOT / "cloud_sink" / "README.md").read_text()
    configuration = next(line for line in page.splitlines() if line.startswith("| `tables` of a report"))
    assert [name for name in EXPORTS if f"\n| `{name}` |" not in page] == []
    assert [name for name in EXPORTS if f"`{name}`" not in configuration] == []
    assert set(TABLE_WORDS) == set(EXPORTS)


def test_what_other_systems_call_it_leads_somewhere() -> None:
    """Each table, KPI, page and setting named for people who come from another system exists."""
    page = (ROOT / "cloud_sink" / "README.md").read_text()
    before, section = page.split("### If you come from another system")
    section, settings = section.split("\n## Configuration")
    navigation = (ROOT / "cloud_sink" / "web" / "templates" / "parts.html").read_text()
    pages = {f"/{name}" for name in re.findall(r'\("(\w+)", "\w+"\)', navigation)}
    documented = {name.split()[-1] for name in re.findall(r"^\| `([^`]+)`", settings, re.MULTILINE)}
    routes = set(re.findall(r"`(GET [^`]+)`", before))
    names = set(re.findall(r"`([^`]+)`", section))
    assert len(names) > 70
    assert names - pages - documented - routes - set(EXPORTS) - set(CATALOGUE) - set(IMPORTS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file of the checkout."""
    missing = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert missing == []
