"""Which legs belong to one contact.

Exact ties go first: the same Call-ID behind a proxy, a correlation header, Replaces. A PBX that is a back-to-back
user agent leaves none of these between a caller's leg and the agents' legs (RFC 7092), so the rest is inferred from
who the far party is and when: a phone rings for the call that is up and whose caller's number it shows. Where several
calls fit, the evidence decides (whose end or answer coincides to the millisecond, whose queue the extension serves);
where it does not, the one that waited longest is taken and the tie is marked ambiguous.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud_sink.contacts.destinations import DIRECT, chosen_in_ivr, destination_of, direct_extension
from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.records import FEATURE, Leg, OfficePlan

EXACT = "exact"
HEURISTIC = "heuristic"
AMBIGUOUS = "ambiguous"
_WORSE = {EXACT: 0, HEURISTIC: 1, AMBIGUOUS: 2}

DIAL_MS = 5_000  # from a phone's INVITE to the PBX's INVITE towards the carrier
TOGETHER_MS = 100  # both sides of a bridge end (and are answered) within 5 ms; a lost packet is repeated after 500
SLACK_MS = 4_000  # a phone's leg outlives the caller's where its BYE is lost: repeated after 0.5, 1.5, 3.5 s


@dataclass(slots=True, eq=False)
class Group:
    """The legs of one contact so far; `anchor` is the leg of the customer, or of whoever began."""

    anchor: Leg
    place: str  # name of the destination, the extension of a direct number, "" unknown
    kind: str
    members: frozenset[str]  # extensions that serve the place, empty where unknown
    parties: set[str] = field(default_factory=set)  # how the far party may show on another leg; "" = anonymous
    legs: list[Leg] = field(default_factory=list)
    correlation: str = EXACT
    until: int = 0  # Unix ms

    def add(self, leg: Leg, correlation: str) -> None:
        """Takes a leg in; the group is as sure as its least sure leg."""
        self.legs.append(leg)
        self.until = max(self.until, end_of(leg))
        if _WORSE[correlation] > _WORSE[self.correlation]:
            self.correlation = correlation


def is_ring(leg: Leg) -> bool:
    """True where the extension was called, false where it dialled."""
    return leg.role == "phone" and leg.extension == leg.callee


def is_dial(leg: Leg) -> bool:
    """True where the extension sent the INVITE."""
    return leg.role == "phone" and leg.extension != leg.callee


def same_party(one: str, other: str) -> bool:
    """The same number, national or international: equal, or the same last nine digits."""
    if one == other:
        return True
    return len(one) >= 9 and len(other) >= 9 and one[-9:] == other[-9:] and one.isdigit() and other.isdigit()


class Grouper:
    """Goes through an office's legs in order of their INVITEs and gives each to a group."""

    def __init__(self, plan: OfficePlan) -> None:
        self._plan = plan
        self.groups: list[Group] = []
        self._by_key: dict[str, Group] = {}
        self._open: list[Group] = []

    def group(self, legs: Sequence[Leg]) -> list[Group]:
        """The groups of all legs, in order of their first leg."""
        for leg in sorted(legs, key=_order):
            self._open = [group for group in self._open if group.until + self._plan.gap_ms >= leg.t_invite]
            group = self._exact(leg)
            if group is not None:
                group.add(leg, EXACT)
            else:
                group = self._place(leg)
            for key in (leg.call_key, leg.session_key):
                if key:
                    self._by_key.setdefault(key, group)
        self._merge_transfers()
        return [group for group in self.groups if group.legs]

    # --- exact ties ---

    def _exact(self, leg: Leg) -> Group | None:
        for key in (leg.call_key, leg.session_key, leg.replaces_key if not leg.transfer else ""):
            if key and key in self._by_key:
                return self._by_key[key]
        return None

    def _merge_transfers(self) -> None:
        """REFER with Replaces: the consultation call becomes part of the transferred call (RFC 5589 section 7)."""
        for group in list(self.groups):
            for leg in list(group.legs):
                other = self._by_key.get(leg.replaces_key) if leg.transfer and leg.replaces_key else None
                if other is not None:
                    self._merge(self._by_key.get(leg.call_key, group), other)

    def _merge(self, one: Group, other: Group) -> None:
        if one is other:
            return
        keep, gone = (one, other) if _rank(one.anchor) <= _rank(other.anchor) else (other, one)
        for leg in gone.legs:
            keep.add(leg, gone.correlation)
            for key in (leg.call_key, leg.session_key):
                if key:
                    self._by_key[key] = keep
        gone.legs = []

    # --- inferred ties ---

    def _place(self, leg: Leg) -> Group:
        if leg.role == "trunk":
            return self._start(leg, leg.caller) if leg.direction == "in" else self._place_trunk_out(leg)
        if is_dial(leg):
            return self._place_dial(leg)
        return self._place_ring(leg) if is_ring(leg) else self._start(leg, leg.caller)

    def _start(self, leg: Leg, party: str) -> Group:
        destination = destination_of(leg.callee, self._plan)
        direct = direct_extension(leg.callee, self._plan) if destination is None else ""
        if destination is not None:
            destination = chosen_in_ivr(destination, leg.digits, set(), self._plan) or destination
            group = Group(leg, destination.name, destination.kind, frozenset(destination.members), {party})
        else:
            group = Group(leg, direct, DIRECT if direct else "", frozenset({direct} if direct else ()), {party})
        group.add(leg, EXACT)
        self.groups.append(group)
        self._open.append(group)
        return group

    def _join(self, groups: list[Group], leg: Leg) -> Group:
        """Joins the first of several that fit equally well."""
        groups[0].add(leg, HEURISTIC if len(groups) == 1 else AMBIGUOUS)
        return groups[0]

    def _place_trunk_out(self, leg: Leg) -> Group:
        """The carrier's side of a call that a phone dialled, or of a forwarded call."""
        begun = [group for group in self._open if _may_have_dialled(group, leg)]
        dialled = [group for group in begun if group.anchor.callee.endswith(leg.callee[-9:] or "?")]
        if not dialled:
            dialled = _coinciding([group for group in begun if is_code(group.anchor.callee)], leg)
        if dialled:
            dialled[0].parties.add(leg.callee)
            return self._join(dialled, leg)
        forwarded = [group for group in self._open if _is_up(group, leg) and _is_forwarded(group, leg)]
        return self._join(forwarded, leg) if forwarded else self._start(leg, leg.callee)

    def _place_dial(self, leg: Leg) -> Group:
        """A phone that dials: a call of its own, unless it picks up or retrieves somebody else's."""
        destination = destination_of(leg.callee, self._plan)
        if destination is not None and destination.kind == FEATURE and leg.connected and leg.t_answer is not None:
            found = [
                group
                for group in self._open
                if not is_dial(group.anchor)
                and group.anchor.t_invite <= leg.t_answer <= group.until
                and any(party and same_party(leg.connected, party) for party in group.parties)
            ]
            if found:
                return self._join(found, leg)
        return self._start(leg, leg.extension)

    def _place_ring(self, leg: Leg) -> Group:
        candidates = [group for group in self._open if self._may_ring(group, leg)]
        if not candidates:
            return self._place_ring_alone(leg)
        scored = [(_evidence(group, leg), group) for group in candidates]
        best = max(score for score, _ in scored)
        ties = [group for score, group in scored if score == best]
        return self._join(sorted(ties, key=_waiting_first), leg)

    def _may_ring(self, group: Group, leg: Leg) -> bool:
        """The far party of the group shows on the ringing phone, or an agent of the group consults a colleague."""
        if group.anchor.role == "phone" and is_ring(group.anchor):
            return self._may_ring_again(group, leg)
        if not _is_up(group, leg):
            return False
        if any(same_party(leg.caller, party) for party in group.parties):
            return True
        return leg.direction == "int" and any(
            other.extension == leg.caller
            and other.t_answer is not None
            and other.t_answer <= leg.t_invite <= end_of(other)
            for other in group.legs
            if is_ring(other)
        )

    def _may_ring_again(self, group: Group, leg: Leg) -> bool:
        """No caller's leg was seen: the same caller rings on, at once or within the gap (hosted PBX)."""
        if not any(same_party(leg.caller, party) for party in group.parties):
            return False
        if leg.caller == "" and leg.t_invite - group.anchor.t_invite > 3_000:
            return False
        answered = [other for other in group.legs if other.t_answer is not None]
        if answered:
            last = max(end_of(other) for other in answered)
            return leg.t_invite <= last and leg.caller != ""
        return leg.t_invite <= group.until + self._plan.gap_ms

    def _place_ring_alone(self, leg: Leg) -> Group:
        group = self._start(leg, leg.caller)
        if leg.direction == "in":
            group.correlation = HEURISTIC if leg.caller else AMBIGUOUS
        return group


def is_code(number: str) -> bool:
    """True where a box sent a keyed code instead of a number: with another prefix it is another code."""
    return number.startswith("k") and not number.isdigit()


def _may_have_dialled(group: Group, leg: Leg) -> bool:
    """A phone dialled just before the carrier was called, and no carrier's leg is there for it yet."""
    return (
        is_dial(group.anchor)
        and group.anchor.direction == "out"
        and 0 <= leg.t_invite - group.anchor.t_invite <= DIAL_MS
        and not any(other.role == "trunk" for other in group.legs)
    )


def _coinciding(groups: list[Group], leg: Leg) -> list[Group]:
    """Of phones that dialled something unreadable: those whose answer and end coincide best with the carrier's leg."""
    scores = [
        _together(group.anchor.t_answer, leg.t_answer) + _together(group.anchor.t_end, leg.t_end) for group in groups
    ]
    return [group for group, score in zip(groups, scores, strict=True) if score == max(scores)]


def _together(one: int | None, other: int | None) -> int:
    return int(one == other or (one is not None and other is not None and abs(one - other) <= TOGETHER_MS))


def _order(leg: Leg) -> tuple[int, int, str]:
    """By time; at the same millisecond whoever calls comes before whoever is called."""
    rank = 0 if leg.role == "trunk" and leg.direction == "in" else 1 if is_dial(leg) else 2
    return leg.t_invite, rank, leg.leg_id


def _rank(anchor: Leg) -> tuple[int, int, str]:
    """Which anchor of two merged groups is the customer's: an incoming trunk leg, then the earlier one."""
    return (0 if anchor.role == "trunk" and anchor.direction == "in" else 1), anchor.t_invite, anchor.leg_id


def _is_forwarded(group: Group, leg: Leg) -> bool:
    """The carrier's leg shows the group's caller, or leads where a phone's 3xx just sent the call."""
    if leg.caller and any(same_party(leg.caller, party) for party in group.parties):
        return True
    return any(
        300 <= other.final_code < 400
        and other.diverted_by.endswith(leg.callee[-9:] or "?")
        and 0 <= leg.t_invite - (other.t_end or 0) <= DIAL_MS
        for other in group.legs
    )


def _is_up(group: Group, leg: Leg) -> bool:
    """The caller's leg was up when the phone was called, and did not end long before the phone's leg did."""
    anchor = group.anchor
    until = end_of(anchor)
    if not anchor.t_invite <= leg.t_invite <= until:
        return False
    return leg.t_answer is None or leg.t_end is None or leg.t_end <= until + SLACK_MS


def _waiting_first(group: Group) -> tuple[bool, tuple[int, int, str]]:
    """First come, first served: of equals the one that nobody answered yet and that came first."""
    return any(_talks(leg) for leg in group.legs), _order(group.anchor)


def _talks(leg: Leg) -> bool:
    return is_ring(leg) and leg.t_answer is not None


def _evidence(group: Group, leg: Leg) -> int:
    """How well a ringing phone fits a call: coincidences to the millisecond, then who serves whom."""
    anchor = group.anchor
    score = 0
    if leg.t_end is not None and anchor.t_end is not None and abs(leg.t_end - anchor.t_end) <= TOGETHER_MS:
        score += 4
    if leg.t_answer is not None and anchor.t_answer is not None and 0 <= anchor.t_answer - leg.t_answer <= TOGETHER_MS:
        score += 4
    if group.members:
        score += 2 if leg.extension in group.members else -2
    for other in group.legs:
        if other.t_answer is None or not is_ring(other):
            continue
        transferred = other.transfer != "" and (not other.refer_to or other.refer_to == leg.extension)
        if other.t_answer <= leg.t_invite <= end_of(other) - TOGETHER_MS and not transferred:
            score -= 3  # somebody talks with this caller already
        elif transferred:
            score += 3
    return score
