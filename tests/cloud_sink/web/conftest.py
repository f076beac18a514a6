"""A real office day in a real store behind a real web server: what every test of the web looks at."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import msgpack
import pytest
from page_server import NOW_MS, PATIENCE_S, serving
from playwright.sync_api import Browser, Page, sync_playwright

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.ingest import Ingest
from cloud_sink.store import Store
from collector.adapters.pcapfile import open_captures
from collector.config import load
from collector.core import wire
from collector.core.monitor import CallMonitor
from collector.ports import Event
from collector.service import Service

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
EPOCH = 7
BATCH_EVENTS = 50


class ToStore:
    """An event sink that hands what a box publishes to the ingest, without a broker between them."""

    def __init__(self, ingest: Ingest, keep: Callable[[Event], bool]) -> None:
        self._ingest = ingest
        self._keep = keep
        self._last_seq = 0

    def write(self, events: Sequence[Event]) -> None:
        """In batches, as a box makes them."""
        events = list(filter(self._keep, events))
        for start in range(0, len(events), BATCH_EVENTS):
            rows = [wire.encode_event(event) for event in events[start : start + BATCH_EVENTS]]
            batch = wire.encode_batch(EPOCH, self._last_seq + 1, wire.CLOCK_SYNCHRONISED, rows)
            self._ingest.receive_messages([(wire.topic("lab", "ev"), msgpack.packb(batch))], NOW_MS)
            self._last_seq += len(rows)

    def pump(self, wait_s: float = 0.0) -> None:
        """Nothing waits here."""

    def undelivered(self) -> int:
        """Everything has arrived."""
        return 0

    def close(self) -> None:
        """Nothing to leave in order."""


def fill(
    store: Store,
    recording: Path,
    lab_config: Path,
    plans: dict[str, OfficePlan],
    keep: Callable[[Event], bool] = lambda _event: True,
) -> None:
    """What a box does with a recording: tell who it is, watch it to its end, publish every event that it could see."""
    ingest = Ingest(store, plans, lambda _box: "lab")
    born = {
        "connection": 1, "boot": "b", "epoch": EPOCH, "first": 1, "last": 0, "clock_ok": True, "version": "0.1.0",
        "tenant": "demo", "office": "lab", "online": True,
    }  # fmt: skip
    ingest.receive_messages([(wire.topic("lab", "state"), msgpack.packb(born))], NOW_MS)
    monitor = CallMonitor(load(str(lab_config)).monitor_settings())
    Service(monitor, ToStore(ingest, keep), lambda _event: None).watch(
        open_captures([str(recording)]), on_progress=lambda _share: None
    )


@pytest.fixture(scope="session")
def plans(lab_config: Path) -> dict[str, OfficePlan]:
    """The lab's plan."""
    return office_plans(lab_config)


@pytest.fixture(scope="session")
def store(
    tmp_path_factory: pytest.TempPathFactory,
    recording: Callable[[str], Path],
    lab_config: Path,
    plans: dict[str, OfficePlan],
) -> Iterator[Store]:
    """A SQLite store with the recorded office day."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('web') / 'sink.db'}")
    opened.migrate()
    fill(opened, recording("office-day-A"), lab_config, plans)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's own Chromium; for a module, because no other event loop can run beside Playwright's."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def address(store: Store, plans: dict[str, OfficePlan]) -> Iterator[str]:
    """Address of a server of the recorded day, in the afternoon of that day."""
    with serving(store, plans) as found:
        yield found


@pytest.fixture(scope="session")
def serve_with(store: Store, plans: dict[str, OfficePlan]) -> Callable[..., AbstractContextManager[str]]:
    """Serve the recorded day with saved reports."""
    return lambda reports: serving(store, plans, reports=reports)


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    """A program that asks it."""
    with httpx.Client(base_url=address, timeout=PATIENCE_S) as found:
        yield found
