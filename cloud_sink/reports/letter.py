"""A saved report as a mail: the headline numbers in the text, the file attached."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.reports.make import FORMATS, Made, file_name, period_text
from cloud_sink.shown import note_text, value_text

IN_THE_TEXT = ("offered", "answered", "abandoned", "missed_contacts", "callback_open", "service_level", "asa", "aht")


def write_letter(made: Made, *, sender: str, due: datetime) -> EmailMessage:
    """The mail of one report that was due at a moment; the same report and moment have the same Message-ID."""
    saved, office = made.saved, made.office
    kind = saved.file_kind
    main, _, sub = FORMATS[kind].partition(";")[0].partition("/")
    letter = EmailMessage()
    letter["Subject"] = _one_line(f"{saved.title} · {office.title} · {period_text(office, made.period)}")
    letter["From"] = sender
    letter["To"] = ", ".join(saved.recipients)
    letter["Date"] = format_datetime(due.astimezone(UTC))
    moment = due.astimezone(UTC).strftime("%Y%m%dT%H%M")
    letter["Message-ID"] = f"<{moment}.{office.id}.{saved.name}.ringtap@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    letter.set_content(_text(made))
    letter.add_attachment(
        made.write(kind), maintype=main, subtype=sub, filename=file_name(office, made.period, saved.name, kind)
    )
    return letter


def _one_line(text: str) -> str:
    """Without what would end the header."""
    return " ".join(text.split())


def _text(made: Made) -> str:
    """What can be read without opening the file."""
    values = made.office.report(made.period).total
    lines = [
        f"{CATALOGUE[kpi].title}: {value_text(values[kpi])}{_note(note_text(values[kpi]))}"
        for kpi in IN_THE_TEXT
        if kpi in values
    ]
    return "\n".join([*made.document.lines, "", *lines, "", "The whole report is attached."]) + "\n"


def _note(note: str) -> str:
    return f" ({note})" if note else ""
