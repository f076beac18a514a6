from pathlib import Path

import pytest

from cloud_sink.contacts.work_rules import ImportedNumbers
from cloud_sink.errors import ConfigurationError
from cloud_sink.imports.numbers import NumbersUnknowable, number_form
from collector.caller_keys import load_key
from collector.privacy import key_number, mask_number

CLEAR = "447700900123"


def test_numbers_are_written_as_boxes_write_them() -> None:
    """With the country's code, national numbers become the same as international ones."""
    form = number_form(ImportedNumbers("44", "20"), "lab", [])
    assert [CLEAR, CLEAR, CLEAR, "442079460400", "101"] == list(
        map(form, ["+44 7700 900123", "07700 900123", "0044 7700-900123", "79460400", "101"])
    )


def test_keyed_callers_are_matched_with_their_boxs_key(tmp_path: Path) -> None:
    """The same number has the code that the box gave it; short numbers stay clear there too."""
    key = load_key(tmp_path / "caller.key")
    form = number_form(ImportedNumbers("44", "", str(tmp_path / "caller.key")), "lab", [key_number(CLEAR, key)])
    assert [key_number(CLEAR, key)] * 2 == [form("07700 900123"), form(key_number(CLEAR, key))]
    assert "112" == form("112")


def test_keyed_callers_without_the_key_are_a_clear_error() -> None:
    """Numbers that fit nothing are refused instead of stored; codes out of an export are fine."""
    code = key_number(CLEAR, bytes(32))
    form = number_form(ImportedNumbers(), "lab", ["101", code])
    assert code == form(code)
    with pytest.raises(NumbersUnknowable, match=r"caller\.key here and name it in \[offices\.lab\.imports\]"):
        form(CLEAR)


def test_masked_callers_cannot_be_told_apart() -> None:
    """No list of numbers can be matched with them."""
    with pytest.raises(NumbersUnknowable, match="name calls by contact_id"):
        number_form(ImportedNumbers(), "lab", [mask_number(CLEAR)])(CLEAR)


@pytest.mark.parametrize(("text", "said"), [("abc\n", "is no key"), (None, "cannot be read")])
def test_a_wrong_key_file_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    """One line with the file."""
    path = tmp_path / "copy.key"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=rf"copy\.key: numbers_key_file {said}"):
        number_form(ImportedNumbers(key_file=str(path)), "lab", [])
