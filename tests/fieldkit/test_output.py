"""Rows in four forms: `fieldkit.output`."""

import io
import json

import pytest

from fieldkit.output import print_rows

ROWS = [{"name": "a,b", "n": None, "list": ["x", "y"]}, {"name": "c", "n": 12.5, "list": []}]


def printed(form, rows=ROWS, table=None):
    """What is written."""
    stream = io.StringIO()
    print_rows(rows, form, stream, table)
    return stream.getvalue()


def test_json_forms_keep_values_as_they_are():
    """null, numbers and lists survive."""
    assert ROWS == json.loads(printed("json"))
    assert ROWS == [json.loads(line) for line in printed("jsonl").splitlines()]


def test_csv_quotes_and_leaves_nothing_for_null():
    """Lists are joined by spaces."""
    assert printed("csv") == 'name,n,list\n"a,b",,x y\nc,12.5,\n'


def test_a_table_is_aligned_and_numbers_stand_right():
    """A dash where there is nothing."""
    assert printed("table", table=[{"name": "long name", "n": None}, {"name": "x", "n": 3.14159}]) == (
        "name         n\nlong name    -\nx          3.1\n"
    )


@pytest.mark.parametrize(
    ("form", "text"), [("table", "nothing to show\n"), ("jsonl", ""), ("json", "[]\n"), ("csv", "")]
)
def test_no_rows(form, text):
    """An empty result is valid in every form."""
    assert text == printed(form, rows=[])
