"""The first tables: events as boxes sent them, contacts stitched from them, what is known of the boxes.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "boxes",
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("first_event", sa.BigInteger(), nullable=True),
        sa.Column("last_event", sa.BigInteger(), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("connection", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("acked", sa.BigInteger(), nullable=False),
        sa.Column("clock_ok", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("trunk_since", sa.BigInteger(), nullable=True),
        sa.Column("health_at", sa.BigInteger(), nullable=True),
        sa.Column("health", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("box"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contacts",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("t_offer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("t_pbx_answer", sa.BigInteger(), nullable=True),
        sa.Column("t_first_ring", sa.BigInteger(), nullable=True),
        sa.Column("t_agent_answer", sa.BigInteger(), nullable=True),
        sa.Column("t_end", sa.BigInteger(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=True),
        sa.Column("wait_basis", sa.String(), nullable=False),
        sa.Column("ring_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("hold_ms", sa.BigInteger(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.Column("short", sa.Boolean(), nullable=False),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("legs", sa.Text(), nullable=False),
        sa.Column("visits", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "t_offer", "contact_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gaps",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("events_lost", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "start", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "health",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "at", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imports",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "kind", "at", "part", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("imports_by_part", "imports", ["office_id", "kind", "part"], unique=False)
    op.create_table(
        "islands",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "start"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leg_outcomes",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "start", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_index("leg_outcomes_by_contact", "leg_outcomes", ["office_id", "contact_id"], unique=False)
    op.create_table(
        "legs",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ring_after", sa.Integer(), nullable=True),
        sa.Column("answer_after", sa.Integer(), nullable=True),
        sa.Column("end_after", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("callee", sa.String(), nullable=False),
        sa.Column("call_key", sa.LargeBinary(), nullable=False),
        sa.Column("final_code", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.Column("reason_sip", sa.Integer(), nullable=False),
        sa.Column("reason_q850", sa.Integer(), nullable=True),
        sa.Column("hold_ms", sa.Integer(), nullable=False),
        sa.Column("holds", sa.Integer(), nullable=False),
        sa.Column("transfer", sa.String(), nullable=False),
        sa.Column("refer_to", sa.String(), nullable=False),
        sa.Column("replaces_key", sa.LargeBinary(), nullable=False),
        sa.Column("connected", sa.String(), nullable=False),
        sa.Column("diverted_by", sa.String(), nullable=False),
        sa.Column("session_key", sa.LargeBinary(), nullable=False),
        sa.Column("digits", sa.String(), nullable=False),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("retransmissions", sa.Integer(), nullable=False),
        sa.Column("bye_response_ms", sa.Integer(), nullable=True),
        sa.Column("bye_code", sa.Integer(), nullable=False),
        sa.Column("hold_at_end_ms", sa.Integer(), nullable=False),
        sa.Column("digit_after_ms", sa.Integer(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("clock", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "start", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quarantine",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("quarantine_by_age", "quarantine", ["last_seen"], unique=False)
    op.create_table(
        "received",
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("box", "epoch", "first"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registrations",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "at", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "told",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "at", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "voice",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("call_key", sa.LargeBinary(), nullable=False),
        sa.Column("mos_lq", sa.Integer(), nullable=True),
        sa.Column("mos_cq", sa.Integer(), nullable=True),
        sa.Column("loss", sa.Integer(), nullable=True),
        sa.Column("delay_ms", sa.Integer(), nullable=True),
        sa.Column("jitter_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("office_id", "at", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registers",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("delays", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "start", "box", "epoch", "seq"),
        sqlite_with_rowid=False,
    )
    _create_office_days()


COUNTERS = (
    "offered", "answered", "abandoned", "short_abandoned", "in_vain", "missed", "overflow", "waits", "wait_ms",
    "in_time", "abandoned_in_time", "in_5", "in_10", "in_15", "in_20", "in_30", "in_60", "abandoned_in_5",
    "abandoned_in_10", "abandoned_in_15", "abandoned_in_20", "abandoned_in_30", "abandoned_in_60", "handled", "talk_ms",
    "hold_ms", "outbound", "connected", "from_caller", "from_queue", "from_ring",
)  # fmt: skip


def _create_office_days() -> None:
    """What reports of months and fleets read, and which of it is out of date."""
    op.create_table(
        "office_days",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTERS),
        sa.Column("waits_histogram", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "office_day_details",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dirty_days",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollups",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("plan_key", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("first_day", "rolled_until", "settled_until", "kept_from")
        ),
        sa.PrimaryKeyConstraint("office_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mailings",
        sa.Column("office_id", sa.String(), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("office_id", "report"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them again: every event is lost."""
    for table in (
        "registers",
        "voice",
        "told",
        "rollups",
        "dirty_days",
        "office_day_details",
        "office_days",
        "registrations",
        "received",
        "quarantine",
        "mailings",
        "legs",
        "leg_outcomes",
        "islands",
        "imports",
        "health",
        "gaps",
        "contacts",
        "boxes",
    ):
        op.drop_table(table)
