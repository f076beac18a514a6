"""One cell of an imported file: what may stand in it, and what it means.

A reader takes the cell's text (or what a spreadsheet holds instead) and the office's context; it raises BadCell with
what is wrong and what to write, without naming the cell: the caller knows the row and the column.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud_sink.calendars import day_id, day_named
from cloud_sink.contacts.records import GREGORIAN
from cloud_sink.kpi.period import midnight_ms

Value = str | int | float | bool | None
Written = str | int | float | bool | date | datetime | None  # what CSV and XLSX hold
LONGEST_TEXT = 200  # characters: a name, not a story
YES, NO = frozenset(("yes", "y", "true", "1", "x")), frozenset(("no", "n", "false", "0"))
FIRST_YEAR, LAST_YEAR = 1990, 9998
SIGNS = ("'=", "'+", "'-", "'@")  # exports put an apostrophe before what a spreadsheet would compute


class BadCell(Exception):
    """The cell cannot be used; the text says what is wrong with it and what to write."""


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a cell needs to know of the office."""

    time_zone: str
    number: Callable[[str], str]  # a telephone number as stored contacts carry it: one form, keyed where boxes do so
    calendar: str = GREGORIAN  # whose days may be written, besides Gregorian ones


Reader = Callable[[Written, Context], Value]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, how it is read, and what people are told about it."""

    name: str
    read: Reader
    says: str
    example: str
    required: bool = False
    default: Value = None


def plain(cell: Written) -> str:
    """A cell as text: numbers of spreadsheets without their ".0"."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = "" if cell is None else str(cell).strip()
    return text[1:] if text.startswith(SIGNS) else text


def text(cell: Written, _context: Context) -> str:
    """A name or a word."""
    found = plain(cell)
    if len(found) > LONGEST_TEXT or not found.isprintable():
        raise BadCell(f"is no plain text of at most {LONGEST_TEXT} characters")
    return found


def number(cell: Written, context: Context) -> str:
    """A telephone number, in the form and under the code that stored contacts carry."""
    found = plain(cell)
    if not any(sign.isdigit() for sign in found) or len(found) > 40:
        raise BadCell(f'"{found[:40]}" is no telephone number: write it as contacts show it, such as +447700900123')
    return context.number(found)


def moment(cell: Written, context: Context) -> int:
    """Unix milliseconds of a time, or of the midnight that begins a day; the office's zone unless it has an offset."""
    return _moment(cell, context, last=False)


def last_moment(cell: Written, context: Context) -> int:
    """The same for an end: a plain day includes that day."""
    return _moment(cell, context, last=True)


def _moment(cell: Written, context: Context, *, last: bool) -> int:
    found = _date_or_time(cell, context)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadCell(f"{found} is outside the calendar: a year from {FIRST_YEAR} to {LAST_YEAR} is expected")
    if not isinstance(found, datetime):
        return midnight_ms(found + timedelta(days=1) if last else found, context.time_zone)
    zoned = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(context.time_zone))
    return round(zoned.timestamp() * 1000)


def _date_or_time(cell: Written, context: Context) -> date | datetime:
    """A day or a time as spreadsheets and ISO 8601 have them; the day may be one of the office's own calendar."""
    if isinstance(cell, date):
        return cell
    found = plain(cell)
    day, rest = found[: len("2026-06-01")], found[len("2026-06-01") :]
    try:
        named = day_named(day, context.calendar)
        return datetime.fromisoformat(named.isoformat() + rest) if rest else named
    except ValueError as error:
        example = day_id(date(2026, 6, 1), context.calendar)
        raise BadCell(f'"{found[:40]}" is no time: write {example} or {example} 09:00') from error


def time_of_day(cell: Written, context: Context) -> int:
    """Unix milliseconds of a time; a day alone does not do."""
    found = _date_or_time(cell, context)
    if not isinstance(found, datetime):
        raise BadCell(f'"{found}" is a day without a time: write {found} 09:00')
    return moment(found, context)


def decimal(cell: Written, _context: Context) -> float:
    """A number from 0; a comma may stand for the point."""
    found = plain(cell).replace(",", ".")
    try:
        value = float(found)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1e9:
        raise BadCell(f'"{found[:40]}" is no number from 0 to 1000000000: write it as 12.5')
    return value


def seconds(cell: Written, context: Context) -> int:
    """Whole seconds, at most an hour."""
    value = decimal(cell, context)
    if not value.is_integer() or value > 3600:
        raise BadCell(f'"{plain(cell)}" is no whole number of seconds from 0 to 3600')
    return int(value)


def yes_or_no(cell: Written, _context: Context) -> bool:
    """Yes or no."""
    found = plain(cell).lower()
    if found not in YES | NO:
        raise BadCell(f'"{found[:40]}" is neither "yes" nor "no"')
    return found in YES


def one_of(*words: str) -> Reader:
    """A reader of one of some words; blanks and capitals do not matter."""

    def read(cell: Written, _context: Context) -> str:
        found = plain(cell).lower().replace(" ", "_").replace("-", "_")
        if found not in words:
            raise BadCell(f'"{plain(cell)[:40]}" is none of: {", ".join(words)}')
        return found

    return read
