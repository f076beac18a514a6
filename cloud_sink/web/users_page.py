"""The page `/users`: who may sign in, as whom and for which offices; for admins only.

What is made here, a password or a token, is shown once, on the answer to the form that asked for it. A token cannot
use this page: whoever gets hold of one must not be able to make himself others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from cloud_sink.store import AuditLine, Token, User
from cloud_sink.users import passwords
from cloud_sink.users.administration import (
    LONGEST_DAYS,
    LONGEST_LABEL,
    Administration,
    CannotAdminister,
    may_be_first,
    office_text,
    state_text,
)
from cloud_sink.users.passwords import TooBusy
from cloud_sink.users.roles import ROLES
from cloud_sink.web.asking import Administering, Forbidden
from cloud_sink.web.forms import Fields, Form
from cloud_sink.web.page import templates

SHOWN_LINES = 50
BUSY = "Many passwords are being made: try again in a few seconds."
NO_TOKENS = "users are changed by people who signed in, not with a token"

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token, without what is secret in it."""

    id: str
    label: str
    until: str
    used: str


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user with his tokens; `own`: who looks at the page."""

    name: str
    role: str
    offices: frozenset[str]
    every_office: bool
    office_text: str
    state: str
    disabled: bool
    since: str
    tokens: list[TokenRow]
    own: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a form: a mistake, or what was done, with a secret that is shown this once."""

    problem: str = ""
    done: str = ""
    secret: str = ""


def administration(request: Request, who: Administering) -> Administration:
    """What changes users, in the name of who asks. Raises Forbidden."""
    if who.name and not request.state.session:
        raise Forbidden(NO_TOKENS)
    state = request.app.state
    address = request.client.host if request.client else ""
    return Administration(state.offices.store, state.offices.names(), state.offices.now_ms, who.name, address)


Changes = Annotated[Administration, Depends(administration)]


@pages.get("/users")
def show_users(request: Request, who: Administering, users: Changes) -> Response:
    """Everybody, what each may do, and what was done lately."""
    return _page(request, who.name, users, Said())


@pages.post("/users/add")
def add_user(request: Request, who: Administering, users: Changes, form: Fields) -> Response:
    """Add somebody, with a password that is made here."""
    return _page(request, who.name, users, _tried(lambda: _add(users, form)))


@pages.post("/users/change")
def change_user(request: Request, who: Administering, users: Changes, form: Fields) -> Response:
    """One of the buttons in a user's row."""
    return _page(request, who.name, users, _tried(lambda: _change(users, form)))


def _tried(deed: Callable[[], Said]) -> Said:
    """What became of it."""
    try:
        return deed()
    except CannotAdminister as error:
        return Said(problem=f"{str(error)[:1].upper()}{str(error)[1:]}.")
    except TooBusy:
        return Said(problem=BUSY)


def _add(users: Administration, form: Form) -> Said:
    name, role = users.check_new(form.one("name")), _role(form)
    if not users.users.any() and not may_be_first(role):
        raise CannotAdminister("the first user must be an admin: somebody has to add the others")
    every, offices = _offices(form)
    password = passwords.generate()
    users.add(name, role, passwords.hash_password(password), every_office=every, offices=offices)
    return Said(done=f"{name} may sign in with this password, shown this once:", secret=password)


def _change(users: Administration, form: Form) -> Said:
    name, deed = form.one("name"), form.one("deed")
    if deed not in DEEDS:
        raise CannotAdminister(f'nothing here is called "{deed}"')
    return DEEDS[deed](users, name, form)


def _give_rights(users: Administration, name: str, form: Form) -> Said:
    every, offices = _offices(form)
    user = users.set_rights(name, _role(form), every_office=every, offices=offices)
    return Said(done=f"{user.name} is {user.role} now, for offices: {office_text(user)}.")


def _disable(users: Administration, name: str, _form: Form) -> Said:
    return Said(done=f"{users.set_disabled(name, disabled=True).name} is locked out, at once.")


def _enable(users: Administration, name: str, _form: Form) -> Said:
    return Said(done=f"{users.set_disabled(name, disabled=False).name} may sign in again.")


def _remove(users: Administration, name: str, form: Form) -> Said:
    if not form.one("sure"):
        raise CannotAdminister(f'removing {name} cannot be taken back: tick "sure" as well')
    return Said(done=f"{users.remove(name).name} is removed, with all tokens.")


def _new_password(users: Administration, name: str, _form: Form) -> Said:
    user, made = users.make_password(name)
    return Said(done=f"{user.name} may sign in with this password, shown this once:", secret=made)


def _new_token(users: Administration, name: str, form: Form) -> Said:
    days = form.one("days").strip()
    if days and not (days.isascii() and days.isdigit()):
        raise CannotAdminister(f"a token holds from 1 to {LONGEST_DAYS} days")
    token_id, secret = users.create_token(name, form.one("label"), int(days) if days else None)
    return Said(done=f"Token {token_id} of {users.user(name).name}, shown this once:", secret=secret)


def _revoke(users: Administration, _name: str, form: Form) -> Said:
    users.revoke_token(form.one("token"))
    return Said(done=f"Token {form.one('token')} is refused from now on.")


DEEDS = {
    "rights": _give_rights,
    "disable": _disable,
    "enable": _enable,
    "remove": _remove,
    "password": _new_password,
    "token": _new_token,
    "revoke": _revoke,
}


def _role(form: Form) -> str:
    role = form.one("role")
    if role not in ROLES:
        raise CannotAdminister(f'no role "{role}": there is {", ".join(ROLES)}')
    return role


def _offices(form: Form) -> tuple[bool, frozenset[str]]:
    """(every one, those named)."""
    every = bool(form.one("every_office"))
    return every, frozenset() if every else frozenset(form.all("office"))


def _page(request: Request, own: str, users: Administration, said: Said) -> Response:
    tokens = users.users.tokens()
    context = {
        "said": said,
        "rows": [_user_row(user, tokens, own) for user in users.users.all()],
        "roles": ROLES,
        "offices": users.offices,
        "lines": [_line(each) for each in users.users.told(SHOWN_LINES)],
        "longest_days": LONGEST_DAYS,
        "longest_label": LONGEST_LABEL,
    }
    return templates.TemplateResponse(request, "users.html", context, status_code=422 if said.problem else 200)


def _user_row(user: User, tokens: Sequence[Token], own: str) -> UserRow:
    return UserRow(
        user.name,
        user.role,
        user.offices,
        user.every_office,
        office_text(user),
        state_text(user),
        user.disabled,
        _moment(user.created_ms),
        [_token_row(each) for each in tokens if each.user == user.name],
        user.name == own,
    )


def _token_row(token: Token) -> TokenRow:
    until = "until it is revoked" if token.until_ms is None else f"until {_moment(token.until_ms)}"
    used = "never used" if token.used_ms is None else f"last used {_moment(token.used_ms)}"
    return TokenRow(token.id, token.label, until, used)


def _line(line: AuditLine) -> tuple[str, str, str, str, str]:
    """When, who, from where, what, about what."""
    return _moment(line.at_ms), line.user or "—", line.address or "command line", line.what, line.about


def _moment(at_ms: int) -> str:
    """A moment; a sink has no time zone of its own."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
