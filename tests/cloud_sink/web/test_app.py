from pathlib import Path

import httpx

from cloud_sink.store import Store

from .conftest import serving


def test_database_that_cannot_be_read_is_told_in_one_line(tmp_path: Path):
    """Never a traceback: JSON to programs, a page to people, and both say to try again."""
    store = Store.open(f"sqlite:///{tmp_path / 'never-migrated.db'}")
    with serving(store, {}) as address:
        api, page = httpx.get(f"{address}/api/v1/health"), httpx.get(f"{address}/")
    store.close()
    assert (503, 503) == (api.status_code, page.status_code)
    assert api.json()["detail"].startswith("the database cannot be read now, try again: ")
    assert "the database cannot be read now" in page.text


def test_computed_answers_are_kept_by_no_cache(client):
    """Numbers are of this moment; files beside the page may be kept."""
    assert "no-store" == client.get("/api/v1/kpis").headers["cache-control"]
    assert "cache-control" not in client.get("/static/ringtap.css").headers


def test_api_has_no_page_that_loads_from_outside(client):
    """FastAPI's own documentation pages would."""
    assert [404, 404] == [client.get(path).status_code for path in ("/docs", "/redoc")]
