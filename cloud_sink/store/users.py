"""Users and what they may see, their sessions and tokens, and what was done, as the database keeps them.

Small tables, each question one short transaction of its own. Times are Unix milliseconds, UTC.
"""

import secrets
from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, or_, select, update

from cloud_sink.store.engine import clear_errors, writing
from cloud_sink.store.user_tables import audit, sessions, tokens, user_offices, users

MAX_AUDIT_LINES = 50_000  # some 10 MB: years of an office's sign-ins, days of somebody's guessing
MAX_SESSIONS = 20  # of one user: screens and browsers that were never signed out; the oldest go first


@dataclass(frozen=True, slots=True)
class User:
    """One user; `offices`: those granted, besides `every_office`."""

    name: str
    role: str
    password: str
    disabled: bool
    every_office: bool
    created_ms: int
    offices: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in."""

    digest: str
    user: str
    created_ms: int
    seen_ms: int
    until_ms: int
    address: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a program shows instead of a password; `until_ms` None: until it is revoked."""

    digest: str
    id: str
    user: str
    label: str
    created_ms: int
    until_ms: int | None
    used_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Something that was done."""

    at_ms: int
    user: str
    address: str
    what: str
    about: str


class Users:
    """All of it; safe to use from several threads. Raises StoreUnusable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = writing(engine)

    # --- users

    def any(self) -> bool:
        """Whether there is any user, disabled or not."""
        with self._engine.connect() as connection:
            return connection.execute(select(users.c.name).limit(1)).first() is not None

    def all(self) -> list[User]:
        """Every user, by name."""
        with clear_errors(self._engine), self._engine.connect() as connection:
            return _read_users(connection)

    def get(self, name: str) -> User | None:
        """One user."""
        with self._engine.connect() as connection:
            return next(iter(_read_users(connection, name)), None)

    def add(self, user: User) -> bool:
        """Keep a new user; False where the name is taken."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            if _read_users(connection, user.name):
                return False
            row = (user.name, user.role, user.password, user.disabled, user.every_office, user.created_ms)
            connection.execute(insert(users).values(row))
            _grant(connection, user.name, user.offices)
            return True

    def set_rights(self, name: str, role: str, *, every_office: bool, offices: frozenset[str]) -> None:
        """Give another role and other offices; who is signed in has them with the next request."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            changed = update(users).where(users.c.name == name)
            connection.execute(changed.values(role=role, every_office=every_office))
            _grant(connection, name, offices)

    def set_password(self, name: str, password: str, keep: str = "") -> None:
        """Store another password's hash; every session ends but the one whose digest is to be kept."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            connection.execute(update(users).where(users.c.name == name).values(password=password))
            connection.execute(delete(sessions).where(sessions.c.user == name, sessions.c.digest != keep))

    def renew_hash(self, name: str, old: str, new: str) -> None:
        """Store the same password hashed at another cost, unless it was changed meanwhile."""
        with self._writing.begin() as connection:
            this = and_(users.c.name == name, users.c.password == old)
            connection.execute(update(users).where(this).values(password=new))

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Lock a user out, at once, or let him in again."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            connection.execute(update(users).where(users.c.name == name).values(disabled=disabled))
            if disabled:
                connection.execute(delete(sessions).where(sessions.c.user == name))

    def remove(self, name: str) -> None:
        """Delete a user with everything of his; what he did stays on record."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            connection.execute(delete(users).where(users.c.name == name))
            for table in (user_offices, sessions, tokens):
                connection.execute(delete(table).where(table.c.user == name))

    # --- sessions

    def open_session(self, session: Session) -> None:
        """Keep that somebody signed in; sessions that are over go, and his oldest where he has too many."""
        with self._writing.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.until <= session.created_ms))
            row = (session.digest, session.user, session.created_ms, session.seen_ms, session.until_ms)
            connection.execute(insert(sessions).values((*row, session.address)))
            mine = sessions.c.user == session.user
            kept = select(sessions.c.digest).where(mine).order_by(sessions.c.created.desc()).limit(MAX_SESSIONS)
            connection.execute(delete(sessions).where(mine, sessions.c.digest.not_in(kept.scalar_subquery())))

    def session(self, digest: str, now_ms: int) -> tuple[Session, User] | None:
        """A session that is not over, and whose it is."""
        with self._engine.connect() as connection:
            this = and_(sessions.c.digest == digest, sessions.c.until > now_ms)
            row = connection.execute(select(sessions).where(this)).one_or_none()
            user = None if row is None else next(iter(_read_users(connection, row.user)), None)
        return None if row is None or user is None or user.disabled else (Session(*row), user)

    def see_session(self, digest: str, now_ms: int) -> None:
        """Keep that a session was used."""
        with self._writing.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen=now_ms))

    def end_session(self, digest: str) -> None:
        """End one session."""
        with self._writing.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest))

    def end_sessions(self, name: str | None = None, keep: str = "") -> int:
        """End every session, or those of a user, but the one whose digest is to be kept; returns how many."""
        whose = sessions.c.digest != keep if name is None else and_(sessions.c.user == name, sessions.c.digest != keep)
        with clear_errors(self._engine), self._writing.begin() as connection:
            return int(connection.execute(delete(sessions).where(whose)).rowcount)

    # --- tokens

    def add_token(self, token: Token) -> None:
        """Keep a token."""
        row = (token.digest, token.id, token.user, token.label, token.created_ms, token.until_ms, token.used_ms)
        with clear_errors(self._engine), self._writing.begin() as connection:
            connection.execute(insert(tokens).values(row))

    def tokens(self) -> list[Token]:
        """Every token, by user and age."""
        with clear_errors(self._engine), self._engine.connect() as connection:
            return [Token(*row) for row in connection.execute(select(tokens).order_by(tokens.c.user, tokens.c.created))]

    def token(self, digest: str, now_ms: int) -> tuple[Token, User] | None:
        """A token that holds, and whose it is."""
        holds: ColumnElement[bool] = or_(tokens.c.until.is_(None), tokens.c.until > now_ms)
        with self._engine.connect() as connection:
            row = connection.execute(select(tokens).where(tokens.c.digest == digest, holds)).one_or_none()
            user = None if row is None else next(iter(_read_users(connection, row.user)), None)
        return None if row is None or user is None or user.disabled else (Token(*row), user)

    def see_token(self, digest: str, now_ms: int) -> None:
        """Keep that a token was used."""
        with self._writing.begin() as connection:
            connection.execute(update(tokens).where(tokens.c.digest == digest).values(used=now_ms))

    def revoke_token(self, token_id: str) -> bool:
        """Delete a token; False where there is none."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            return bool(connection.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount)

    # --- what was done

    def tell(self, line: AuditLine) -> None:
        """Put a line on record; the oldest go where there are too many."""
        with clear_errors(self._engine), self._writing.begin() as connection:
            row = (line.at_ms, secrets.token_hex(4), line.user, line.address, line.what, line.about)
            connection.execute(insert(audit).values(row))
            count = connection.execute(select(func.count()).select_from(audit)).scalar_one()
            if count > MAX_AUDIT_LINES:
                oldest = select(audit.c.at).order_by(audit.c.at).limit(1).offset(count - MAX_AUDIT_LINES)
                connection.execute(delete(audit).where(audit.c.at < oldest.scalar_subquery()))

    def trim(self, before_ms: int) -> int:
        """Delete what was done before that; returns how many lines."""
        with self._writing.begin() as connection:
            return int(connection.execute(delete(audit).where(audit.c.at < before_ms)).rowcount)

    def told(self, limit: int) -> list[AuditLine]:
        """What was done last, the latest first."""
        columns = (audit.c.at, audit.c.user, audit.c.address, audit.c.what, audit.c.about)
        with clear_errors(self._engine), self._engine.connect() as connection:
            latest = select(*columns).order_by(audit.c.at.desc(), audit.c.line).limit(limit)
            return [AuditLine(*row) for row in connection.execute(latest)]


def _read_users(connection: Connection, name: str | None = None) -> list[User]:
    """Every user by name, or the one."""
    these = select(users) if name is None else select(users).where(users.c.name == name)
    granted = select(user_offices) if name is None else select(user_offices).where(user_offices.c.user == name)
    offices: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(granted):
        offices[row.user].add(row.office_id)
    return [
        User(each.name, each.role, each.password, each.disabled, each.every_office, each.created,
             frozenset(offices[each.name]))
        for each in connection.execute(these.order_by(users.c.name))
    ]  # fmt: skip


def _grant(connection: Connection, name: str, offices: frozenset[str]) -> None:
    """Make these the offices granted to a user."""
    connection.execute(delete(user_offices).where(user_offices.c.user == name))
    if offices:
        connection.execute(insert(user_offices), [{"user": name, "office_id": office} for office in sorted(offices)])
