"""The outcome word of every leg, settled with its siblings in view.

What a leg alone shows (a 486, a CANCEL) means different things depending on what else happened: a CANCEL because a
colleague answered is no missed call. The words are those of the product's README; `settle` gives one to each leg.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from cloud_sink.contacts.groups import Group, is_ring
from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.records import Leg

RACE_MS = 1_000  # two phones picked up within this: only one keeps the call
SIBLING_MS = 2_000  # from a colleague's answer to the CANCEL of the others
CALLER_LEFT_MS = 1_000  # from the caller's hanging up to the CANCEL of the phones
INSTANT_MS = 500  # nobody declines by hand that fast

BUSY_HERE = 486
REASON_ELSEWHERE_SIP = 200  # Reason: SIP;cause=200 (RFC 3326): "Call completed elsewhere"
REASON_ELSEWHERE_Q850 = 26  # Q.850 cause 26: non-selected user clearing

_UNREACHABLE = (0, 404, 408, 410, 480, 503)
_NO_ANSWER = (408, 487)


class BusySpans:
    """When each extension was in a call: a 486 then is `busy`, otherwise somebody's choice."""

    def __init__(self, legs: Iterable[Leg]) -> None:
        self._legs = legs
        self._begins: dict[str, list[int]] = {}
        self._latest_end: dict[str, list[int]] = {}  # of the calls that began until then
        self._are_in_order = False  # put in order when it is asked for: most legs need it not

    def _put_in_order(self) -> None:
        self._are_in_order = True
        talks = sorted(
            (leg.t_answer, end_of(leg), leg.extension)
            for leg in self._legs
            if leg.role == "phone" and leg.t_answer is not None
        )
        for begin, end, extension in talks:
            self._begins.setdefault(extension, []).append(begin)
            ends = self._latest_end.setdefault(extension, [])
            ends.append(max(end, ends[-1]) if ends else end)

    def in_call(self, extension: str, at_ms: int) -> bool:
        """True where the extension talks at that time."""
        if not self._are_in_order:
            self._put_in_order()
        begun = bisect_right(self._begins.get(extension, ()), at_ms)
        return begun > 0 and self._latest_end[extension][begun - 1] >= at_ms

    def free_for(self, extension: str, from_ms: int, until_ms: int) -> int:
        """The longest time in a row, in ms, that the extension was in no call."""
        if not self._are_in_order:
            self._put_in_order()
        begins, ends = self._begins.get(extension, []), self._latest_end.get(extension, [])
        place = bisect_right(begins, from_ms)
        at_ms = max(from_ms, ends[place - 1]) if place else from_ms
        longest = 0
        while place < len(begins) and begins[place] < until_ms:
            longest = max(longest, begins[place] - at_ms)
            at_ms = max(at_ms, ends[place])
            place += 1
        return max(longest, until_ms - at_ms)


def settle(group: Group, busy: BusySpans) -> dict[str, str]:
    """leg_id -> outcome word, for the legs of one contact."""
    losers = _race_losers([leg for leg in group.legs if is_ring(leg) and leg.t_answer is not None], group.anchor)
    siblings = _Siblings(group, losers)
    return {
        leg.leg_id: "lost_race" if leg.leg_id in losers else _outcome(leg, group, siblings, busy) for leg in group.legs
    }


class _Siblings:
    """What the other phones of a contact did, found by time."""

    def __init__(self, group: Group, losers: set[str]) -> None:
        self._group = group
        self._losers = losers
        self._answered: list[tuple[int, int]] | None = None  # found when they are asked for
        self._last_tried: int | None = None
        self._given_up: dict[str, list[int]] | None = None  # Call-ID -> when its proxy gave a phone up

    def _put_in_order(self) -> list[tuple[int, int]]:
        return sorted(
            (leg.t_answer, leg.t_invite)
            for leg in self._group.legs
            if _serves(leg, self._group) and leg.t_answer is not None and leg.leg_id not in self._losers
        )

    def took(self, leg: Leg) -> bool:
        """Another phone, called before this one was cancelled, answered then: hunting on comes after a CANCEL."""
        if leg.t_end is None:
            return False
        if self._answered is None:
            self._answered = self._put_in_order()
        first = bisect_left(self._answered, (leg.t_end - SIBLING_MS, 0))
        last = bisect_left(self._answered, (leg.t_end + SIBLING_MS + 1, 0))
        return any(self._answered[place][1] < leg.t_end for place in range(first, last))

    def rang_after(self, leg: Leg) -> bool:
        """Another phone was tried for the same caller afterwards: he was still there."""
        if self._last_tried is None:
            self._last_tried = max((leg.t_invite for leg in self._group.legs if is_ring(leg)), default=0)
        return self._last_tried > (leg.t_end or 0)

    def was_given_up(self, leg: Leg) -> bool:
        """A proxy cancelled it by itself: with its caller still there, or because another phone declined for all."""
        if leg.given_up:
            return True
        if self._given_up is None:
            self._given_up = {}
            for each in self._group.legs:
                if each.t_end is not None and (each.given_up or 600 <= each.final_code < 700):
                    self._given_up.setdefault(each.call_key, []).append(each.t_end)
        ends = self._given_up.get(leg.call_key, ())
        return any(_close(end, leg.t_end, CALLER_LEFT_MS) for end in ends)


def _serves(leg: Leg, group: Group) -> bool:
    """A phone that was called, or picked the call up; not the caller's own, which voicemail may have answered."""
    return leg.role == "phone" and (is_ring(leg) or leg is not group.anchor)


def _race_losers(answered: list[Leg], anchor: Leg) -> set[str]:
    """Of legs answered within a second of each other all but one lost: the PBX ended them, or told them so."""
    if len(answered) < 2:
        return set()
    weighed = [(leg.t_answer or 0, leg.leg_id, _dropped(leg, anchor)) for leg in answered]
    in_order = sorted(weighed)
    losers: set[str] = set()
    for at_ms, leg_id, dropped in weighed:
        first = bisect_left(in_order, (at_ms - RACE_MS,))
        last = bisect_left(in_order, (at_ms + RACE_MS + 1,))
        if any(dropped > less and rival not in losers for _, rival, less in in_order[first:last]):
            losers.add(leg_id)
    return losers


def _dropped(leg: Leg, anchor: Leg) -> tuple[bool, bool, tuple[int, int, int]]:
    """Of two phones that answered the greater of these is the one that the PBX dropped; of equal ones neither."""
    told = leg.reason_sip == REASON_ELSEWHERE_SIP or leg.cancelled
    at_once = leg.ended_by == "caller" and _close(leg.t_end, leg.t_answer, RACE_MS)
    return told, at_once, (0, 0, 0) if is_ring(anchor) else _apart(leg, anchor)


def _apart(leg: Leg, anchor: Leg) -> tuple[int, int, int]:
    """How far a leg's end is from the end of the caller's own, how long it was up, and which ended first.

    chan_sip lets a phone that lost talk to nobody until it hangs up; when the winner does, the caller is hung up too.
    """
    if leg.t_end is None or anchor.t_end is None or leg.t_answer is None:
        return (0, 0, 0)
    return abs(anchor.t_end - leg.t_end), leg.t_end - leg.t_answer, -leg.seq


def _close(one: int | None, other: int | None, within_ms: int) -> bool:
    return one is not None and other is not None and abs(one - other) <= within_ms


def _outcome(leg: Leg, group: Group, siblings: _Siblings, busy: BusySpans) -> str:
    if leg.t_answer is not None or leg.leg_id in group.unseen:
        return "answered"
    if leg.t_end is None:
        return "open"
    if leg.cancelled or leg.final_code == 487:
        return _cancelled_outcome(leg, group, siblings)
    if 300 <= leg.final_code < 400:
        return "forwarded"
    return _refused_outcome(leg, busy)


def _cancelled_outcome(leg: Leg, group: Group, siblings: _Siblings) -> str:
    if not is_ring(leg):
        stayed = leg is not group.anchor and leg.t_ring is not None and _caller_left(leg, group) is False
        return "no_answer" if stayed else "caller_gone"
    if siblings.took(leg):
        return "elsewhere"
    gone = _caller_left(leg, group)
    if gone is None and siblings.was_given_up(leg):
        gone = False
    if gone is not None and gone:
        return "caller_gone"
    if leg.reason_sip == REASON_ELSEWHERE_SIP or leg.reason_q850 == REASON_ELSEWHERE_Q850:
        return "elsewhere_claimed"
    if leg.t_ring is None and (leg.final_code != 487 or leg.retransmissions):
        return "unreachable"  # a phone that refuses what is cancelled, and had not to be asked twice, is there
    return "no_answer" if gone is not None or siblings.rang_after(leg) else "caller_gone"


def _caller_left(leg: Leg, group: Group) -> bool | None:
    """Whether the caller's own end made the PBX stop ringing; None where the caller's leg was not seen."""
    anchor = group.anchor
    if is_ring(anchor):
        return None
    return anchor.caller_ended and _close(anchor.t_end, leg.t_end, CALLER_LEFT_MS)


def _refused_outcome(leg: Leg, busy: BusySpans) -> str:
    lost = leg.partial and leg.ended_by == "callee"  # a refusal whose ACK was seen: most say that they are busy
    code = leg.final_code or (BUSY_HERE if lost else 0)
    if code in (480, 486, 600, 603) and is_ring(leg):
        return _declined_outcome(leg, busy)
    if code in (486, 600):
        return "busy"
    if code == 603:
        return "declined"
    if leg.t_ring is not None and code in _NO_ANSWER:
        return "no_answer"
    return "unreachable" if leg.t_ring is None and code in _UNREACHABLE else "failed"


def _declined_outcome(leg: Leg, busy: BusySpans) -> str:
    """486, 600, 480 or 603 from a phone: in a call, do not disturb, or a finger on the button."""
    if busy.in_call(leg.extension, leg.t_invite) and leg.final_code in (486, 600):
        return "busy"
    if leg.t_ring is not None:
        return "declined" if leg.final_code != 600 else "busy"
    if leg.t_end is not None and leg.t_end - leg.t_invite <= INSTANT_MS:
        return "dnd"
    if leg.final_code == 603:
        return "declined"
    return "unreachable" if leg.final_code == 480 else "busy"
