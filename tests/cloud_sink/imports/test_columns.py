from datetime import UTC, date, datetime

import pytest

from cloud_sink.imports import columns
from cloud_sink.imports.columns import BadCell, Context

CONTEXT = Context("Europe/London", lambda number: number.lstrip("+"))


def ms(text: str) -> int:
    """Unix milliseconds of a time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("read", "cell", "expected"),
    [
        (columns.text, "  Alice ", "Alice"),
        (columns.text, 101.0, "101"),
        (columns.text, "'=1+1", "=1+1"),
        (columns.text, "O'Neill", "O'Neill"),
        (columns.number, "'+447700900123", "447700900123"),
        (columns.number, 447700900123, "447700900123"),
        (columns.moment, "2026-06-01", ms("2026-05-31T23:00")),
        (columns.moment, date(2026, 6, 1), ms("2026-05-31T23:00")),
        (columns.moment, "2026-06-01 09:00", ms("2026-06-01T08:00")),
        (columns.moment, datetime(2026, 1, 5, 9), ms("2026-01-05T09:00")),  # noqa: DTZ001 - as a spreadsheet has it
        (columns.moment, "2026-06-01T09:00+02:00", ms("2026-06-01T07:00")),
        (columns.last_moment, "2026-06-30", ms("2026-06-30T23:00")),
        (columns.last_moment, "2026-06-30 18:00", ms("2026-06-30T17:00")),
        (columns.decimal, "0,045", 0.045),
        (columns.decimal, 12, 12.0),
        (columns.seconds, "60", 60),
        (columns.yes_or_no, "Yes", True),
        (columns.yes_or_no, False, False),
        (columns.one_of("on_queue", "break"), "On queue", "on_queue"),
    ],
)
def test_cells_are_read_as_people_write_them(read, cell, expected) -> None:
    """Text of a CSV and values of a spreadsheet mean the same; times without an offset are the office's own."""
    assert expected == read(cell, CONTEXT)


@pytest.mark.parametrize(
    ("read", "cell", "said"),
    [
        (columns.text, "x" * 201, "no plain text"),
        (columns.text, "two\nlines", "no plain text"),
        (columns.number, "unknown", "no telephone number"),
        (columns.moment, "1.6.2026", "write 2026-06-01"),
        (columns.moment, "2026-02-30", "write 2026-06-01"),
        (columns.moment, "0026-02-03", "outside the calendar"),
        (columns.time_of_day, "2026-06-01", "a day without a time"),
        (columns.decimal, "nan", "no number"),
        (columns.decimal, "-1", "no number"),
        (columns.seconds, "1.5", "no whole number"),
        (columns.yes_or_no, "perhaps", 'neither "yes" nor "no"'),
        (columns.one_of("on_queue", "break"), "tea", "none of: on_queue, break"),
    ],
)
def test_wrong_cells_say_what_to_write(read, cell, said: str) -> None:
    """What is wrong, and what would do."""
    with pytest.raises(BadCell, match=said):
        read(cell, CONTEXT)


def test_days_of_the_offices_calendar() -> None:
    """Where years are Jalali ones, a cell may hold either; elsewhere the year 1405 is outside the calendar."""
    tehran = Context("Asia/Tehran", str, "jalali")
    assert columns.moment("2026-11-22 09:00", tehran) == columns.moment("1405-09-01 09:00", tehran)
    assert columns.last_moment("2026-11-22", tehran) == columns.last_moment("1405-09-01", tehran)
    with pytest.raises(BadCell, match="write 1405-03-11 or 1405-03-11 09:00"):
        columns.moment("1405-13-01", tehran)
    with pytest.raises(BadCell, match="outside the calendar"):
        columns.moment("1405-09-01", CONTEXT)
