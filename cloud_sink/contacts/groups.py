"""The group of legs that becomes a contact, and what a leg shows about itself."""

from dataclasses import dataclass, field

from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.records import Leg

EXACT = "exact"
HEURISTIC = "heuristic"
AMBIGUOUS = "ambiguous"
_WORSE = {EXACT: 0, HEURISTIC: 1, AMBIGUOUS: 2}

NATIONAL_DIGITS = 9  # so many digits at the end are the same in national and international form
CROSSING_MS = 50  # a PBX may call a phone while its caller's BYE is on the way, and take it back
SLACK_MS = 4_000  # a phone's leg outlives the caller's where its BYE is lost: repeated after 0.5, 1.5, 3.5 s


@dataclass(slots=True, eq=False)
class Group:
    """The legs of one contact so far; `anchor` is the leg of the customer, or of whoever began."""

    anchor: Leg
    place: str  # name of the destination, the extension of a direct number, "" unknown
    kind: str
    members: frozenset[str]  # extensions that serve the place, empty where unknown
    parties: set[str] = field(default_factory=set)  # keys of how the far party shows on other legs; "" = anonymous
    legs: list[Leg] = field(default_factory=list)
    correlation: str = EXACT
    until: int = 0  # Unix ms
    answered_until: int | None = None  # latest end of its answered legs; None: nobody answered
    answered: list[Leg] = field(default_factory=list)  # legs as they were added
    rung_until: int = 0  # Unix ms; latest end of its legs that rang in vain
    unseen: set[str] = field(default_factory=set)  # ids of legs that were answered, nobody knows when
    order: tuple[int, int, str] = field(init=False)  # of its anchor: groups are put in order again and again

    def __post_init__(self) -> None:
        """Find the order once."""
        self.order = order_of(self.anchor)

    def add(self, leg: Leg, correlation: str) -> None:
        """Takes a leg in; the group is as sure as its least sure leg."""
        self.legs.append(leg)
        end = end_of(leg)
        self.until = max(self.until, end)
        if leg.t_answer is not None:
            self.answered_until = max(self.answered_until or 0, end)
            self.answered.append(leg)
        elif leg.t_ring is not None:
            self.rung_until = max(self.rung_until, end)
        if correlation != EXACT:
            self.doubt(correlation)

    def put(self, leg: Leg) -> None:
        """Takes another record of one of its legs instead."""
        self.legs = [leg if each.leg_id == leg.leg_id else each for each in self.legs]
        if self.anchor.leg_id == leg.leg_id:
            self.anchor, self.order = leg, order_of(leg)

    def doubt(self, correlation: str) -> None:
        """Makes the group no surer than that."""
        if _WORSE[correlation] > _WORSE[self.correlation]:
            self.correlation = correlation

    def shows(self, number: str) -> bool:
        """True where this number is how the group's far party shows."""
        return party_key(number) in self.parties


def is_ring(leg: Leg) -> bool:
    """True where the extension was called, false where it dialled."""
    return leg.role == "phone" and leg.extension == leg.callee


def is_dial(leg: Leg) -> bool:
    """True where the extension sent the INVITE."""
    return leg.role == "phone" and leg.extension != leg.callee


def is_customer(leg: Leg) -> bool:
    """True for the leg of somebody who calls the office through the carrier."""
    return leg.role == "trunk" and leg.direction == "in"


def is_code(number: str) -> bool:
    """True where a box sent a keyed code instead of a number: with another prefix it is another code."""
    return number.startswith("k") and not number.isdigit()


def party_key(number: str) -> str:
    """What is equal for the same number in national and international form: its last nine digits, else itself."""
    return number[-NATIONAL_DIGITS:] if len(number) > NATIONAL_DIGITS and number.isdigit() else number


def same_party(one: str, other: str) -> bool:
    """The same number, national or international."""
    return party_key(one) == party_key(other)


def order_of(leg: Leg) -> tuple[int, int, str]:
    """By time; at the same millisecond whoever calls comes before whoever is called."""
    if leg.role == "phone":
        return leg.t_invite, 2 if leg.extension == leg.callee else 1, leg.leg_id
    return leg.t_invite, 0 if is_customer(leg) else 2, leg.leg_id


def is_up(group: Group, leg: Leg) -> bool:
    """The caller's leg was up when the phone was called, and did not end long before the phone's leg did."""
    anchor = group.anchor
    until = end_of(anchor)
    if not anchor.t_invite <= leg.t_invite <= until + (CROSSING_MS if leg.t_answer is None else 0):
        return False
    return leg.t_answer is None or leg.t_end is None or leg.t_end <= until + SLACK_MS or not leg.ended_by
