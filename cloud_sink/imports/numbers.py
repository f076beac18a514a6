"""Imported telephone numbers in the form that stored contacts carry: one way of writing, and coded where boxes code.

A box replaces callers' numbers by codes made with a key that stays with it. A list of numbers can only be matched with
those codes by whoever has the key: the operator may give the sink a copy (`numbers_key_file`), or the list is refused.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from cloud_sink.contacts.work_rules import ImportedNumbers
from cloud_sink.errors import ConfigurationError
from collector.caller_keys import KEY_BYTES, load_key
from collector.core.numbers import NumberingPlan, normalise
from collector.errors import ConfigurationError as BoxConfigurationError
from collector.privacy import SHORT_NUMBER, key_number

CODE = re.compile(r"k[0-9a-f]{12}")
MASKED = re.compile(r"\d*x{1,3}")


class NumbersUnknowable(ConfigurationError):
    """Stored contacts hide their callers' numbers in a way that imported numbers cannot be made alike."""


def number_form(settings: ImportedNumbers, office: str, seen: Iterable[str]) -> Callable[[str], str]:
    """Return how a number is written and coded in this office; `seen` are callers' numbers of stored contacts.

    Raises NumbersUnknowable at the first number where the stored ones are coded and no key is at hand.
    """
    plan = NumberingPlan(settings.country, settings.area)
    key = _read_key(Path(settings.key_file)) if settings.key_file else b""
    seen = list(seen)
    coded, masked = any(map(CODE.fullmatch, seen)), any(map(MASKED.fullmatch, seen))

    def form(text: str) -> str:
        if CODE.fullmatch(text) or MASKED.fullmatch(text):
            return text  # out of an export: it is in that form already
        number = normalise(text, plan)
        if len(number) <= SHORT_NUMBER and number.isdigit():
            return number
        if key:
            return key_number(number, key)
        if coded or masked:
            raise NumbersUnknowable(_hidden(office, coded=coded))
        return number

    return form


def _hidden(office: str, *, coded: bool) -> str:
    if not coded:
        return (
            f'office "{office}": its box masks the end of callers\' numbers, so no list of numbers can be told apart: '
            "name calls by contact_id instead"
        )
    return (
        f'office "{office}": boxes send callers\' numbers as codes ([privacy] caller_numbers = "keyed"): without their '
        f"key imported numbers fit none. Copy the box's caller.key here and name it in "
        f"[offices.{office}.imports] numbers_key_file, or import codes as contacts show them"
    )


def _read_key(path: Path) -> bytes:
    """The key that boxes code with now: where keys were rotated, calls from before do not match."""
    try:
        path.read_bytes()
        return load_key(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: numbers_key_file cannot be read: {error.strerror}") from error
    except BoxConfigurationError:
        raise ConfigurationError(
            f"{path}: numbers_key_file is no key of a box: {2 * KEY_BYTES} hexadecimal digits are expected"
        ) from None
