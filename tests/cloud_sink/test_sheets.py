import csv
import io

import openpyxl
import pytest

from cloud_sink.sheets import GREY, Few, FewText, Table, write, write_xlsx

EVIL = ("=1+1", "+44 20", "-2", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")')


def table(*cells):
    """One row under numbered heads."""
    return Table("contacts", tuple(f"c{number}" for number in range(len(cells))), [cells])


def read_csv(content: bytes):
    """The rows below the head, as a program reads them."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1:]


def read_xlsx(content: bytes):
    """The cells below the head."""
    return list(openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(min_row=2))


def test_csv_keeps_what_it_is_given():
    """Commas, quotes, line ends and letters of all languages; nothing stands empty."""
    cells = ('a,"b"', "two\nlines", "Zürich کال", 3, 2.5, None, True)
    assert [['a,"b"', "two\nlines", "Zürich کال", "3", "2.5", "", "True"]] == read_csv(write(table(*cells), "csv"))


@pytest.mark.parametrize("text", EVIL)
def test_csv_has_no_formulas(text: str):
    """A caller who calls himself =1+1 stays a text; numbers of ours may be negative."""
    ((cell, number),) = read_csv(write(table(text, -5), "csv"))
    assert ("'" + text, "-5") == (cell, number)


@pytest.mark.parametrize("text", EVIL)
def test_xlsx_has_no_formulas(text: str):
    """The text is there as it is, and is a text."""
    (((cell,)),) = read_xlsx(write(table(text), "xlsx"))
    assert "f" != cell.data_type
    assert text.strip() == cell.value.strip()


def test_xlsx_keeps_types():
    """Numbers can be added up, what is not known is empty, heads stay in sight."""
    content = write(table("442079460400", 3, 2.5, None), "xlsx")
    ((*cells,),) = read_xlsx(content)
    assert ["442079460400", 3, 2.5, None] == [cell.value for cell in cells]
    assert "A2" == openpyxl.load_workbook(io.BytesIO(content)).active.freeze_panes


def test_xlsx_survives_any_text():
    """Control characters, halves of characters and endless texts do not break the file."""
    (((odd, long)),) = read_xlsx(write(table("a\x00b\ud800", "x" * 40_000), "xlsx"))
    assert ("a\ufffdb\ufffd", 32_767) == (odd.value, len(long.value))


def test_csv_survives_halves_of_characters():
    """What UTF-8 cannot say becomes a question mark."""
    assert [["a?"]] == read_csv(write(table("a\ud800"), "csv"))


def test_empty_table_has_its_heads():
    """No calls is no error."""
    empty = Table("missed", ("caller", "attempts"), [])
    assert b"caller,attempts\r\n" == write(empty, "csv").removeprefix(b"\xef\xbb\xbf")
    assert [] == read_xlsx(write(empty, "xlsx"))


def test_book_has_a_sheet_for_each_table():
    """In order, each under its name; columns that were not asked for are left out."""
    both = [table("a", 1), Table("missed", ("caller", "attempts"), [("x", 2)]).columns(["attempts"])]
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx(both)))
    assert ["contacts", "missed"] == book.sheetnames
    assert [("attempts",), (2,)] == list(book["missed"].iter_rows(values_only=True))


def test_book_says_what_it_is_about():
    """In its properties, and above every printed page; a & is no command of the header."""
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx([table(1)], "Calls & waits", "Lab · Azar 1405")))
    assert ("Calls & waits", "Lab · Azar 1405") == (book.properties.title, book.properties.subject)
    header = book.active.oddHeader
    assert ("Calls && waits", "Lab · Azar 1405") == (header.left.text, header.right.text)


def test_few_observations_are_grey_and_stay_numbers():
    """In XLSX such numbers and words are grey, and can be added up; CSV has no colours."""
    row = table(Few(81.5), 81.5, FewText("81.5 %"), "81.5 %")
    [cells] = read_xlsx(write(row, "xlsx"))
    assert [81.5, 81.5, "81.5 %", "81.5 %"] == [cell.value for cell in cells]
    assert ["n", "n"] == [cell.data_type for cell in cells[:2]]
    assert [True, False, True, False] == [
        cell.font.color is not None and cell.font.color.rgb == GREY.color.rgb for cell in cells
    ]
    assert [["81.5", "81.5", "81.5 %", "81.5 %"]] == read_csv(write(row, "csv"))
