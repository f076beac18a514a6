"""Tables of who may see what: users, their offices, sessions, tokens, and what was done. Secrets are stored hashed."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from cloud_sink.store.tables import AUDIT, CURRENT, KEPT, metadata

_CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password", String, nullable=False),  # Argon2id in PHC form; "": signs in by token only
    Column("disabled", Boolean, nullable=False),
    Column("every_office", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

user_offices = Table(
    "user_offices",
    metadata,
    Column("user", String, primary_key=True),
    Column("office_id", String, primary_key=True),
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

# Who is signed in: a row gone is a session over, whatever the browser still holds.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String, primary_key=True),  # SHA-256 of what the cookie holds: 256 random bits
    Column("user", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),  # last use by a person, to the minute
    Column("until", BigInteger, nullable=False),
    Column("address", String, nullable=False),
    Index("sessions_by_user", "user"),
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String, primary_key=True),  # SHA-256 of the token: 256 random bits
    Column("id", String, nullable=False),  # how it is spoken of
    Column("user", String, nullable=False),
    Column("label", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("until", BigInteger),  # NULL: until it is revoked
    Column("used", BigInteger),  # last use, to the hour
    Index("tokens_by_user", "user"),
    info={KEPT: CURRENT},
    **_CLUSTERED,
)

# Sign-ins, refusals and changes of users.
audit = Table(
    "audit",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("line", String, primary_key=True),  # a random name: several may be of one millisecond
    Column("user", String, nullable=False),  # who did it, or tried to; "": somebody at the command line
    Column("address", String, nullable=False),  # from where; "": the command line
    Column("what", String, nullable=False),
    Column("about", Text, nullable=False),
    info={KEPT: AUDIT},
    **_CLUSTERED,
)
