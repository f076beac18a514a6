"""Any report to be read in the browser: a table of some days, or a saved report as its file has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from cloud_sink.document import Document, are_numbers, cell_text, head_text
from cloud_sink.question import BadQuestion
from cloud_sink.reports.make import export_document, make_for, make_report
from cloud_sink.sheets import Few, FewText, Table
from cloud_sink.web.chosen import Chosen, DaysChosen
from cloud_sink.web.page import templates
from cloud_sink.web.reports import AllSaved, kinds_of

LONG_TEXT = 40  # characters
MOST_ROWS = 500  # of one table on a page: more is for a spreadsheet

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Written:
    """A cell as text; `few`: it rests on too few observations to be judged."""

    text: str
    few: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table as texts."""

    title: str
    heads: list[str]
    rows: list[list[Written]]
    kinds: list[str]  # of each column: num, long or ""
    left_out: int


@pages.get("/reports/table/{name}")
def show_table(request: Request, name: str, chosen: DaysChosen) -> Response:
    """One table of the days that are asked for."""
    office = chosen.office
    document = export_document(office, chosen.period, name)
    files = [(kind, f"/api/v1/offices/{office.id}/export/{name}.{kind}") for kind in ("pdf", "xlsx", "csv")]
    return _show(request, chosen, document, f"reports/table/{name}", files)


@pages.get("/reports/saved/{name}")
def show_saved(request: Request, name: str, chosen: DaysChosen, every: AllSaved) -> Response:
    """A saved report of its own period as seen today, or of the days that are asked for."""
    office = chosen.office
    saved = next((each for each in every.get(office.id, ()) if each.name == name), None)
    if saved is None:
        raise BadQuestion(f'office "{office.id}" has no saved report "{name}"')
    made = make_for(office, saved, chosen.period) if chosen.asked else make_report(office, saved)
    shown = Chosen(office, chosen.offices, made.period, asked=True)
    files = [(kind, f"/api/v1/offices/{office.id}/reports/{name}.{kind}") for kind in kinds_of(saved)]
    return _show(request, shown, made.document, f"reports/saved/{name}", files)


def _show(
    request: Request, chosen: Chosen, document: Document, path: str, files: Sequence[tuple[str, str]]
) -> Response:
    """The document under its title, with the same as files."""
    context = chosen.as_context() | {
        "document": document,
        "path": path,
        "files": files,
        "sheets": [describe_sheet(table) for table in document.tables],
    }
    return templates.TemplateResponse(request, "document.html", context)


def describe_sheet(table: Table) -> Sheet:
    """The columns that people read, as texts."""
    shown = table.on_paper
    rows = [
        [Written(cell_text(cell), isinstance(cell, Few | FewText)) for cell in row] for row in shown.rows[:MOST_ROWS]
    ]
    heads = [head_text(head) for head in shown.heads]
    kinds = _kinds([[cell.text for cell in row] for row in rows])
    return Sheet(table.title, heads, rows, kinds, len(table.rows) - len(rows))


def _kinds(rows: Sequence[Sequence[str]]) -> list[str]:
    """How columns are set: numbers to the right, sentences with room."""
    longest = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "num" if numbers else "long" if length > LONG_TEXT else ""
        for numbers, length in zip(are_numbers(rows), longest, strict=True)
    ]
