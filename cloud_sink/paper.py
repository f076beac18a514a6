"""Tables on paper: a PDF that people read, forward and print.

The font travels with the program, so that names in any of the offices' scripts (Latin, Cyrillic, Greek, Arabic) come
out the same on every machine; right-to-left texts are shaped and ordered as they are written.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableCellFillMode, TableHeadingsDisplay
from fpdf.fonts import FontFace

from cloud_sink.document import Document, are_numbers, cell_text, head_text, printable
from cloud_sink.sheets import Few, FewText, Table

FONTS = Path(__file__).parent / "fonts"
INK, QUIET, LINE, BAND = (28, 36, 46), (96, 108, 122), (200, 206, 214), (243, 245, 248)
FEW = FontFace(color=(140, 148, 158))  # what rests on too few observations to be judged
UPRIGHT_COLUMNS = 7  # more of them are printed on a page that lies on its side
MOST_ROWS = 1000  # of one table: twenty pages; the rest is for a spreadsheet
# scripts whose letters join, or run from the right
SHAPED = re.compile("[\u0590-\u0dff\ufb1d-\ufdff\ufe70-\ufeff]")
WIDEST_CELL = 36  # characters that still make a column wider


class _Pages(FPDF):
    """Pages with their number at the foot."""

    def footer(self) -> None:
        """Which page of how many."""
        self.set_y(-12)
        self.set_font("text", size=7)
        self.set_text_color(QUIET)
        self.cell(0, 6, f"{self.page_no()} / {{nb}}", align="R")


def write_pdf(document: Document) -> bytes:
    """The document as a PDF on A4."""
    tables = [table.on_paper for table in document.tables]
    wide = any(len(table.heads) > UPRIGHT_COLUMNS for table in tables)
    pages = _Pages(orientation="landscape" if wide else "portrait", format="A4")
    pages.set_title(printable(document.title))
    pages.set_creator("ringtap")
    pages.add_font("text", "", FONTS / "DejaVuSans.ttf")
    pages.add_font("text", "B", FONTS / "DejaVuSans-Bold.ttf")
    pages.set_text_shaping(use_shaping_engine=_needs_shaping(document))
    pages.set_auto_page_break(auto=True, margin=15)
    pages.add_page()
    _write_head(pages, document)
    for table in tables:
        _write_table(pages, table)
    return bytes(pages.output())


def _needs_shaping(document: Document) -> bool:
    """Whether any text is in a script that needs it: it takes twice the time."""
    cells = (cell for table in document.tables for row in table.rows for cell in row if isinstance(cell, str))
    return any(SHAPED.search(text) for text in (document.title, *document.lines, *cells))


def _write_head(pages: FPDF, document: Document) -> None:
    """Title and explanation."""
    pages.set_text_color(INK)
    pages.set_font("text", "B", 16)
    pages.multi_cell(0, 8, printable(document.title), new_x="LMARGIN", new_y="NEXT")
    pages.set_text_color(QUIET)
    pages.set_font("text", size=8)
    for line in document.lines:
        pages.multi_cell(0, 4.5, printable(line), new_x="LMARGIN", new_y="NEXT")


def _write_table(pages: FPDF, table: Table) -> None:
    """One table under its name; its heads stand on every page it reaches."""
    pages.ln(5)
    pages.set_text_color(INK)
    pages.set_font("text", "B", 10)
    pages.cell(0, 7, printable(table.title), new_x="LMARGIN", new_y="NEXT")
    pages.set_font("text", size=7)
    pages.set_draw_color(LINE)
    if not table.rows:
        pages.cell(0, 5, "none", new_x="LMARGIN", new_y="NEXT")
        return
    rows = [[cell_text(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    heads = [head_text(head) for head in table.heads]
    with pages.table(
        align="LEFT",
        borders_layout="HORIZONTAL_LINES",
        cell_fill_color=BAND,
        cell_fill_mode=TableCellFillMode.EVEN_ROWS,
        col_widths=_widths(heads, rows),
        headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=(255, 255, 255)),
        line_height=4,
        padding=(0.6, 1),
        repeat_headings=TableHeadingsDisplay.ON_TOP_OF_EVERY_PAGE,
        text_align=tuple("RIGHT" if numbers else "LEFT" for numbers in are_numbers(rows)),
    ) as grid:
        grid.row(heads)
        for row, cells in zip(rows, table.rows, strict=False):
            line = grid.row()
            for text, cell in zip(row, cells, strict=True):
                line.cell(text, style=FEW if isinstance(cell, Few | FewText) else None)
    if len(table.rows) > MOST_ROWS:
        left = f"{len(table.rows) - MOST_ROWS} more rows: take them as a spreadsheet"
        pages.cell(0, 5, left, new_x="LMARGIN", new_y="NEXT")


def _widths(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Shares of the page by the longest word of the head and the usual length of the cells."""
    widths = []
    for head, column in zip(heads, zip(*rows, strict=True), strict=True):
        longest_word = max((len(word) for word in head.split()), default=1)
        lengths = sorted(len(text) for text in column)
        widths.append(float(min(WIDEST_CELL, 2 + max(longest_word, lengths[len(lengths) * 9 // 10]))))
    return tuple(widths)
