"""Contacts that were in several places hold a visit of each of them, the first one too.

Revision ID: 0004
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = ("office_id", "t_offer", "contact_id")
_FIRST = ("queue", "t_offer", "t_agent_answer", "t_end", "disposition", "agent", "wait_ms", "talk_ms", "short", "kind",
          "extension", "ring_ms", "hold_ms")  # fmt: skip
_AGENT, _KNOWN_BEFORE = 5, 9  # place of the agent in a visit, and how many values it had
_CONTACTS = sa.table("contacts", *map(sa.column, dict.fromkeys((*_KEY, *_FIRST, "visits"))))


def upgrade() -> None:
    """Put the first visit before the others."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CONTACTS).where(_CONTACTS.c.visits != "")).mappings().all():
        first = [bool(row[name]) if name == "short" else row[name] for name in _FIRST]
        further = [[*visit, "queue", visit[_AGENT], None, 0] for visit in json.loads(row["visits"])]
        _put(connection, row, [first, *further])


def downgrade() -> None:
    """Take it away again, and what the earlier program does not know of the others."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CONTACTS).where(_CONTACTS.c.visits != "")).mappings().all():
        _put(connection, row, [visit[:_KNOWN_BEFORE] for visit in json.loads(row["visits"])[1:]])


def _put(connection: sa.Connection, row: sa.RowMapping, visits: list[list[object]]) -> None:
    of_row = sa.and_(*(_CONTACTS.c[name] == row[name] for name in _KEY))
    connection.execute(sa.update(_CONTACTS).where(of_row).values(visits=json.dumps(visits)))
