"""Lines for the journal: `collector.journal`."""

import io
import logging

import pytest

from collector import journal


@pytest.fixture
def stream():
    """Where the log goes while a test runs."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    journal.begin("info", stream)
    yield stream
    root.handlers[:], root.level = before


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"source": "live"}, "source=live"),
        ({"count": 3, "why": ""}, 'count=3 why=""'),
        ({"why": 'no "cable" = bad'}, 'why="no \\"cable\\" = bad"'),
        ({"why": "two\nlines"}, 'why="two\\nlines"'),
    ],
)
def test_one_line_of_pairs(stream, facts, expected):
    """Whatever a fact holds, the line stays one line, and its values can be told apart."""
    journal.tell(logging.getLogger("collector.live"), "info", "happened", **facts)
    assert f"level=info part=live event=happened {expected}\n" == stream.getvalue()


def test_other_messages_are_wrapped(stream):
    """What libraries log has the same form; what is below the level is not written."""
    logging.getLogger("paho").warning("lost %s", "it all")
    logging.getLogger("paho").debug("details")
    assert 'level=warning part=paho msg="lost it all"\n' == stream.getvalue()
