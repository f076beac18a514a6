"""Signing in and out, and whose session or token a request carries. Every refusal sounds the same to who is refused."""

import hashlib
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable

from cloud_sink.store import AuditLine, Session, Store, Token, User
from cloud_sink.users import passwords
from cloud_sink.users.roles import ROLES, Asker
from cloud_sink.users.settings import WebSettings
from cloud_sink.users.throttle import OF_ADDRESS, OF_USER, Throttle

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
NAME_RULE = "1 to 64 of a-z, 0-9 and . _ @ + -"
SECRET_BYTES = 32  # of sessions and tokens: OWASP asks for 16 at least
TOKEN_PREFIX = "rt_"  # so that scanners of leaked secrets, and people, see what it is  # noqa: S105
WALLBOARD_DAYS = 90
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MAX_KNOWN = 10_000
REFUSED = "sign-in refused"

_log = logging.getLogger(__name__)


class SignInRefused(Exception):
    """The text says what to do."""

    def __init__(self, problem: str, wait_ms: int = 0) -> None:
        super().__init__(problem)
        self.wait_ms = wait_ms


def digest(secret: str) -> str:
    """What is stored of a session's or token's secret: it is random, so a plain hash keeps it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def canonical(name: str) -> str:
    """A user's name however it is typed."""
    return name.strip().casefold()


def asker_of(user: User) -> Asker:
    """What a user may do."""
    every = user.every_office or ROLES[user.role].every_office
    return Asker(user.name, user.role, None if every else user.offices)


def new_token(user: str, label: str, now_ms: int, until_ms: int | None) -> tuple[Token, str]:
    """A token, and its secret, which is known this once."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    return Token(digest(secret), secrets.token_hex(4), user, label, now_ms, until_ms), secret


class Accounts:
    """Who may come in. Safe to use from several threads."""

    def __init__(self, store: Store, settings: WebSettings, now_ms: Callable[[], int]) -> None:
        self.settings = settings
        self._users = store.users
        self._now_ms = now_ms
        self._by_address, self._by_user = Throttle(OF_ADDRESS), Throttle(OF_USER)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()  # (user, address) that signed in before

    def exist(self) -> bool:
        """Whether there are users at all."""
        return self._users.any()

    # --- signing in and out

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Return the secret of a new session. Raises SignInRefused, TooBusy."""
        name = canonical(name)
        user = self._users.get(name) if NAME.fullmatch(name) else None
        self._count(name, address)
        if not passwords.is_right(password, user.password if user else "") or user is None or user.disabled:
            self.tell(user.name if user else "", address, REFUSED, _why(user))  # what else was typed may be a password
            raise SignInRefused("Name and password do not belong together.")
        self._remember(name, address)
        if passwords.is_outdated(user.password):
            self._users.renew_hash(name, user.password, passwords.hash_password(password))
        return self._open(user, address)

    def _count(self, name: str, address: str) -> None:
        """Count a try by its address and, unless it signed in from there before, by its user. Raises SignInRefused."""
        now = self._now_ms()
        waits = [self._by_address.wait_ms(address, now)]
        if (name, address) not in self._known:
            waits.append(self._by_user.wait_ms(name, now))
        if max(waits):
            raise SignInRefused(f"Too many wrong passwords: try again in {_wait_text(max(waits))}.", max(waits))
        self._by_address.count(address, now)
        self._by_user.count(name, now)

    def _remember(self, name: str, address: str) -> None:
        """A password was right: its try was none, and somebody else's guesses do not lock this address out."""
        now = self._now_ms()
        self._by_address.refund(address, now)
        self._by_user.refund(name, now)
        self._known[name, address] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _open(self, user: User, address: str) -> str:
        now, secret = self._now_ms(), secrets.token_urlsafe(SECRET_BYTES)
        length = WALLBOARD_DAYS * DAY_MS if ROLES[user.role].stays else self.settings.session_hours * HOUR_MS
        self._users.open_session(Session(digest(secret), user.name, now, now, now + length, address))
        self.tell(user.name, address, "signed in")
        return secret

    def sign_out(self, secret: str, who: Asker, address: str) -> None:
        """End a session."""
        self._users.end_session(digest(secret))
        self.tell(who.name, address, "signed out")

    def change_password(self, who: Asker, old: str, new: str, secret: str, address: str) -> None:
        """Take another password; his other sessions end. Raises SignInRefused, TooBusy."""
        user = self._users.get(who.name)
        self._count(who.name, address)
        if user is None or not passwords.is_right(old, user.password):
            self.tell(who.name, address, "password change refused", "wrong password")
            raise SignInRefused("That is not your present password.")
        self._remember(who.name, address)
        if problem := passwords.weakness(new, who.name):
            raise SignInRefused(f"The new password {problem}.")
        self._users.set_password(who.name, passwords.hash_password(new), keep=digest(secret))
        self.tell(who.name, address, "password changed", "other sessions ended")

    def end_other_sessions(self, who: Asker, secret: str, address: str) -> int:
        """Sign a user out everywhere but here; returns from how many."""
        count = self._users.end_sessions(who.name, keep=digest(secret))
        self.tell(who.name, address, "other sessions ended", str(count))
        return count

    # --- requests

    def by_session(self, secret: str, *, used: bool = True) -> Asker | None:
        """Whose session it is, None where it is over; `used`: by a person, not by a page that follows new calls."""
        now, key = self._now_ms(), digest(secret)
        found = self._users.session(key, now)
        if found is None:
            return None
        session, user = found
        if not ROLES[user.role].stays and now - session.seen_ms > self.settings.idle_minutes * MINUTE_MS:
            self._users.end_session(key)
            return None
        if used and now - session.seen_ms >= MINUTE_MS:
            self._users.see_session(key, now)
        return asker_of(user)

    def by_token(self, secret: str) -> Asker | None:
        """Whose token it is, None where it holds no more."""
        now, key = self._now_ms(), digest(secret)
        found = self._users.token(key, now)
        if found is None:
            return None
        token, user = found
        if token.used_ms is None or now - token.used_ms >= HOUR_MS:
            self._users.see_token(key, now)
        return asker_of(user)

    def tell(self, user: str, address: str, what: str, about: str = "") -> None:
        """Put on record what was done."""
        self._users.tell(AuditLine(self._now_ms(), user, address, what, about))
        level = logging.WARNING if what == REFUSED else logging.INFO
        _log.log(level, "%s: user %s, from %s%s", what, user or "-", address, f" ({about})" if about else "")


def _wait_text(wait_ms: int) -> str:
    """How long, rounded up."""
    seconds = -(-wait_ms // 1000)
    return f"{seconds} seconds" if seconds < 100 else f"{-(-seconds // 60)} minutes"


def _why(user: User | None) -> str:
    """For the record only."""
    if user is None:
        return "no such user"
    return "disabled" if user.disabled else "wrong password"
