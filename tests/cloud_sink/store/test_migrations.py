"""A database of an earlier schema, filled, brought up to date: what was in it stays as it was."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import Store, tables
from cloud_sink.store.repository import MIGRATIONS

from .conftest import new_postgres_database
from .test_copying import fill


def open_at(store: Store, revision: str) -> None:
    """Make the tables as an earlier program made them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store._engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def content(store: Store) -> dict[str, list[str]]:
    """Every row of every table that is there."""
    with store._engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - {"alembic_version"}
        return {
            name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')).all())) for name in sorted(names)
        }


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_first_schema_is_brought_up_to_date(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Rows of the first release's tables are untouched, and everything works on them."""
    url = (
        f"sqlite:///{tmp_path / 'old.db'}"
        if kind == "sqlite"
        else new_postgres_database(request.getfixturevalue("postgres"), "migrated")
    )
    store = Store.open(url)
    open_at(store, "0001")
    fill(store)
    before = content(store)
    assert before["legs"]
    assert "import_runs" not in before
    store.migrate()
    store.check_schema()
    after = content(store)
    assert before == {name: after[name] for name in before}
    assert set(after) == set(tables.metadata.tables)
    assert 5 == store.rebuild(OfficePlan("lab"), lambda _done, _all: None)
    store.close()
