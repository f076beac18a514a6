import io

import pypdf
import pytest

from cloud_sink.document import Document
from cloud_sink.paper import FEW, MOST_ROWS, write_pdf
from cloud_sink.sheets import Few, Table


def read(document: Document) -> pypdf.PdfReader:
    """What a reader of PDF finds in it."""
    return pypdf.PdfReader(io.BytesIO(write_pdf(document)))


def text_of(*tables: Table, title: str = "Yesterday") -> str:
    """All text of a document, lines joined."""
    pages = read(Document(title, ("Lab office",), tables)).pages
    return " ".join(page.extract_text().replace("\n", " ") for page in pages)


def test_holds_title_lines_and_every_cell():
    """Numbers lose zeros that say nothing, what is not known is a dash, yes and no are words."""
    rows = [["support", 115, 5.9, None], ["sales", 45, 12.345, True]]
    text = text_of(Table("queues", ("queue", "offered", "avg_wait (s)", "met"), rows))
    for part in ("Yesterday", "Lab office", "Queues", "avg wait (s)", "support", "115", "5.9", "—", "12.35", "yes"):
        assert part in text


@pytest.mark.parametrize("name", ["Müştəri xidməti", "Підтримка", "Σύνολο", "Klientu atbalsts āčēģ"])
def test_names_of_all_offices_are_readable(name: str):
    """Azerbaijani, Ukrainian, Greek and Latvian come out as they went in, from the font that travels along."""
    assert name in text_of(Table("queues", ("queue",), [[name]]), title=name)


def test_persian_is_joined_and_embedded():
    """Letters that join are drawn in their joined forms: all of them are in the embedded font."""
    page = read(Document("گزارش", (), [Table("queues", ("queue",), [["پشتیبانی"]])])).pages[0]
    fonts = page["/Resources"]["/Font"].values()
    assert all("/FontFile2" in font["/DescendantFonts"][0]["/FontDescriptor"] for font in fonts)
    assert "\N{REPLACEMENT CHARACTER}" not in page.extract_text()


def test_heads_stand_on_every_page():
    """A long table goes on, each page says what its columns are, and which page of how many it is."""
    pages = read(Document("Calls", (), [Table("calls", ("caller",), [[f"n{row}"] for row in range(200)])])).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert "caller" in page.extract_text()
        assert f"{number} / {len(pages)}" in page.extract_text()


def test_wide_tables_lie_on_their_side_and_print_what_fits():
    """Columns that a table does not name for paper are left out."""
    heads = tuple(f"c{number}" for number in range(12))
    wide = Table("report", heads, [list(range(100, 112))], printed=heads[:9])
    page = read(Document("Wide", (), [wide])).pages[0]
    assert page.mediabox.width > page.mediabox.height
    assert "108" in page.extract_text()
    assert "109" not in page.extract_text()


def test_endless_tables_end_and_say_so():
    """Whoever needs all rows takes the spreadsheet."""
    text = text_of(Table("calls", ("n",), [[number] for number in range(MOST_ROWS + 5)]))
    assert "5 more rows" in text


def test_hostile_texts_do_no_harm():
    """What callers put into headers: control characters, lone surrogates, endless words, and no rows at all."""
    rows = [["\x00\x07", "\ud800", "x" * 5000], ["a\nb", "=1+1", ""]]
    assert "=1+1" in text_of(Table("calls", ("a", "b", "c"), rows), Table("empty", ("a",), []))


def test_few_observations_are_grey():
    """The same number in ink and in grey: the page uses one colour more."""
    plain, grey = (read(Document("t", (), [Table("queues", ("asa",), [[cell]])])) for cell in (1.5, Few(1.5)))
    red = f"{FEW.color.r:.4f}".rstrip("0")
    assert [False, True] == [red in page.pages[0].get_contents().get_data().decode("latin-1") for page in (plain, grey)]
    assert "1.5" in grey.pages[0].extract_text()
