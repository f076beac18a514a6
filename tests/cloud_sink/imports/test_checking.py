import io

import openpyxl
import pytest

from cloud_sink.imports.checking import read_records
from cloud_sink.imports.columns import Context
from cloud_sink.imports.errors import BadFile
from cloud_sink.imports.kinds import KINDS
from cloud_sink.imports.templates import describe, template
from cloud_sink.sheets import FORMATS, write

CONTEXT = Context("Europe/London", lambda number: number.lstrip("+"))
SHIFTS = "agent,start,end,activity,paid\n"


def problems(content: bytes | str, kind: str) -> list[str]:
    """What is told about a file."""
    with pytest.raises(BadFile) as caught:
        read_records(content.encode() if isinstance(content, str) else content, "f.csv", KINDS[kind], CONTEXT)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("form", FORMATS)
def test_every_template_can_be_imported(kind, form: str) -> None:
    """In both forms, with its example row; and each column is explained."""
    (checked,) = read_records(write(template(kind), form), "template", kind, CONTEXT)
    assert 2 == checked.row
    assert {column.name for column in kind.columns} == set(checked.record.values)
    assert all(column.name in describe(kind) for column in kind.columns)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_both_forms_of_a_file_give_the_same_records(kind) -> None:
    """A spreadsheet of texts and a CSV are the same file to an import."""
    of = [read_records(write(template(kind), form), "t", kind, CONTEXT)[0].record for form in FORMATS]
    assert of[0] == of[1]


def test_spreadsheet_types_mean_the_same_as_text() -> None:
    """Dates and numbers that a spreadsheet keeps as such are read, rows without anything are passed over."""
    from datetime import datetime

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Agent", "START", "end", "activity"])
    book.active.append([None, None, None, None])
    book.active.append([101, datetime(2026, 6, 1, 9), datetime(2026, 6, 1, 11), "On queue"])  # noqa: DTZ001
    file = io.BytesIO()
    book.save(file)
    text = SHIFTS + "101,2026-06-01 09:00,2026-06-01T11:00,on_queue,\n"
    (sheet,) = read_records(file.getvalue(), "f.xlsx", KINDS["schedules"], CONTEXT)
    (csv,) = read_records(text.encode(), "f.csv", KINDS["schedules"], CONTEXT)
    assert (3, csv.record) == (sheet.row, sheet.record)


def test_an_answer_lies_on_its_question_s_scale() -> None:
    """And says when, unless it names its call."""
    text = "question,score,at,contact_id\ncsat,10,2026-06-01 10:00,\nnps,0,,\nces,2.5,2026-06-01 10:00,\nmood,1,,c\n"
    assert [
        'f.csv: row 2, column "score": must be a whole number from 1 to 9 for csat',
        'f.csv: row 3, column "at": is empty: say when, or name the call by "contact_id"',
        'f.csv: row 4, column "score": must be a whole number from 1 to 9 for ces',
        'f.csv: row 5, column "question": "mood" is none of: csat, ces, nps, solved',
        "f.csv: nothing was imported",
    ] == problems(text, "surveys")


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """By row and column as the spreadsheet shows them, and nothing of the file counts."""
    text = (
        SHIFTS
        + "Alice,2026-06-01 09:00,2026-06-01 08:00,on queue,\n\n"
        + ",2026-06-01,noon,tea,maybe\n"
        + "Bob,2026-06-01 09:00,2026-06-01 11:00,on queue,\n"
        + "Bob,2026-06-01 10:00,2026-06-01 12:00,break,\n"
    )
    assert [
        'f.csv: row 2, column "end": must be later than "start"',
        'f.csv: row 4, column "activity": "tea" is none of: on_queue, break, meeting, training, other',
        'f.csv: row 4, column "agent": is empty: the agent\'s name, the same in every file, such as Alice',
        'f.csv: row 4, column "end": "noon" is no time: write 2026-06-01 or 2026-06-01 09:00',
        'f.csv: row 4, column "paid": "maybe" is neither "yes" nor "no"',
        'f.csv: row 4, column "start": "2026-06-01" is a day without a time: write 2026-06-01 09:00',
        'f.csv: row 6, column "agent": "Bob" overlaps row 5: one must end before the other',
        "f.csv: nothing was imported",
    ] == problems(text, "schedules")


def test_heads_are_checked_first() -> None:
    """A missing column, an unknown one with what it may be meant to be, and one that is there twice."""
    told = problems("agent,strat,end,end,activity\n", "schedules")
    assert 'f.csv: row 1, column "strat": there is no such column (did you mean "start"?)' in told
    assert 'f.csv: row 1, column "end": is there twice' in told
    assert 'f.csv: row 1, column "start": is missing' in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: `ringtap-sink import agents --template`"),
        (b"agent;extension\n\xe4;101\n", "neither XLSX nor text in UTF-8"),
        (b'agent,extension\n"Alice,101\n', "is no CSV"),
        (b"PK\x03\x04 broken", "cannot be read as an XLSX workbook"),
    ],
)
def test_files_that_are_no_tables_are_refused(content: bytes, said: str) -> None:
    """In one line, without a traceback."""
    told = problems(content, "agents")
    assert said in told[0]
    assert 2 == len(told)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_of_spreadsheets_in_other_countries(delimiter: str) -> None:
    """Comma, semicolon and tab, with or without the mark of UTF-8."""
    text = f"\ufeffagent{delimiter}extension\nJürgen{delimiter}101\n"
    (checked,) = read_records(text.encode(), "f.csv", KINDS["agents"], CONTEXT)
    assert ("Jürgen", "101", "") == tuple(checked.record.values[name] for name in ("agent", "extension", "team"))


def test_rows_that_contradict_each_other_are_refused() -> None:
    """The same twice is fine, two different words about the same are not."""
    text = "number,name\n+447700900123,A\n+447700900123,A\n+447700900123,B\n"
    assert ["f.csv: row 4: says something else about the same as row 2: keep one of them"] == problems(
        text, "customers"
    )[:1]


def test_an_open_end_reaches_to_the_next_agent() -> None:
    """Two agents may follow each other at a phone without saying when the first one left."""
    text = "agent,extension,from,until\nAlice,101,,\nBob,101,2026-06-01,\n"
    assert 2 == len(read_records(text.encode(), "f.csv", KINDS["agents"], CONTEXT))
    told = problems("agent,extension,from,until\nAlice,101,,2026-06-02\nBob,101,2026-06-01,\n", "agents")
    assert 'row 3, column "extension": "101" overlaps row 2' in told[0]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("dispositions", "disposition,number\nsold,+447700900123\n", 'both "number" and "at"'),
        ("qa_scores", "agent,at,score,out_of\nA,2026-06-01,9,5\n", 'is more than "out_of"'),
        ("qa_scores", "agent,at,score,out_of\nA,2026-06-01,0,0\n", "must be more than 0"),
        ("tariffs", "name,prefix,per_minute\nUK,+44,1\n", "must be digits only"),
        ("schedules", SHIFTS + "A,2026-06-01 09:00,2026-06-03 09:00,break,\n", "more than 24 hours later"),
    ],
)
def test_rows_that_make_no_sense_are_refused(kind: str, text: str, said: str) -> None:
    """Each cell is fine, the row is not."""
    assert said in problems(text, kind)[0]


def test_many_mistakes_are_counted() -> None:
    """Twenty are shown; who imports a wrong file is not buried."""
    text = SHIFTS + "".join(f"A,x{number},y,z,\n" for number in range(30))
    told = problems(text, "schedules")
    assert 22 == len(told)
    assert "f.csv: and 70 more problems" == told[20]
