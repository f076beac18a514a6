"""One section of a TOML file, read key by key: every error names the file and the key, no key is overlooked.

Standard library only: `cloud_sink.config` must work where neither a database nor a broker client is installed.
"""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from cloud_sink.errors import ConfigurationError

BOX_ID = re.compile(r"[a-z0-9-]{1,32}")  # a level of an MQTT topic, and nothing else


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ' (did you mean "x"?)' for the known word most like `word`, or nothing."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{matches[0]}"?)' if matches else ""


class Section:
    """A TOML table and where it stands; keys are taken out by type, what is left over at `close` is a mistake."""

    def __init__(self, file: Path, name: str, table: object) -> None:
        self.file = file
        self.name = name
        if not isinstance(table, dict):
            raise ConfigurationError(f"{file}: {name} must be a table, write [{name}] and its keys below")
        self._table: dict[str, object] = table
        self._known: set[str] = set()

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise the error for one key of this section."""
        raise ConfigurationError(f"{self.file}: {self._full(key)} {problem}")

    def text(self, key: str, default: str = "") -> str:
        """Return a text."""
        value = self._take(key, default)
        if not isinstance(value, str):
            self.refuse(key, f"must be a text in quotes, not {value!r}")
        return value

    def path(self, key: str) -> str:
        """Return the path of a file, "" for none: relative ones start from the folder the configuration is in."""
        name = self.text(key)
        return str(self.file.parent / name) if name else ""

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """Return one of the words allowed."""
        value = self.text(key, default)
        if value not in allowed:
            words = ", ".join(f'"{word}"' for word in allowed if word)
            self.refuse(key, f'must be one of {words}, not "{value}"{nearest(value, allowed)}')
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.refuse(key, f"must be a number from {low:g} to {high:g}, not {value!r}")
        return value

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number between `low` and `high`."""
        value = self.number(key, default, low, high)
        if not isinstance(value, int):
            self.refuse(key, f"must be a whole number, not {value!r}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"must be true or false, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; missing: none."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(key, f"must be a list of texts in quotes, not {value!r}")
        return tuple(value)

    def mapping(self, key: str) -> dict[str, str]:
        """Return a table of texts, such as { "1" = "support" }; missing: empty."""
        value = self._take(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.refuse(key, f'must be a table of texts such as {{ "1" = "support" }}, not {value!r}')
        return {str(name): str(item) for name, item in value.items()}

    def sections(self, key: str) -> list["Section"]:
        """Return the tables below `key` in the order written, each a section of its own; missing: none."""
        value = self._take(key, {})
        if not isinstance(value, dict):
            self.refuse(key, f"must hold tables, write [{self._full(key)}.NAME]")
        return [Section(self.file, f"{self._full(key)}.{name}", table) for name, table in value.items()]

    def section(self, key: str) -> "Section":
        """Return the table `key`, empty where the file has none."""
        return Section(self.file, self._full(key), self._take(key, {}))

    def close(self, also_known: Iterable[str] = ()) -> None:
        """Refuse the keys that nobody asked for."""
        known = self._known | set(also_known)
        for key in self._table:
            if key not in known:
                where = f"[{self.name}]" if self.name else "the file"
                kind = "key" if self.name else "section"
                hint = nearest(key, known) or f" (known: {', '.join(sorted(known))})"
                raise ConfigurationError(f'{self.file}: unknown {kind} "{key}" in {where}{hint}')

    @property
    def last_name(self) -> str:
        """The part of the section's name after the last dot: the office's, the queue's."""
        return self.name.rsplit(".", 1)[-1]

    def _full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _take(self, key: str, default: object) -> object:
        self._known.add(key)
        return self._table.get(key, default)
