import pytest

from cloud_sink.kpi.value import NUMBER, PERCENT, SECONDS, Parts, value_of
from cloud_sink.shown import ago_text, clock_text, duration_text, show

T0 = 1_780_304_400_000  # 2026-06-01 09:00 UTC


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"), (0.0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1:00 min"), (60, "1:00 min"), (125, "2:05 min"),
        (3599.7, "1:00 h"), (3600, "1:00 h"), (3720, "1:02 h"), (90_000, "25:00 h"),
    ],
)  # fmt: skip
def test_durations_as_people_say_them(seconds: float | None, text: str):
    """The unit fits the length, and never sixty of anything."""
    assert text == duration_text(seconds)


def test_share_says_of_how_many_and_how_far_chance_reaches():
    """The Wilson interval beside it; few observations are marked."""
    shown = show("service_level", value_of(Parts(9, 12), unit=PERCENT, basis="queue", averaged=True))
    assert ("75.0 %", "75.0", "of 12 · 47–91 %", True, 75.0) == (
        shown.text, shown.exact, shown.note, shown.small, shown.percent
    )  # fmt: skip


def test_average_says_from_how_many():
    """No interval: the spread of times is not known from their sum."""
    shown = show("asa", value_of(Parts(150_000, 30), unit=SECONDS, basis="ring", averaged=True))
    assert ("5.0 s", "from 30", False) == (shown.text, shown.note, shown.small)


def test_count_stands_alone():
    """Thousands apart, nothing below."""
    shown = show("offered", value_of(Parts(12_345), unit=NUMBER, basis="queue", averaged=False))
    assert ("12\N{NARROW NO-BREAK SPACE}345", "12345.0", "") == (shown.text, shown.exact, shown.note)


def test_nothing_observed_is_a_dash():
    """Neither 0 nor 100 %."""
    shown = show("service_level", value_of(Parts(0, 0), unit=PERCENT, basis="queue", averaged=True))
    assert ("—", "", "", False) == (shown.text, shown.exact, shown.note, shown.known)


def test_tip_has_words_formula_and_basis():
    """Everything about a number for whoever points at it."""
    lines = show("asa", value_of(Parts(1, 1), unit=SECONDS, basis="queue", averaged=True)).tip.split("\n")
    assert [True] * 3 == [bool(lines[0]), lines[1].startswith("Formula: "), lines[2].startswith("Basis: waiting is")]


def test_clock_is_the_office_s():
    """Ten in London when it is nine in UTC in summer."""
    assert ("10:00", "09:00") == (clock_text(T0, "Europe/London"), clock_text(T0, "UTC"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"), (9, "just now"), (59, "59 seconds ago"), (60, "1 minute ago"), (7199, "1 hour ago"),
        (7200, "2 hours ago"), (200_000, "2 days ago"),
    ],
)  # fmt: skip
def test_how_long_ago(seconds: int, text: str):
    """Roughly; a clock that is ahead is no reason to worry."""
    assert text == ago_text(seconds * 1000)
