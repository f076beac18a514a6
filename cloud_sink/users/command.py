"""`ringtap-sink user`: who may sign in, as whom, and what they did; passwords are typed or read, never arguments."""

import argparse
import getpass
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from cloud_sink.config import SinkConfiguration
from cloud_sink.errors import ConfigurationError
from cloud_sink.store import Store, Token
from cloud_sink.users import passwords
from cloud_sink.users.administration import (
    Administration,
    CannotAdminister,
    granted_offices,
    office_text,
    rights_text,
    state_text,
)
from cloud_sink.users.roles import ROLES

EXAMPLES = (
    "roles:\n"
    + "".join(f"  {name:<10} {role.says}\n" for name, role in ROLES.items())
    + """
examples:
  ringtap-sink user add maria --role admin --config sink.toml
  ringtap-sink user add jens --role manager --office london --office paris --config sink.toml
  ringtap-sink user add screen --role wallboard --office london --generate --config sink.toml
  ringtap-sink user password jens --config sink.toml < password.txt
  ringtap-sink user token create jens --label spreadsheet --days 365 --config sink.toml
"""
)
Cells = Sequence[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION")
    add = _action(actions, "add", "add a user; asks for a password, or reads it from standard input", _add)
    _rights(add, required=True)
    how = add.add_mutually_exclusive_group()
    how.add_argument("--generate", action="store_true", help="make a password and show it, this once")
    how.add_argument("--no-password", action="store_true", help="no sign-in on the page: tokens only")
    listed = _action(actions, "list", "list users with their roles, offices and tokens", _list, named=False)
    listed.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    password = _action(actions, "password", "set another password; ends the user's sessions", _password)
    password.add_argument("--generate", action="store_true", help="make a password and show it, this once")
    _rights(_action(actions, "role", "give another role and other offices, at once", _role), required=True)
    _action(actions, "disable", "lock a user out, at once: sessions end, tokens are refused", _disable)
    _action(actions, "enable", "let a disabled user in again", _enable)
    _action(actions, "remove", "delete a user with his sessions and tokens; what he did stays on record", _remove)
    log = _action(actions, "log", "list sign-ins, refusals and changes of users, the latest first", _log, named=False)
    log.add_argument("--limit", type=int, default=100, metavar="N", help="lines at most (default 100)")
    log.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    _add_token_actions(actions)


def _add_token_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Tokens have three of their own."""
    about = "tokens that programs show instead of a password: Authorization: Bearer TOKEN"
    token = actions.add_parser("token", help=about, description=about)
    tokens = token.add_subparsers(title="what to do", required=True, metavar="ACTION")
    create = _action(tokens, "create", "make a token with a user's role and offices, and show it, this once", _create)
    create.add_argument("--label", default="", metavar="L", help="what it is for")
    create.add_argument("--days", type=int, metavar="N", help="holds so many days; without: until it is revoked")
    _action(tokens, "list", "list tokens, never what is secret in them", _list_tokens, named=False)
    revoke = _action(tokens, "revoke", "refuse a token from now on", _revoke, named=False)
    revoke.add_argument("id", metavar="ID", help="of the token, as `list` shows it")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    about: str,
    function: Callable[["Desk", argparse.Namespace], list[str]],
    *,
    named: bool = True,
) -> argparse.ArgumentParser:
    """One sub-command."""
    parser = actions.add_parser(
        name, help=about, description=about, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if named:
        parser.add_argument("name", metavar="NAME", help="name to sign in with")
    parser.add_argument("--config", required=True, metavar="F", help="configuration file (TOML)")
    parser.set_defaults(action=function)
    return parser


def _rights(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--role", choices=list(ROLES), required=required, help="what the user may see and do")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--office", action="append", default=[], metavar="O",
        help="an office to grant, as often as there are; may be left out where there is one office only",
    )  # fmt: skip
    which.add_argument("--all-offices", action="store_true", help="grant every office, those to come too")


class Desk:
    """What the sub-commands work on: the configuration, the store's users, and how they are changed."""

    def __init__(self, configuration: SinkConfiguration, store: Store) -> None:
        self.configuration = configuration
        self.users = store.users
        self.administration = Administration(store, list(configuration.plans), lambda: time.time_ns() // 1_000_000)


def run(arguments: argparse.Namespace, configuration: SinkConfiguration) -> list[str]:
    """Do it; returns what there is to say. Raises SinkError."""
    store = Store.open(configuration.sink.database)
    store.migrate()  # the first user comes before the first start
    try:
        said: list[str] = arguments.action(Desk(configuration, store), arguments)
    except CannotAdminister as error:
        raise ConfigurationError(str(error)) from error
    store.close()
    return said


# --- users


def _add(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    name = desk.administration.check_new(arguments.name)
    every, offices = _granted(desk, arguments)
    password, said = ("", []) if arguments.no_password else _new_password(name, generate=arguments.generate)
    user = desk.administration.add(name, arguments.role, password, every_office=every, offices=offices)
    if desk.configuration.web.open:
        said.append("nobody is asked to sign in as long as [web] open = true")
    return [f"{name}: {rights_text(user)}", *said]


def _granted(desk: Desk, arguments: argparse.Namespace) -> tuple[bool, frozenset[str]]:
    """Which offices: (every one, those named)."""
    known = list(desk.configuration.plans)
    for office in arguments.office:
        if office not in known:
            raise ConfigurationError(f'{arguments.config}: no office "{office}" (there is: {", ".join(known)})')
    if ROLES[arguments.role].every_office or arguments.all_offices:
        return arguments.all_offices, frozenset()
    if not arguments.office and len(known) > 1:
        raise ConfigurationError(f"say which offices with --office, or --all-offices: there is {', '.join(known)}")
    return False, frozenset(arguments.office or known)


def _new_password(name: str, *, generate: bool) -> tuple[str, list[str]]:
    """(what is stored of it, what there is to say)."""
    if generate:
        made = passwords.generate()
        return passwords.hash_password(made), [f"password, shown this once: {made}"]
    password = _ask() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if problem := passwords.weakness(password, name):
        raise ConfigurationError(f"the password {problem}")
    return passwords.hash_password(password), []


def _ask() -> str:
    """Twice, unseen."""
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        raise ConfigurationError("the password was not the same both times: nothing is changed")
    return password


def _list(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    users, tokens = desk.users.all(), desk.users.tokens()
    if arguments.format == "json":
        rows = [
            {"name": each.name, "role": each.role, "offices": granted_offices(each), "disabled": each.disabled,
             "password": bool(each.password), "tokens": sum(token.user == each.name for token in tokens),
             "created": _iso(each.created_ms)}
            for each in users
        ]  # fmt: skip
        return [json.dumps(rows, indent=2)]
    heads = ("name", "role", "offices", "state", "tokens", "since")
    return _table(heads, [
        (each.name, each.role, office_text(each), state_text(each), str(sum(t.user == each.name for t in tokens)),
         _iso(each.created_ms))
        for each in users
    ])  # fmt: skip


def _password(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    user = desk.administration.user(arguments.name)
    password, said = _new_password(user.name, generate=arguments.generate)
    desk.administration.set_password(user.name, password)
    return [f"{user.name}: another password; wherever the user was signed in, it is over", *said]


def _role(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    user = desk.administration.user(arguments.name)
    every, offices = _granted(desk, arguments)
    changed = desk.administration.set_rights(user.name, arguments.role, every_office=every, offices=offices)
    return [f"{changed.name}: {rights_text(changed)}"]


def _disable(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    return [f"{desk.administration.set_disabled(arguments.name, disabled=True).name}: disabled"]


def _enable(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    return [f"{desk.administration.set_disabled(arguments.name, disabled=False).name}: enabled"]


def _remove(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    return [f"{desk.administration.remove(arguments.name).name}: removed"]


def _log(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    lines = desk.users.told(max(0, arguments.limit))
    if arguments.format == "json":
        rows = [
            {"at": _iso(line.at_ms), "user": line.user, "address": line.address, "what": line.what, "about": line.about}
            for line in lines
        ]
        return [json.dumps(rows, indent=2)]
    heads = ("at", "user", "from", "what", "")
    return _table(heads, [
        (_iso(line.at_ms), line.user or "-", line.address or "command line", line.what, line.about) for line in lines
    ])  # fmt: skip


# --- tokens


def _create(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    token_id, secret = desk.administration.create_token(arguments.name, arguments.label, arguments.days)
    return [f"token {token_id} of {desk.administration.user(arguments.name).name}, shown this once:", secret]


def _list_tokens(desk: Desk, _arguments: argparse.Namespace) -> list[str]:
    heads = ("id", "user", "label", "since", "until", "last used")
    return _table(heads, [_token_row(token) for token in desk.users.tokens()])


def _token_row(token: Token) -> Cells:
    until = "no end" if token.until_ms is None else _iso(token.until_ms)
    used = "never" if token.used_ms is None else _iso(token.used_ms)
    return (token.id, token.user, token.label, _iso(token.created_ms), until, used)


def _revoke(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    desk.administration.revoke_token(arguments.id)
    return [f"token {arguments.id}: revoked"]


# --- words


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")


def _table(heads: Cells, rows: Sequence[Cells]) -> list[str]:
    """Lines with their columns below each other."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return [line.rstrip() for line in lines]
