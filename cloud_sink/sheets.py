"""Tables as files: CSV for programs and spreadsheets, XLSX for spreadsheets; `paper.py` has PDF for people.

Callers choose what stands in SIP headers, so no text of a cell may ever be taken for a formula (OWASP, CSV injection).
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

Cell = str | int | float | bool | None
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # what XML 1.0 cannot hold
LONGEST_TEXT = 32_767  # characters in a cell, Excel's limit
LONGEST_HEADER = 100  # characters of one of its parts
WIDEST, NARROWEST = 40, 9  # characters
GREY = Font(color="FF808A96")


class Few(float):
    """A number that rests on too few observations to be judged: written in grey, where there are colours (R9)."""


class FewText(str):
    """The same in words."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A title, heads and rows of one table; times are ISO 8601 texts, durations seconds."""

    name: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    printed: tuple[str, ...] = ()  # heads of the columns that fit on paper; none: all of them

    @property
    def title(self) -> str:
        """Its name for people: "Agent states"."""
        return (self.name[:1].upper() + self.name[1:]).replace("_", " ")

    @property
    def on_paper(self) -> "Table":
        """What people read of it: the columns that fit beside each other."""
        return self.columns(self.printed) if self.printed else self

    def columns(self, heads: Sequence[str]) -> "Table":
        """The same rows with these columns only, in the table's own order."""
        kept = [number for number, head in enumerate(self.heads) if head in heads]
        rows = [[row[number] for number in kept] for row in self.rows]
        return replace(self, heads=tuple(self.heads[number] for number in kept), rows=rows)


def write(table: Table, kind: str) -> bytes:
    """The table as a file of kind "csv" or "xlsx"."""
    return write_csv(table) if kind == "csv" else write_xlsx([table])


def write_csv(table: Table) -> bytes:
    """RFC 4180, UTF-8 with the mark that spreadsheets need to see that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.heads)
    writer.writerows([_harmless(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def _harmless(cell: Cell) -> Cell:
    """Text that a spreadsheet would compute gets an apostrophe before it."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return "'" + cell
    return cell


def write_xlsx(tables: Sequence[Table], title: str = "", about: str = "") -> bytes:
    """A sheet for each table; heads stay in sight, texts are texts whatever they begin with.

    The title and what the tables are about stand in the file's properties and above every printed page.
    """
    book = Workbook(write_only=True)
    book.properties.title, book.properties.subject = _xml_text(title), _xml_text(about)
    for table in tables:
        sheet = book.create_sheet(table.name[:31])
        _set_print_header(sheet, title, about)
        _fill_sheet(sheet, table)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _fill_sheet(sheet: WriteOnlyWorksheet, table: Table) -> None:
    sheet.freeze_panes = "A2"
    for number, width in enumerate(_widths(table), 1):
        sheet.column_dimensions[get_column_letter(number)].width = width  # type: ignore[attr-defined] # its stub forgot
    bold = Font(bold=True)
    heads = [WriteOnlyCell(sheet, head) for head in table.heads]
    for head in heads:
        head.font = bold
    sheet.append(heads)
    for row in table.rows:
        sheet.append([_sheet_cell(sheet, cell) for cell in row])


def _set_print_header(sheet: WriteOnlyWorksheet, title: str, about: str) -> None:
    """The title to the left, what it is about to the right."""
    header = sheet.oddHeader
    if header is not None:
        header.left.text, header.right.text = _print_text(title), _print_text(about)


def _xml_text(text: str) -> str:
    """Without what XML cannot hold."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _print_text(text: str) -> str | None:
    """A part of a printed header, where "&" begins a command and all of it has 255 characters at most."""
    return _xml_text(text)[:LONGEST_HEADER].replace("&", "&&") or None


def _sheet_cell(sheet: WriteOnlyWorksheet, cell: Cell) -> SheetCell | Cell:
    """A text that is never a formula; what rests on few observations in grey; else the number as it is."""
    if not isinstance(cell, str | Few):
        return cell
    written = WriteOnlyCell(sheet, _xml_text(cell)[:LONGEST_TEXT] if isinstance(cell, str) else float(cell))
    if isinstance(cell, str):
        written.data_type = "s"
    if isinstance(cell, Few | FewText):
        written.font = GREY
    return written


def _widths(table: Table) -> list[int]:
    """Wide enough for the head and the first rows."""
    columns = zip(table.heads, *table.rows[:50], strict=True)
    return [max(NARROWEST, min(WIDEST, 2 + max(len(str(cell or "")) for cell in column))) for column in columns]
