"""A database of an earlier schema, filled, brought up to date: what was in it stays as it was."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from cloud_sink.contacts.records import OfficePlan, QueueVisit
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


def new_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty one."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'old.db'}"
    return new_postgres_database(request.getfixturevalue("postgres"), f"m{abs(hash(request.node.nodeid)):x}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_first_schema_is_brought_up_to_date(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Rows of the first release's tables are untouched, and everything works on them."""
    store = Store.open(new_database(kind, request, tmp_path))
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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_transferred_contact_gets_its_first_visit(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Before, a contact held its further queues only: now one visit of each, and back again."""
    store = Store.open(new_database(kind, request, tmp_path))
    open_at(store, "0003")
    fill(store)
    handed_on = '[["sales", 70, 80, 99, "answered", "104", 10, 19, false]]'
    with store._engine.begin() as connection:
        chosen = connection.execute(text("SELECT min(contact_id) FROM contacts")).scalar_one()
        put = text("UPDATE contacts SET visits = :visits WHERE contact_id = :chosen")
        connection.execute(put, {"visits": handed_on, "chosen": chosen})
    store.migrate()
    contacts = {contact.contact_id: contact for contact in store.contacts("lab", 0, 1 << 62)}
    found = contacts.pop(chosen)
    assert {()} == {contact.visits for contact in contacts.values()}
    first, second = found.visits
    assert QueueVisit("sales", 70, 80, 99, "answered", "104", 10, 19, short=False, extension="104") == second
    assert (found.queue, found.t_offer, found.t_agent_answer, found.disposition, found.wait_ms, found.kind) == (
        first.queue, first.t_enter, first.t_agent_answer, first.disposition, first.wait_ms, first.kind
    )  # fmt: skip
    with store._engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        assert [handed_on] == connection.execute(text("SELECT visits FROM contacts WHERE visits <> ''")).scalars().all()
    store.close()
