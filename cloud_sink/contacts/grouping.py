"""Which legs belong to one contact.

Exact ties go first: the same Call-ID behind a proxy, a correlation header, Replaces. A PBX that is a back-to-back
user agent leaves none of these between a caller's leg and the agents' legs (RFC 7092), so the rest is inferred from
who the far party is and when: a phone rings for the call that is up and whose caller's number it shows. Where several
calls fit, or the PBX shows its phones another number, the evidence decides (see `evidence`, `matching`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter

from cloud_sink.contacts.destinations import DIRECT, chosen_in_ivr, destination_of, direct_extension, serving
from cloud_sink.contacts.evidence import COINCIDENCE, TOGETHER_MS, coincides
from cloud_sink.contacts.groups import (
    AMBIGUOUS,
    CROSSING_MS,
    EXACT,
    HEURISTIC,
    Group,
    is_code,
    is_customer,
    is_dial,
    is_ring,
    is_up,
    order_of,
    party_key,
)
from cloud_sink.contacts.hosted import PhonesOnly
from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.masks import Claim, put_on_masks
from cloud_sink.contacts.matching import give_away
from cloud_sink.contacts.records import FEATURE, Leg, OfficePlan

DIAL_MS = 5_000  # from a phone's INVITE to the PBX's INVITE towards the carrier
FETCH_MS = 2_000  # from the PBX's answer to a pickup code to the end of the ringing

_order = attrgetter("order")  # of groups


class Grouper:
    """Gives each of an office's legs to a group: who called first, then the phones that rang for him, then the rest."""

    def __init__(self, plan: OfficePlan) -> None:
        self._plan = plan
        self.groups: list[Group] = []
        self._by_key: dict[str, Group] = {}
        self._open: list[Group] = []
        self._phones_only = PhonesOnly(plan)
        self._shows_others = False  # phones were seen to show other numbers than their callers'

    def group(self, legs: Sequence[Leg]) -> list[Group]:
        """The groups of all legs, in order of their first leg."""
        ordered = sorted(legs, key=order_of)
        later = []
        for leg in ordered:
            if not self._begins(leg):
                later.append(leg)
            elif not self._exact(leg):
                self._start(leg, leg.caller if is_customer(leg) else leg.extension)
        later = [leg for leg in later if not self._exact(leg)]
        later = self._match_rings(later)
        self._place_in_order(later)
        self._merge_transfers()
        self._adopt_strangers()
        self._phones_only.mark_shared(self.groups)
        return sorted((group for group in self.groups if group.legs), key=_order)

    # --- exact ties ---

    def _exact(self, leg: Leg) -> bool:
        for key in (leg.call_key, leg.session_key, leg.replaces_key if not leg.transfer else ""):
            if key and key in self._by_key:
                self._by_key[key].add(leg, EXACT)
                self._know(leg, self._by_key[key])
                return True
        return False

    def _know(self, leg: Leg, group: Group) -> None:
        for key in (leg.call_key, leg.session_key):
            if key:
                self._by_key.setdefault(key, group)

    def _merge_transfers(self) -> None:
        """REFER with Replaces: the consultation call becomes part of the transferred call (RFC 5589 section 7)."""
        for group in list(self.groups):
            for leg in list(group.legs):
                other = self._by_key.get(leg.replaces_key) if leg.transfer and leg.replaces_key else None
                if other is not None:
                    self._merge(self._by_key.get(leg.call_key, group), other)

    def _adopt_strangers(self) -> None:
        """Agents under another number who handed a caller on: a later leg of theirs ends with the caller's own.

        Where this PBX is known to show other numbers, an answered phone belongs to somebody: to the only one waiting.
        """
        strangers = [group for group in self.groups if _is_answered_stranger(group)]
        if not strangers:
            return
        callers = _Waiting(group for group in self.groups if group.legs and is_customer(group.anchor))
        for group in strangers:
            open_then = callers.up_with(group.anchor)
            ending = [caller for caller in open_then if _ends_with(group, caller)]
            able = [caller for caller in open_then if group.anchor.extension in caller.members]
            fitting = ending or (able if self._shows_others else [])
            if len(fitting) == 1:
                group.doubt(HEURISTIC if ending else AMBIGUOUS)
                self._merge(fitting[0], group)
                callers.remove(fitting[0])

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

    # --- who called ---

    def _start(self, leg: Leg, party: str) -> Group:
        destination = destination_of(leg.callee, self._plan)
        direct = direct_extension(leg.callee, self._plan) if destination is None else ""
        parties = {party_key(party)}
        if destination is not None:
            destination = chosen_in_ivr(destination, leg.digits, set(), self._plan) or destination
            group = Group(leg, destination.name, destination.kind, serving(destination, self._plan), parties)
        else:
            group = Group(leg, direct, DIRECT if direct else "", frozenset({direct} if direct else ()), parties)
        group.add(leg, EXACT)
        self.groups.append(group)
        self._know(leg, group)
        return group

    def _begins(self, leg: Leg) -> bool:
        """A call of its own; a phone that dials a code, or replaces a dialog, may take somebody else's."""
        if not is_dial(leg) or (leg.replaces_key and not leg.transfer):
            return is_customer(leg)
        destination = destination_of(leg.callee, self._plan)
        return destination is None or destination.kind != FEATURE

    # --- phones that rang for him ---

    def _match_rings(self, legs: Sequence[Leg]) -> list[Leg]:
        """Give ringing phones to callers whose legs are seen; returns the legs that are left."""
        rings = [leg for leg in legs if is_ring(leg)]
        if not rings:
            return list(legs)
        claims = list(_with_open(rings, self.groups))
        known, strangers = _by_number(claims)
        if strangers and put_on_masks(self.groups, strangers):
            self._shows_others = True
            known, strangers = _by_number(claims)
        give_away([claim for claim in known if len(claim[1]) == 1], self._know)
        give_away([claim for claim in known if len(claim[1]) > 1], self._know)
        left = {leg.leg_id for leg in self._match_strangers(strangers)} if strangers else set()
        left |= {leg.leg_id for leg in rings} - {leg.leg_id for leg, _ in known + strangers}
        return [leg for leg in legs if not is_ring(leg) or leg.leg_id in left]

    def _match_strangers(self, claims: Sequence[Claim]) -> list[Leg]:
        """The PBX shows its phones another number than the caller's: what coincides to the millisecond still tells."""
        sure = [(leg, [group for group in groups if coincides(group, leg)]) for leg, groups in claims]
        give_away([claim for claim in sure if claim[1]], self._learn, COINCIDENCE)
        placed = {leg.leg_id for group in self.groups for leg in group.legs}
        left = [(leg, [g for g in groups if g.shows(leg.caller)]) for leg, groups in claims if leg.leg_id not in placed]
        give_away([claim for claim in left if claim[1]], self._know)
        return [leg for leg, groups in left if not groups]

    def _learn(self, leg: Leg, group: Group) -> None:
        """From now on this caller is known by the number that his agent's phone showed."""
        group.parties.add(party_key(leg.caller))
        self._shows_others = True
        self._know(leg, group)

    # --- the rest, in order of time ---

    def _place_in_order(self, legs: Sequence[Leg]) -> None:
        waiting = iter(sorted(self.groups, key=_order))
        upcoming = next(waiting, None)
        for leg in legs:
            while upcoming is not None and upcoming.anchor.t_invite <= leg.t_invite:
                self._open.append(upcoming)
                upcoming = next(waiting, None)
            self._open = [group for group in self._open if group.until + self._plan.gap_ms >= leg.t_invite]
            if not self._exact(leg):
                self._know(leg, self._place(leg))

    def _place(self, leg: Leg) -> Group:
        if leg.role == "trunk":
            return self._place_trunk_out(leg)
        if is_dial(leg):
            return self._place_fetch(leg)
        return self._place_ring(leg) if is_ring(leg) else self._begin(leg, leg.caller)

    def _begin(self, leg: Leg, party: str) -> Group:
        group = self._start(leg, party)
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
            dialled[0].parties.add(party_key(leg.callee))
            return self._join(dialled, leg)
        forwarded = [group for group in self._open if is_up(group, leg) and _is_forwarded(group, leg)]
        return self._join(forwarded, leg) if forwarded else self._begin(leg, leg.callee)

    def _place_fetch(self, leg: Leg) -> Group:
        """A phone that dials a code: a call of its own, unless it picks up or retrieves somebody else's."""
        if leg.t_answer is not None and not leg.replaces_key:
            found = [group for group in self._open if _may_be_fetched(group, leg)]
            shown = [group for group in found if group.shows(leg.connected)]
            stopped = [group for group in shown if _stopped_ringing(group, leg)]
            fetched = stopped or (shown if leg.connected else [])
            if fetched:
                return self._join(_best_end(fetched, leg), leg)
        return self._begin(leg, leg.extension)

    def _place_ring(self, leg: Leg) -> Group:
        """No caller's leg is there for it: an agent's question to a colleague, or only phones are seen."""
        inside = self._open if leg.direction == "int" else []
        asked = [group for group in inside if is_up(group, leg) and _is_asked(group, leg)]
        if asked:
            return self._join(asked, leg)
        again = self._phones_only.calls_of(leg, self._open)
        if again:
            return self._join(again, leg)
        group = self._begin(leg, leg.caller)
        if leg.direction == "in":
            group.correlation = HEURISTIC if leg.caller else AMBIGUOUS
        return group


class _Waiting:
    """Callers whom nobody served yet, found by the time that they were there."""

    def __init__(self, callers: Iterable[Group]) -> None:
        unserved = (caller for caller in callers if not _is_served(caller))
        self._callers = sorted(unserved, key=_order)
        self._starts = [caller.anchor.t_invite for caller in self._callers]
        self._longest = list(accumulate((end_of(caller.anchor) for caller in self._callers), max))
        self._gone: set[int] = set()  # ids of groups

    def up_with(self, leg: Leg) -> list[Group]:
        """Those whose legs were up when a phone was called."""
        found = []
        place = bisect_right(self._starts, leg.t_invite) - 1
        while place >= 0 and self._longest[place] >= leg.t_invite:
            caller = self._callers[place]
            if id(caller) not in self._gone and is_up(caller, leg):
                found.append(caller)
            place -= 1
        return found

    def remove(self, caller: Group) -> None:
        """He is served now."""
        self._gone.add(id(caller))


def _by_number(claims: Iterable[Claim]) -> tuple[list[Claim], list[Claim]]:
    """Phones that show the number of somebody who was there, with those whom it may be; and phones that do not."""
    known: list[Claim] = []
    strangers: list[Claim] = []
    for leg, groups in claims:
        number = party_key(leg.caller)
        shown = [group for group in groups if number in group.parties]
        if shown:
            known.append((leg, shown))
        elif leg.direction == "in":
            strangers.append((leg, [group for group in groups if is_customer(group.anchor)]))
    return known, strangers


def _with_open(rings: Sequence[Leg], groups: Iterable[Group]) -> Iterator[Claim]:
    """Each ringing phone with the callers whose legs were up then; both in order of time."""
    waiting = iter(sorted(groups, key=_order))
    upcoming = next(waiting, None)
    running: list[Group] = []
    for leg in rings:
        while upcoming is not None and upcoming.anchor.t_invite <= leg.t_invite:
            running.append(upcoming)
            upcoming = next(waiting, None)
        running = [group for group in running if end_of(group.anchor) + CROSSING_MS >= leg.t_invite]
        yield leg, [group for group in running if is_up(group, leg)]


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
    return _best(groups, lambda anchor: _together(anchor.t_answer, leg.t_answer) + _together(anchor.t_end, leg.t_end))


def _best_end(groups: list[Group], leg: Leg) -> list[Group]:
    """Of several callers: those whose leg ended together with this one, else all."""
    return _best(groups, lambda anchor: _together(anchor.t_end, leg.t_end))


def _best(groups: list[Group], score: Callable[[Leg], int]) -> list[Group]:
    scores = [score(group.anchor) for group in groups]
    return [group for group, reached in zip(groups, scores, strict=True) if reached == max(scores)]


def _together(one: int | None, other: int | None) -> int:
    return int(one == other or (one is not None and other is not None and abs(one - other) <= TOGETHER_MS))


def _rank(anchor: Leg) -> tuple[int, int, str]:
    """Which anchor of two merged groups is the customer's: an incoming trunk leg, then the earlier one."""
    return (0 if is_customer(anchor) else 1), anchor.t_invite, anchor.leg_id


def _is_answered_stranger(group: Group) -> bool:
    """A phone that was answered though no caller's leg is there for it."""
    return bool(group.legs) and is_ring(group.anchor) and group.anchor.direction == "in" and _is_served(group)


def _is_served(group: Group) -> bool:
    return any(is_ring(leg) and leg.t_answer is not None for leg in group.legs)


def _ends_with(group: Group, caller: Group) -> bool:
    """One of its legs ends together with the caller's own."""
    return any(coincides(caller, leg) for leg in group.legs)


def _is_forwarded(group: Group, leg: Leg) -> bool:
    """The carrier's leg shows the group's caller, or leads where a phone's 3xx just sent the call."""
    if leg.caller and group.shows(leg.caller):
        return True
    return any(
        300 <= other.final_code < 400
        and other.diverted_by.endswith(leg.callee[-9:] or "?")
        and 0 <= leg.t_invite - (other.t_end or 0) <= DIAL_MS
        for other in group.legs
    )


def _may_be_fetched(group: Group, leg: Leg) -> bool:
    """Somebody's call that was up when a colleague's code was answered."""
    return not is_dial(group.anchor) and group.anchor.t_invite <= (leg.t_answer or 0) <= group.until


def _stopped_ringing(group: Group, leg: Leg) -> bool:
    """The caller's phone stopped ringing just then, though nobody answered it and he stayed."""
    after = (leg.t_answer or 0) - TOGETHER_MS
    return any(
        is_ring(other)
        and other.cancelled
        and other.t_answer is None
        and other.t_end is not None
        and after <= other.t_end <= after + FETCH_MS
        and end_of(group.anchor) > other.t_end + FETCH_MS
        for other in group.legs
    )


def _is_asked(group: Group, leg: Leg) -> bool:
    """An agent of this call, talking, calls a colleague without a leg of his own (a transfer by keypad)."""
    return not is_ring(group.anchor) and any(
        other.extension == leg.caller and other.t_answer is not None and other.t_answer <= leg.t_invite <= end_of(other)
        for other in group.legs
        if is_ring(other)
    )
