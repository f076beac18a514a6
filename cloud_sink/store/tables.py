"""The tables, in SQLAlchemy Core, the same on SQLite and PostgreSQL.

Every table of an office is clustered by (office_id, time, ...): the primary key is the idempotency key, the index of
the time ranges that pages ask for, and legal on a database sharded by office. Times are Unix milliseconds, UTC.
Tables about boxes (`boxes`, `received`, `quarantine`) are small and keyed by box.
The migrations in `migrations/versions` make the same tables; a test compares the two.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from cloud_sink.kpi.fleet import COUNTED

metadata = MetaData()

# How long the rows of a table are kept: every table says so in its `info`; a test asks, and tries.
KEPT = "kept"
CALLS, HEALTH, QUARANTINE, IMPORTS = "calls_days", "health_days", "quarantine_days", "imports_days"  # of [retention]
AUDIT = "audit_days"  # the same
FOR_GOOD = "for good"  # counters and times in which nothing was seen: no number, no name; years ago can be compared
CURRENT = "as it is now"  # one row for each box, office, day to be computed, or mailed report: bounded by those

_CLUSTERED: dict[str, Any] = {
    "sqlite_with_rowid": False
}  # SQLite: the table is its primary key's tree, no second index beside it


def _event_key(time: str) -> list[Column[Any]]:
    """Columns that identify an event: a box numbers its events by seq within an epoch (one life of its spool)."""
    return [
        Column("office_id", String, primary_key=True),
        Column(time, BigInteger, primary_key=True, autoincrement=False),
        Column("box", String, primary_key=True),
        Column("epoch", BigInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
    ]


legs = Table(
    "legs",
    metadata,
    *_event_key("start"),  # time of the INVITE
    Column("ring_after", Integer),  # milliseconds after start, NULL where it did not happen
    Column("answer_after", Integer),
    Column("end_after", Integer),
    Column("role", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("extension", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("callee", String, nullable=False),
    Column("call_key", LargeBinary, nullable=False),
    Column("final_code", Integer, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("ended_by", String, nullable=False),
    Column("reason_sip", Integer, nullable=False),
    Column("reason_q850", Integer),
    Column("hold_ms", Integer, nullable=False),
    Column("holds", Integer, nullable=False),
    Column("transfer", String, nullable=False),
    Column("refer_to", String, nullable=False),
    Column("replaces_key", LargeBinary, nullable=False),
    Column("connected", String, nullable=False),
    Column("diverted_by", String, nullable=False),
    Column("session_key", LargeBinary, nullable=False),
    Column("digits", String, nullable=False),
    Column("transport", String, nullable=False),
    Column("retransmissions", Integer, nullable=False),
    Column("bye_response_ms", Integer),
    Column("bye_code", Integer, nullable=False),
    Column("hold_at_end_ms", Integer, nullable=False),
    Column("digit_after_ms", Integer, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("clock", Integer, nullable=False),  # 0: the box could not say whether its wall time was right
    info={KEPT: CALLS},
    **_CLUSTERED,
)

leg_outcomes = Table(
    "leg_outcomes",
    metadata,
    *_event_key("start"),
    Column("contact_id", String, nullable=False),
    Column("extension", String, nullable=False),
    Column("outcome", String, nullable=False),
    Index("leg_outcomes_by_contact", "office_id", "contact_id"),
    info={KEPT: CALLS},
    **_CLUSTERED,
)

contacts = Table(
    "contacts",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("t_offer", BigInteger, primary_key=True, autoincrement=False),
    Column("contact_id", String, primary_key=True),
    Column("queue", String, nullable=False),
    Column("did", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("t_pbx_answer", BigInteger),
    Column("t_first_ring", BigInteger),
    Column("t_agent_answer", BigInteger),
    Column("t_end", BigInteger),
    Column("disposition", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("extension", String, nullable=False),
    Column("wait_ms", BigInteger),
    Column("wait_basis", String, nullable=False),
    Column("ring_ms", BigInteger),
    Column("talk_ms", BigInteger, nullable=False),
    Column("hold_ms", BigInteger, nullable=False),
    Column("transfers", Integer, nullable=False),
    Column("rings", Integer, nullable=False),
    Column("short", Boolean, nullable=False),
    Column("correlation", String, nullable=False),
    Column("visibility", String, nullable=False),
    Column("ended_by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("legs", Text, nullable=False),  # leg ids in order, a blank between them
    Column("visits", Text, nullable=False),  # JSON: a list of values for each place it waited in; "" where it was one
    info={KEPT: CALLS},
    **_CLUSTERED,
)

# Time ranges that no contact crosses: a late leg re-stitches its island and nothing else.
islands = Table(
    "islands",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, nullable=False),
    info={KEPT: CALLS},
    **_CLUSTERED,
)

# One row for each office and closed local day: what fleets and reports of months read instead of the calls.
# `day` counts local days since 1970-01-01, `start` and `until` are its ends.
office_days = Table(
    "office_days",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("watched_ms", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTED),
    Column("waits_histogram", String, nullable=False),  # JSON object: bin -> answered contacts
    info={KEPT: FOR_GOOD},
    **_CLUSTERED,
)

# Every KPI's counters of that day, of the office, its queues and its extensions; apart: fleets need not read it.
office_day_details = Table(
    "office_day_details",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),  # compressed JSON
    info={KEPT: FOR_GOOD},
    **_CLUSTERED,
)

# Closed days that something arrived for since: their rows are out of date until they are computed again.
dirty_days = Table(
    "dirty_days",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column(
        "marks", BigInteger, nullable=False
    ),  # who computes the day removes the mark only if no other came meanwhile
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

# How far an office's days have been computed, and by which plan; days in [first_day, rolled_until] have rows.
rollups = Table(
    "rollups",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("plan_key", String, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("rolled_until", Integer, nullable=False),
    Column("settled_until", Integer, nullable=False),  # later calls cannot change what these days say any more
    Column("kept_from", Integer, nullable=False),  # calls of earlier days were deleted: their rows are all there is
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

registrations = Table(
    "registrations",
    metadata,
    *_event_key("at"),
    Column("role", String, nullable=False),
    Column("extension", String, nullable=False),
    Column("registered", Boolean, nullable=False),
    info={KEPT: CALLS},
    **_CLUSTERED,
)

# What event packages told of an extension, its mailbox, or a feature code's hint.
told = Table(
    "told",
    metadata,
    *_event_key("at"),
    Column("extension", String, nullable=False),
    Column("state", String, nullable=False),
    Column("count", Integer, nullable=False),
    Column("reason", String, nullable=False),
    info={KEPT: CALLS},
    **_CLUSTERED,
)

voice = Table(
    "voice",
    metadata,
    *_event_key("at"),
    Column("extension", String, nullable=False),
    Column("call_key", LargeBinary, nullable=False),
    Column("mos_lq", Integer),  # hundredths
    Column("mos_cq", Integer),
    Column("loss", Integer),  # hundredths of a percent
    Column("delay_ms", Integer),
    Column("jitter_ms", Integer),
    info={KEPT: CALLS},
    **_CLUSTERED,
)

registers = Table(
    "registers",
    metadata,
    *_event_key("start"),
    Column("until", BigInteger, nullable=False),
    Column("role", String, nullable=False),
    Column("extension", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("code", Integer, nullable=False),
    Column("delays", LargeBinary, nullable=False),  # milliseconds, two bytes each
    info={KEPT: CALLS},
    **_CLUSTERED,
)

gaps = Table(
    "gaps",
    metadata,
    *_event_key("start"),
    Column("until", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("events_lost", BigInteger, nullable=False),
    info={KEPT: FOR_GOOD},
    **_CLUSTERED,
)

health = Table(
    "health",
    metadata,
    *_event_key("at"),
    Column("received", BigInteger, nullable=False),  # by the sink's clock
    Column("counters", Text, nullable=False),  # JSON object: counter name -> integer
    info={KEPT: HEALTH},
    **_CLUSTERED,
)

boxes = Table(
    "boxes",
    metadata,
    Column("box", String, primary_key=True),
    Column("office_id", String, nullable=False),  # "" = no office lists it: nothing of it is stored
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),  # when the sink last heard anything of it
    Column("first_event", BigInteger),  # time of its oldest event
    Column("last_event", BigInteger),  # time of its newest event
    Column("online", Boolean, nullable=False),
    Column("connection", BigInteger, nullable=False),  # number of its last birth: older deaths are ignored
    Column("epoch", BigInteger, nullable=False),
    Column("acked", BigInteger, nullable=False),  # highest contiguous seq of that epoch
    Column("clock_ok", Boolean, nullable=False),
    Column("version", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("boot", String, nullable=False),
    Column("trunk_since", BigInteger),  # start of the first trunk leg it saw; NULL: only phones are seen there
    Column("health_at", BigInteger),
    Column("health", Text, nullable=False),  # JSON object of the newest health report
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

# Which seq numbers arrived, as ranges: one row for a box that never had a hole.
received = Table(
    "received",
    metadata,
    Column("box", String, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("digest", String, primary_key=True),  # of topic, reason and payload: the same junk again counts up
    Column("topic", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),
    Index("quarantine_by_age", "last_seen"),
    info={KEPT: QUARANTINE},
    **_CLUSTERED,
)

# What people know and no box sees: rows of imported files. Read by kind and time, replaced by part.
imports = Table(
    "imports",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # 0: always
    Column("part", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("number", String, nullable=False),  # a caller's number as contacts carry it, "" for none
    Column("fields", Text, nullable=False),  # JSON object: column -> value
    Index("imports_by_part", "office_id", "kind", "part"),
    info={KEPT: IMPORTS},
    **_CLUSTERED,
)

# Every import, and what it replaced as long as it can be taken back.
import_runs = Table(
    "import_runs",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("run", String, primary_key=True),  # a random name
    Column("kind", String, nullable=False),
    Column("how", String, nullable=False),  # write | remove
    Column("source", String, nullable=False),
    Column("author", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("new", Integer, nullable=False),  # in parts, as the two below
    Column("changed", Integer, nullable=False),
    Column("same", Integer, nullable=False),
    Column("undone", BigInteger),  # when it was taken back
    Column("undo", LargeBinary),  # packed: the parts it touched and their rows of before; NULL: cannot be taken back
    info={KEPT: IMPORTS},
    **_CLUSTERED,
)

# Saved reports that are mailed: when each was last due, sent, or failed.
mailings = Table(
    "mailings",
    metadata,
    Column("office_id", String, primary_key=True),
    Column("report", String, primary_key=True),
    Column("done", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("sent", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("retry", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
    info={KEPT: CURRENT},
    **_CLUSTERED,
)
