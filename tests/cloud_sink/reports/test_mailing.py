import io
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pypdf
import pytest

from cloud_sink.adapters.smtp import Outbox
from cloud_sink.contacts.records import GREGORIAN, JALALI, OfficePlan
from cloud_sink.office import Offices
from cloud_sink.reports.mailing import FIRST_RETRY_MS, Mailer, MailingLoop
from cloud_sink.reports.saved import SavedReport, Schedule
from cloud_sink.reports.settings import MailSettings

LONDON = ZoneInfo("Europe/London")
MORNING = datetime(2026, 6, 3, 7, 0, tzinfo=LONDON)
REPORT = SavedReport(
    "morning", "Yesterday", ("summary", "missed"), schedule=Schedule(time(7)), recipients=("boss@example.com",)
)


class Clock:
    """The wall clock, moved by the test."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> int:
        """Unix milliseconds."""
        return round(self.at.timestamp() * 1000)


@pytest.fixture
def clock() -> Clock:
    """An hour before the first report is due."""
    return Clock(MORNING - timedelta(hours=1))


@pytest.fixture
def store(empty_store):
    """An empty database."""
    return empty_store


@pytest.fixture
def postbox_and_port(open_postbox):
    """A mail server."""
    return open_postbox()


@pytest.fixture
def postbox(postbox_and_port):
    """What it took."""
    return postbox_and_port[0]


@pytest.fixture
def make_mailer(store, clock, postbox_and_port):
    """A sink's mailer, as after each of its starts."""

    def make(*reports: SavedReport, calendar: str = GREGORIAN) -> Mailer:
        settings = MailSettings("127.0.0.1", postbox_and_port[1], "none")
        offices = Offices(store, {"lab": OfficePlan("lab", "Europe/London", name="Lab", calendar=calendar)}, clock)
        return Mailer(offices, {"lab": reports or (REPORT,)}, "ringtap@example.com", Outbox(settings).send, clock)

    return make


def test_report_goes_out_when_it_is_due(make_mailer, postbox, clock):
    """Not before, once, with the headline numbers in the text and the file attached; and again the next day."""
    mailer = make_mailer()
    mailer.handle_time()
    assert [] == postbox.letters
    for minutes in (60, 61, 90, 600):
        clock.at = MORNING + timedelta(minutes=minutes - 60)
        mailer.handle_time()
    (letter,) = postbox.letters
    assert "Yesterday · Lab · Tuesday, 2 June 2026" == letter["subject"]
    assert ("ringtap@example.com", "boss@example.com") == (letter["from"], letter["to"])
    assert "auto-generated" == letter["auto-submitted"]
    assert "Service level: —" in letter.get_body().get_content()
    (attached,) = letter.iter_attachments()
    assert "ringtap-lab-2026-06-02-morning.pdf" == attached.get_filename()
    assert "Tuesday, 2 June 2026" in pypdf.PdfReader(io.BytesIO(attached.get_content())).pages[0].extract_text()
    clock.at = MORNING + timedelta(days=1)
    mailer.handle_time()
    assert 2 == len(postbox.letters)
    assert letter["message-id"] != postbox.letters[1]["message-id"]


def test_jalali_office_gets_its_month_on_its_first_day(make_mailer, postbox, clock):
    """On 22 June 2026, the first of Tir, about Khordad: subject, text and file say so."""
    monthly = SavedReport(
        "monthly", "The month", ("summary",), period="last_month", schedule=Schedule(time(7), month_day=1),
        recipients=("boss@example.com",),
    )  # fmt: skip
    mailer = make_mailer(monthly, calendar=JALALI)
    mailer.handle_time()
    for day in (21, 22, 23):
        clock.at = datetime(2026, 6, day, 8, tzinfo=LONDON)
        mailer.handle_time()
    (letter,) = postbox.letters
    assert "The month · Lab · Khordad 1405" == letter["subject"]
    assert "Khordad 1405" in letter.get_body().get_content()
    (attached,) = letter.iter_attachments()
    assert "ringtap-lab-2026-05-22_2026-06-21-monthly.pdf" == attached.get_filename()


def test_restart_sends_nothing_twice_and_makes_up_what_was_due(make_mailer, postbox, clock):
    """A sink that was away for three mornings sends the last of their reports, about the day before that morning."""
    make_mailer().handle_time()
    clock.at = MORNING
    make_mailer().handle_time()
    make_mailer().handle_time()
    assert 1 == len(postbox.letters)
    clock.at = MORNING + timedelta(days=3, hours=5)
    make_mailer().handle_time()
    make_mailer().handle_time()
    assert ["Tuesday, 2 June 2026", "Friday, 5 June 2026"] == [
        letter["subject"].rpartition(" · ")[2] for letter in postbox.letters
    ]


def test_failure_is_tried_again_ever_more_slowly(make_mailer, postbox, clock, store):
    """A server that is away gets the report later, with the same Message-ID; what was wrong is kept meanwhile."""
    mailer = make_mailer()
    mailer.handle_time()
    postbox.closed, clock.at = True, MORNING
    mailer.handle_time()
    kept = store.mailing("lab", "morning")
    assert (1, "come back later" in kept.problem, None) == (kept.attempts, True, kept.sent_ms)
    clock.at += timedelta(milliseconds=FIRST_RETRY_MS - 1000)
    mailer.handle_time()
    assert 1 == store.mailing("lab", "morning").attempts
    clock.at += timedelta(seconds=1)
    mailer.handle_time()
    kept = store.mailing("lab", "morning")
    assert (2, clock() + 2 * FIRST_RETRY_MS) == (kept.attempts, kept.retry_ms)
    postbox.closed, clock.at = False, clock.at + timedelta(hours=1)
    mailer.handle_time()
    mailer.handle_time()
    assert 1 == len(postbox.letters)
    kept = store.mailing("lab", "morning")
    assert ("", clock(), 0) == (kept.problem, kept.sent_ms, kept.retry_ms)


def test_one_report_that_fails_stops_no_other(make_mailer, postbox, clock):
    """A table that does not exist any more, say."""
    broken = SavedReport("broken", "Broken", ("nonsense",), schedule=Schedule(time(7)), recipients=("a@example.com",))
    mailer = make_mailer(broken, REPORT)
    mailer.handle_time()
    clock.at = MORNING
    mailer.handle_time()
    assert ["boss@example.com"] == [letter["to"] for letter in postbox.letters]


def test_title_cannot_add_a_header(make_mailer, postbox, clock):
    """Line ends in a title become blanks."""
    evil = SavedReport(
        "evil", "Hi\r\nBcc: x@example.com", ("summary",), schedule=Schedule(time(7)), recipients=("a@example.com",)
    )
    mailer = make_mailer(evil)
    mailer.handle_time()
    clock.at = MORNING
    mailer.handle_time()
    (letter,) = postbox.letters
    assert letter["bcc"] is None
    assert letter["subject"].startswith("Hi Bcc: x@example.com")


def test_loop_ends(make_mailer):
    """At once, whatever it waits for."""
    loop = MailingLoop(make_mailer())
    loop.start()
    loop.stop()
    loop.join()
    assert not loop.running
