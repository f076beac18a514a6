"""From a group of legs to a contact: who waited how long for whom, and what came of it."""

from operator import attrgetter

from cloud_sink.contacts.groups import AMBIGUOUS, Group, is_dial, is_ring
from cloud_sink.contacts.hosted import place_of
from cloud_sink.contacts.outcomes import CALLER_LEFT_MS
from cloud_sink.contacts.records import (
    ANNOUNCEMENT,
    FEATURE,
    QUEUE,
    RING_GROUP,
    SURVEY,
    VOICEMAIL,
    Contact,
    Destination,
    Leg,
    OfficePlan,
)
from cloud_sink.contacts.stays import Stay, Waiting, overflowed_at, stays_of
from cloud_sink.contacts.story import Story, read_story
from cloud_sink.contacts.visits import visits_of

BRIDGED_MS = 100  # the PBX answers the caller this soon after the agent when it did not answer him before
_order = attrgetter("t_invite", "leg_id")  # of legs
_ENDED_BY = {"caller": "caller", "callee": "pbx"}
REASON_CALLER_LEFT = 487  # Reason: SIP;cause=487 on a CANCEL (RFC 3326): the caller's own CANCEL, handed on


def understand(group: Group, outcomes: dict[str, str], plan: OfficePlan, sees_trunk: bool) -> Contact:
    """The contact of a group; `outcomes` are the settled words of its legs."""
    story = read_story(group, outcomes, plan)
    direction = _direction(story)
    from_customer = story.anchor.role == "trunk" and story.anchor.direction == "in"
    to_service = direction == "int" and story.kind in (QUEUE, RING_GROUP)
    if from_customer or to_service or direction == "in":
        return _build_customer(group, story, direction, outcomes, plan, sees_trunk)
    return _build_plain(group, story, direction, outcomes)


def _direction(story: Story) -> str:
    if story.kind in (SURVEY, FEATURE) and not story.rings:
        return "feature"
    anchor = story.anchor
    if is_dial(anchor) and story.destination is not None:
        return "int"  # a number of the PBX itself, whatever it looks like
    return anchor.direction or "in"


# --- calls that the office began ---


def _build_plain(group: Group, story: Story, direction: str, outcomes: dict[str, str]) -> Contact:
    """Outbound, internal and feature calls: answered when the far end answers."""
    anchor = story.anchor
    far = story.forwarded or (story.served[0] if story.served else (story.rings[0] if story.rings else anchor))
    answered = far.t_answer is not None or outcomes[far.leg_id] == "answered"
    talk = (far.talk_ms or 0) if answered else 0
    contact = _blank(group, story, direction)
    contact.did = far.callee if direction == "out" else anchor.callee
    contact.t_agent_answer = far.t_answer
    contact.disposition = "answered" if answered else "open" if anchor.t_end is None else "no_answer"
    contact.agent = anchor.extension if direction != "int" or not story.served else story.served[0].extension
    contact.extension = contact.agent if answered or direction != "int" else (far.extension or anchor.extension)
    contact.talk_ms = talk
    contact.hold_ms = anchor.hold_ms
    contact.ring_ms = far.ring_ms
    if direction == "out":
        contact.caller = anchor.extension or anchor.caller
        contact.ended_by = {"caller": "agent", "callee": "caller"}.get(anchor.ended_by, "")
    return contact


def _blank(group: Group, story: Story, direction: str) -> Contact:
    anchor = story.anchor
    in_order = sorted(group.legs, key=_order)
    ends = [leg.t_end for leg in in_order]
    t_end = anchor.t_end if story.trunk is not None else max((end for end in ends if end is not None), default=None)
    return Contact(
        contact_id=in_order[0].leg_id,
        office=anchor.office,
        queue=story.place,
        did=anchor.callee,
        direction=direction,
        caller=anchor.caller,
        t_offer=anchor.t_invite,
        t_pbx_answer=anchor.t_answer if story.trunk is not None else None,
        t_first_ring=_first_ring(story),
        t_agent_answer=None,
        t_end=t_end,
        disposition="unknown",
        agent="",
        extension="",
        wait_ms=None,
        wait_basis="caller",
        ring_ms=None,
        talk_ms=0,
        hold_ms=sum(leg.hold_ms for leg in story.served),
        transfers=_transfers(group, story),
        rings=len(story.rings),
        short=False,
        correlation=group.correlation,
        visibility="T2" if story.trunk is not None else "T1",
        kind=story.kind,
        legs=tuple([leg.leg_id for leg in in_order]),
    )


def _first_ring(story: Story) -> int | None:
    """When the first phone rang, Unix ms."""
    return min([leg.t_ring for leg in story.rings if leg.t_ring is not None], default=None)


def _transfers(group: Group, story: Story) -> int:
    """Accepted REFERs; transfers by keypad show as a further agent."""
    referred = sum(1 for leg in group.legs if leg.transfer and leg.role == "phone")
    return max(referred, len({leg.extension for leg in story.served}) - 1)


# --- calls of customers ---


def _build_customer(
    group: Group, story: Story, direction: str, outcomes: dict[str, str], plan: OfficePlan, sees_trunk: bool
) -> Contact:
    contact = _blank(group, story, direction)
    place = story.destination
    if story.trunk is None and not is_dial(story.anchor):
        contact.t_offer = contact.t_first_ring or story.anchor.t_invite
        if direction == "in" and not contact.queue:
            place = place_of(story.rings, plan)
            contact.did, contact.queue, contact.kind = "", place.name, place.kind
    first = story.served[0] if story.served else None
    if first is not None:
        contact.t_agent_answer = first.t_answer
        rung = story.rung_for.get(first.leg_id, first)
        contact.agent, contact.extension = first.extension, rung.extension
        contact.ring_ms = rung.ring_ms
        contact.talk_ms = sum(leg.talk_ms or 0 for leg in story.served)
    elif story.rings:
        contact.extension = story.rings[-1].extension
    contact.ended_by = _ended_by(story)
    stays = _stays(place or Destination(contact.queue, contact.kind, ()), story, plan)
    group.doubt(stays[-1].correlation)
    contact.correlation = group.correlation
    waited_until = _disposition(contact, story, outcomes, stays[-1], sees_trunk)
    waited_since = _measure_wait(contact, story, waited_until, plan)
    contact.visits = visits_of(contact, story, stays, (waited_since, waited_until), plan)
    contact.short = plan.is_short(contact.disposition, contact.wait_ms)
    return contact


def _stays(first: Destination, story: Story, plan: OfficePlan) -> list[Stay]:
    """The places that he waited in before the first answer."""
    served = story.served[0] if story.served else None
    until = served.t_answer if served is not None else story.anchor.t_end
    return stays_of(first, Waiting(_queued_since(story), until, story.rings, served), plan)


def _ended_by(story: Story) -> str:
    """Who hung up first: the customer, the agent, or the PBX (time-out, end of an announcement)."""
    if story.served and not _was_handed_on(story.served[-1], story):
        last = story.served[-1]
        if last.ended_by == "callee" and is_ring(last):
            return "agent"
        if is_dial(last) and last.ended_by == "caller":
            return "agent"
        if story.trunk is None:
            return "caller" if last.ended_by else ""
    return "caller" if story.anchor.caller_ended else _ENDED_BY.get(story.anchor.ended_by, "")


def _was_handed_on(leg: Leg, story: Story) -> bool:
    """The agent transferred the caller, who stayed on and was not seen to be served again."""
    if not leg.transfer or story.trunk is None:
        return False
    return leg.t_end is not None and (story.trunk.t_end is None or story.trunk.t_end > leg.t_end + CALLER_LEFT_MS)


def _disposition(contact: Contact, story: Story, outcomes: dict[str, str], last: Stay, sees_trunk: bool) -> int | None:
    """Sets `contact.disposition`; returns when the wait was over, Unix ms, None where it was not.

    `last` is where he waited at last.
    """
    if story.served:
        contact.disposition = "answered"
        return contact.t_agent_answer
    if story.trunk is None and not is_dial(story.anchor):
        return _hosted_disposition(contact, story, outcomes, sees_trunk)
    anchor = story.anchor
    if anchor.t_end is None:
        contact.disposition = "open"
        return None
    if anchor.partial and not anchor.ended_by and story.kind != VOICEMAIL:
        contact.disposition = "unknown"  # it was up at least that long, and how it ended was not seen
        return None
    contact.disposition, until = _unserved(story, outcomes, last)
    if (
        contact.disposition == "overflow"
        and overflowed_at(last, story.anchor.t_end) is None
        and _was_served_unseen(story, last)
    ):
        contact.correlation = AMBIGUOUS
    return until


def _unserved(story: Story, outcomes: dict[str, str], last: Stay) -> tuple[str, int | None]:
    """What became of a customer whom nobody is known to have answered, and when his wait was over."""
    anchor = story.anchor
    if _was_refused(story, outcomes):
        return "blocked", anchor.t_end
    if story.kind == VOICEMAIL or (last.place.kind != QUEUE and _reached_voicemail(story)):
        return "voicemail", anchor.t_answer
    sent_on = overflowed_at(last, story.anchor.t_end)
    if sent_on is not None:
        return "overflow", sent_on
    claimed = _claimed_at(story, outcomes)
    if claimed is not None:
        return "claimed_elsewhere", claimed
    if anchor.caller_ended and story.kind not in (ANNOUNCEMENT, SURVEY) and not _sent_outside(story):
        return "abandoned", anchor.t_end
    return "overflow", anchor.t_end


def _claimed_at(story: Story, outcomes: dict[str, str]) -> int | None:
    """When the phones were told that another one answered, where the caller stayed and none was tried after that.

    A PBX that rings on after having said so, or lets the caller go, says it of every phone that it stops (Asterisk:
    option C of Queue, c of Dial).
    """
    claims = [leg.t_end or 0 for leg in story.rings if outcomes[leg.leg_id] == "elsewhere_claimed"]
    if not claims or story.rings[-1].t_invite > min(claims):
        return None
    stayed = story.anchor.t_end is None or story.anchor.t_end - max(claims) > CALLER_LEFT_MS
    return max(claims) if stayed else None


def _was_served_unseen(story: Story, last: Stay) -> bool:
    """Nobody is known to have answered, but the PBX let the caller go before the queue's time was up.

    An agent whose leg was not seen may have hung up.
    """
    if last.place.kind != QUEUE or story.forwarded is not None or story.anchor.t_answer is None:
        return False
    not_answered_before = any((ring.t_ring or ring.t_invite) < story.anchor.t_answer for ring in story.rings)
    return not_answered_before or last.place.timeout_ms > 0


def _was_refused(story: Story, outcomes: dict[str, str]) -> bool:
    """The PBX refused the caller before anything rang, or never said a word; a redirection (3xx) is no refusal."""
    anchor = story.anchor
    if outcomes[anchor.leg_id] == "answered" or _rang(story) or anchor.caller_ended:
        return False
    silent = anchor.ended_by == "" and not anchor.final_code and not anchor.partial
    return silent or (anchor.ended_by == "callee" and not 300 <= anchor.final_code < 400)


def _rang(story: Story) -> bool:
    return story.anchor.t_ring is not None or any(leg.t_ring is not None for leg in story.rings)


def _reached_voicemail(story: Story) -> bool:
    """A direct call or ring group: the phones stopped ringing, and only then the PBX answered."""
    anchor = story.anchor
    if story.kind == QUEUE or anchor.t_answer is None or not story.rings or story.forwarded is not None:
        return False
    return all(leg.t_end is not None and leg.t_end <= anchor.t_answer + BRIDGED_MS for leg in story.rings)


def _sent_outside(story: Story) -> bool:
    """Forwarded to a number outside (302, follow-me) that answered: served, but by no extension of this office."""
    return story.forwarded is not None and story.forwarded.t_answer is not None


def _hosted_disposition(contact: Contact, story: Story, outcomes: dict[str, str], sees_trunk: bool) -> int | None:
    """Only phones were seen (T1): how it ended is read from how they stopped ringing.

    A CANCEL or a refusal says that the ringing stopped, not why: the caller may have left, or gone on to voicemail, a
    menu, another queue (of 35 such calls of a recorded day 16 had not left). Without the PBX's own word for it nothing
    is claimed: outcome unknown, ended by the PBX, answered by nobody here.
    """
    words = [outcomes[leg.leg_id] for leg in story.rings]
    last = max((leg.t_end for leg in story.rings if leg.t_end is not None), default=None)
    contact.ended_by = ""
    if "open" in words:
        contact.disposition = "open"
    elif sees_trunk:
        contact.disposition = "unknown"  # the caller's leg should have been seen: nothing is claimed without it
    elif "elsewhere_claimed" in words:
        contact.disposition = "claimed_elsewhere"
    elif "forwarded" in words:
        contact.disposition = "overflow"
    elif any(leg.cancelled and leg.reason_sip == REASON_CALLER_LEFT for leg in story.rings):
        contact.disposition, contact.ended_by = "abandoned", "caller"
    else:
        contact.disposition, contact.ended_by = "unknown", "pbx"
    return last


def _wait_begin(story: Story, plan: OfficePlan) -> int:
    """When the wait began, by the office's choice (`wait_start`). Unix ms."""
    anchor = story.anchor
    choice = plan.wait_start or ("pbx_answer" if story.trunk is not None else "first_ring")
    if story.trunk is None and is_ring(anchor):
        choice = "first_ring"
    if choice == "first_ring":
        first_ring = _first_ring(story)
        return first_ring if first_ring is not None else anchor.t_invite
    return anchor.t_invite if choice == "offer" else _queued_since(story)


def _queued_since(story: Story) -> int:
    """When he came into the first queue: with the call, or after the PBX's answer where that came before an agent's."""
    anchor = story.anchor
    served_at = story.served[0].t_answer if story.served else None
    before_agent = anchor.t_answer is not None and (served_at is None or anchor.t_answer < served_at)
    if not before_agent or anchor.t_answer is None or _reached_voicemail(story):
        return anchor.t_invite
    return min([_queued_at(story, anchor.t_answer), *(ring.t_invite for ring in story.rings)])


def _queued_at(story: Story, answered: int) -> int:
    """When a caller whom the PBX answered came into the queue: after the announcement, or with the menu's digit."""
    anchor = story.anchor
    if story.menu is not None and anchor.digit_after_ms:
        return max(answered, anchor.t_invite + anchor.digit_after_ms)
    place = story.menu or story.destination
    return answered + (place.announce_ms if place is not None else 0)


def _measure_wait(contact: Contact, story: Story, waited_until: int | None, plan: OfficePlan) -> int:
    """Sets the contact's wait; returns when it began, Unix ms."""
    begin = _wait_begin(story, plan)
    if story.trunk is None and is_ring(story.anchor):
        contact.wait_basis = "ring"
    elif story.kind == QUEUE and begin > story.anchor.t_invite:
        contact.wait_basis = "queue"
    if waited_until is not None and contact.disposition != "blocked":
        contact.wait_ms = max(0, waited_until - begin)
    return begin
