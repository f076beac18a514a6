"""The page and its API over a store, behind a real web server."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.live import LivePicture
from cloud_sink.reports.saved import SavedReport
from cloud_sink.store import Store
from cloud_sink.web.app import create_app
from cloud_sink.web.live import add_live

PATIENCE_S = 120  # for an answer: a PDF of a thousand rows takes three seconds of a machine that has nothing else to do
NOW_MS = 1_795_354_000_000  # 2026-11-22 13:26:40 UTC: the afternoon of the recorded day


@contextmanager
def serving(
    store: Store,
    plans: dict[str, OfficePlan],
    now_ms: int = NOW_MS,
    reports: dict[str, tuple[SavedReport, ...]] | None = None,
    **more: object,
) -> Iterator[str]:
    """Address of a uvicorn that serves the store, and what rings now: nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    application = create_app(store, plans, reports=reports, now_ms=lambda: now_ms, **more)
    add_live(application, LivePicture())
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until, "the web server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
