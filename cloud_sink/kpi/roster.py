"""What people told about the team: who sat where, who was planned when, what was noted. Times are Unix milliseconds.

Everything here was imported, none of it was seen by a box. Without imports a roster is empty, and whoever is at a phone
is known by its extension.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ON_QUEUE, BREAK, MEETING, TRAINING, OTHER_WORK = "on_queue", "break", "meeting", "training", "other"
ACTIVITIES = (ON_QUEUE, BREAK, MEETING, TRAINING, OTHER_WORK)


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent at an extension, from inclusive, until exclusive."""

    agent: str
    extension: str
    from_ms: int
    until_ms: int
    team: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """One activity of one agent's schedule."""

    agent: str
    from_ms: int
    until_ms: int
    activity: str
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Absence:
    """Days off, confirmed."""

    agent: str
    from_ms: int
    until_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody employed; `left_ms` is far away for who is still there."""

    agent: str
    joined_ms: int
    left_ms: int
    hourly_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One conversation's score."""

    agent: str
    at_ms: int
    score: float
    out_of: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was noted of one call; `success` None where that was not said."""

    contact_id: str
    number: str
    at_ms: int
    disposition: str
    success: bool | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Another cost, spread evenly over its time."""

    what: str
    from_ms: int
    until_ms: int
    amount: float


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose number it is."""

    number: str
    name: str
    segment: str
    shared: bool


@dataclass(frozen=True, slots=True)
class Roster:
    """All that was imported about an office and a period; empty without imports."""

    seats: Sequence[Seat] = ()
    planned: Sequence[Planned] = ()
    absences: Sequence[Absence] = ()
    staff: Sequence[Employee] = ()
    evaluations: Sequence[Evaluation] = ()
    results: Sequence[Result] = ()

    @property
    def names(self) -> frozenset[str]:
        """Everybody whom any list names: phones that nobody sits at are no people."""
        lists: tuple[Sequence[Seat | Planned | Absence | Employee | Evaluation], ...] = (
            self.seats, self.planned, self.absences, self.staff, self.evaluations,
        )  # fmt: skip
        return frozenset(each.agent for rows in lists for each in rows)
