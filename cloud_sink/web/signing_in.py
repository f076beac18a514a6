"""Signing in and out, and the page of one's own account."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from cloud_sink.users.accounts import WALLBOARD_DAYS, Accounts, SignInRefused
from cloud_sink.users.passwords import SHORTEST, TooBusy
from cloud_sink.users.roles import ROLES
from cloud_sink.web.asking import WhoAsks
from cloud_sink.web.forms import Fields
from cloud_sink.web.guard import SIGN_IN, cookie_name
from cloud_sink.web.page import templates

BUSY = "Many people are signing in: try again in a few seconds."

pages = APIRouter(include_in_schema=False)


def all_accounts(request: Request) -> Accounts:
    """Who signs people in."""
    accounts: Accounts = request.app.state.accounts
    return accounts


AllAccounts = Annotated[Accounts, Depends(all_accounts)]
Next = Annotated[str, Query(alias="next", max_length=2000)]


@pages.get(SIGN_IN)
def show_sign_in(request: Request, who: WhoAsks, there: Next = "") -> Response:
    """Ask for name and password; whoever need not is sent on."""
    if who.name or request.state.open:
        return RedirectResponse(_local(there), 303)
    return _sign_in_page(request, there)


@pages.post(SIGN_IN)
async def sign_in(request: Request, accounts: AllAccounts, fields: Fields) -> Response:
    """Let somebody in."""
    name, there = fields.one("name"), fields.one("next")
    try:
        secret = await run_in_threadpool(accounts.sign_in, name, fields.one("password"), _address(request))
    except SignInRefused as refusal:
        return _sign_in_page(request, there, name, str(refusal), 429 if refusal.wait_ms else 401)
    except TooBusy:
        return _sign_in_page(request, there, name, BUSY, 503)
    who = await run_in_threadpool(accounts.by_session, secret)
    answer = RedirectResponse(_local(there), 303)
    age = WALLBOARD_DAYS * 86_400 if who and ROLES[who.role].stays else None  # else until the browser is closed
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie_name(request), secret, age, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


def _sign_in_page(request: Request, there: str, name: str = "", problem: str = "", status: int = 200) -> Response:
    context = {"next": _local(there), "name": name[:64], "problem": problem}
    return templates.TemplateResponse(request, "sign_in.html", context, status_code=status)


@pages.post("/sign-out")
def sign_out(request: Request, who: WhoAsks, accounts: AllAccounts) -> Response:
    """End the session."""
    if who.name:
        accounts.sign_out(request.state.session, who, _address(request))
    answer = RedirectResponse(SIGN_IN, 303)
    answer.delete_cookie(
        cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    return answer


@pages.get("/account")
def show_account(request: Request, who: WhoAsks) -> Response:
    """Show who one is, and what one may."""
    return _account_page(request) if who.name else RedirectResponse("/", 303)


@pages.post("/account/password")
async def change_password(request: Request, who: WhoAsks, accounts: AllAccounts, fields: Fields) -> Response:
    """Take another password."""
    old, new, again = (fields.one(name) for name in ("old", "new", "again"))
    if new != again:
        return _account_page(request, problem="The new password was not the same both times.", status=422)
    try:
        await run_in_threadpool(
            accounts.change_password, who, old, new, request.state.session, _address(request)
        )  # fmt: skip
    except SignInRefused as refusal:
        return _account_page(request, problem=str(refusal), status=429 if refusal.wait_ms else 422)
    except TooBusy:
        return _account_page(request, problem=BUSY, status=503)
    return _account_page(request, done="Your password is changed. Wherever else you were signed in, you are no more.")


@pages.post("/account/sessions")
def end_other_sessions(request: Request, who: WhoAsks, accounts: AllAccounts) -> Response:
    """Sign out everywhere else."""
    count = accounts.end_other_sessions(who, request.state.session, _address(request))
    return _account_page(request, done=f"Signed out in {count} other browser{'' if count == 1 else 's'}.")


def _account_page(request: Request, *, problem: str = "", done: str = "", status: int = 200) -> Response:
    who = request.state.asker
    context = {
        "who": who,
        "says": ROLES[who.role].says,
        "offices": None if who.offices is None else sorted(who.offices),
        "shortest": SHORTEST,
        "problem": problem,
        "done": done,
    }
    return templates.TemplateResponse(request, "account.html", context, status_code=status)


def _address(request: Request) -> str:
    """Where a request comes from, as far as is known."""
    return request.client.host if request.client else ""


def _local(there: str) -> str:
    """An address of this sink only: nobody is sent elsewhere after signing in."""
    parts = urlsplit(there)
    safe = there.startswith("/") and not there.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return there if safe and not any(ord(each) < 32 for each in there) else "/"
