"""From a saved report to its file: tables of its period, cut down to what was asked, with what they rest on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from cloud_sink.calendars import days_text
from cloud_sink.document import Document
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.office import Office
from cloud_sink.reports.periods import days_of
from cloud_sink.reports.saved import SavedReport
from cloud_sink.reports.summaries import ALL, HEADLINES, comparison_table, summary_table
from cloud_sink.reports.tables import EXPORTS, make_table
from cloud_sink.sheets import FORMATS as SHEETS
from cloud_sink.sheets import Cell, Table, write_csv, write_xlsx

FORMATS = {**SHEETS, "pdf": "application/pdf"}  # kind of file -> its media type
NAMING = ("about", "queue", "extension", "name", "agent", "team")  # columns that say which place a row is about
KPI, SUMMARY = "kpi", "summary"


@dataclass(frozen=True, slots=True)
class Made:
    """A report of one period, before it becomes a file."""

    office: Office
    saved: SavedReport
    period: Period
    document: Document

    def write(self, kind: str) -> bytes:
        """The report as a file; CSV holds one table only, which `SavedReport` makes sure of."""
        return write_document(self.document, kind)


def write_document(document: Document, kind: str) -> bytes:
    """All tables as one file of kind "csv" (the first table), "xlsx" or "pdf"."""
    if kind == "pdf":
        from cloud_sink.paper import write_pdf  # noqa: PLC0415 -- its library is a seventh of a sink's start

        return write_pdf(document)
    return (
        write_csv(document.tables[0])
        if kind == "csv"
        else write_xlsx(document.tables, document.title, document.lines[0])
    )


def export_file(office: Office, period: Period, name: str, kind: str) -> bytes:
    """One table of a period as a file. Raises BadQuestion."""
    return write_document(export_document(office, period, name), kind)


def export_document(office: Office, period: Period, name: str) -> Document:
    """One table of a period under its title. Raises BadQuestion."""
    table = make_table(office, period, name)
    return describe(office, period, f"{table.title} of {office.title}", [table])


def file_name(office: Office, period: Period, name: str, kind: str) -> str:
    """What the file is called: office, day or days, and what it holds."""
    first = local_day(period.from_ms, period.time_zone)
    last = local_day(period.until_ms - 1, period.time_zone)
    days = f"{first}" if first == last else f"{first}_{last}"
    return f"ringtap-{re.sub(r'[^A-Za-z0-9-]', '_', office.id)}-{days}-{name}.{kind}"


def make_report(office: Office, saved: SavedReport, today: date | None = None) -> Made:
    """The saved report for its period as seen on `today` (the office's own day unless given)."""
    first, last = days_of(saved.period, today or office.today(), office.plan.week_start, office.plan.calendar)
    return make_for(office, saved, Period.of_days(first, last, office.plan.time_zone))


def make_for(office: Office, saved: SavedReport, period: Period) -> Made:
    """The saved report for any period."""
    tables = [_cut(_table(office, saved, name, period), saved) for name in saved.tables]
    return Made(office, saved, period, describe(office, period, saved.title, tables))


def describe(office: Office, period: Period, title: str, tables: Sequence[Table]) -> Document:
    """Tables under a title, with the office, the period and how much of it was watched."""
    watched = office.watch(period).share
    about = f"{office.title} · {period_text(office, period)} · times in {period.time_zone}"
    rests = f"From signalling that was seen: {100 * watched:.1f} % of the time was watched. "
    rests += "A dash is a number that could not be observed."
    return Document(title, (about, rests), tables)


def period_text(office: Office, period: Period) -> str:
    """Its days in words, by the office's calendar."""
    first, last = (local_day(at, period.time_zone) for at in (period.from_ms, period.until_ms - 1))
    return days_text(first, last, office.plan.calendar)


def _table(office: Office, saved: SavedReport, name: str, period: Period) -> Table:
    """One of its tables, whole."""
    if name == SUMMARY:
        return summary_table(office, period, saved.compare, saved.kpis or HEADLINES)
    if name == "comparison":
        return comparison_table(office, period, saved.compare)
    return EXPORTS[name](office, period)


def _cut(table: Table, saved: SavedReport) -> Table:
    """Only the rows and columns the report is about."""
    return _keep_columns(_keep_rows(table, saved), saved)


def _keep_rows(table: Table, saved: SavedReport) -> Table:
    """Rows about the places named that meet every condition on a column of the table."""
    heads = [_plain(head) for head in table.heads]
    place = next((heads.index(name) for name in NAMING if name in heads), None)
    conditions = [(heads.index(each.column), each) for each in saved.where if each.column in heads]

    def is_kept(row: Sequence[Cell]) -> bool:
        if saved.names and place is not None and row[place] not in (*saved.names, ALL):
            return False
        if saved.kpis and KPI in heads and table.name != SUMMARY and row[heads.index(KPI)] not in saved.kpis:
            return False
        return all(condition.holds(row[column]) for column, condition in conditions)

    return replace(table, rows=[row for row in table.rows if is_kept(row)])


def _keep_columns(table: Table, saved: SavedReport) -> Table:
    """Of a table with a column for each KPI only those asked for, besides the one that names the row."""
    if not saved.kpis or not any(_plain(head) in saved.kpis for head in table.heads):
        return table
    return replace(table.columns([head for head in table.heads if _plain(head) in (*saved.kpis, *NAMING)]), printed=())


def _plain(head: str) -> str:
    """A column's KPI without its unit: "asa (s)" is asa."""
    return head.partition(" (")[0]
