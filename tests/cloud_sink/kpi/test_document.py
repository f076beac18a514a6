from pathlib import Path

import cloud_sink.kpi
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.document import page

README = Path(cloud_sink.kpi.__file__).parent / "README.md"


def test_the_page_is_current():
    """`python -m cloud_sink.kpi.document > cloud_sink/kpi/README.md` would change nothing."""
    assert page() == README.read_text(encoding="utf-8")


def test_every_kpi_is_on_the_page():
    """A KPI without a place in the documentation does not exist."""
    text = README.read_text(encoding="utf-8")
    assert [] == [kpi_id for kpi_id in CATALOGUE if f"### `{kpi_id}`" not in text]
