"""What can be wrong with an imported file: every problem names the row and the column."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sink.errors import SinkError

SHOWN = 20  # problems of one file that are told; more are counted


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake of a file; `row` as the spreadsheet numbers it, 0 for the file itself."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else ""
        return ", ".join(part for part in (where, f'column "{self.column}"' if self.column else "") if part) or "file"


class BadFile(SinkError):
    """The file was not imported, and nothing of it was stored."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        lines = [f"{name}: {each}: {each.text}" for each in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"{name}: and {len(self.problems) - SHOWN} more problems")
        super().__init__("\n".join([*lines, f"{name}: nothing was imported"]))
