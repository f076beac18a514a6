"""What a dialled number leads to."""

import pytest
from leg_builders import PLAN

from cloud_sink.contacts.destinations import chosen_in_ivr, destination_of, direct_extension, named


@pytest.mark.parametrize(
    ("number", "name"), [("4400", "support"), ("401", "sales"), ("*8101", "pickup"), ("*8", "pickup"), ("999", None)]
)
def test_numbers_lead_to_places(number: str, name: str | None) -> None:
    """An exact number, or a pattern that ends in a star."""
    found = destination_of(number, PLAN)
    assert name == (found.name if found else None)


@pytest.mark.parametrize(("number", "extension"), [("44600123", "123"), ("44703", "103"), ("4470", ""), ("4471", "")])
def test_direct_numbers_name_an_extension(number: str, extension: str) -> None:
    """The digits in place of the question marks are those of the extension."""
    assert extension == direct_extension(number, PLAN)


def test_an_ivr_leads_where_the_digit_says() -> None:
    """The first digit pressed decides; without one, only phones of a single choice tell."""
    menu = named("menu", PLAN)
    assert menu is not None
    chosen = [chosen_in_ivr(menu, digits, rung, PLAN) for digits, rung in
              (("2", set()), ("", {"101"}), ("", {"103"}), ("", set()), ("9", set()))]  # fmt: skip
    assert ["sales", "support", None, None, None] == [place.name if place else None for place in chosen]
