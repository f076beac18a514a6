import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.core.numbers import NumberingPlan, normalise

LONDON = NumberingPlan("44", "20", "00", "0")


@pytest.mark.parametrize(
    "written",
    [
        "+442079460123",
        "442079460123",
        "00442079460123",
        "02079460123",
        "+44 20 7946 0123",
        "(020) 7946-0123",
        "+44 (0)20 7946 0123",
        "020.7946.0123",
        "79460123",
    ],
)
def test_one_caller_is_one_key(written):
    """National, international, local, with separators: the same digits."""
    assert normalise(written, LONDON) == "442079460123"


@pytest.mark.parametrize("written", ["101", "7001", "*45", "#21#", "alice", "*8101", "", "9+44", "anonymous"])
def test_what_is_no_telephone_number_stays(written):
    """Extensions, feature codes and names are as they came."""
    assert normalise(written, LONDON) == written


def test_unknown_country_changes_only_the_international_form():
    """Without a country national numbers cannot be completed."""
    assert normalise("02079460123", NumberingPlan()) == "02079460123"
    assert normalise("+44 20 7946 0123", NumberingPlan()) == "442079460123"
    assert normalise("0044 20 7946 0123", NumberingPlan()) == "442079460123"


def test_other_prefixes():
    """North America: 011 abroad, 1 before national numbers."""
    plan = NumberingPlan("1", "", "011", "1")
    assert normalise("12125550100", plan) == "12125550100"
    assert normalise("011442079460123", plan) == "442079460123"


@given(st.text(max_size=40))
def test_any_text_twice_is_as_once(text):
    """A normalised number stays what it is, and nothing raises."""
    once = normalise(text, NumberingPlan("44", "", "00", "0"))
    if once.isascii() and not once.startswith("0"):
        assert normalise(once, NumberingPlan("44", "", "00", "0")) == once
