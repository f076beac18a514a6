"""The web application: what is served, how errors are told, and what a browser is allowed to load."""

import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import OperationalError

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.disguise import Disguise
from cloud_sink.office import Clock, Offices, UnknownOffice
from cloud_sink.question import BadQuestion
from cloud_sink.reports.saved import SavedReport
from cloud_sink.store import Store
from cloud_sink.users.accounts import Accounts
from cloud_sink.users.settings import WebSettings
from cloud_sink.web import (
    agents,
    agents_page,
    api,
    calls,
    document_page,
    export,
    fleet,
    imports_page,
    metrics,
    now_page,
    page,
    period,
    planning,
    planning_page,
    signalling,
    signing_in,
    team,
    users_page,
)
from cloud_sink.web import reports as report_pages
from cloud_sink.web.asking import Forbidden
from cloud_sink.web.chosen import NothingYet
from cloud_sink.web.guard import Guard
from cloud_sink.web.uploads import TooMuch, Uploads

API = (api, agents, team, planning, signalling, export, fleet, report_pages, metrics)  # each has a router
PAGES = (
    page,
    agents_page,
    calls,
    document_page,
    fleet,
    imports_page,
    now_page,
    period,
    planning_page,
    report_pages,
    signalling,
    signing_in,
    users_page,
)  # each has `pages`
STATIC = Path(__file__).parent / "static"
SECURITY_HEADERS = {
    # everything comes from this server: no outside address, no inline script or style, no frame around it
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def create_app(
    store: Store,
    plans: Mapping[str, OfficePlan],
    *,
    reports: Mapping[str, tuple[SavedReport, ...]] | None = None,
    now_ms: Clock | None = None,
    web: WebSettings | None = None,
    local: bool = True,
) -> FastAPI:
    """Build the application over a migrated store; `now_ms` is the wall clock unless given.

    `local`: it listens where only this machine can ask, so that nobody has to sign in as long as there are no users.
    """
    clock = now_ms or _wall_clock
    app = FastAPI(
        title="ringtap",
        description="Contact-centre KPIs from SIP signalling. Every value says what it rests on.",
        version=_version(),
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,  # its page would load scripts from outside
        redoc_url=None,
    )
    app.state.disguise = Disguise()
    app.state.offices = Offices(store, plans, clock)
    app.state.accounts = Accounts(store, web or WebSettings(), clock)
    app.state.reports = reports or {}
    app.state.measured = metrics.Measured()
    app.state.doings = now_page.Doings()
    app.state.uploads = Uploads(clock)
    for part in API:
        app.include_router(part.router)
    for pages in PAGES:
        app.include_router(pages.pages)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, accounts=app.state.accounts, local=local)
    app.middleware("http")(_add_security_headers)  # around the guard: what it answers carries them too
    app.exception_handler(BadQuestion)(_tell_bad_question)
    app.exception_handler(Forbidden)(_tell_forbidden)
    app.exception_handler(NothingYet)(_tell_nothing_yet)
    app.exception_handler(TooMuch)(_tell_too_much)
    app.exception_handler(UnknownOffice)(_tell_unknown_office)
    app.exception_handler(RequestValidationError)(_tell_invalid)
    app.exception_handler(OperationalError)(_tell_database_unusable)
    return app


def _version() -> str:
    """The installed version; a checkout that was never installed has none."""
    try:
        return version("ringtap")
    except PackageNotFoundError:
        return "0"


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


async def _add_security_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Every answer carries them, errors too; what is computed is never kept by a cache."""
    response = await call_next(request)
    response.headers.update(SECURITY_HEADERS)
    if not request.url.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


async def _tell_bad_question(request: Request, error: BadQuestion) -> Response:
    return _tell(request, 422, str(error))


async def _tell_forbidden(request: Request, error: Forbidden) -> Response:
    return _tell(request, 403, str(error))


async def _tell_nothing_yet(request: Request, _error: NothingYet) -> Response:
    return page.waiting_page(request)


async def _tell_too_much(request: Request, error: TooMuch) -> Response:
    return _tell(request, error.status, str(error))


async def _tell_unknown_office(request: Request, error: UnknownOffice) -> Response:
    return _tell(request, 404, str(error))


async def _tell_invalid(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    return _tell(request, 422, f'"{first["loc"][-1]}": {first["msg"]}')


async def _tell_database_unusable(request: Request, error: OperationalError) -> Response:
    return _tell(request, 503, f"the database cannot be read now, try again: {str(error.orig).partition(chr(10))[0]}")


def _tell(request: Request, status: int, problem: str) -> Response:
    """One line: as JSON to programs, on a page to people."""
    if request.url.path.startswith(api.PREFIX):
        return JSONResponse({"detail": problem}, status)
    return page.problem_page(request, status, problem)
