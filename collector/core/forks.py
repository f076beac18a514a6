"""Calls with several legs under one Call-ID: each message finds its own (RFC 3261 sections 12.2 and 16.7).

A proxy calls several phones, at once or one after the other, and keeps the Call-ID. Where all legs but one are over,
not whatever comes is of that one: the ACK of a branch that was refused is not.
"""

from collector.core.addresses import branch_mark, parameter, tag_mark, user_in
from collector.core.headers import VIA
from collector.core.hops import Hop
from collector.core.invite import InviteReader
from collector.core.keys import mark_of
from collector.core.leg_table import UNANSWERED, LegTable
from collector.core.legs import CALLING, CANCELLING, CHALLENGED, LEAVING, TALKING, TrackedLeg
from collector.core.message import Message
from collector.core.strays import begins_leg

MAX_FORKS = 16  # targets of one Call-ID, and 2xx of one leg; more is an attack


class ForkTable(LegTable):
    """The open legs, opened by INVITEs or by what is seen of a leg whose INVITE was lost before the tap."""

    _reader: InviteReader  # of whoever finds a message's leg

    def _open(self, legs: list[TrackedLeg] | None, message: Message, branch: int, now_ms: int, hop: Hop) -> TrackedLeg:
        """A new leg; `legs` are those that its call has already."""
        if self._counters.legs_open >= self._max_legs:
            self._evict(now_ms)
            legs = self._calls.get(message.call_id)
        facts, name, records_digits = self._reader.read(message, now_ms, hop)
        from_tag = tag_mark(message.front()[2])
        if message.status or message.method != b"INVITE":
            facts.partial = True
        leg = TrackedLeg(facts, message.call_id, name, hop.sender, message.cseq, from_tag)
        if records_digits:
            leg.records_digits = True
        if branch:
            leg.branches = (branch,)
        if self._ended.has(message):
            leg.forked = True
        if legs is None:
            self._calls[message.call_id] = [leg]
        else:
            legs.append(leg)
            for sibling in legs:
                sibling.forked = True
        self._counters.legs_open += 1
        self._timers[CALLING].arm(leg, now_ms)
        if self.progress_listener is not None:
            self.progress_listener(facts, CALLING, now_ms)
        return leg

    def _open_without_invite(
        self, legs: list[TrackedLeg] | None, message: Message, now_ms: int, hop: Hop
    ) -> TrackedLeg:
        """The INVITE was lost before the tap: what follows it names the same parties, a response from the other end."""
        if message.is_request:  # the ACK of a 2xx has a transaction of its own
            leg = self._open(legs, message, 0, now_ms, hop)
        else:
            leg = self._open(legs, message, branch_mark(message), now_ms, hop.back())
        self._counters.orphans += 1
        return leg

    def _matching(self, legs: list[TrackedLeg], message: Message, now_ms: int, hop: Hop) -> list[TrackedLeg]:
        """The legs of a forked call that a message belongs to: by Via branch, else by dialog tags (RFC 3261 12.2)."""
        branch = branch_mark(message)
        tags = (tag_mark(message.from_value), tag_mark(message.to_value))
        found = [leg for leg in legs if branch in leg.branches]
        tagged = [leg for leg in legs if (leg.answer_tag or leg.early_tag or -1) in tags]
        if found:
            if message.is_request and message.method != b"ACK":
                return found
            # before a proxy that forks, any of its targets may answer: only the tag says which one it was
            return [leg for leg in found if leg.branches.index(branch) >= leg.own_hop] or tagged
        if tagged or self._ended.has_mark(message, (branch,) + tags) or message.method == b"ACK":
            return tagged
        if message.method in (b"INVITE", b"CANCEL"):
            return self._lost_fork(legs, message, now_ms, hop)
        unanswered = [leg for leg in legs if leg.state in UNANSWERED]
        return unanswered if len(unanswered) == 1 else []

    def _lost_fork(self, legs: list[TrackedLeg], message: Message, now_ms: int, hop: Hop) -> list[TrackedLeg]:
        """The leg of a response or a CANCEL whose INVITE was lost before the tap: another try, else another phone's."""
        tried = [leg for leg in legs if leg.state == CHALLENGED and message.cseq >= leg.invite_cseq]
        if tried:
            return tried
        facts, name, _ = self._reader.read(message, now_ms, hop.back() if message.status else hop)
        if facts.extension != facts.callee or (message.status and name == user_in(message.to_value)):
            return []  # whose it is cannot be told: To names who was called first
        known = [leg for leg in legs if leg.target == name]
        if known or not message.status or not begins_leg(message) or len(legs) >= MAX_FORKS:
            return known
        return [self._open_without_invite(legs or None, message, now_ms, hop)]

    def _next_fork(self, message: Message, now_ms: int, hop: Hop) -> list[TrackedLeg] | None:
        """The leg of the phone that a proxy called after all others, whose INVITE was lost before the tap."""
        if message.method != b"INVITE" or self._ended.has_mark(message, (branch_mark(message),)):
            return None
        return self._lost_fork([], message, now_ms, hop) or None


def branches_of(message: Message) -> list[int]:
    """Marks of the branches of all its Vias, this hop's first."""
    return [mark_of(parameter(via, b"branch")) for value in message.headers(VIA) for via in value.split(b",")]


def note_path(leg: TrackedLeg, message: Message, sender: int) -> None:
    """The same INVITE once more, its branch noted: a further hop on its way, or a further phone of the same target."""
    behind = branches_of(message)[1:2]  # the Via of the hop before
    if (behind and behind[0] in leg.branches[leg.own_hop : -1]) or (sender != leg.source and not leg.own_hop):
        leg.own_hop = leg.own_hop or len(leg.branches) - 1
    else:
        leg.forks += 1


def rings_on(leg: TrackedLeg, message: Message) -> bool:
    """True where a phone refuses, and others of the same target may still answer (RFC 3261 section 16.7)."""
    if not leg.forks and not leg.refused:
        return False
    marks = branches_of(message)
    own = leg.branches[leg.own_hop :]
    if message.status >= 600 or not marks or marks[0] not in own:
        return False
    if marks[0] in leg.refused:
        return True
    if not leg.forks:
        return False
    leg.refused += tuple([mark for mark in marks if mark in own])
    leg.forks -= 1
    leg.facts.final_code = message.status
    return True


def is_used_again(leg: TrackedLeg, message: Message, sender: int) -> bool:
    """True for an INVITE that begins a new call under the Call-ID of one that is nearly over, as some devices do."""
    if leg.state not in (TALKING, LEAVING, CANCELLING) or sender != leg.source:
        return False
    from_tag = tag_mark(message.from_value)
    return from_tag not in (0, leg.from_tag)


def is_of_lost_fork(lost_tags: list[int], message: Message) -> bool:
    """True for the BYE, or its response, with which the PBX hangs up on a fork that answered too late."""
    return tag_mark(message.from_value) in lost_tags or tag_mark(message.to_value) in lost_tags
