"""Mails saved reports when they are due: once each, also after a restart, and again until the server takes them."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage

from cloud_sink.calendars import day_of_month
from cloud_sink.office import Clock, Offices
from cloud_sink.reports.letter import write_letter
from cloud_sink.reports.make import make_report
from cloud_sink.reports.saved import SavedReport, local_now
from cloud_sink.store import Mailing

CHECK_S = 20.0
FIRST_RETRY_MS, LONGEST_RETRY_MS = 60_000, 3_600_000

_log = logging.getLogger(__name__)

Send = Callable[[EmailMessage], None]  # raises where the mail did not go out


class Mailer:
    """Decides what is due and sends it; `handle_time` may be called at any time and does nothing where nothing is."""

    def __init__(
        self, offices: Offices, saved: Mapping[str, tuple[SavedReport, ...]], sender: str, send: Send, now_ms: Clock
    ) -> None:
        self._offices = offices
        self._mailed = [(office, each) for office, reports in saved.items() for each in reports if each.schedule]
        self._sender = sender
        self._send = send
        self._now_ms = now_ms

    def handle_time(self) -> None:
        """Send what is due now."""
        for office, saved in self._mailed:
            self._handle(office, saved)

    def _handle(self, office_id: str, saved: SavedReport) -> None:
        """Send one report if its time has come since it was last sent, and its last failure is long enough ago.

        A report that is new is not sent for the time before it was there; one that was due several times while the
        sink was away is sent once, for the last of them.
        """
        office, now_ms = self._offices.get(office_id), self._now_ms()
        if saved.schedule is None:
            return
        due = saved.schedule.latest_due(local_now(now_ms, office.plan.time_zone), day_of_month(office.plan.calendar))
        due_ms = round(due.timestamp() * 1000)
        known = office.store.mailing(office_id, saved.name)
        if known is None:
            office.store.keep_mailing(Mailing(office_id, saved.name, due_ms, due_ms, None, 0, 0, ""))
            return
        if due_ms <= known.done_ms:
            return
        attempts = known.attempts if known.due_ms == due_ms else 0
        if attempts and now_ms < known.retry_ms:
            return
        problem = self._try(office_id, saved, due)
        retry_ms = now_ms + min(FIRST_RETRY_MS << min(attempts, 16), LONGEST_RETRY_MS)
        done, sent = (known.done_ms, known.sent_ms) if problem else (due_ms, now_ms)
        office.store.keep_mailing(
            Mailing(office_id, saved.name, done, due_ms, sent, attempts + 1, retry_ms if problem else 0, problem)
        )

    def _try(self, office_id: str, saved: SavedReport, due: datetime) -> str:
        """Make and send it; returns what was wrong, "" for nothing."""
        try:
            made = make_report(self._offices.get(office_id), saved, due.date())
            self._send(write_letter(made, sender=self._sender, due=due))
        except Exception as error:  # noqa: BLE001 - one report that fails must not keep the others from going out
            problem = str(error).partition("\n")[0] or type(error).__name__
            _log.error("report %s of %s was not mailed: %s; it is tried again", saved.name, office_id, problem)
            return problem
        return ""


class MailingLoop:
    """Looks at the clock on a thread of its own."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further mail; one under way may be cut off, and is sent again with the same Message-ID."""
        self._stopping.set()

    @property
    def running(self) -> bool:
        """Whether it still looks at the clock."""
        return self._thread.is_alive()

    def join(self, timeout_s: float = CHECK_S) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._mailer.handle_time()
            except Exception:  # noqa: BLE001 - a database that is away now; the next look may find it
                _log.exception("reports cannot be mailed now")
            self._stopping.wait(CHECK_S)
