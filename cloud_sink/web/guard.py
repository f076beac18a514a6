"""The door: every request passes here before anything else sees it, and is let in as somebody or not at all.

Nobody has to sign in where only this machine can ask and there are no users, or where the configuration says that a
proxy in front asks who is there ([web] open). Else everything but `PUBLIC` needs a session or a token.
"""

from urllib.parse import quote, urlsplit

from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud_sink.users.accounts import Accounts
from cloud_sink.users.roles import ANYBODY, VIEWER, Asker
from cloud_sink.users.settings import is_loopback
from cloud_sink.web.page import problem_page

SIGN_IN = "/sign-in"
PUBLIC = (SIGN_IN, "/api/v1/alive")  # besides what lies in /static/
ONES_OWN = (SIGN_IN, "/sign-out", "/account/")  # what everybody may change who is signed in
SAFE = ("GET", "HEAD", "OPTIONS")  # RFC 9110 section 9.2.1
COOKIE, SECURE_COOKIE = "id", "__Host-id"  # RFC 6265bis section 4.1.3.2: only over TLS, for this host alone
FOLLOWS = "x-follows"  # header of a page that looks for new calls by itself: that keeps nobody signed in
NOBODY = Asker("", VIEWER, frozenset())
NEVER, LOOPBACK, PROXY = "", "loopback", "proxy"  # why nobody has to sign in


class Guard:
    """Lets requests in. `local`: only this machine can reach the address that is listened on."""

    def __init__(self, app: ASGIApp, accounts: Accounts, *, local: bool) -> None:
        self._app = app
        self._accounts = accounts
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with who asks in its state, or answer it."""
        if scope["type"] in ("http", "websocket"):
            answer = await run_in_threadpool(self._judge, HTTPConnection(scope))
            if answer is not None:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _judge(self, asked: HTTPConnection) -> Response | None:
        """Answer what may not go on."""
        safe = asked.scope.get("method") in SAFE  # a websocket has no method: it may do anything
        bearer = _bearer(asked)
        asked.state.session, asked.state.open = "", NEVER
        if not safe and not bearer and not _from_our_own_page(asked):
            return _refuse(asked, 403, "this request does not come from a page of this sink")
        try:
            who = self._accounts.by_token(bearer) if bearer else self._signed_in(asked)
            asked.state.open = NEVER if who else self._open()
        except OperationalError as error:
            line = str(error.orig).partition("\n")[0]
            return _refuse(asked, 503, f"the database cannot be read now, try again: {line}")
        if who is None and asked.state.open == NEVER:
            return self._send_to_sign_in(asked, bearer)
        if who is None and asked.state.open == LOOPBACK and not _asks_for_loopback(asked):
            return _refuse(asked, 403, _NOT_LOOPBACK)
        who = who or ANYBODY
        if not safe and not who.changes and not asked.url.path.startswith(ONES_OWN):
            return _refuse(asked, 403, f"a {who.role} may read only: ask a manager or an admin")
        asked.state.asker = who
        return None

    def _signed_in(self, asked: HTTPConnection) -> Asker | None:
        """Whose session the cookie names."""
        asked.state.session = asked.cookies.get(cookie_name(asked), "")
        if not asked.state.session:
            return None
        return self._accounts.by_session(asked.state.session, used=FOLLOWS not in asked.headers)

    def _open(self) -> str:
        """Why nobody has to sign in, NEVER where one has to."""
        if self._accounts.settings.open:
            return PROXY
        return LOOPBACK if self._local and not self._accounts.exist() else NEVER

    def _send_to_sign_in(self, asked: HTTPConnection, bearer: str) -> Response | None:
        """People go to the page where they sign in, programs are told to."""
        path = asked.url.path
        if path in PUBLIC or path.startswith("/static/"):
            asked.state.asker = NOBODY
            return None
        if "text/html" not in asked.headers.get("accept", ""):
            problem = "this token holds no more" if bearer else "sign in, or send a token: Authorization: Bearer rt_..."
            return JSONResponse({"detail": problem}, 401, {"WWW-Authenticate": "Bearer"})
        there = f"{path}?{asked.url.query}" if asked.url.query else path
        back = "" if asked.scope.get("method") not in SAFE or there == "/" else f"?next={quote(there)}"
        return RedirectResponse(f"{SIGN_IN}{back}", 303)


_NOT_LOOPBACK = (
    "this sink has no users and is open to its own machine only: ask for 127.0.0.1 or localhost, add users "
    "(ringtap-sink user add), or say [web] open = true where a proxy asks who is there"
)


def cookie_name(asked: HTTPConnection) -> str:
    """Where a session stands: another name over TLS, which no page without TLS can set."""
    return SECURE_COOKIE if asked.url.scheme in ("https", "wss") else COOKIE


def _bearer(asked: HTTPConnection) -> str:
    """The token of a program."""
    kind, _, secret = asked.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def _from_our_own_page(asked: HTTPConnection) -> bool:
    """Whether a browser says that one of our own pages asks: Fetch Metadata, else Origin (OWASP, CSRF prevention).

    A browser that sends neither is none that can be led here by another site's page: but it is refused too.
    """
    site = asked.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = urlsplit(asked.headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == asked.headers.get("host")


def _asks_for_loopback(asked: HTTPConnection) -> bool:
    """Whether the address in the browser is this machine's own: else another site's name may have led it here."""
    name = urlsplit(f"//{asked.headers.get('host', '')}").hostname or ""
    return is_loopback(name) or name.endswith(".localhost")


def _refuse(asked: HTTPConnection, status: int, problem: str) -> Response:
    """One line: as JSON to programs, on a page to people."""
    if asked.scope["type"] == "websocket" or "text/html" not in asked.headers.get("accept", ""):
        return JSONResponse({"detail": problem}, status)
    return problem_page(Request(asked.scope), status, problem)
