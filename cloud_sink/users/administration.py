"""What those who run the sink do with users and tokens, by page or command; all of it goes on record."""

from collections.abc import Callable, Sequence

from cloud_sink.store import AuditLine, Store, User
from cloud_sink.users import passwords
from cloud_sink.users.accounts import DAY_MS, NAME, NAME_RULE, canonical, new_token
from cloud_sink.users.roles import ADMIN, ROLES

LONGEST_DAYS = 3650  # of a token
LONGEST_LABEL = 200  # characters


class CannotAdminister(Exception):
    """It cannot be done; the text says why and what to do."""


class Administration:
    """Changes users. `by` and `address` say who does it and from where: "" for the command line."""

    def __init__(
        self, store: Store, offices: Sequence[str], now_ms: Callable[[], int], by: str = "", address: str = ""
    ) -> None:
        self.users = store.users
        self.offices = offices
        self._now_ms = now_ms
        self._by = by
        self._address = address

    def user(self, name: str) -> User:
        """The user of that name. Raises CannotAdminister."""
        found = self.users.get(canonical(name))
        if found is None:
            known = ", ".join(each.name for each in self.users.all()) or "none yet"
            raise CannotAdminister(f'there is no user "{name}" (there is: {known})')
        return found

    def check_new(self, name: str) -> str:
        """A new user's name as it is stored. Raises CannotAdminister."""
        found = canonical(name)
        if not NAME.fullmatch(found):
            raise CannotAdminister(f'"{name}" cannot be a name: use {NAME_RULE}')
        if self.users.get(found) is not None:
            raise CannotAdminister(
                f'there is a user "{found}" already: `ringtap-sink user role` or `password` changes it'
            )
        return found

    def add(self, name: str, role: str, password: str, *, every_office: bool, offices: frozenset[str]) -> User:
        """Add a user; `password`: its hash, "" for tokens only. Raises CannotAdminister."""
        found = self.check_new(name)
        self._check_offices(offices)
        user = User(found, role, password, False, every_office, self._now_ms(), offices)
        if not self.users.add(user):
            raise CannotAdminister(f'there is a user "{found}" already')
        self._tell("user added", f"{found}: {rights_text(user)}")
        return user

    def set_rights(self, name: str, role: str, *, every_office: bool, offices: frozenset[str]) -> User:
        """Give another role and other offices, at once. Raises CannotAdminister."""
        user = self._somebody_else(name, "give yourself another role")
        self._check_offices(offices)
        self.users.set_rights(user.name, role, every_office=every_office, offices=offices)
        found = self.user(user.name)
        self._tell("role given", f"{found.name}: {rights_text(found)}")
        return found

    def set_disabled(self, name: str, *, disabled: bool) -> User:
        """Lock a user out, or let him in again. Raises CannotAdminister."""
        user = self._somebody_else(name, "lock yourself out")
        self.users.set_disabled(user.name, disabled=disabled)
        self._tell(f"user {'disabled' if disabled else 'enabled'}", user.name)
        return user

    def remove(self, name: str) -> User:
        """Delete a user with his sessions and tokens. Raises CannotAdminister."""
        user = self._somebody_else(name, "remove yourself")
        self.users.remove(user.name)
        self._tell("user removed", user.name)
        return user

    def set_password(self, name: str, password: str) -> User:
        """Store another password's hash; the user's sessions end. Raises CannotAdminister."""
        user = self.user(name)
        self.users.set_password(user.name, password)
        self._tell("password set", user.name)
        return user

    def make_password(self, name: str) -> tuple[User, str]:
        """Make a password, to be shown this once. Raises CannotAdminister, TooBusy."""
        made = passwords.generate()
        return self.set_password(self._somebody_else(name, _OWN_PASSWORD).name, passwords.hash_password(made)), made

    def create_token(self, name: str, label: str, days: int | None) -> tuple[str, str]:
        """(id, secret) of a token with the user's rights; the secret is known this once. Raises CannotAdminister."""
        user, now = self.user(name), self._now_ms()
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise CannotAdminister(f"a token holds from 1 to {LONGEST_DAYS} days")
        until = None if days is None else now + days * DAY_MS
        token, secret = new_token(user.name, label[:LONGEST_LABEL], now, until)
        self.users.add_token(token)
        self._tell("token created", f"{token.id} of {user.name} ({token.label})")
        return token.id, secret

    def revoke_token(self, token_id: str) -> None:
        """Refuse a token from now on. Raises CannotAdminister."""
        if not self.users.revoke_token(token_id):
            known = ", ".join(token.id for token in self.users.tokens()) or "none"
            raise CannotAdminister(f'there is no token "{token_id}" (there is: {known})')
        self._tell("token revoked", token_id)

    def _somebody_else(self, name: str, deed: str) -> User:
        user = self.user(name)
        if user.name == self._by:
            raise CannotAdminister(f"you cannot {deed} here: ask another admin, or use `ringtap-sink user`")
        return user

    def _check_offices(self, offices: frozenset[str]) -> None:
        unknown = sorted(offices - set(self.offices))
        if unknown:
            raise CannotAdminister(f'no office "{unknown[0]}" (there is: {", ".join(self.offices)})')

    def _tell(self, what: str, about: str) -> None:
        self.users.tell(AuditLine(self._now_ms(), self._by, self._address, what, about))


_OWN_PASSWORD = "make yourself a password (that is what /account is for)"  # noqa: S105


def granted_offices(user: User) -> list[str] | None:
    """Those granted, None: every one."""
    return None if user.every_office or ROLES[user.role].every_office else sorted(user.offices)


def office_text(user: User) -> str:
    """The offices of a user in words."""
    offices = granted_offices(user)
    return "all" if offices is None else ", ".join(offices) or "none"


def rights_text(user: User) -> str:
    """Role and offices in words."""
    return f"{user.role}, offices: {office_text(user)}"


def state_text(user: User) -> str:
    """What keeps a user from signing in, "" where nothing does."""
    return "disabled" if user.disabled else "" if user.password else "tokens only"


def may_be_first(role: str) -> bool:
    """Whether a sink without users may begin with such a one: somebody has to add the others."""
    return role == ADMIN
